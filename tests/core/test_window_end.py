"""The end of a window: no call after it, and expired only on the word of a later read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from onboarding.core.lifecycle import IN_PROGRESS
from onboarding.model import (
    DeadlineReason,
    Effect,
    Onboarding,
    Operation,
    OperationStatus,
    Owner,
    PhoneNumber,
    Reason,
    RecoveryClass,
    State,
)
from tests.core.making import (
    CONNECTED,
    DAY,
    HOUR,
    IN_REVIEW,
    MINUTE,
    POLICY,
    SECOND,
    START,
    VERIFIED,
    a_failure,
    a_number,
    a_row,
    a_signup_row,
    an_account,
    an_operation,
    answered,
    call_of,
    look,
    read,
    triggers_of,
    wait_of,
)

END = START + 14 * DAY
SHOWN = {
    State.REQUESTED: None,
    State.CREATED: a_number(),
    State.OTP_PENDING: a_number(),
    State.VERIFIED: IN_REVIEW,
    State.NAME_REVIEW: IN_REVIEW,
    State.REGISTER_DEADLINE: VERIFIED,
}


def late(state: State, at: timedelta = timedelta(), **changes: Any) -> Onboarding:
    """Return a signup row whose list was read then, counted from the end of its window."""
    seen: PhoneNumber | None = SHOWN[state]
    number = replace(seen, last_onboarded_time=START) if seen else None
    return read(a_signup_row(state, **changes), number, END + at)


@pytest.mark.parametrize("state", IN_PROGRESS)
@pytest.mark.parametrize("after", [timedelta(), SECOND, DAY, 400 * DAY])
def test_after_the_window_no_call_is_made_in_any_state(state: State, after: timedelta) -> None:
    for read_at in (-DAY, -SECOND, timedelta()):
        row = late(state, read_at, code_ready=True, code_sealed="sealed", code_mac="mac")
        for row_now in (row, replace(row, new_display_name="New name")):
            plan = look(row_now, END + after, intake_answers=True, forced=True)
            assert call_of(plan) is None


@pytest.mark.parametrize("state", IN_PROGRESS)
def test_it_expires_only_after_a_list_read_that_began_past_the_end(state: State) -> None:
    before = look(late(state, -SECOND), END + HOUR)
    assert (wait_of(before).reason, before.row.state) == (Reason.DEADLINE_CHECK, state)
    assert wait_of(before).observe_at == END + HOUR
    after = look(late(state), END + HOUR)
    assert triggers_of(after)[-1] == "window_closed"
    assert (after.row.state, wait_of(after).reason) == (State.EXPIRED, Reason.OVER)


@pytest.mark.parametrize("state", IN_PROGRESS)
def test_every_wait_before_the_end_wakes_at_the_end(state: State) -> None:
    row = late(state, -DAY, hold=Reason.HELD, hold_by="ops")
    assert look(row, END - HOUR).row.next_due_at == END


@pytest.mark.parametrize("state", [s for s in IN_PROGRESS if s is not State.REQUESTED])
def test_a_number_that_the_last_read_shows_connected_made_it(state: State) -> None:
    row = read(a_signup_row(state), replace(CONNECTED, last_onboarded_time=START), END)
    assert look(row, END + SECOND).row.state is State.REGISTERED


def test_an_open_call_keeps_it_from_expiring() -> None:
    row = late(State.REGISTER_DEADLINE, HOUR)
    call = an_operation(Operation.REGISTER, row, END - SECOND, settle_at=END + 2 * HOUR)
    before = look(row, END + HOUR, open_operation=call)
    assert (wait_of(before).reason, before.row.state) == (Reason.SETTLING, State.REGISTER_DEADLINE)
    settled = read(row, VERIFIED, END + 2 * HOUR)
    after = look(settled, END + 2 * HOUR, open_operation=call)
    assert [status for _, status, _ in after.settled] == [OperationStatus.ABSENT]
    assert after.row.state is State.EXPIRED


def test_a_registration_that_meta_accepted_in_time_is_given_time_to_show() -> None:
    row = late(State.REGISTER_DEADLINE, SECOND, register_accepted_at=END - MINUTE)
    wait = wait_of(look(row, END + MINUTE))
    assert (wait.reason, wait.until) == (
        Reason.CONNECTING,
        END - MINUTE + POLICY.reregister_after,
    )
    assert wait.observe_at is not None
    done = read(row, replace(CONNECTED, last_onboarded_time=START), END + 5 * MINUTE)
    assert look(done, END + 5 * MINUTE).row.state is State.REGISTERED
    never = read(row, replace(VERIFIED, last_onboarded_time=START), END + DAY)
    assert look(never, END + DAY).row.state is State.EXPIRED


def test_a_hold_does_not_stop_the_clock() -> None:
    row = late(State.REGISTER_DEADLINE, hold=Reason.HELD, hold_by="ops")
    after = look(row, END + SECOND)
    assert (after.row.state, after.row.hold) == (State.EXPIRED, None)


def test_a_held_account_does_not_either() -> None:
    after = look(late(State.REGISTER_DEADLINE), END, account=an_account(hold=Reason.ACCOUNT_HELD))
    assert after.row.state is State.EXPIRED


def test_while_the_account_is_held_its_operator_is_waited_for_and_not_the_list() -> None:
    for changes in ({}, {"hold": Reason.REFUSED, "hold_by": "engine"}):
        row = late(State.REGISTER_DEADLINE, -SECOND, **changes)
        after = look(row, END + DAY, account=an_account(hold=Reason.ACCOUNT_HELD))
        assert (wait_of(after).reason, after.row.waiting_for) == (
            Reason.ACCOUNT_HELD,
            Owner.OPERATOR,
        )
        assert after.row.state is State.REGISTER_DEADLINE


@pytest.mark.parametrize("reason", [DeadlineReason.EMBEDDED_SIGNUP, DeadlineReason.POLICY])
def test_no_registration_is_decided_that_might_leave_after_the_end(reason: DeadlineReason) -> None:
    row = late(State.REGISTER_DEADLINE, -DAY, register_by_reason=reason)
    if reason is DeadlineReason.POLICY:
        row = replace(read(a_row(State.REGISTER_DEADLINE), VERIFIED, END - DAY), register_by=END)
    last = END - POLICY.send_within
    assert call_of(look(row, last - SECOND)) is Operation.REGISTER
    after = look(row, last)
    if reason is DeadlineReason.POLICY:
        assert call_of(after) is Operation.REGISTER
    else:
        assert (wait_of(after).reason, after.row.next_due_at) == (Reason.DEADLINE_CHECK, END)


def test_a_banned_number_expires_too() -> None:
    number = replace(VERIFIED, status="BANNED", last_onboarded_time=START)
    row = read(a_signup_row(State.REGISTER_DEADLINE), number, END)
    assert look(row, END).row.state is State.EXPIRED
    assert wait_of(look(row, END - SECOND)).reason is Reason.BANNED


def test_a_code_that_nobody_needs_any_more_is_forgotten() -> None:
    after = look(late(State.OTP_PENDING, code_sealed="sealed", code_mac="mac"), END)
    assert (after.row.code_sealed, after.row.code_mac) == (None, None)


@pytest.mark.parametrize("state", IN_PROGRESS)
def test_our_own_promise_never_expires(state: State) -> None:
    row = read(a_row(state, register_by=END), SHOWN[state], END + DAY)
    plan = look(row, END + DAY)
    assert plan.row.state is not State.EXPIRED
    assert "window_closed" not in triggers_of(plan)


def test_our_own_promise_keeps_being_worked_for_after_its_end() -> None:
    row = read(a_row(State.REGISTER_DEADLINE), VERIFIED, END + DAY)
    assert call_of(look(row, END + DAY)) is Operation.REGISTER


def test_a_later_signup_moves_the_end() -> None:
    number = replace(VERIFIED, last_onboarded_time=START + 5 * DAY)
    row = read(a_signup_row(State.REGISTER_DEADLINE), number, END + DAY)
    plan = look(row, END + DAY)
    assert (call_of(plan), plan.row.register_by) == (Operation.REGISTER, END + 5 * DAY)


def test_an_earlier_signup_than_was_given_ends_it_earlier() -> None:
    number = replace(VERIFIED, last_onboarded_time=START - 20 * DAY)
    row = read(a_signup_row(State.REQUESTED), number, START + HOUR)
    assert look(row, START + HOUR).row.state is State.EXPIRED


def test_a_refusal_that_comes_after_the_end_leads_to_no_call() -> None:
    row = late(State.REGISTER_DEADLINE, -SECOND)
    call = answered(
        an_operation(Operation.REGISTER, row, END - SECOND),
        a_failure(RecoveryClass.HUMAN, 133005),
    )
    assert call_of(look(row, END + SECOND, unapplied=[call])) is None


def test_an_expired_onboarding_rests() -> None:
    expired = look(late(State.VERIFIED), END).row
    assert expired.next_due_at is None
    later = look(read(expired, CONNECTED, END + DAY), END + DAY)
    assert (later.entries, wait_of(later).reason) == ([], Reason.OVER)


@pytest.mark.parametrize("reason", [DeadlineReason.POLICY, DeadlineReason.NAME_CHANGE])
def test_only_the_signup_s_window_closes(reason: DeadlineReason) -> None:
    row = replace(late(State.NAME_REVIEW), register_by_reason=reason)
    row = replace(row, seen=IN_REVIEW)
    assert look(row, END + DAY).row.state is State.NAME_REVIEW


def test_an_unanswered_code_request_settles_before_it_expires() -> None:
    row = late(State.OTP_PENDING)
    call = answered(
        an_operation(Operation.REQUEST_CODE, row, END - SECOND), a_failure(effect=Effect.UNKNOWN)
    )
    after = look(row, END + MINUTE, unapplied=[call])
    assert [status for _, status, _ in after.settled] == [OperationStatus.SUCCEEDED]
    assert after.row.state is State.EXPIRED
