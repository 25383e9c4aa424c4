"""``verified`` and ``name_review``: only a usable name is registered; who is asked, and when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from onboarding.core.steps import Call
from onboarding.model import (
    Effect,
    JournaledOperation,
    Operation,
    Owner,
    PhoneNumber,
    Reason,
    RecoveryClass,
    State,
)
from tests.core.making import (
    DAY,
    DECLINED,
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
    triggers_of,
    wait_of,
)

REGISTER, SET_NAME = Operation.REGISTER, Operation.SET_DISPLAY_NAME
REVIEW = a_row(State.NAME_REVIEW, IN_REVIEW)
CERTIFICATE = a_failure(RecoveryClass.WAIT, 100, 2388001, wait_s=900)


def named(status: str | None, **changes: Any) -> PhoneNumber:
    return replace(VERIFIED, name_status=status, **changes)


class TestVerified:
    @pytest.mark.parametrize("status", ["APPROVED", "AVAILABLE_WITHOUT_REVIEW"])
    def test_a_usable_name_is_registered_with(self, status: str) -> None:
        after = look(a_row(State.VERIFIED, named(status)))
        assert (after.row.state, call_of(after)) == (State.REGISTER_DEADLINE, REGISTER)

    @pytest.mark.parametrize("status", ["PENDING_REVIEW", "DECLINED", "EXPIRED", "NONE"])
    def test_any_other_name_is_reviewed_first(self, status: str) -> None:
        after = look(a_row(State.VERIFIED, named(status)))
        assert after.row.state is State.NAME_REVIEW
        assert status in after.entries[0].reason

    @pytest.mark.parametrize("status", [None, "SOMETHING_NEW"])
    def test_a_standing_that_is_not_told_is_read_once_more_and_then_no_obstacle(
        self, status: str | None
    ) -> None:
        row = a_row(State.VERIFIED, named(status), seen_at=START - SECOND)
        before = look(row)
        assert (wait_of(before).reason, wait_of(before).observe_at) == (Reason.LISTING, START)
        after = look(read(row, named(status), START + SECOND), START + SECOND)
        assert after.row.state is State.REGISTER_DEADLINE

    def test_a_number_that_was_never_seen_is_looked_at_first(self) -> None:
        assert wait_of(look(a_row(State.VERIFIED))).reason is Reason.LISTING


class TestReview:
    def test_a_running_review_is_meta_s_turn_and_looked_at_less_and_less(self) -> None:
        after = look(REVIEW)
        assert after.row.waiting_for is Owner.META
        now = START
        for gap in (15 * MINUTE, 45 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 6 * HOUR):
            wait = wait_of(look(read(REVIEW, IN_REVIEW, now), now))
            assert wait.observe_at is not None
            assert gap * 0.75 <= wait.observe_at - now <= gap * 1.25
            now = wait.observe_at

    def test_without_a_window_at_meta_a_review_may_take_its_time(self) -> None:
        row = read(REVIEW, IN_REVIEW, START + 60 * DAY)
        assert wait_of(look(row, START + 60 * DAY)).reason is Reason.NAME_IN_REVIEW

    @pytest.mark.parametrize("status", ["APPROVED", "AVAILABLE_WITHOUT_REVIEW"])
    def test_an_approved_name_is_registered_with(self, status: str) -> None:
        after = look(read(REVIEW, named(status), START + HOUR), START + HOUR)
        assert (after.row.state, call_of(after)) == (State.REGISTER_DEADLINE, REGISTER)

    @pytest.mark.parametrize(
        ("status", "reason"),
        [("DECLINED", Reason.NAME_DECLINED), ("EXPIRED", Reason.NAME_EXPIRED)],
    )
    def test_a_declined_or_expired_name_is_the_partner_s_turn(
        self, status: str, reason: Reason
    ) -> None:
        after = look(read(REVIEW, named(status), START + HOUR), START + HOUR)
        assert (wait_of(after).reason, after.row.waiting_for) == (reason, Owner.PARTNER)
        assert wait_of(after).observe_at is not None

    def test_a_missing_name_is_given_a_day_to_appear(self) -> None:
        row = read(REVIEW, named("NONE"), START)
        before = wait_of(look(row, START + DAY - SECOND))
        assert (before.reason, before.until) == (Reason.NAME_IN_REVIEW, START + DAY)
        after = look(row, START + DAY)
        assert (wait_of(after).reason, after.row.waiting_for) == (
            Reason.NAME_MISSING,
            Owner.PARTNER,
        )

    def test_the_standing_of_a_change_counts_only_if_we_asked_for_one(self) -> None:
        number = named("APPROVED", new_name_status="DECLINED", new_display_name="Old try")
        assert look(read(REVIEW, number, START + HOUR), START + HOUR).row.state is (
            State.REGISTER_DEADLINE
        )


class TestAnotherName:
    """A declined name of a number that is not registered yet."""

    ASKED = a_row(State.NAME_REVIEW, DECLINED, new_display_name="New name")
    SUBMITTED = replace(ASKED, name_submitted_at=START)

    def test_it_is_submitted(self) -> None:
        step = look(self.ASKED).step
        assert isinstance(step, Call)
        assert (step.operation, step.params["new_display_name"]) == (SET_NAME, "New name")

    def test_ten_names_in_thirty_days_and_no_more(self) -> None:
        made = [
            answered(an_operation(SET_NAME, self.ASKED, START - (n + 1) * DAY)) for n in range(10)
        ]
        wait = wait_of(look(self.ASKED, made=made))
        assert (wait.reason, wait.until) == (Reason.BUDGET, START + 20 * DAY)
        assert call_of(look(self.ASKED, made=made[:9])) is SET_NAME

    def test_once_accepted_it_is_reviewed_and_its_own_standing_counts(self) -> None:
        call = answered(an_operation(SET_NAME, self.ASKED, START + HOUR))
        after = look(self.ASKED, START + HOUR, unapplied=[call])
        assert after.row.name_submitted_at == START + HOUR
        now = START + 2 * HOUR
        pending = replace(DECLINED, new_name_status="PENDING_REVIEW", new_display_name="New name")
        assert wait_of(look(read(after.row, pending, now), now)).reason is Reason.NAME_IN_REVIEW

    def test_what_the_list_shows_just_after_is_not_believed_yet(self) -> None:
        stale = replace(DECLINED, new_name_status="DECLINED")
        row = read(self.SUBMITTED, stale, START + SECOND)
        wait = wait_of(look(row, START + SECOND))
        assert (wait.reason, wait.observe_at) == (Reason.LISTING, START + POLICY.settle)

    def test_once_approved_it_is_registered_with_though_the_old_one_stays_declined(self) -> None:
        approved = replace(DECLINED, new_name_status="APPROVED", new_display_name="New name")
        after = look(read(self.SUBMITTED, approved, START + HOUR), START + HOUR)
        assert (after.row.state, call_of(after)) == (State.REGISTER_DEADLINE, REGISTER)
        assert triggers_of(after) == ["name_status_changed", "name_usable"]

    @pytest.mark.parametrize(
        ("status", "reason"),
        [("DECLINED", Reason.NAME_DECLINED), ("EXPIRED", Reason.NAME_EXPIRED)],
    )
    def test_once_declined_too_the_partner_is_asked_again(
        self, status: str, reason: Reason
    ) -> None:
        number = named("APPROVED", new_name_status=status)
        after = look(read(self.SUBMITTED, number, START + HOUR), START + HOUR)
        assert wait_of(after).reason is reason

    def test_a_name_that_was_given_meanwhile_is_submitted_after_it(self) -> None:
        call = answered(an_operation(SET_NAME, self.ASKED))
        newer = replace(self.ASKED, new_display_name="Newer name")
        after = look(newer, START + SECOND, unapplied=[call])
        assert isinstance(after.step, Call)
        assert after.step.params["new_display_name"] == "Newer name"

    def test_a_refusal_that_a_person_must_mend_is_held(self) -> None:
        call = answered(an_operation(SET_NAME, self.ASKED), a_failure(RecoveryClass.HUMAN, 100))
        after = look(self.ASKED, START + SECOND, unapplied=[call])
        assert wait_of(after).reason is Reason.REFUSED

    def test_an_unsent_one_is_submitted_after_a_pause(self) -> None:
        call = answered(an_operation(SET_NAME, self.ASKED), a_failure(effect=Effect.UNSENT))
        after = look(self.ASKED, START + SECOND, unapplied=[call])
        until = wait_of(after).until
        assert until is not None
        assert call_of(look(after.row, until, made=[call])) is SET_NAME


class TestEarlyRegistration:
    """In the last three days of the signup window registration is tried during the review."""

    ROW = a_signup_row(State.NAME_REVIEW, IN_REVIEW)
    SEEN = replace(IN_REVIEW, last_onboarded_time=START)
    D3 = START + 11 * DAY

    def test_never_before(self) -> None:
        for days in range(11):
            now = START + days * DAY
            wait = wait_of(look(read(self.ROW, self.SEEN, now), now))
            assert (wait.reason, wait.until) == (Reason.NAME_IN_REVIEW, self.D3)
        assert call_of(look(self.ROW, self.D3 - SECOND)) is None

    def test_not_even_if_a_person_forces_a_try_or_a_name_is_reviewed_anew(self) -> None:
        assert call_of(look(self.ROW, START + DAY, forced=True)) is None
        ready = replace(self.ROW, state=State.REGISTER_DEADLINE)
        after = look(ready, START + DAY)
        assert (after.row.state, call_of(after)) == (State.NAME_REVIEW, None)

    def test_from_then_on(self) -> None:
        after = look(self.ROW, self.D3)
        assert (triggers_of(after), call_of(after)) == (["early_registration_due"], REGISTER)

    @pytest.mark.parametrize("status", ["DECLINED", "EXPIRED"])
    def test_never_under_a_name_that_cannot_be_used(self, status: str) -> None:
        number = replace(self.SEEN, name_status=status)
        after = look(read(self.ROW, number, self.D3), self.D3)
        assert after.row.waiting_for is Owner.PARTNER

    def test_never_without_a_name(self) -> None:
        number = replace(self.SEEN, name_status="NONE")
        assert call_of(look(read(self.ROW, number, self.D3), self.D3)) is None

    def test_a_promise_of_ours_is_no_reason_for_it(self) -> None:
        assert call_of(look(REVIEW, START + 13 * DAY)) is None

    def test_it_is_tried_again_after_15_minutes_1_6_and_24_hours(self) -> None:
        made: list[JournaledOperation] = []
        row, now, gaps = self.ROW, self.D3, []
        for _ in range(5):
            after = look(read(row, self.SEEN, now), now, made=made)
            assert call_of(after) is REGISTER
            call = answered(an_operation(REGISTER, after.row, now), CERTIFICATE)
            refused = look(after.row, now + SECOND, unapplied=[call], made=made)
            made.append(call)
            assert refused.row.state is State.NAME_REVIEW
            wait = wait_of(refused)
            assert wait.reason is Reason.NAME_IN_REVIEW
            assert wait.until is not None
            assert wait.observe_at is not None
            gaps.append(round((wait.until - now) / HOUR, 1))
            row, now = refused.row, wait.until
        assert gaps == [0.3, 1.0, 6.0, 24.0, 24.0]

    def test_calls_that_never_left_do_not_stretch_its_schedule(self) -> None:
        ready = replace(self.ROW, state=State.REGISTER_DEADLINE, state_since=self.D3)
        row, made = read(ready, self.SEEN, self.D3), []
        for minutes in range(3):
            at = self.D3 + minutes * MINUTE
            made.append(answered(an_operation(REGISTER, row, at), a_failure(effect=Effect.UNSENT)))
            row = look(row, at, unapplied=made[-1:], made=made[:-1]).row
        call = answered(an_operation(REGISTER, row, self.D3 + HOUR), CERTIFICATE)
        until = wait_of(look(row, self.D3 + HOUR, unapplied=[call], made=made)).until
        assert until is not None
        assert until - self.D3 - HOUR < 20 * MINUTE

    def test_a_person_s_try_does_not_skip_the_wait_that_meta_imposed(self) -> None:
        ready = replace(self.ROW, state=State.REGISTER_DEADLINE)
        call = answered(an_operation(REGISTER, ready, self.D3), CERTIFICATE)
        refused = look(read(ready, self.SEEN, self.D3), self.D3, unapplied=[call]).row
        assert call_of(look(refused, self.D3 + MINUTE, made=[call], forced=True)) is None


def test_a_name_that_meta_cannot_process_for_days_is_a_person_s_turn() -> None:
    made: list[JournaledOperation] = []
    row, now = a_row(State.REGISTER_DEADLINE, named("APPROVED")), START
    while row.hold is None:
        after = look(row, now, made=made)
        call = answered(an_operation(REGISTER, after.row, now), CERTIFICATE)
        refused = look(after.row, now, unapplied=[call], made=made)
        made.append(call)
        row, now = refused.row, wait_of(refused).until or now
    assert (row.hold, len(made)) == (Reason.REFUSED, POLICY.certificate_tries + 1)
    assert now - START > 3 * DAY


def test_a_name_refused_under_approval_is_tried_again_and_watched_meanwhile() -> None:
    ready = a_row(State.REGISTER_DEADLINE, named("APPROVED"))
    call = answered(an_operation(REGISTER, ready), CERTIFICATE)
    after = look(ready, START + SECOND, unapplied=[call])
    wait = wait_of(after)
    assert (after.row.state, wait.reason) == (State.NAME_REVIEW, Reason.NAME_IN_REVIEW)
    assert wait.until is not None
    assert wait.observe_at is not None
    assert call_of(look(after.row, wait.until, made=[call])) is REGISTER
    declined = look(read(after.row, DECLINED, START + HOUR), START + HOUR, made=[call])
    assert wait_of(declined).reason is Reason.NAME_DECLINED
