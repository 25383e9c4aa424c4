"""Meta's refusals: each ends in patience, in another call that mends it, or with a person."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from onboarding.core.timing import parse_iso
from onboarding.engine.observe import ask_for_list
from onboarding.model import Owner, Reason, State
from tests.engine.rehearsing import (
    DAY,
    HOUR,
    MINUTE,
    NUMBER,
    WABA,
    Rehearse,
    Rehearsed,
    scenario,
)

OTHER = "+493012345672"
THERE = {"phone_number": NUMBER, "verified_name": "Lucky Shrub"}


def instants(meta: Rehearsed, endpoint: str) -> list[Any]:
    return [parse_iso(call["at"]) for call in meta.calls(endpoint)]


def test_a_full_waba_queues_the_number_until_a_slot_is_free(rehearse: Rehearse) -> None:
    """Nobody had told of the bound: it takes one refusal to learn it, and one more a day."""
    meta = rehearse(scenario=scenario(waba={"max_phone_numbers": 1}))
    meta.register(OTHER)
    meta.ask()
    meta.run(most=23 * HOUR)
    row = meta.row()
    assert (row.state, row.waiting, row.waiting_for) == (
        State.REQUESTED, Reason.SLOT, Owner.OPERATOR,
    )  # fmt: skip
    assert len([c for c in meta.calls("create_number") if c["number"] == NUMBER[1:]]) == 1
    assert row.trouble is not None
    assert row.trouble.failure.remedy
    meta.edit(OTHER, deleted=True)
    meta.run_to(State.REGISTERED, most=DAY)


@pytest.mark.parametrize("profile", ["observed", "documented"])
def test_a_number_that_is_on_the_waba_already_is_adopted(rehearse: Rehearse, profile: str) -> None:
    meta = rehearse(scenario=scenario(profile=profile, waba={"numbers": [THERE]}))
    meta.register()
    (create,) = meta.calls("create_number")
    assert (create["effect"], create["http_status"]) == (
        False, 400 if profile == "observed" else 409,
    )  # fmt: skip
    assert meta.path()[:2] == ["requested", "created"]
    assert "number_found" in meta.triggers()


def test_a_number_in_use_elsewhere_asks_a_person(meta: Rehearsed) -> None:
    meta.tell(f"/elsewhere/{NUMBER[1:]}", {"use": "in_use"})
    meta.ask()
    meta.run(most=DAY)
    assert (meta.row().waiting, meta.row().waiting_for) == (Reason.REFUSED, Owner.OPERATOR)
    meta.tell(f"/elsewhere/{NUMBER[1:]}", {"use": "free"})
    meta.engine.release(NUMBER, "the holder left WhatsApp")
    meta.run_to(State.REGISTERED)
    assert len(meta.calls("create_number")) == 2


def test_a_number_that_is_verified_already_needs_no_code(rehearse: Rehearse) -> None:
    there = {**THERE, "code_verification_status": "VERIFIED"}
    meta = rehearse(scenario=scenario(waba={"numbers": [there]}))
    meta.register()
    assert meta.calls("request_code", "verify_code") == []
    assert "ownership_observed" in meta.triggers()


def test_a_code_refused_because_the_number_is_verified_is_not_needed(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask()
    meta.settle()
    meta.edit(code_verification_status="VERIFIED")
    meta.engine.code_ready(NUMBER)
    meta.run_to(State.REGISTERED)
    assert len(meta.calls("request_code")) == 1
    assert meta.calls("verify_code") == []


def test_patience_with_a_name_that_meta_still_works_on(meta: Rehearsed) -> None:
    meta.fail("refuse", "register", times=3, code=100, subcode=2388001)
    meta.register()
    waits = [b - a for a, b in pairwise(instants(meta, "register"))]
    assert len(waits) == 3
    for waited, least in zip(waits, (15 * MINUTE, HOUR, 6 * HOUR), strict=True):
        assert least <= waited <= 1.5 * least


def test_too_many_registrations_wait_the_whole_lock(meta: Rehearsed) -> None:
    meta.fail("refuse", "register", times=1, code=133016)
    meta.register()
    first, second = instants(meta, "register")
    assert second - first >= 72 * HOUR


def test_a_registration_that_never_succeeds_stays_below_the_lock(meta: Rehearsed) -> None:
    meta.fail("refuse", "register", code=133004, status=503)
    meta.ask()
    meta.run(most=6 * DAY)
    assert meta.state() is State.REGISTER_DEADLINE
    assert 2 <= len(meta.calls("register")) <= 16  # the oracle bounds each window of 72 hours


def test_an_unfinished_deregistration_is_finished_first(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask()
    meta.settle()
    meta.edit(has_unfinished_deregister=True)
    meta.reads_codes = True
    meta.engine.advance(NUMBER)
    meta.run_to(State.REGISTERED)
    assert meta.endpoints("register", "deregister") == ["register", "deregister", "register"]


def test_ownership_that_meta_wants_proven_again(meta: Rehearsed) -> None:
    meta.fail("refuse", "register", times=1, code=133006)
    meta.ask()
    meta.run(most=DAY, until=lambda: bool(meta.calls("verify_code")))
    meta.edit(code_verification_status="NOT_VERIFIED")
    meta.run_to(State.REGISTERED)
    assert meta.path()[3:7] == ["verified", "register_deadline", "otp_pending", "verified"]
    assert len(meta.calls("verify_code")) == 2
    assert len(meta.calls("register")) == 2


def test_a_proof_that_meta_shows_and_does_not_accept_ends_with_a_person(meta: Rehearsed) -> None:
    meta.fail("refuse", "register", code=133006)
    meta.ask()
    meta.run()
    row = meta.row()
    assert row.state is not State.REGISTERED
    assert row.waiting_for in {Owner.OPERATOR, Owner.HOLDER}
    assert len(meta.calls("register")) <= 4
    assert len(meta.calls("request_code")) <= 8


@pytest.mark.parametrize("endpoint", ["create_number", "request_code", "register"])
def test_a_refusal_that_nobody_knows_asks_a_person_at_once(meta: Rehearsed, endpoint: str) -> None:
    meta.fail("refuse", endpoint, code=999123, subcode=None)
    meta.ask()
    meta.run(most=3 * DAY)
    row = meta.row()
    assert (row.waiting, row.waiting_for) == (Reason.REFUSED, Owner.OPERATOR)
    assert len(meta.calls(endpoint)) == 1
    assert row.trouble is not None
    assert row.trouble.failure.code == 999123
    assert row.trouble.failure.fbtrace_id
    refusal, overdue = [entry for _, entry in meta.engine.history(NUMBER)][-2:]
    assert refusal.fbtrace_id == row.trouble.failure.fbtrace_id
    assert overdue.trigger == "overdue"


def test_one_machines_failure_never_stops_the_others(meta: Rehearsed) -> None:
    numbers = [f"+4930123456{place:02}" for place in range(20, 30)]
    for number in numbers[::2]:
        meta.fail("refuse", number=number, code=999123)
    for number in numbers:
        meta.ask(number)
    meta.run(most=DAY)
    ends = [meta.state(number) for number in numbers]
    assert ends == [State.REQUESTED, State.REGISTERED] * 5


def test_a_code_that_meta_refuses_to_send_is_asked_for_with_patience(meta: Rehearsed) -> None:
    meta.fail("refuse", "request_code", code=136024, subcode=2388091, times=2)
    meta.register()
    first, second, third = instants(meta, "request_code")
    assert second - first >= HOUR
    assert third - second >= HOUR


def test_a_code_that_meta_never_sends_ends_with_a_person(meta: Rehearsed) -> None:
    meta.fail("refuse", "request_code", code=136024, subcode=2388091)
    meta.ask()
    meta.run()
    assert (meta.row().waiting, meta.row().waiting_for) == (Reason.REFUSED, Owner.OPERATOR)
    assert len(meta.calls("request_code")) <= 5


def test_a_lock_outlasts_whatever_succeeds_meanwhile(meta: Rehearsed) -> None:
    """The name is declined in the 72 hours, and the new one approved long before they end."""
    meta.fail("refuse", "register", times=1, code=133016)
    meta.ask()
    meta.run(most=HOUR)
    meta.edit(name_status="DECLINED")
    ask_for_list(meta.engine.context, WABA)
    meta.run(most=HOUR)
    assert meta.row().waiting is Reason.NAME_DECLINED
    meta.engine.rename(NUMBER, "Luckier Shrub")
    meta.run(most=3 * HOUR)
    meta.decide_name("APPROVED")
    meta.run(most=DAY)
    row = meta.row()
    assert (row.state, row.waiting) == (State.REGISTER_DEADLINE, Reason.THROTTLED)
    meta.engine.advance(NUMBER)  # a person's word does not help
    meta.run_to(State.REGISTERED)
    first, second = instants(meta, "register")
    assert 72 * HOUR <= second - first <= 73 * HOUR


def test_a_person_s_release_does_not_end_a_lock(meta: Rehearsed) -> None:
    meta.fail("refuse", "register", times=1, code=133016)
    meta.ask()
    meta.run(most=HOUR)
    meta.engine.hold(NUMBER, "a pause")
    meta.engine.release(NUMBER, "on again")
    meta.run_to(State.REGISTERED)
    first, second = instants(meta, "register")
    assert second - first >= 72 * HOUR


def test_a_quota_of_codes_outlasts_the_onboarding_that_met_it(meta: Rehearsed) -> None:
    meta.fail("refuse", "request_code", times=1, code=136024, subcode=2388367)
    first_id = meta.ask()
    meta.run(most=HOUR)
    meta.engine.cancel(first_id, "the name is wrong")
    meta.run_to(State.REGISTERED, meta.ask(name="Luckier Shrub"))
    first, second = instants(meta, "request_code")
    assert second - first >= DAY


def test_a_quota_of_codes_that_is_met_again_is_waited_out_for_72_hours(meta: Rehearsed) -> None:
    meta.fail("refuse", "request_code", times=2, code=136024, subcode=2388367)
    meta.register()
    first, second, third = instants(meta, "request_code")
    assert second - first >= DAY
    assert third - second >= 3 * DAY


# What Meta calls gone or wrong is looked into once before a person is asked.


@pytest.mark.parametrize("code", [33, 803])
@pytest.mark.parametrize("endpoint", ["request_code", "register", "set_display_name"])
def test_a_number_that_a_call_does_not_find_is_looked_for_before_it_counts_as_gone(
    meta: Rehearsed, endpoint: str, code: int
) -> None:
    meta.fail("refuse", endpoint, times=1, code=code, status=404)
    if endpoint == "set_display_name":
        meta.register()
        meta.engine.rename(NUMBER, "Luckier Shrub")
    else:
        meta.ask()
    meta.run(most=DAY)
    row = meta.row()
    assert row.state is not State.FAILED
    if endpoint == "request_code":  # the list shows the number: a person must see why
        assert (row.waiting, row.waiting_for) == (Reason.REFUSED, Owner.OPERATOR)
        meta.engine.release(NUMBER, "the token sees it now")
    meta.run_to(State.REGISTERED)


def test_a_number_that_neither_a_call_nor_the_list_finds_has_left(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask()
    meta.settle()
    meta.fail("refuse", "request_code", code=803, status=404)
    meta.edit(status="DELETED")
    meta.engine.code_ready(NUMBER)
    meta.run(most=DAY)
    assert meta.state() is State.LEFT


def test_a_wrong_certificate_is_mended_by_registering_once_more(meta: Rehearsed) -> None:
    meta.fail("refuse", "register", times=1, code=131045, status=500)
    meta.register()
    assert len(meta.calls("register")) == 2


def test_a_certificate_that_stays_wrong_asks_a_person(meta: Rehearsed) -> None:
    meta.fail("refuse", "register", code=131045, status=500)
    meta.ask()
    meta.run(most=9 * DAY)
    assert (meta.row().waiting, meta.row().waiting_for) == (Reason.REFUSED, Owner.OPERATOR)
    assert len(meta.calls("register")) == 2
