"""``onboarding link``: made, redeemed, revoked and listed from a shell."""

from __future__ import annotations

from tests.cli.harness import NAME, NUMBER, Deployment, Meta, pass_until_idle


def test_a_link_takes_the_code_of_its_holder(meta: Meta) -> None:
    id_ = meta.deployment.request(NUMBER, NAME, "--code-ready")
    made = meta.deployment.ok("link", "make", NUMBER, "--for", "2h")
    token = made.out.strip()
    assert len(token) == 56
    assert f"onboarding code {id_} --ready" in made.err
    with meta.engine(intakes=[]) as engine:
        pass_until_idle(engine)
    outcome = meta.deployment.ok("link", "redeem", token, "--code", meta.last_code())
    assert outcome.out.splitlines()[0] == f"{NUMBER} ({id_}): the code will be sent to Meta"
    ((item),) = meta.deployment.ok("link", "list", "--json").json["items"]
    assert (item["onboarding_id"], item["standing"], item["codes"]) == (id_, "used", 1)
    assert "digest" not in item
    again = meta.deployment.run("link", "redeem", token, "--code", meta.last_code())
    assert (again.code, again.out) == (5, "")
    assert "its code is on its way to Meta" in again.error_lines[0]


def test_a_holder_says_by_link_that_they_are_there(meta: Meta) -> None:
    id_ = meta.deployment.request()
    with meta.engine(intakes=[]) as engine:
        pass_until_idle(engine)
    token = meta.deployment.ok("link", "make", id_).out.strip()
    said = meta.deployment.ok("link", "redeem", token, "--ready").out
    assert said.splitlines()[0] == f"{NUMBER} ({id_}): a code will be asked for"
    twice = meta.deployment.run("link", "redeem", token, "--ready")
    assert twice.code == 5
    assert twice.error_lines[0].startswith("error: a code is on its way")
    both = meta.deployment.run("link", "redeem", token, "--ready", "--code", "123456")
    assert both.code == 2
    with meta.engine(intakes=[]) as engine:
        pass_until_idle(engine)
    meta.deployment.ok("link", "redeem", token, "--code", meta.last_code())


def test_with_a_page_the_link_is_a_url(deployment: Deployment) -> None:
    deployment.request()
    deployment.env["ONBOARDING_LINK_BASE_URL"] = "https://codes.example.com/c"
    shown = deployment.ok("link", "make", NUMBER).out.strip()
    assert shown.startswith("https://codes.example.com/c/")
    told = deployment.ok("link", "make", NUMBER, "--json").json
    assert told["url"].endswith(told["token"])
    assert told["standing"] == "open"


def test_a_link_is_listed_and_revoked(deployment: Deployment) -> None:
    assert "there are no links" in deployment.ok("link", "list").out
    id_ = deployment.request()
    token = deployment.ok("link", "make", id_).out.strip()
    shown = deployment.ok("link", "list", NUMBER).out
    link = shown.splitlines()[1].split()[0]
    assert "open" in shown
    outcome = deployment.ok("link", "revoke", link, "--reason", "lost")
    assert outcome.out.startswith(f"link {link} is revoked\n")
    refused = deployment.run("link", "redeem", token, stdin="123-830\n")
    assert (refused.code, refused.out) == (5, "")
    assert refused.error_lines[0] == "error: this link was revoked"
    assert token not in refused.err


def test_bad_links_are_told_in_two_lines(deployment: Deployment) -> None:
    deployment.request()
    for args, part in (
        (("redeem", "nonsense", "--code", "123830"), "not the token of a link"),
        (("make", NUMBER, "--for", "soon"), "'soon' is not an instant (--for)"),
        (("make", NUMBER, "--for", "60d"), "a link lasts 30 days at most"),
        (("revoke", "nothing", "--reason", "x"), "there is no link 'nothing'"),
    ):
        outcome = deployment.run("link", *args)
        assert outcome.code in (2, 4), outcome
        error, hint = outcome.error_lines
        assert part in error
        assert hint.startswith("hint: ")
