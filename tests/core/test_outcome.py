"""Every answer to every call in every state: a sensible step, never an exception."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from onboarding.core.lifecycle import FINAL
from onboarding.core.plan import Plan
from onboarding.model import (
    POOL_OPERATIONS,
    THROTTLES,
    Effect,
    Entry,
    Failure,
    JournaledOperation,
    Onboarding,
    Operation,
    OperationStatus,
    Owner,
    RecoveryClass,
    State,
)
from tests.core.making import (
    CONNECTED,
    DAY,
    DECLINED,
    HOUR,
    IN_REVIEW,
    NUMBER_ID,
    SECOND,
    START,
    VERIFIED,
    a_failure,
    a_number,
    a_row,
    a_signup_row,
    an_operation,
    answered,
    call_of,
    look,
    read,
    triggers_of,
    wait_of,
)
from tests.core.promises import check_plan

#: Calls that are made for an account.
OF_ACCOUNTS = (Operation.SUBSCRIBE_APP, Operation.SET_CALLBACK, Operation.EXCHANGE_CODE)
#: Calls that are made for an onboarding.
OURS = [operation for operation in Operation if operation not in (*OF_ACCOUNTS, *POOL_OPERATIONS)]
EFFECTS = [effect for effect in Effect if effect is not Effect.DONE]
CODES = [
    (None, None), (100, None), (100, 2388001), (133000, None), (133005, None), (133006, None),
    (136024, 2388091), (136024, None), (136025, 2388093),
]  # fmt: skip
#: Where each call is made.
HOME = {
    Operation.CREATE_NUMBER: [State.REQUESTED],
    Operation.MIGRATE_NUMBER: [State.REQUESTED],
    Operation.REQUEST_CODE: [State.CREATED, State.OTP_PENDING],
    Operation.VERIFY_CODE: [State.OTP_PENDING],
    Operation.REGISTER: [State.REGISTER_DEADLINE],
    Operation.DEREGISTER: [State.REGISTER_DEADLINE],
    Operation.SET_PIN: [State.REGISTER_DEADLINE],
    Operation.SET_DISPLAY_NAME: [State.NAME_REVIEW],
}
SHOWN = {
    State.CREATED: a_number(),
    State.OTP_PENDING: a_number(),
    State.NAME_REVIEW: DECLINED,
    State.REGISTERED: CONNECTED,
}
HOMES = [(name, state) for name, states in HOME.items() for state in states]
ELSEWHERE = [(name, state) for name, state in product(OURS, State) if state not in HOME[name]]
FAILURES = [
    a_failure(recovery, code, subcode, effect=effect, wait_s=3600.0 if code else None)
    for recovery, effect, (code, subcode) in product(RecoveryClass, EFFECTS, CODES)
]
RENAMING = (State.NAME_REVIEW, State.REGISTER_DEADLINE)
NOW = START + SECOND


def rows(state: State) -> list[Onboarding]:
    """Return rows of a state, as different as a call can find them, last seen an hour ago."""
    seen = None if state is State.REQUESTED else SHOWN.get(state, VERIFIED)
    given = {
        "new_display_name": "New name", "code_sealed": "sealed", "code_mac": "mac",
        "code_sent_at": START, "tries": 4, "pin_mismatches": 1,
        "retry_operation": Operation.DEREGISTER,
    }  # fmt: skip
    before = {"seen_at": None if seen is None else START - HOUR}
    return [
        a_row(state, seen, **before, new_display_name="New name"),
        a_row(state, seen, **{**before, **given}),
        a_signup_row(state, seen, **before, new_display_name="New name"),
        a_row(state, IN_REVIEW, **before, renaming=state in RENAMING),
    ]


def after_answer(row: Onboarding, call: JournaledOperation, now: datetime = NOW) -> Plan:
    plan = look(row, now, unapplied=[call], intake_answers=True)
    check_plan(row, plan, now)
    assert plan.applied == [call]
    return plan


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("state", State)
def test_every_failure_of_every_call_leads_to_a_sensible_step(
    name: Operation, state: State
) -> None:
    for row in rows(state):
        for failure in FAILURES:
            plan = after_answer(row, answered(an_operation(name, row), failure))
            assert plan.row.waiting_for in Owner


@pytest.mark.parametrize(("name", "state"), HOMES)
@pytest.mark.parametrize("later", [DAY, 40 * DAY])
def test_an_answer_that_is_applied_late_does_too(
    name: Operation, state: State, later: timedelta
) -> None:
    for row in rows(state):
        for failure in FAILURES:
            call = answered(an_operation(name, row), failure)
            assert after_answer(row, call, START + later).row.waiting_for in Owner


@pytest.mark.parametrize(("name", "state"), HOMES)
@pytest.mark.parametrize("recovery", RecoveryClass)
def test_a_refused_call_is_not_made_again_in_the_same_breath(
    name: Operation, state: State, recovery: RecoveryClass
) -> None:
    for row in rows(state)[:3]:
        for code, subcode in CODES:
            call = answered(an_operation(name, row), a_failure(recovery, code, subcode))
            assert call_of(after_answer(row, call)) is not name


@pytest.mark.parametrize(("name", "state"), HOMES)
@pytest.mark.parametrize("recovery", RecoveryClass)
def test_an_unanswered_call_is_followed_by_none_but_its_own_code(
    name: Operation, state: State, recovery: RecoveryClass
) -> None:
    for row in rows(state):
        call = answered(an_operation(name, row), a_failure(recovery, effect=Effect.UNKNOWN))
        after = after_answer(row, call)
        assert call_of(after) in (None, Operation.VERIFY_CODE)
        assert (call_of(after) is None) or name is Operation.REQUEST_CODE


@pytest.mark.parametrize(("name", "state"), HOMES)
def test_what_only_a_person_can_mend_ends_with_one(name: Operation, state: State) -> None:
    row = rows(state)[0]
    for recovery in (RecoveryClass.HUMAN, RecoveryClass.BUG):
        after = after_answer(row, answered(an_operation(name, row), a_failure(recovery, 200)))
        assert after.row.waiting_for in (Owner.OPERATOR, Owner.HOLDER)
        assert after.row.hold is not None


@pytest.mark.parametrize(("name", "state"), HOMES)
def test_what_is_refused_for_good_fails(name: Operation, state: State) -> None:
    row = rows(state)[0]
    refusal = a_failure(RecoveryClass.PERMANENT, 192)
    assert after_answer(row, answered(an_operation(name, row), refusal)).row.state is State.FAILED


@pytest.mark.parametrize(("name", "state"), HOMES)
@pytest.mark.parametrize("code", [33, 803])
def test_what_one_call_does_not_find_is_looked_for_before_it_counts_as_gone(
    name: Operation, state: State, code: int
) -> None:
    row = rows(state)[0]
    refusal = a_failure(RecoveryClass.PERMANENT, code)
    after = after_answer(row, answered(an_operation(name, row), refusal))
    assert after.row.state not in FINAL
    if name is not Operation.DEREGISTER:  # what is gone need not be deregistered
        assert wait_of(after).observe_at is not None


@pytest.mark.parametrize(("name", "state"), HOMES)
@pytest.mark.parametrize("recovery", THROTTLES)
@pytest.mark.parametrize("forced", [False, True])
def test_a_throttle_is_waited_out_and_uses_up_no_try(
    name: Operation,
    state: State,
    recovery: RecoveryClass,
    forced: bool,  # noqa: FBT001 - a column
) -> None:
    row = rows(state)[0]
    throttled = a_failure(recovery, 80007, wait_s=1800)
    for _ in range(10):
        row = after_answer(row, answered(an_operation(name, row), throttled)).row
        assert row.hold is None
    assert row.retry_at is not None
    assert row.retry_at >= START + 30 * 60 * SECOND
    soon = look(row, START + 20 * 60 * SECOND, intake_answers=True, forced=forced)
    assert call_of(soon) is not name


@pytest.mark.parametrize(("name", "state"), HOMES)
def test_a_call_that_never_left_is_tried_for_ever_and_forcing_skips_the_pause(
    name: Operation, state: State
) -> None:
    row, now = rows(state)[0], START
    if name is Operation.VERIFY_CODE:
        row = replace(row, code_sealed="sealed", code_mac="mac")
    if name is Operation.MIGRATE_NUMBER:
        row = read(replace(row, entry=Entry.MIGRATION), None, now)
    if name in (Operation.DEREGISTER, Operation.SET_PIN):
        row = replace(row, retry_operation=name)
    for _ in range(12):
        call = answered(an_operation(name, row, now), a_failure(effect=Effect.UNSENT))
        after = look(row, now, unapplied=[call], intake_answers=True)
        until = wait_of(after).until
        assert until is not None
        assert until - now < 20 * 60 * SECOND
        assert call_of(look(after.row, now, forced=True, intake_answers=True)) is name
        row, now = after.row, until
        if name is Operation.VERIFY_CODE:
            now = START


@pytest.mark.parametrize(("name", "state"), ELSEWHERE)
def test_a_success_that_comes_out_of_its_state_moves_nothing(name: Operation, state: State) -> None:
    for row in rows(state)[:3]:
        call = answered(an_operation(name, row))
        after = after_answer(row, call)
        alone = look(row, START + SECOND, intake_answers=True)
        assert after.row.state is alone.row.state
        assert after.row.phone_number_id == row.phone_number_id


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("state", State)
def test_a_failure_that_comes_after_its_call_was_settled_as_absent_is_no_news(
    name: Operation, state: State
) -> None:
    for row in rows(state):
        lost = an_operation(name, row, status=OperationStatus.ABSENT, resolved_by="late")
        alone = look(row, START + HOUR, made=[lost], intake_answers=True)
        for failure in FAILURES:
            call = replace(answered(lost, failure), status=OperationStatus.ABSENT)
            after = look(row, START + HOUR, unapplied=[call], intake_answers=True)
            assert (after.row, after.entries, after.settled) == (alone.row, alone.entries, [])
            assert (after.account_hold, after.applied) == (None, [call])


def test_a_late_success_of_a_create_names_the_second_number() -> None:
    row = a_row(State.CREATED, a_number(), phone_number_id="55")
    call = answered(an_operation(Operation.CREATE_NUMBER, row), status=OperationStatus.ABSENT)
    after = look(replace(row, seen=None, seen_present=None), START, unapplied=[call])
    assert triggers_of(after) == ["late_answer"]
    assert NUMBER_ID in after.entries[0].reason
    assert after.row.phone_number_id == "55"


def test_a_late_success_of_a_register_does_not_date_back_a_later_one() -> None:
    row = a_row(State.REGISTER_DEADLINE, VERIFIED, register_accepted_at=START + HOUR)
    call = answered(an_operation(Operation.REGISTER, row), status=OperationStatus.ABSENT)
    after = look(row, START + 2 * HOUR, unapplied=[call])
    assert after.row.register_accepted_at == START + HOUR


def test_answers_are_applied_oldest_first() -> None:
    row = a_row(State.REGISTER_DEADLINE, VERIFIED)
    refused = answered(
        an_operation(Operation.REGISTER, row), a_failure(RecoveryClass.HUMAN, 133005)
    )
    mended = answered(an_operation(Operation.SET_PIN, row, START + SECOND))
    after = look(row, START + HOUR, unapplied=[refused, mended])
    assert triggers_of(after) == ["call_refused", "pin_set"]
    assert call_of(after) is Operation.REGISTER


def test_an_answer_without_content_changes_nothing() -> None:
    row = a_row(State.REGISTER_DEADLINE, VERIFIED)
    call = an_operation(Operation.REGISTER, row, status=OperationStatus.REFUSED)
    assert look(row, unapplied=[call]).entries == []


def test_texts_name_the_operation_and_what_meta_said() -> None:
    row = a_row(State.REGISTER_DEADLINE, VERIFIED)
    failure: Failure = a_failure(RecoveryClass.HUMAN, 200, message="(#200) Permissions error")
    after: Any = look(row, unapplied=[answered(an_operation(Operation.REGISTER, row), failure)])
    assert after.entries[0].reason == "register: (#200) Permissions error"
    assert after.entries[0].operation == "register-02090000"
