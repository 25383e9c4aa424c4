"""Tokens: read from elsewhere, shared, replaced while work goes on, and told before they end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from onboarding.core.timing import parse_iso
from onboarding.engine import token_sources
from onboarding.errors import GraphError, InputError, NotFoundError
from onboarding.model import Account, Owner, Reason, State, What
from tests.engine.rehearsing import (
    DAY,
    HOUR,
    MINUTE,
    NUMBER,
    OTHER_WABA,
    WABA,
    Rehearse,
    Rehearsed,
    scenario,
)
from tests.graph.certificates import make_authority
from tests.simulator.answering import answering

NEW_TOKEN = "EAAnewtokenABCDEF0123456789"
BUSINESS = "506914307656634"
APP_ID, SECRET = "634974688087057", "app-secret-of-the-tests"
CALLBACK = "https://hooks.example/lucky"


def make(meta: Rehearsed, token: str, **more: Any) -> None:
    meta.tell("/tokens", {"token": token, "dead": False, "wabas": "all", **more})


def kill(meta: Rehearsed, token: str) -> None:
    meta.tell("/tokens", {"token": token})


def account(meta: Rehearsed, waba_id: str = WABA) -> Account:
    return meta.engine.account(waba_id)


def notes(meta: Rehearsed, waba_id: str = WABA) -> list[str]:
    return [entry.trigger for _, entry in meta.engine.account_history(waba_id)]


def in_use(meta: Rehearsed, waba_id: str = WABA) -> str:
    return meta.engine.context.token_of(account(meta, waba_id))


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read is read anew at once: its half minute is real time."""
    monkeypatch.setattr(token_sources, "_KEPT_S", 0.0)


# One that replaces another


def test_a_new_token_takes_over_once_a_list_was_read_with_it(meta: Rehearsed) -> None:
    make(meta, NEW_TOKEN)
    old = meta.simulator.token
    given = meta.engine.add_account(WABA, NEW_TOKEN, actor="ada")
    assert given.has_next_token
    assert in_use(meta) == old
    meta.settle()
    assert in_use(meta) == NEW_TOKEN
    assert not account(meta).has_next_token
    assert notes(meta) == ["account_added", "token_added", "token_replaced"]
    kill(meta, old)
    meta.register()
    assert not [call for call in meta.calls() if call["code"] == 190]


def test_a_new_token_that_does_not_work_is_dropped_and_stops_nothing(meta: Rehearsed) -> None:
    meta.ask()
    meta.engine.add_account(WABA, "EAAworthless0123456789")
    meta.run_to(State.REGISTERED)
    assert in_use(meta) == meta.simulator.token
    assert account(meta).hold is None
    assert notes(meta)[-1] == "token_refused"
    assert len([call for call in meta.calls() if call["code"] == 190]) == 1


def test_a_new_token_of_another_waba_is_dropped_too(rehearse: Rehearse) -> None:
    meta = rehearse(
        scenario=scenario(
            businesses=[{"id": BUSINESS, "wabas": [{"id": WABA}, {"id": OTHER_WABA}]}]
        )
    )
    make(meta, NEW_TOKEN, wabas=[OTHER_WABA])
    meta.engine.add_account(WABA, NEW_TOKEN)
    meta.register()
    assert notes(meta)[1:3] == ["token_added", "token_refused"]


def test_an_outage_says_nothing_about_a_new_token(meta: Rehearsed) -> None:
    make(meta, NEW_TOKEN)
    meta.engine.add_account(WABA, NEW_TOKEN)
    meta.fail("error_500_transient", "list_numbers", times=2)
    meta.settle()
    assert account(meta).has_next_token
    meta.run(most=HOUR)
    assert in_use(meta) == NEW_TOKEN


def test_the_new_token_is_tried_before_the_account_is_held(meta: Rehearsed) -> None:
    """The old one died before a list could be read with the new one."""
    meta.ask()
    meta.fail("error_500_transient", "list_numbers", times=50)
    make(meta, NEW_TOKEN)
    meta.engine.add_account(WABA, NEW_TOKEN)
    kill(meta, meta.simulator.token)
    meta.run(most=HOUR, until=lambda: not account(meta).has_next_token)
    assert in_use(meta) == NEW_TOKEN
    assert "account_held" not in notes(meta)


def test_a_check_proves_a_new_token_at_once_or_drops_it(meta: Rehearsed) -> None:
    meta.engine.add_account(WABA, "EAAworthless0123456789")
    with pytest.raises(GraphError, match="the one before goes on"):
        meta.engine.check_account(WABA)
    make(meta, NEW_TOKEN)
    meta.engine.add_account(WABA, NEW_TOKEN)
    assert not meta.engine.check_account(WABA).account.has_next_token
    assert in_use(meta) == NEW_TOKEN


# Read from elsewhere


def in_variable(_: Path, monkeypatch: pytest.MonkeyPatch, token: str) -> str:
    monkeypatch.setenv("META_TOKEN", token)
    return "env:META_TOKEN"


def in_file(folder: Path, _: pytest.MonkeyPatch, token: str) -> str:
    (folder / "token").write_text(f"{token}\n")
    return f"file:{folder / 'token'}"


def in_keyring(_: Path, monkeypatch: pytest.MonkeyPatch, token: str) -> str:
    ring = ModuleType("keyring")
    kept = {("meta", "lucky/shrub"): token}
    ring.get_password = lambda *given: kept.get(given)  # type: ignore[attr-defined] # as the package
    monkeypatch.setitem(sys.modules, "keyring", ring)
    return "keyring:meta/lucky/shrub"


def by_command(folder: Path, monkeypatch: pytest.MonkeyPatch, token: str) -> str:
    in_file(folder, monkeypatch, token)
    return f"command:{sys.executable} -c \"print(open('{folder / 'token'}').read())\""


Place = Callable[[Path, pytest.MonkeyPatch, str], str]


@pytest.mark.parametrize("place", [in_variable, in_file, in_keyring, by_command])
def test_a_token_is_read_from_its_place_and_not_stored(
    rehearse: Rehearse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    meta = rehearse(adds_accounts=[])
    source = place(tmp_path, monkeypatch, meta.simulator.token)
    given = meta.engine.tokens.read_from(WABA, source)
    assert (given.token_source, given.token_sealed) == (source, "")
    meta.register()


@pytest.mark.parametrize("place", [in_file, in_variable])
def test_a_dead_token_that_is_replaced_in_its_place_sets_all_going_by_itself(
    rehearse: Rehearse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    meta = rehearse(adds_accounts=[])
    meta.engine.tokens.read_from(WABA, place(tmp_path, monkeypatch, meta.simulator.token))
    meta.ask()
    kill(meta, meta.simulator.token)
    meta.run(most=HOUR)
    assert account(meta).hold is Reason.ACCOUNT_HELD
    refused = [call for call in meta.calls() if call["code"] == 190]
    make(meta, NEW_TOKEN)
    place(tmp_path, monkeypatch, NEW_TOKEN)
    meta.run_to(State.REGISTERED)
    assert account(meta).hold is None
    assert [call for call in meta.calls() if call["code"] == 190] == refused
    assert notes(meta).count("account_held") == 1


def test_a_place_that_cannot_be_read_is_named_and_mended_by_itself(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    meta = rehearse(adds_accounts=[])
    file = tmp_path / "token"
    meta.engine.tokens.read_from(WABA, f"file:{file}")
    meta.ask()
    meta.settle()
    assert f"{file} cannot be read" in (account(meta).hold_text or "")
    assert meta.calls() == []
    file.write_text(meta.simulator.token)
    meta.run_to(State.REGISTERED)


def test_a_place_may_take_over_from_a_stored_token_and_the_other_way(
    meta: Rehearsed, tmp_path: Path
) -> None:
    make(meta, NEW_TOKEN)
    (tmp_path / "token").write_text(NEW_TOKEN)
    meta.engine.tokens.read_from(WABA, f"file:{tmp_path / 'token'}")
    assert account(meta).next_token_source
    meta.settle()
    assert (account(meta).token_source, account(meta).token_sealed) == (
        f"file:{tmp_path / 'token'}", "",
    )  # fmt: skip
    meta.engine.add_account(WABA, meta.simulator.token)
    meta.wait(2 * MINUTE)
    assert account(meta).token_source is None
    assert in_use(meta) == meta.simulator.token


@pytest.mark.parametrize(
    "source",
    ["", "EAAtoken0123456789", "env:", "env:A-B", "file:token", "keyring:meta", "command:", "x:y",
     "command:'open"],
)  # fmt: skip
def test_what_is_no_place_is_refused(meta: Rehearsed, source: str) -> None:
    with pytest.raises(InputError, match="no place") as refused:
        meta.engine.tokens.read_from(WABA, source)
    assert refused.value.field == "token_from"
    assert account(meta).token_source is None


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("env:NOWHERE", "NOWHERE is not set"),
        ("file:/nowhere/token", "cannot be read"),
        ("keyring:meta/lucky", "keyring is not installed"),
        ("command:false", "false ended with 1"),
        ("command:no-such-program", "cannot be run"),
        ("command:echo two words", "nothing that could be a token"),
    ],
)
def test_why_a_place_gives_no_token_is_told(
    source: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    sources = token_sources.TokenSources()
    assert sources.token(source) == ""
    assert problem in sources.problem(source)


def test_a_host_reads_from_the_places_that_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("META_TOKEN", NEW_TOKEN)
    assert token_sources.TokenSources().token("env:META_TOKEN") == NEW_TOKEN
    strict = token_sources.TokenSources(["file"])
    assert strict.token("env:META_TOKEN") == ""
    assert "not read from 'env'" in strict.problem("env:META_TOKEN")


def test_a_command_gets_none_of_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONBOARDING_SECRET_KEY", "hidden")
    print_it = "import os; print(os.environ.get('ONBOARDING_SECRET_KEY', 'none'))"
    source = f'command:{sys.executable} -c "{print_it}"'
    assert token_sources.TokenSources().token(source) == "none"


def test_a_place_is_read_once_in_half_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_sources, "_KEPT_S", 30.0)
    (tmp_path / "token").write_text("EAAone")
    sources, source = token_sources.TokenSources(), f"file:{tmp_path / 'token'}"
    assert sources.token(source) == "EAAone"
    (tmp_path / "token").write_text("EAAtwo")
    assert sources.token(source) == "EAAone"
    assert sources.fresh(source) == "EAAtwo"
    assert sources.token(source) == "EAAtwo"


# Of a business


def test_wabas_take_the_token_of_their_business_and_its_next_one(rehearse: Rehearse) -> None:
    wabas = [{"id": WABA}, {"id": OTHER_WABA}]
    meta = rehearse(
        scenario=scenario(businesses=[{"id": BUSINESS, "wabas": wabas}]), adds_accounts=[]
    )
    old = meta.simulator.token
    with pytest.raises(NotFoundError, match="has no token"):
        meta.engine.tokens.share(WABA, BUSINESS)
    meta.engine.tokens.give_to_business(BUSINESS, old, name="Lucky")
    for waba_id in (WABA, OTHER_WABA):
        meta.engine.tokens.share(waba_id, BUSINESS)
    meta.register()
    make(meta, NEW_TOKEN)
    meta.engine.tokens.give_to_business(BUSINESS, NEW_TOKEN)
    meta.wait(2 * MINUTE)
    assert {in_use(meta, waba_id) for waba_id in (WABA, OTHER_WABA)} == {NEW_TOKEN}
    kill(meta, old)
    meta.register("+493012345672", waba_id=OTHER_WABA)
    assert not [call for call in meta.calls() if call["code"] == 190]
    (business,) = meta.engine.tokens.businesses()
    assert (business.business_id, business.name) == (BUSINESS, "Lucky")
    meta.engine.add_account(WABA, old)  # its own from now on
    assert account(meta).token_business_id is None


# What Meta says of it


def app(rehearse: Rehearse, **given: Any) -> Rehearsed:
    return rehearse(
        scenario=scenario(app={"secret": SECRET}, **given), app_id=APP_ID, app_secret=SECRET
    )


def test_a_token_is_looked_at_daily_while_lists_are_read(rehearse: Rehearse) -> None:
    rule = {"default": {"first": "PENDING_REVIEW", "after": "3d"}}
    meta = app(rehearse, reviewer=rule)
    meta.engine.tokens.set_callback(WABA, CALLBACK, verify_token="shown first")
    meta.register()
    looks = len(meta.calls("debug_token"))
    assert 3 <= looks <= 4
    assert len(meta.calls("list_subscribed_apps")) == looks
    meta.wait(5 * DAY)  # the list of a registered number is read once a day, and no more is asked
    assert looks <= len(meta.calls("debug_token")) <= looks + 5


def test_an_app_that_was_unsubscribed_is_subscribed_again_within_a_day(rehearse: Rehearse) -> None:
    rule = {"default": {"first": "PENDING_REVIEW", "after": "6d"}}
    meta = app(rehearse, reviewer=rule)
    meta.sign_up(NUMBER)
    meta.engine.tokens.set_callback(WABA, CALLBACK, verify_token="shown first")
    meta.ask(entry="embedded_signup")
    meta.run(most=DAY)
    headers = {"Authorization": f"Bearer {meta.simulator.token}"}
    meta.control.delete(
        f"{meta.simulator.base_url}/v25.0/{WABA}/subscribed_apps", headers=headers
    ).raise_for_status()
    before = meta.endpoints("subscribe_app").count("subscribe_app")
    meta.run(most=2 * DAY)
    assert meta.endpoints("subscribe_app").count("subscribe_app") > before
    assert callback_at_meta(meta) == CALLBACK


def test_somebody_is_told_before_a_token_ends(rehearse: Rehearse) -> None:
    meta = app(rehearse)
    ends_at = meta.clock.now() + 30 * DAY
    make(meta, meta.simulator.token, expires_at=ends_at.isoformat())
    meta.register()
    facts = account(meta).token_facts
    assert facts is not None
    assert facts.ends_at == ends_at
    meta.run(most=40 * DAY)
    told = [each for each in meta.engine.events() if each["type"] == "token_expiring"]
    left = [(ends_at - parse_iso(each["at"])).days for each in told]
    assert left == [14, 7, 3, 1, 0]
    assert notes(meta).count("account_held") == 1  # by the next daily read


def test_nobody_is_told_once_a_token_was_replaced(rehearse: Rehearse) -> None:
    meta = app(rehearse)
    ends_at = meta.clock.now() + 30 * DAY
    make(meta, meta.simulator.token, expires_at=ends_at.isoformat())
    meta.register()
    make(meta, NEW_TOKEN)
    meta.engine.add_account(WABA, NEW_TOKEN)
    meta.run(most=40 * DAY)
    assert not [each for each in meta.engine.events() if each["type"] == "token_expiring"]


def test_a_look_at_drift_drops_a_bad_token_and_keeps_the_good_one(rehearse: Rehearse) -> None:
    meta = app(rehearse)
    meta.register()
    good = in_use(meta)
    make(meta, NEW_TOKEN, wabas=[OTHER_WABA])
    meta.engine.add_account(WABA, NEW_TOKEN)
    meta.wait(2 * MINUTE)
    meta.engine.drift.check()
    meta.run(most=HOUR)
    assert in_use(meta) == good
    assert account(meta).hold is None


# The callback


def callback_at_meta(meta: Rehearsed) -> str | None:
    wabas = meta.control.get("/state").json()["wabas"]
    found: str | None = next(w["override_callback_uri"] for w in wabas if w["id"] == WABA)
    return found


def test_the_app_is_subscribed_before_its_callback_is_overridden(meta: Rehearsed) -> None:
    meta.engine.tokens.set_callback(WABA, CALLBACK, verify_token="shown first", actor="ada")
    meta.settle()
    calls = meta.calls("list_subscribed_apps", "subscribe_app")
    assert [(call["endpoint"], "override_callback_uri" in call["params"]) for call in calls] == [
        ("list_subscribed_apps", False),
        ("subscribe_app", False),
        ("subscribe_app", True),
    ]
    assert callback_at_meta(meta) == CALLBACK
    assert notes(meta) == ["account_added", "callback_wanted", "callback_set"]
    meta.engine.tokens.set_callback(WABA, None)
    meta.wait(2 * MINUTE)
    assert callback_at_meta(meta) is None
    told = f"{meta.engine.account_history(WABA)}{meta.engine.accounts()}{meta.calls()}"
    assert "shown first" not in told


def test_a_callback_that_meta_refuses_stops_no_number(meta: Rehearsed) -> None:
    meta.engine.tokens.set_callback(WABA, CALLBACK, verify_token="shown first")
    meta.fail("refuse", "subscribe_app", code=100, attempts=[2])
    meta.register()
    assert account(meta).hold is None
    assert "callback_refused" in notes(meta)


def test_a_callback_that_does_not_answer_is_told_until_it_is_mended(
    meta: Rehearsed, tmp_path: Path
) -> None:
    proof = make_authority(tmp_path).server_context("127.0.0.1")
    with answering("shown first", proof) as callback:
        callback.answers = False
        meta.engine.tokens.set_callback(WABA, callback.uri, verify_token="shown first")
        meta.register()
        meta.wait(5 * HOUR)
        assert len(callback.asked) > 3
        assert notes(meta).count("callback_refused") == 1
        standing = account(meta)
        assert standing.hold is None
        assert standing.trouble is not None
        assert "Callback verification failed" in standing.trouble.failure.message
        assert "hub.challenge" in standing.trouble.failure.remedy
        meta.engine.check_account(WABA)  # the token works, which mends no callback
        assert account(meta).trouble == standing.trouble
        callback.answers = True
        meta.wait(2 * HOUR)
        assert callback_at_meta(meta) == callback.uri
    assert account(meta).trouble is None
    assert notes(meta)[-1] == "callback_set"
    assert callback.asked[-1]["hub.verify_token"] == "shown first"


def test_a_dead_token_is_told_as_such_although_the_callback_was_refused(meta: Rehearsed) -> None:
    meta.engine.tokens.set_callback(WABA, "https://127.0.0.1:1/hook", verify_token="shown first")
    meta.ask()
    meta.settle()
    assert account(meta).trouble is not None
    kill(meta, meta.simulator.token)
    meta.run(most=DAY)
    first = meta.engine.requirements(NUMBER)[0]
    assert (first.what, first.from_whom) == (What.TOKEN, Owner.OPERATOR)


@pytest.mark.parametrize("uri", ["http://hooks.example", "hooks.example", "https://" + "x" * 200])
def test_what_is_no_callback_is_refused(meta: Rehearsed, uri: str) -> None:
    with pytest.raises(InputError):
        meta.engine.tokens.set_callback(WABA, uri, verify_token="t")
    with pytest.raises(InputError, match="verify token"):
        meta.engine.tokens.set_callback(WABA, CALLBACK)
    assert account(meta).override_callback_uri is None
