"""Accounts: a dead token holds the account once, and a new one sets everything going again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from onboarding.errors import ConflictError, GraphError, InputError, NotFoundError
from onboarding.model import Owner, Reason, State
from tests.engine.rehearsing import DAY, HOUR, MINUTE, NUMBER, WABA, Rehearse, Rehearsed, roomy

NUMBERS = tuple(f"+4930123456{place:02}" for place in range(10, 14))
NEW_TOKEN = "EAAnewtokenABCDEF0123456789"


def kill(meta: Rehearsed, *, dead: bool = True) -> None:
    meta.tell("/tokens", {"token": meta.simulator.token, "dead": dead})


def test_a_dead_token_holds_the_account_until_it_is_replaced(meta: Rehearsed) -> None:
    meta.reads_codes = False
    for number in NUMBERS:
        meta.ask(number)
    meta.settle()
    meta.reads_codes = True
    kill(meta)
    meta.run(most=DAY)
    (account,) = meta.engine.accounts()
    assert account.hold is Reason.ACCOUNT_HELD
    for number in NUMBERS:
        row = meta.row(number)
        assert (row.waiting, row.waiting_for) == (Reason.ACCOUNT_HELD, Owner.OPERATOR)
        assert row.hold is None
    refused = [call for call in meta.calls() if call["code"] == 190]
    assert 1 <= len(refused) <= len(NUMBERS)  # at most what was on its way at the same moment
    meta.run(most=DAY)
    assert [call for call in meta.calls() if call["code"] == 190] == refused

    meta.tell("/tokens", {"token": NEW_TOKEN, "dead": False, "wabas": "all"})
    account = meta.engine.add_account(WABA, NEW_TOKEN)
    assert (account.hold, account.trouble) == (None, None)
    meta.run()
    assert {meta.state(number) for number in NUMBERS} == {State.REGISTERED}


def test_a_list_that_a_dead_token_may_not_read_holds_the_account_too(meta: Rehearsed) -> None:
    kill(meta)
    meta.ask(entry="embedded_signup")
    meta.run(most=DAY)
    (account,) = meta.engine.accounts()
    assert account.hold is Reason.ACCOUNT_HELD
    assert account.trouble is not None
    assert account.trouble.operation == "list_numbers"
    assert meta.row().waiting is Reason.ACCOUNT_HELD
    assert len(meta.calls()) == 1


def test_a_check_that_works_ends_the_hold(meta: Rehearsed) -> None:
    kill(meta)
    meta.ask()
    meta.settle()
    assert meta.row().waiting is Reason.ACCOUNT_HELD
    with pytest.raises(GraphError) as refused:
        meta.engine.check_account(WABA)
    assert refused.value.code == 190
    assert meta.simulator.token not in str(refused.value)
    assert meta.engine.accounts()[0].hold is Reason.ACCOUNT_HELD
    kill(meta, dead=False)
    check = meta.engine.check_account(WABA)
    assert (check.account.hold, check.waba.id) == (None, WABA)
    meta.run_to(State.REGISTERED)


def test_a_registered_number_is_left_alone_when_its_account_is_held(meta: Rehearsed) -> None:
    meta.register()
    over = meta.ask("+493012345679")
    meta.engine.cancel(over, "a mistake")
    meta.settle()
    kill(meta)
    meta.ask("+493012345672")
    meta.run(most=DAY)
    assert meta.row("+493012345672").waiting is Reason.ACCOUNT_HELD
    assert (meta.row().waiting, meta.row().next_due_at) == (Reason.DONE, None)
    assert (meta.row(over).waiting, meta.row(over).next_due_at) == (Reason.OVER, None)


def test_the_app_is_subscribed_once_before_the_first_registration(meta: Rehearsed) -> None:
    for number in NUMBERS:
        meta.register(number)
    order = meta.endpoints("subscribe_app", "list_subscribed_apps", "register")
    assert order == ["list_subscribed_apps", "subscribe_app", *["register"] * len(NUMBERS)]
    meta.wait(2 * DAY)
    meta.register()
    assert meta.endpoints("list_subscribed_apps", "subscribe_app").count("subscribe_app") == 1
    assert len(meta.calls("list_subscribed_apps")) == 2  # the proof was a day old


@pytest.mark.parametrize("endpoint", ["list_subscribed_apps", "subscribe_app"])
@pytest.mark.parametrize("kind", ["error_500_transient", "drop_after_effect", "html_502"])
def test_a_failing_subscription_delays_the_registration_and_no_more(
    meta: Rehearsed, endpoint: str, kind: str
) -> None:
    meta.fail(kind, endpoint, times=2)
    meta.register()
    assert meta.endpoints("subscribe_app", "register")[-2:] == ["subscribe_app", "register"]
    (account,) = meta.engine.accounts()
    assert (account.failures, account.trouble) == (0, None)


def test_a_list_that_cannot_be_read_changes_nothing_and_is_read_again(meta: Rehearsed) -> None:
    meta.sign_up(NUMBER)
    meta.fail("error_500_transient", "list_numbers", times=3)
    meta.ask(entry="embedded_signup")
    meta.run_to(State.REGISTERED, most=HOUR)
    assert len(meta.calls("list_numbers")) >= 4


def test_reads_of_one_list_keep_their_distance(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=roomy(), list_interval_seconds=300)
    for number in NUMBERS:
        meta.ask(number)
        meta.wait(MINUTE)
    meta.run()
    instants = [call["at"] for call in meta.calls("list_numbers")]
    assert len(set(instants)) == len(instants)


def test_an_account_is_checked_before_it_is_added(meta: Rehearsed) -> None:
    with pytest.raises(InputError, match="not a WABA id") as refused:
        meta.engine.add_account("my waba", NEW_TOKEN)
    assert refused.value.field == "waba_id"
    for token in ("", "two words", "EAA\nline"):
        with pytest.raises(InputError) as refused:
            meta.engine.add_account(WABA, token)
        assert refused.value.field == "token"
        assert not token or token not in str(refused.value)
    with pytest.raises(ConflictError) as refused:
        meta.engine.add_account(WABA, NEW_TOKEN, business_id="99999999")
    assert refused.value.field == "business_id"
    with pytest.raises(NotFoundError):
        meta.engine.check_account("99999999")


def test_a_replaced_token_keeps_what_is_not_given_again(meta: Rehearsed) -> None:
    before = meta.engine.accounts()[0]
    after = meta.engine.add_account(WABA, meta.simulator.token, actor="second")
    assert replace(after, token_sealed="", version=0, history_seq=0, head_hash="") == replace(
        before,
        token_sealed="",
        version=0,
        history_seq=0,
        head_hash="",
        observe_due_at=meta.clock.now(),
    )
    assert after.token_sealed != before.token_sealed
    entries = [(e.trigger, e.actor) for _, e in meta.engine.account_history(WABA)]
    assert entries == [("account_added", "rehearsal"), ("token_replaced", "second")]


def test_the_history_of_an_account_tells_of_its_holds(meta: Rehearsed) -> None:
    kill(meta)
    for number in NUMBERS:
        meta.ask(number)
    meta.settle()
    kill(meta, dead=False)
    meta.engine.check_account(WABA, actor="ada")
    told = [(e.trigger, e.source, e.dest, e.actor) for _, e in meta.engine.account_history(WABA)]
    assert told == [
        ("account_added", "", "open", "rehearsal"),
        ("account_held", "open", "held", "engine"),
        ("account_released", "held", "open", "ada"),
        ("portfolio_read", "open", "open", "meta"),
        ("token_checked", "open", "open", "ada"),
    ]
    assert meta.simulator.token not in str(meta.engine.account_history(WABA))
    assert meta.engine.verify()[1] == []
