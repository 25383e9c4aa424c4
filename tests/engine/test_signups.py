"""The hand-over of Embedded Signup: from the browser's event to a registered number."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from sqlalchemy import text

from onboarding.errors import ConfigurationError, ConflictError, InputError, NotFoundError
from onboarding.model import Entry, OperationStatus, Reason, State
from onboarding.store.database import reading
from tests.engine.rehearsing import (
    DAY,
    HOUR,
    MINUTE,
    NUMBER,
    SECOND,
    WABA,
    Rehearse,
    Rehearsed,
    scenario,
)
from tests.engine.test_secrets import stored

APP_ID, SECRET = "634974688087057", "app-secret-of-the-tests"
CUSTOMER = "204400000000001"
PARTNER = "506914307656634"


def handing_over(rehearse: Rehearse, **given: Any) -> Rehearsed:
    """A rehearsal whose app may exchange codes, with a WABA that is not known yet."""
    businesses = [
        {"id": PARTNER, "wabas": [{"id": WABA}]},
        {"id": "700000000000001", "wabas": [{"id": CUSTOMER, "name": "Lucky Shrub"}]},
    ]
    played = scenario(businesses=businesses, app={"secret": SECRET}, **given)
    meta = rehearse(scenario=played, app_id=APP_ID, app_secret=SECRET, adds_accounts=[WABA])
    meta.run()
    return meta


def finish(meta: Rehearsed, **given: Any) -> dict[str, Any]:
    """Let the customer finish; return what the browser hands over."""
    body = {"waba_id": CUSTOMER, "phone_number": NUMBER, "verified_name": "Lucky Shrub", **given}
    return meta.tell("/embedded_signup/session", body)


def exchanges(meta: Rehearsed) -> list[str]:
    query = "SELECT status FROM operation WHERE name = 'exchange_code' ORDER BY id"
    with reading(meta.engine.context.database) as conn:
        return list(conn.execute(text(query)).scalars())


def notes(meta: Rehearsed) -> list[str]:
    return [entry.trigger for _, entry in meta.engine.account_history(CUSTOMER)]


def test_a_hand_over_becomes_an_account_and_a_registered_number(rehearse: Rehearse) -> None:
    meta = handing_over(rehearse)
    done = finish(meta)
    taken = meta.engine.signups.take(done["event"], code=done["code"], key="order-17", actor="ada")
    (row,) = taken.onboardings
    assert (row.entry, row.key, row.requested_by) == (Entry.EMBEDDED_SIGNUP, "order-17", "ada")
    assert (row.phone_number, row.display_name) == (NUMBER, "Lucky Shrub")
    assert row.onboarded_at == meta.clock.now()
    assert taken.account.hold is None
    assert taken.account.business_id == "700000000000001"
    assert taken.warning == ""
    meta.run_to(State.REGISTERED)
    order = meta.endpoints("exchange_code", "subscribe_app", "request_code", "register")
    assert order == ["exchange_code", "subscribe_app", "register"]
    assert notes(meta)[:2] == ["signup_taken", "token_replaced"]
    assert exchanges(meta) == [OperationStatus.SUCCEEDED]
    facts = meta.engine.account(CUSTOMER).token_facts
    assert facts is not None
    assert (facts.missing, facts.kind, facts.ends_at) == ((), "SYSTEM_USER", None)


def test_the_event_may_come_as_json_beside_its_code(rehearse: Rehearse) -> None:
    meta = handing_over(rehearse)
    taken = meta.engine.signups.take(json.dumps(finish(meta)))
    assert [row.phone_number for row in taken.onboardings] == [NUMBER]


def test_an_event_that_names_no_number_finds_it_on_the_list(rehearse: Rehearse) -> None:
    meta = handing_over(rehearse)
    taken = meta.engine.signups.take(finish(meta, with_phone_number_id=False))
    assert [row.phone_number for row in taken.onboardings] == [NUMBER]


def test_a_number_that_the_list_does_not_show_yet_is_asked_for_later(rehearse: Rehearse) -> None:
    meta = handing_over(rehearse)
    done = finish(meta)
    meta.fail("error_500_transient", "list_numbers", times=1)
    taken = meta.engine.signups.take(done)
    assert (taken.onboardings, taken.signup.settled_at) == ((), None)
    assert [each.id for each in meta.engine.signups.pending()] == [taken.signup.id]
    meta.run_to_known(NUMBER)
    assert meta.engine.signups.pending() == []
    (latest,) = meta.engine.signups.latest()
    assert latest.result == f"created: {NUMBER} as {meta.row().id}"


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("FINISH_ONLY_WABA", "no number was brought"),
        ("FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING", "left alone"),
    ],
)
def test_where_no_number_is_to_be_registered_none_is_asked_for(
    rehearse: Rehearse, event: str, words: str
) -> None:
    meta = handing_over(rehearse)
    taken = meta.engine.signups.take(finish(meta, event=event))
    assert taken.onboardings == ()
    assert words in (taken.signup.result or "")
    meta.run(most=DAY)
    with pytest.raises(NotFoundError):
        meta.row()
    assert meta.engine.account(CUSTOMER).subscribed_at is not None
    assert meta.calls("register") == []


@pytest.mark.parametrize("wait", [31 * SECOND, 10 * MINUTE], ids=str)
def test_a_code_that_is_too_old_leaves_an_account_that_waits_for_a_token(
    rehearse: Rehearse, wait: Any
) -> None:
    meta = handing_over(rehearse)
    done = finish(meta)
    meta.wait(wait)
    taken = meta.engine.signups.take(done)
    assert "expired" in taken.warning
    assert taken.account.hold is Reason.ACCOUNT_HELD
    assert "expired" in (taken.account.hold_text or "")
    assert exchanges(meta) == [OperationStatus.REFUSED]
    again = finish(meta)
    meta.engine.signups.take(again)
    meta.run_to(State.REGISTERED)
    assert meta.engine.account(CUSTOMER).hold is None


def test_an_answer_that_is_lost_is_not_asked_for_again(rehearse: Rehearse) -> None:
    meta = handing_over(rehearse)
    done = finish(meta)
    meta.fail("timeout_after_effect", "exchange_code", times=1, seconds=0.1)
    taken = meta.engine.signups.take(done)
    assert taken.account.hold is Reason.ACCOUNT_HELD
    for told in (taken.warning, taken.account.hold_text or ""):
        assert "run Embedded Signup again" in told
        assert "Nothing to do" not in told
    assert exchanges(meta) == [OperationStatus.ABANDONED]
    meta.run(most=DAY)
    assert len(meta.calls("exchange_code")) == 1


def test_a_code_that_was_not_sent_may_be_handed_over_again(rehearse: Rehearse) -> None:
    meta = handing_over(rehearse)
    done = finish(meta)
    meta.reopen(graph_base_url="http://127.0.0.1:1")
    taken = meta.engine.signups.take(done)
    assert "hand it over again at once" in taken.warning
    assert exchanges(meta) == [OperationStatus.UNSENT]
    meta.reopen(graph_base_url=meta.simulator.base_url)
    taken = meta.engine.signups.take(done)
    assert (taken.warning, taken.account.hold) == ("", None)
    meta.run_to(State.REGISTERED)
    assert len(meta.calls("exchange_code")) == 1


class DiedError(Exception):
    """The process is gone: nothing of its own follows."""


def exchanging(meta: Rehearsed, done: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin an exchange, of which only what was committed by then is left."""

    def die(*_: object) -> None:
        raise DiedError

    with monkeypatch.context() as patched:
        patched.setattr(type(meta.engine.context.graph), "send_one", die)
        with pytest.raises(DiedError):
            meta.engine.signups.take(done)


def test_nobody_is_asked_for_a_token_while_a_code_is_exchanged(
    rehearse: Rehearse, monkeypatch: pytest.MonkeyPatch
) -> None:
    meta = handing_over(rehearse)
    exchanging(meta, finish(meta), monkeypatch)
    meta.settle()
    assert meta.engine.account(CUSTOMER).hold is None
    assert notes(meta) == ["signup_taken"]


def test_of_an_exchange_that_was_broken_off_a_person_is_told_what_to_do(
    rehearse: Rehearse, monkeypatch: pytest.MonkeyPatch
) -> None:
    meta = handing_over(rehearse)
    done = finish(meta)
    exchanging(meta, done, monkeypatch)
    meta.run(most=HOUR)
    account = meta.engine.account(CUSTOMER)
    assert account.hold is Reason.ACCOUNT_HELD
    for told in (account.hold_text, meta.engine.signups.latest()[0].result):
        assert "run Embedded Signup again" in (told or "")
    assert notes(meta) == ["signup_taken", "code_not_exchanged", "account_held"]
    assert exchanges(meta) == [OperationStatus.ABANDONED]
    with pytest.raises(ConflictError, match="handed over before") as refused:
        meta.engine.signups.take(done)
    assert "run Embedded Signup again" in refused.value.hint
    assert meta.calls("exchange_code") == []
    meta.engine.signups.take(finish(meta))
    meta.run_to(State.REGISTERED)
    assert meta.engine.account(CUSTOMER).hold is None


def test_an_account_with_a_token_goes_on_when_an_exchange_is_broken_off(
    rehearse: Rehearse, monkeypatch: pytest.MonkeyPatch
) -> None:
    meta = handing_over(rehearse)
    meta.engine.add_account(CUSTOMER, meta.simulator.token)
    exchanging(meta, finish(meta), monkeypatch)
    meta.run_to(State.REGISTERED)
    assert "code_not_exchanged" in notes(meta)
    assert meta.engine.account(CUSTOMER).hold is None
    assert meta.engine.overview().open_calls == 0


def test_a_code_is_taken_once(rehearse: Rehearse) -> None:
    meta = handing_over(rehearse)
    done = finish(meta)
    meta.engine.signups.take(done)
    with pytest.raises(ConflictError, match="handed over before"):
        meta.engine.signups.take(done)
    assert len(meta.calls("exchange_code")) == 1
    meta.engine.signups.take(done["event"])
    meta.wait(2 * MINUTE)  # the list rests for a minute
    results = {each.result for each in meta.engine.signups.latest(2)}  # both of one instant
    assert f"known: {NUMBER} as {meta.row().id}" in results


def test_without_a_code_a_token_is_asked_for(rehearse: Rehearse) -> None:
    meta = handing_over(rehearse)
    taken = meta.engine.signups.take(finish(meta)["event"])
    assert taken.account.hold is Reason.ACCOUNT_HELD
    assert "no token was given" in (taken.account.hold_text or "")
    meta.engine.add_account(CUSTOMER, meta.simulator.token)
    meta.run_to(State.REGISTERED)


def test_a_business_whose_token_is_known_needs_no_code(rehearse: Rehearse) -> None:
    meta = handing_over(rehearse)
    meta.engine.tokens.give_to_business("700000000000001", meta.simulator.token)
    taken = meta.engine.signups.take(finish(meta)["event"])
    assert (taken.account.hold, len(taken.onboardings)) == (None, 1)
    meta.run_to(State.REGISTERED)


def test_signing_up_again_restarts_what_had_expired(rehearse: Rehearse) -> None:
    meta = handing_over(rehearse)
    meta.engine.signups.take(finish(meta))
    meta.engine.hold(NUMBER, "a pause")
    meta.wait(15 * DAY)
    assert meta.state() is State.EXPIRED
    id_ = meta.row().id
    taken = meta.engine.signups.take(finish(meta))
    assert taken.signup.result == f"restarted: {NUMBER} as {id_}"
    meta.run_to(State.REGISTERED)
    assert meta.row().cycle == 2


def test_a_token_without_a_scope_is_told_and_stops_nothing(
    rehearse: Rehearse, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    meta = handing_over(rehearse)
    done = finish(meta)
    meta.engine.signups.take(done)
    assert "scopes_not_told" not in caplog.text
    (token,) = meta.tokens_of(CUSTOMER)
    meta.tell(
        "/tokens", {"token": token, "dead": False, "scopes": ["whatsapp_business_management"]}
    )
    meta.engine.check_account(CUSTOMER)
    assert "scopes_not_told" in caplog.text
    account = meta.engine.account(CUSTOMER)
    assert account.token_facts is not None
    assert account.token_facts.missing == ("whatsapp_business_messaging",)
    assert account.hold is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"event": "CANCEL", "current_step": "PERMISSIONS"}, "left Embedded Signup at PERMISSIONS"),
        ({"event": "ERROR", "error_message": "blocked"}, "Embedded Signup failed: blocked"),
    ],
)
def test_an_end_without_a_hand_over_is_refused(
    rehearse: Rehearse, given: dict[str, str], words: str
) -> None:
    meta = handing_over(rehearse)
    with pytest.raises(InputError, match=words) as refused:
        meta.engine.signups.take(finish(meta, **given))
    assert "begin again" in refused.value.hint
    assert [account.waba_id for account in meta.engine.accounts()] == [WABA]


@pytest.mark.parametrize("event", ["", "{", "[]", '{"type": "other", "event": "FINISH"}', "{}"])
def test_what_is_no_event_is_refused(meta: Rehearsed, event: str) -> None:
    with pytest.raises(InputError, match="event"):
        meta.engine.signups.take(event)
    assert meta.engine.signups.latest() == []


def test_without_the_app_s_secret_no_code_is_used_up(meta: Rehearsed) -> None:
    event = {"event": "FINISH", "data": {"waba_id": WABA}}
    with pytest.raises(ConfigurationError, match="ONBOARDING_APP_SECRET"):
        meta.engine.signups.take(event, code="AQcode")
    assert meta.calls("exchange_code") == []
    assert meta.engine.signups.latest() == []


@pytest.mark.parametrize("fault", [None, "timeout_after_effect", "refuse", "half_body"])
def test_neither_code_nor_secret_nor_token_is_anywhere(
    rehearse: Rehearse, caplog: pytest.LogCaptureFixture, fault: str | None
) -> None:
    caplog.set_level(logging.DEBUG)
    meta = handing_over(rehearse)
    done = finish(meta)
    if fault is not None:
        more: dict[str, Any] = {"seconds": 0.1} if fault.startswith("timeout") else {}
        more |= {"code": 100} if fault == "refuse" else {}
        meta.fail(fault, "exchange_code", times=1, **more)
    taken = meta.engine.signups.take(done)
    meta.run(most=DAY)
    secrets = [done["code"], SECRET, *meta.tokens_of(CUSTOMER)]
    assert len(secrets) >= 2
    told = [
        caplog.text,
        repr(taken),
        *map(str, meta.engine.account_history(CUSTOMER)),
        *(f"{place}: {value}" for place, value in stored(meta)),
    ]
    assert [(s, line) for line in told for s in secrets if s in line] == []
