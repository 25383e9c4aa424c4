"""Commands that say whose turn it is and what comes: due, why, plan, advance --now."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.harness import NAME, NUMBER, WABA, Deployment, Meta, pass_until_idle


def rest(meta: Meta) -> None:
    """Do all that is due; nobody is at the phones."""
    with meta.engine(intakes=[]) as engine:
        pass_until_idle(engine)


def test_due_names_who_what_when_and_how(meta: Meta) -> None:
    id_ = meta.deployment.request()
    rest(meta)
    told = meta.deployment.ok("due").out
    header, line, following = told.splitlines()
    assert header.split()[:2] == ["due", "by"]
    for word in (
        "holder",
        "code_ready",
        NUMBER,
        id_,
        f"onboarding code {id_} --ready",
        "14.0 days",
    ):
        assert word in line
    assert following == f"Next: onboarding why {id_}"
    (item,) = meta.deployment.ok("due", "--json").json["items"]
    assert (item["what"], item["from_whom"], item["phone_number"]) == (
        "code_ready", "holder", NUMBER,
    )  # fmt: skip
    assert item["how"].startswith(f"onboarding code {id_} --ready")
    assert item["due_by"].endswith("Z")
    assert item["errors"] == []


def test_programs_are_told_metas_error_code_and_never_the_holder_s(meta: Meta) -> None:
    meta.deployment.request(NUMBER, NAME, "--code-ready")
    rest(meta)
    wrong = f"{(int(meta.last_code()) + 1) % 1_000_000:06d}"
    meta.deployment.ok("code", NUMBER, wrong)
    rest(meta)
    (item,) = meta.deployment.ok("due", "--json").json["items"]
    shown = meta.deployment.ok("show", NUMBER, "--json").json
    for error in (
        *item["errors"],
        *shown["requirements"][0]["errors"],
        shown["trouble"]["failure"],
    ):
        assert (error["code"], error["subcode"]) == (136025, 2388093)
    assert len(item["errors"]) == 1
    assert wrong not in str(shown) + str(item)


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        (("--who", "holder"), 1),
        (("--who", "holder", "--who", "meta"), 1),
        (("--who", "partner"), 0),
        (("--within", "3d"), 0),
        (("--within", "15d"), 1),
        (("--who", "holder", "--within", "15d", "--limit", "1"), 1),
    ],
)
def test_conditions_of_due(meta: Meta, conditions: tuple[str, ...], found: int) -> None:
    meta.deployment.request()
    rest(meta)
    outcome = meta.deployment.ok("due", *conditions, "--json")
    assert len(outcome.json["items"]) == found
    told = meta.deployment.ok("due", *conditions)
    assert bool(told.out) == bool(found)
    assert told.err == ("" if found else "nothing is due\n")


def test_due_pages_by_cursor(meta: Meta) -> None:
    for place in range(3):
        meta.deployment.request(f"+1631555100{place}", f"Shop {place}")
    rest(meta)
    seen: list[str] = []
    cursor: list[str] = []
    for _ in range(3):
        page = meta.deployment.ok("due", "--limit", "1", "--json", *cursor).json
        seen += [item["phone_number"] for item in page["items"]]
        cursor = ["--cursor", page["next_cursor"]] if page["next_cursor"] else []
    assert sorted(seen) == [f"+1631555100{place}" for place in range(3)]
    assert cursor == []
    assert "--cursor" in meta.deployment.ok("due", "--limit", "1").err


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("due", "--who", "nobody"), "nobody"),
        (("due", "--within", "soon"), "--within"),
        (("due", "--limit", "0"), "limit"),
        (("due", "--cursor", "x"), "cursor"),
        (("due", "--cursor", "0001-01-01T00:00+10:00,holder,x"), "cursor"),
        (("why", "nobody"), "no onboarding"),
        (("plan", "--weeks", "0"), "weeks"),
        (("plan", "--holder", "later"), "--holder"),
        (("plan", "--review", "9000000d"), "--review"),
        (("plan", "--file", "there-is-none.csv"), "there-is-none.csv"),
        (("advance", "--now"), "--now"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_refused_in_a_line_or_two(
    deployment: Deployment, given: tuple[str, ...], words: str
) -> None:
    outcome = deployment.run(*given)
    assert outcome.code not in (0, 1)
    assert words in outcome.err
    assert "Traceback" not in outcome.err


def test_show_and_list_say_when_the_next_look_is_and_why(meta: Meta) -> None:
    meta.deployment.request()
    rest(meta)
    shown = meta.deployment.ok("show", NUMBER)
    (line,) = [line for line in shown.out.splitlines() if line.startswith("next look")]
    assert "the list is read, in case the number was verified elsewhere" in line
    facts = meta.deployment.ok("show", NUMBER, "--json").json
    assert facts["requirements"][0]["what"] == "code_ready"
    assert facts["next_look"]["why"] in line
    assert facts["whose_turn"] == "holder"
    assert set(facts["waited_seconds"]) == {
        "meta", "holder", "operator", "partner", "engine", "at_rest",
    }  # fmt: skip
    (item,) = meta.deployment.ok("list", "--json").json["items"]
    assert item["next_look"] == facts["next_look"]
    assert f"{facts['next_look']['at'][5:16]}Z".replace("T", " ") in meta.deployment.ok("list").out


def test_why_tells_the_story(meta: Meta) -> None:
    id_ = meta.deployment.request()
    rest(meta)
    told = meta.deployment.ok("why", NUMBER).out
    assert f"{NUMBER} is 'created'" in told
    assert "It waits for the number's holder since" in told
    assert f"The holder: onboarding code {id_} --ready" in told
    assert "It must be registered by" in told
    assert "That is enough." in told
    assert f"{NUMBER} as '{NAME}' on WABA {WABA}" in told
    story = meta.deployment.ok("why", NUMBER, "--json").json
    assert set(story) == {"id", "now", "before", "tried", "next", "deadline"}
    assert story["id"] == id_


def test_why_tells_the_last_entries_unless_all_are_wanted(deployment: Deployment) -> None:
    deployment.request()
    for place in range(8):
        deployment.ok("hold", NUMBER, "--reason", f"reason {place}")
        deployment.ok("release", NUMBER, "--reason", f"over {place}")
    told = deployment.ok("why", NUMBER).out
    assert "5 earlier entries" in told
    assert "it was asked for" not in told
    assert "it was asked for" in deployment.ok("why", NUMBER, "--all").out


def test_plan_tells_what_comes_and_what_it_assumes(meta: Meta, tmp_path: Path) -> None:
    meta.deployment.request()
    rest(meta)
    told = meta.deployment.ok("plan", "--weeks", "2")
    assert "It is assumed:" in told.out
    assert "Graph calls: " in told.out
    assert "registered by then: 1 of 1" in told.out
    assert told.err == ""
    file = tmp_path / "numbers.csv"
    file.write_text(f"waba_id,phone_number,display_name\n{WABA},+16315551999,Shop\n")
    found = meta.deployment.ok(
        "plan", "--weeks", "3", "--file", str(file), "--holder", "never", "--json"
    ).json
    assert {each["phone_number"]: each["risk"] for each in found["endings"]} == {
        NUMBER: "missed", "+16315551999": "missed",
    }  # fmt: skip
    assert found["calls"]["create_number"] == 1
    assert any("never" in line for line in found["assumptions"])
    assert len(meta.deployment.ok("list", "--json").json["items"]) == 1
    at_risk = meta.deployment.ok("plan", "--weeks", "3", "--holder", "never").out
    assert "at risk" in at_risk
    assert "code_ready" in at_risk


def test_plan_needs_no_account_for_a_file(tmp_path: Path, deployment: Deployment) -> None:
    file = tmp_path / "numbers.csv"
    file.write_text("waba_id,phone_number,display_name\n999999,+16315551999,Shop\n")
    told = deployment.ok("plan", "--file", str(file)).out
    assert "registered by then: 1 of 1" in told


def test_advance_now_says_which_wait_it_came_before(meta: Meta) -> None:
    meta.deployment.request()
    rest(meta)
    told = meta.deployment.ok("advance", NUMBER, "--now").out
    assert "looked at before" in told
    assert "looked at before" not in meta.deployment.ok("advance", NUMBER).out
