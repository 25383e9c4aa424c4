"""Waits that people can predict: capped at the deadline, over with success or another input."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.core.timing import in_time
from onboarding.model import (
    CodeMethod,
    Effect,
    Onboarding,
    Operation,
    Reason,
    RecoveryClass,
    State,
)
from tests.core.making import (
    DAY,
    HOUR,
    IN_REVIEW,
    MINUTE,
    POLICY,
    SECOND,
    START,
    VERIFIED,
    a_failure,
    a_row,
    a_signup_row,
    an_operation,
    answered,
    call_of,
    look,
    read,
    wait_of,
)

REGISTER, VERIFY = Operation.REGISTER, Operation.VERIFY_CODE
CERTIFICATE = a_failure(RecoveryClass.WAIT, 100, 2388001, wait_s=900.0)
PASSING = a_failure(RecoveryClass.TRANSIENT, 2)

instants = st.timedeltas(min_value=timedelta(), max_value=30 * DAY).map(lambda s: START + s)
spans = st.timedeltas(min_value=timedelta(), max_value=2 * DAY)


@given(at=instants, deadline=st.none() | instants, margin=spans, floor=instants)
def test_a_wait_is_never_longer_for_the_deadline_and_never_shorter_than_meta_s(
    at: datetime, deadline: datetime | None, margin: timedelta, floor: datetime
) -> None:
    floor = min(floor, at)
    again = in_time(at, deadline, margin, not_before=floor)
    assert floor <= again <= at
    if deadline is not None and floor < deadline - margin:
        assert again <= max(deadline - margin, floor)


def refused(
    row: Onboarding, now: datetime, failure: object = PASSING, **changes: object
) -> Onboarding:
    """Return the row after a register call that failed now."""
    call = answered(an_operation(REGISTER, row, now), failure, **changes)  # type: ignore[arg-type]  # one of ours
    return look(row, now, unapplied=[call], made=[call]).row


class TestCappedAtTheDeadline:
    ROW = a_signup_row(State.REGISTER_DEADLINE, VERIFIED)
    END = START + 14 * DAY

    def after(self, left: timedelta, tries: int = 0) -> Onboarding:
        """Return the row after one more 100/2388001 so long before the end."""
        now = self.END - left
        row = replace(
            read(self.ROW, replace(VERIFIED, last_onboarded_time=START), now), tries=tries
        )
        if tries:
            first = refused(row, now - DAY, CERTIFICATE).trouble
            row = replace(row, trouble=first)
        return refused(row, now, CERTIFICATE)

    def test_far_from_it_the_wait_is_the_schedule_s(self) -> None:
        row = self.after(10 * DAY, tries=3)
        assert row.retry_at is not None
        waited = row.retry_at - (self.END - 10 * DAY)
        assert DAY <= waited <= DAY + MINUTE

    def test_near_it_there_is_one_last_try_in_time(self) -> None:
        row = self.after(5 * HOUR, tries=3)
        assert row.retry_at == self.END - POLICY.last_try

    def test_what_meta_asked_for_is_waited_out_even_then(self) -> None:
        row = self.after(HOUR + 5 * MINUTE, tries=3)
        assert row.retry_at is not None
        assert row.retry_at >= self.END - HOUR - 5 * MINUTE + 15 * MINUTE

    def test_a_lost_call_is_looked_into_and_made_again_in_time(self) -> None:
        now = self.END - 3 * HOUR
        row = replace(read(self.ROW, replace(VERIFIED, last_onboarded_time=START), now))
        silent = a_failure(effect=Effect.UNKNOWN)
        lost = answered(an_operation(REGISTER, row, now), silent)
        trouble = replace(refused(row, now).trouble, failure=silent, operation="register")  # type: ignore[type-var]  # it is there
        row = replace(row, tries=3, trouble=trouble)
        later = now + POLICY.settle + SECOND
        seen = read(row, replace(VERIFIED, last_onboarded_time=START), later)
        after = look(seen, later, open_operation=lost)
        assert after.row.retry_at == self.END - POLICY.last_try

    def test_a_code_is_asked_for_again_in_time(self) -> None:
        sent = self.END - 90 * MINUTE
        row = a_signup_row(State.OTP_PENDING)
        row = replace(
            row,
            code_method=CodeMethod.VOICE,  # by SMS, the next one would go by voice at once
            code_sends=2,
            code_sent_at=sent,
            state_since=sent,
        )
        wait = wait_of(look(row, sent + 20 * MINUTE, intake_answers=True))
        assert (wait.reason, wait.until) == (Reason.CODE_WINDOW, self.END - POLICY.last_try)


class TestSkippedOnceTheInputChanged:
    def in_review(self, now: datetime) -> Onboarding:
        """Return a number that Meta refused to register while its name was in review."""
        row = read(a_signup_row(State.REGISTER_DEADLINE), IN_REVIEW, now)
        early = replace(row, seen=replace(IN_REVIEW, last_onboarded_time=START))
        after = refused(replace(early, tries=3), now, CERTIFICATE)
        assert after.state is State.NAME_REVIEW
        assert after.retry_at is not None
        return replace(after, retry_at=now + 6 * HOUR)

    def test_a_name_that_was_approved_meanwhile_is_registered_after_meta_s_own_wait(self) -> None:
        now = START + 11 * DAY + HOUR
        row = self.in_review(now)
        failed = answered(
            an_operation(REGISTER, row, now), CERTIFICATE, outcome_at=now, applied=True
        )
        approved = replace(VERIFIED, name_status="APPROVED", last_onboarded_time=START)
        soon = look(read(row, approved, now + MINUTE), now + MINUTE, made=[failed])
        assert (soon.row.state, wait_of(soon).reason) == (State.REGISTER_DEADLINE, Reason.THROTTLED)
        assert wait_of(soon).until == now + 15 * MINUTE
        later = now + 15 * MINUTE + SECOND
        assert call_of(look(read(row, approved, later), later, made=[failed])) is REGISTER

    def test_the_same_name_still_in_review_waits_on(self) -> None:
        now = START + 11 * DAY + HOUR
        row = self.in_review(now)
        seen = replace(IN_REVIEW, last_onboarded_time=START)
        after = look(read(row, seen, now + 20 * MINUTE), now + 20 * MINUTE)
        assert wait_of(after).reason is Reason.NAME_IN_REVIEW

    @pytest.mark.parametrize("is_new", [True, False])
    def test_another_code_is_sent_at_once_and_the_same_one_is_not(self, is_new: bool) -> None:  # noqa: FBT001 - a parameter
        now = START + HOUR
        row = a_row(
            State.OTP_PENDING, code_sealed="sealed", code_mac="one", code_sent_at=now - MINUTE,
            code_given_at=now - MINUTE, state_since=now - MINUTE,
        )  # fmt: skip
        unsent = answered(an_operation(VERIFY, row, now), a_failure(effect=Effect.UNSENT))
        row = look(row, now, unapplied=[unsent], made=[unsent]).row
        assert row.retry_at is not None
        if is_new:
            row = replace(row, code_mac="two", code_given_at=now + 2 * SECOND)
        after = look(row, now + 3 * SECOND)
        assert call_of(after) == (VERIFY if is_new else None)

    def test_patience_that_meta_asked_of_all_calls_is_not_skipped(self) -> None:
        now = START + HOUR
        row = a_row(
            State.OTP_PENDING, code_sealed="sealed", code_mac="one", code_sent_at=now,
            code_given_at=now, state_since=now,
        )  # fmt: skip
        throttled = a_failure(RecoveryClass.THROTTLE_APP, 4)
        call = answered(an_operation(VERIFY, row, now), throttled)
        row = look(row, now, unapplied=[call], made=[call]).row
        row = replace(row, code_sealed="sealed", code_mac="two", code_given_at=now + SECOND)
        assert wait_of(look(row, now + 2 * SECOND)).reason is Reason.THROTTLED


class TestClearedOnSuccess:
    def test_a_success_forgets_the_backoff(self) -> None:
        row = refused(a_row(State.REGISTER_DEADLINE, VERIFIED), START)
        assert (row.tries, row.retry_operation) == (1, REGISTER)
        done = answered(an_operation(REGISTER, row, START + HOUR))
        after = look(row, START + HOUR, unapplied=[done], made=[done]).row
        assert (after.tries, after.retry_at, after.trouble) == (0, None, None)


class TestForced:
    def test_a_person_need_not_wait_for_the_next_code_but_for_the_last_to_lapse(self) -> None:
        row = a_row(
            State.OTP_PENDING, code_method=CodeMethod.VOICE, code_sends=2, code_sent_at=START
        )
        resting = look(row, START + 20 * MINUTE, intake_answers=True)
        assert wait_of(resting).reason is Reason.CODE_WINDOW
        forced = look(row, START + 20 * MINUTE, intake_answers=True, forced=True)
        assert call_of(forced) is Operation.REQUEST_CODE
        out = look(row, START + 5 * MINUTE, intake_answers=True, forced=True)
        assert wait_of(out).reason is Reason.CODE

    def test_but_a_budget_holds(self) -> None:
        row = a_row(State.REGISTER_DEADLINE, VERIFIED)
        made = [answered(an_operation(REGISTER, row, START + n * HOUR)) for n in range(8)]
        after = look(row, START + 9 * HOUR, made=made, forced=True)
        assert wait_of(after).reason is Reason.BUDGET
