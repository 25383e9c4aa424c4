"""``onboarding account``: tokens come in unseen and stay unseen."""

from __future__ import annotations

import json

import pytest

from tests.cli.harness import NAME, NUMBER, TOKEN, WABA, Deployment, Meta, pass_until_idle

OTHER = "103399999999999"


@pytest.mark.parametrize("how", ["stdin", "file", "dash", "variable"])
def test_a_token_never_is_an_argument(deployment: Deployment, how: str) -> None:
    file = deployment.folder / "token.txt"
    file.write_text(f"{TOKEN}\n")
    more: dict[str, tuple[str, ...]] = {
        "stdin": (),
        "file": ("--token-file", str(file)),
        "dash": ("--token-file", "-"),
        "variable": (),
    }
    env = {"ONBOARDING_TOKEN": TOKEN} if how == "variable" else {}
    stdin = TOKEN + "\n" if how in ("stdin", "dash") else None
    outcome = deployment.run("account", "add", OTHER, *more[how], stdin=stdin, env=env)
    assert outcome.code == 0
    assert TOKEN not in outcome.out + outcome.err
    assert f"Next: onboarding account check {OTHER}" in outcome.out
    with deployment.engine() as engine:
        account = next(a for a in engine.accounts() if a.waba_id == OTHER)
        assert engine.context.vault.open(account.token_sealed) == TOKEN


@pytest.mark.parametrize(
    ("given", "stdin", "part"),
    [
        ((OTHER,), "", "no token was given"),
        ((OTHER,), "two words", "characters that no token has"),
        (("my-waba",), TOKEN, "not a WABA id"),
        ((OTHER, "--token-file", "nowhere.txt"), None, "cannot be read"),
        ((), TOKEN, "Missing argument"),
    ],
    ids=str,
)
def test_what_is_no_account_is_refused(
    deployment: Deployment, given: tuple[str, ...], stdin: str | None, part: str
) -> None:
    before = deployment.stored()
    outcome = deployment.run("account", "add", *given, stdin=stdin)
    assert outcome.code == 2
    assert part in outcome.error_lines[0]
    assert TOKEN not in outcome.err
    assert deployment.stored() == before


def test_an_id_is_refused_before_a_token_is_asked_for(deployment: Deployment) -> None:
    outcome = deployment.run("account", "add", "abc", "--token-file", "nowhere.txt")
    assert outcome.code == 2
    assert "'abc' is not a WABA id" in outcome.error_lines[0]


@pytest.mark.parametrize("command", ["list", "check"])
def test_without_accounts_the_next_step_is_told(empty: Deployment, command: str) -> None:
    empty.ok("db", "upgrade")
    told = empty.ok("account", command).out
    assert told == "there are none\nNext: onboarding account add WABA_ID\n"
    assert empty.ok("account", command, "--json").json == []


def test_another_business_is_a_conflict(deployment: Deployment) -> None:
    deployment.ok("account", "add", OTHER, "--business", "900111", stdin=TOKEN)
    outcome = deployment.run("account", "add", OTHER, "--business", "900222", stdin=TOKEN)
    assert outcome.code == 5
    assert "900111" in outcome.err


def test_list_shows_accounts_without_tokens(deployment: Deployment) -> None:
    told = deployment.ok("account", "list", "--json")
    assert [each["waba_id"] for each in told.json] == [WABA]
    assert not [name for name in told.json[0] if "token" in name]
    assert WABA in deployment.ok("account", "list").out


def test_check_reads_each_account(meta: Meta) -> None:
    told = meta.deployment.ok("account", "check", "all", "--json").json
    assert told[0]["ok"]
    assert told[0]["waba"]["name"] == "Lucky Shrub"
    assert told[0]["served_version"] == "v25.0"
    assert "ok" in meta.deployment.ok("account", "check", WABA).out


def test_check_goes_on_after_a_failure(meta: Meta) -> None:
    meta.deployment.ok("account", "add", OTHER, stdin=TOKEN)
    outcome = meta.deployment.run("account", "check", OTHER, WABA, "--json")
    assert outcome.code == 8
    assert [each["ok"] for each in outcome.json] == [False, True]
    assert len(outcome.error_lines) <= 2
    assert meta.deployment.run("account", "check", "12345").code == 4


def test_a_dead_token_is_a_visible_hold_until_it_is_replaced(meta: Meta) -> None:
    id_ = meta.deployment.request()
    meta.control.post("/tokens", json={"token": TOKEN}).raise_for_status()
    with meta.engine() as engine:
        pass_until_idle(engine)
    assert "on hold" in meta.deployment.ok("account", "list").out
    shown = meta.deployment.ok("show", id_).out
    assert "the WABA's account is on hold" in shown
    assert f"onboarding account check {WABA}" in shown
    assert f"onboarding account add {WABA}" in shown
    checked = meta.deployment.run("account", "check", WABA)
    assert checked.code == 8
    assert f"onboarding account add {WABA}" in checked.error_lines[1]
    new = TOKEN[::-1]
    meta.control.post("/tokens", json={"token": new, "dead": False}).raise_for_status()
    assert meta.deployment.ok("account", "add", WABA, stdin=new).out.startswith("new token for")
    meta.deployment.ok("account", "check", WABA)
    assert "on hold" not in meta.deployment.ok("account", "list").out
    with meta.engine() as engine:
        pass_until_idle(engine)
        assert engine.get(NUMBER).phone_number_id
    assert NAME in meta.deployment.ok("show", id_).out


def test_the_history_of_an_account_tells_who_changed_what(deployment: Deployment) -> None:
    deployment.run("--actor", "ada", "account", "add", WABA, stdin="EAAanothertoken1\n")
    told = deployment.ok("account", "history", WABA, "--json").json["entries"]
    assert [(each["trigger"], each["dest"]) for each in told] == [
        ("account_added", "open"),
        ("token_added", "open"),
    ]
    assert told[-1]["actor"] == "ada"
    assert "EAAanother" not in json.dumps(told)
    assert "token_added" in deployment.ok("account", "history", WABA).out
    assert deployment.run("account", "history", "999999").code == 4
