"""``onboarding code``: one command that takes a number, beside those that it has by name."""

from __future__ import annotations

from tests.cli.harness import NAME, NUMBER, WABA, Deployment, Meta, pass_until_idle


def test_the_ledger_says_that_nothing_was_asked_for(deployment: Deployment) -> None:
    id_ = deployment.request()
    shown = deployment.ok("code", id_, "--attempts").out
    assert "no code was asked for; 9 of 9 left in 72 h" in shown
    told = deployment.ok("code", id_, "--attempts", "--json").json
    assert (told["id"], told["attempts"], told["left"], told["next_at"]) == (id_, [], 9, None)


def test_the_ledger_shows_each_code_and_when_the_next_may_be(meta: Meta) -> None:
    id_ = meta.deployment.request(NUMBER, NAME, "--code-ready")
    with meta.engine(intakes=[]) as engine:
        pass_until_idle(engine)
    lines = meta.deployment.ok("code", NUMBER, "--attempts").out.splitlines()
    assert lines[0].split("  ")[0] == "asked at (UTC)"
    assert "SMS" in lines[1]
    assert "sent; waiting for the code" in lines[1]
    assert lines[2].startswith("8 of 9 left in 72 h; the next from ")
    assert lines[2].endswith("a code counts as on its way until then")
    assert lines[3] == f"Next: onboarding code {id_} 123-456"
    (attempt,) = meta.deployment.ok("code", NUMBER, "--attempts", "--json").json["attempts"]
    assert (attempt["method"], attempt["counts"], attempt["code"]) == ("SMS", True, None)


def test_numbers_that_need_a_code_are_listed(deployment: Deployment) -> None:
    assert deployment.ok("code", "list").out == "no number needs a code\n"
    id_ = deployment.request()
    shown = deployment.ok("code", "list").out
    assert id_ in shown
    assert "9 of 9" in shown
    ((item),) = deployment.ok("code", "list", "--json").json["items"]
    assert (item["phone_number"], item["state"], item["left"]) == (NUMBER, "requested", 9)


def test_what_excludes_each_other_is_refused(deployment: Deployment) -> None:
    id_ = deployment.request()
    for more in (
        ("--ready", "--attempts"),
        ("--ready", "123456"),
        ("--attempts", "123456"),
        ("--method", "SMS", "123456"),
        ("--language", "de_DE", "--attempts"),
    ):
        outcome = deployment.run("code", id_, *more)
        assert outcome.code == 2
        assert "exclude each other" in outcome.error_lines[0]


def test_a_number_that_is_none_is_told_before_a_code_is_asked_for(deployment: Deployment) -> None:
    outcome = deployment.run("code", "lst")
    assert outcome.code == 4
    assert outcome.error_lines[0] == "error: there is no onboarding 'lst'"
    assert deployment.run("code").error_lines[0] == "error: Missing argument 'ref'."
    assert deployment.run("code", "list", "more").code == 2


def test_how_the_next_code_goes_out_is_changed_and_shown(deployment: Deployment) -> None:
    id_ = deployment.request("+4915112345678")
    done = deployment.ok("code", id_, "--method", "voice", "--language", "fr_FR")
    assert done.out.splitlines()[0].endswith("the next code goes out by VOICE in fr_FR")
    assert "VOICE: as asked for; fr_FR: as asked for" in deployment.ok("show", id_).out
    again = deployment.run("code", id_, "--method", "VOICE")
    assert again.code == 5
    assert again.error_lines[0] == "error: codes go out by VOICE in fr_FR already"
    ready = deployment.ok("code", id_, "--method", "VOICE", "--ready").out
    assert ready.splitlines()[0].endswith("a code will be asked for")
    why = deployment.ok("why", id_).out
    assert "code choice changed by osuser: the next code goes out by VOICE in fr_FR" in why
    for wrong in (("--method", "MAIL"), ("--language", "french")):
        outcome = deployment.run("code", id_, *wrong)
        assert outcome.code == 2
        assert len(outcome.error_lines) == 2


def test_a_landline_that_is_to_get_an_sms_is_warned_of(deployment: Deployment) -> None:
    deployment.request("+493012345671")
    told = deployment.ok("code", "+493012345671", "--method", "SMS").err
    assert told == "warning: this is a landline, which takes no SMS; by VOICE Meta calls it\n"


def test_its_commands_show_their_own_usage(deployment: Deployment) -> None:
    assert deployment.ok("code", "list", "--help").out.startswith(
        "Usage: onboarding code list [OPTIONS]\n"
    )


def test_show_tells_how_the_code_goes_and_why(deployment: Deployment) -> None:
    id_ = deployment.request("+49 30 12345671")
    shown = deployment.ok("show", id_).out
    assert "VOICE: a landline takes no SMS; de_DE: the language of DE" in shown
    assert "21:00-08:00 in Europe/Berlin" in shown
    told = deployment.ok("show", id_, "--json").json
    assert told["code_choice"].startswith("VOICE: ")
    other = deployment.request("+49 30 12345672", NAME, "--code-method", "SMS")
    assert deployment.ok("show", other, "--json").json["code_method"] == "SMS"


def test_asking_again_says_what_to_do_for_a_holder_who_is_ready(deployment: Deployment) -> None:
    id_ = deployment.request()
    outcome = deployment.ok("request", WABA, NUMBER, NAME, "--code-ready")
    assert outcome.out.splitlines()[1:] == [
        "asking again changes nothing, so --code-ready was not taken from it",
        f"Next: onboarding code {id_} --ready",
    ]
    as_json = deployment.ok("request", WABA, NUMBER, NAME, "--code-ready", "--json").json
    assert as_json["next"] == f"onboarding code {id_} --ready"
    deployment.ok("code", id_, "--ready")
    again = deployment.ok("request", WABA, NUMBER, NAME, "--code-ready")
    assert "--ready" not in again.out


def test_a_doubtful_number_is_taken_with_a_warning(deployment: Deployment) -> None:
    outcome = deployment.ok("request", WABA, "+447012345678", NAME)
    assert outcome.err.startswith("warning: this is a personal number; Meta advises against")
    file = deployment.folder / "numbers.csv"
    file.write_text(f"waba_id,phone_number,display_name\n{WABA},+447012345679,Shop\n")
    shown = deployment.ok("import", str(file)).out
    assert "1 with a warning (--result FILE has them all); line 2: this is a personal" in shown


def test_a_pager_is_refused_by_line(deployment: Deployment) -> None:
    file = deployment.folder / "numbers.csv"
    file.write_text(f"waba_id,phone_number,display_name\n{WABA},+447640123456,Shop\n")
    outcome = deployment.run("import", str(file))
    assert outcome.code == 2
    assert "Meta sends no codes to pagers" in outcome.err
