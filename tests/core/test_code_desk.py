"""``created`` and ``otp_pending``: a code is asked for when somebody reads it, and sent once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from onboarding.core.steps import Call
from onboarding.model import (
    CodeMethod,
    Effect,
    JournaledOperation,
    Operation,
    OperationStatus,
    Owner,
    Reason,
    RecoveryClass,
    State,
)
from tests.core.making import (
    DAY,
    HOUR,
    MINUTE,
    POLICY,
    SECOND,
    START,
    VERIFIED,
    a_failure,
    a_number,
    a_row,
    an_operation,
    answered,
    call_of,
    is_poll_after,
    look,
    read,
    triggers_of,
    wait_of,
)

ASK, VERIFY = Operation.REQUEST_CODE, Operation.VERIFY_CODE
CREATED = a_row(State.CREATED, a_number())
WAITING = a_row(State.OTP_PENDING, a_number(), code_sent_at=START, code_sends=1)
GIVEN = replace(WAITING, code_sealed="sealed", code_mac="mac", code_given_at=START + MINUTE)
ON_ITS_WAY = POLICY.send_within + POLICY.call_timeout
LAPSED = START + ON_ITS_WAY + POLICY.code_validity
TOO_LATE = START + POLICY.code_validity
WRONG = a_failure(RecoveryClass.HUMAN, 136025, 2388093)


def asked(count: int, every: timedelta = HOUR, **changes: Any) -> list[JournaledOperation]:
    calls = (an_operation(ASK, CREATED, START - (n + 1) * every) for n in range(count))
    return [answered(call, **changes) for call in calls]


class TestAskingForACode:
    def test_nobody_is_asked_to_read_a_code_that_nobody_is_known_to_read(self) -> None:
        after = look(CREATED)
        assert (wait_of(after).reason, after.row.waiting_for) == (Reason.CODE_READY, Owner.HOLDER)
        assert is_poll_after(wait_of(after), START, 6 * HOUR)

    def test_an_intake_that_answers_is_enough(self) -> None:
        assert look(CREATED, intake_answers=True).step == Call(
            operation=ASK,
            natural_key=f"{CREATED.phone_number_id}/1",
            params={"code_method": "SMS", "language": "en_US"},
        )

    def test_a_person_s_word_is_enough_and_is_used_up_by_one_code(self) -> None:
        row = replace(CREATED, code_ready=True, code_method=CodeMethod.VOICE)
        after = look(row)
        assert isinstance(after.step, Call)
        assert after.step.params["code_method"] == "VOICE"
        sent = look(row, START + SECOND, unapplied=[answered(an_operation(ASK, row))])
        assert (sent.row.state, sent.row.code_ready) == (State.OTP_PENDING, False)
        assert wait_of(look(sent.row, START + DAY)).reason is Reason.CODE_READY

    def test_the_holder_s_window_is_waited_for(self) -> None:
        row = replace(CREATED, code_window="10:00-12:00 UTC")
        wait = wait_of(look(row))
        assert (wait.reason, wait.until) == (Reason.CODE_WINDOW, START + HOUR)
        assert call_of(look(row, START + HOUR)) is ASK

    def test_after_a_window_of_one_stretch_a_person_is_asked(self) -> None:
        row = replace(CREATED, code_window="2026-03-01T09:00Z/2026-03-01T10:00Z")
        assert wait_of(look(row)).reason is Reason.CODE_READY

    def test_a_window_at_night_is_not_forced_open(self) -> None:
        row = replace(CREATED, code_window="10:00-12:00 UTC")
        assert call_of(look(row, forced=True)) is None

    def test_a_number_that_meta_shows_as_verified_needs_no_code(self) -> None:
        after = look(read(CREATED, VERIFIED, START), intake_answers=True)
        assert triggers_of(after) == ["ownership_observed", "name_usable"]

    @pytest.mark.parametrize("status", [None, "EXPIRED", "NOT_VERIFIED", "SOMETHING_NEW"])
    def test_anything_but_verified_is_no_proof(self, status: str | None) -> None:
        row = read(CREATED, a_number(code_verification_status=status), START)
        assert call_of(look(row, intake_answers=True)) is ASK


class TestTheBudget:
    def test_nine_codes_in_72_hours_and_no_more(self) -> None:
        row = replace(CREATED, code_ready=True)
        assert call_of(look(row, made=asked(8))) is ASK
        wait = wait_of(look(row, made=asked(9)))
        assert (wait.reason, wait.until) == (Reason.BUDGET, START - 9 * HOUR + 72 * HOUR)
        assert call_of(look(row, START + 63 * HOUR, made=asked(9))) is ASK

    def test_refused_calls_count_and_calls_that_never_left_do_not(self) -> None:
        row = replace(CREATED, code_ready=True)
        unsent = asked(9, failure=a_failure(effect=Effect.UNSENT))
        refused = asked(9, failure=a_failure(RecoveryClass.WAIT, 136024))
        assert call_of(look(row, made=unsent)) is ASK
        assert wait_of(look(row, made=refused)).reason is Reason.BUDGET

    def test_codes_for_an_earlier_onboarding_of_the_number_count(self) -> None:
        row = replace(CREATED, code_ready=True)
        others = [replace(call, onboarding_id="other") for call in asked(9)]
        assert wait_of(look(row, made=others)).reason is Reason.BUDGET

    def test_a_person_cannot_force_the_budget(self) -> None:
        row = replace(CREATED, code_ready=True)
        assert wait_of(look(row, made=asked(9), forced=True)).reason is Reason.BUDGET

    @pytest.mark.parametrize("name", [ASK, VERIFY])
    def test_a_wait_that_meta_imposed_holds_for_every_onboarding_of_the_number(
        self, name: Operation
    ) -> None:
        row = replace(CREATED, code_ready=True)
        blocked = a_failure(RecoveryClass.WAIT, 136024, 2388367, wait_s=DAY.total_seconds())
        call = answered(an_operation(name, CREATED, START - HOUR), blocked, onboarding_id="other")
        wait = wait_of(look(row, made=[call], forced=True))
        until = START - HOUR + SECOND + DAY
        assert (wait.reason, wait.until) == (Reason.THROTTLED, until)
        assert call_of(look(row, until, made=[call])) is ASK

    def test_a_code_is_not_sent_back_while_meta_takes_none_of_the_number(self) -> None:
        blocked = a_failure(RecoveryClass.WAIT, 4, 2446079, wait_s=HOUR.total_seconds())
        call = answered(an_operation(VERIFY, WAITING, START), blocked, onboarding_id="other")
        assert wait_of(look(GIVEN, START + MINUTE, made=[call])).reason is Reason.THROTTLED


class TestWaitingForACode:
    def test_a_code_is_outstanding_for_ten_minutes_whoever_wants_another(self) -> None:
        row = replace(WAITING, code_ready=True)
        wait = wait_of(look(row, LAPSED - SECOND, intake_answers=True, forced=True))
        assert (wait.reason, wait.until) == (Reason.CODE, LAPSED)
        assert call_of(look(row, LAPSED, intake_answers=True)) is ASK

    @pytest.mark.parametrize("changes", [{"cycle": 0}, {"onboarding_id": "other"}])
    def test_a_code_for_an_earlier_onboarding_of_the_number_is_outstanding_too(
        self, changes: dict[str, Any]
    ) -> None:
        row = replace(CREATED, code_ready=True)
        before = answered(an_operation(ASK, CREATED, START - MINUTE), **changes)
        wait = wait_of(look(row, made=[before]))
        assert (wait.reason, wait.until) == (Reason.BUDGET, START + 9 * MINUTE + SECOND)
        refused = answered(an_operation(ASK, CREATED, START - MINUTE), a_failure(), **changes)
        assert call_of(look(row, made=[refused])) is ASK

    @pytest.mark.parametrize("status", [OperationStatus.PENDING, OperationStatus.UNKNOWN])
    def test_so_is_one_that_an_earlier_onboarding_may_have_asked_for(
        self, status: OperationStatus
    ) -> None:
        row = replace(CREATED, code_ready=True)
        asked_at = START - MINUTE
        before = an_operation(ASK, CREATED, asked_at, onboarding_id="other", status=status)
        wait = wait_of(look(row, made=[before]))
        assert (wait.reason, wait.until) == (Reason.BUDGET, START + 9 * MINUTE + ON_ITS_WAY)
        absent = replace(before, status=OperationStatus.ABSENT)
        assert call_of(look(row, made=[absent])) is ASK

    def test_the_next_codes_come_less_and_less_often_and_after_three_a_person_is_asked(
        self,
    ) -> None:
        by_voice = answered(an_operation(ASK, WAITING, START, code_method=CodeMethod.VOICE))
        gaps = []
        for sends in (1, 2, 3):
            row = replace(WAITING, code_sends=sends, code_method=CodeMethod.VOICE)
            after = look(row, LAPSED, made=[by_voice], intake_answers=True)
            wait = wait_of(after) if sends > 1 else None
            gaps.append(wait and (wait.reason, wait.until and wait.until - START))
        assert gaps == [None, (Reason.CODE_WINDOW, HOUR), (Reason.CODE_READY, None)]

    def test_a_person_may_have_a_fourth_code_sent(self) -> None:
        row = replace(WAITING, code_sends=3, code_tries=3, code_ready=True)
        assert call_of(look(row, LAPSED)) is ASK

    def test_a_number_that_is_verified_elsewhere_goes_on(self) -> None:
        after = look(read(WAITING, VERIFIED, START + MINUTE), START + MINUTE)
        assert after.row.state is State.REGISTER_DEADLINE

    def test_what_was_seen_before_the_code_was_sent_counts_for_nothing(self) -> None:
        row = replace(WAITING, seen=VERIFIED, seen_at=START - SECOND)
        assert look(row, START + MINUTE).row.state is State.OTP_PENDING


class TestSendingACode:
    def test_a_code_that_was_given_is_sent(self) -> None:
        after = look(GIVEN, START + 2 * MINUTE)
        assert isinstance(after.step, Call)
        assert (after.step.operation, dict(after.step.params)) == (VERIFY, {})
        assert after.step.natural_key == f"{GIVEN.phone_number_id}/mac"

    def test_an_accepted_code_proves_ownership(self) -> None:
        call = answered(an_operation(VERIFY, GIVEN, START + MINUTE))
        after = look(GIVEN, START + 2 * MINUTE, unapplied=[call])
        assert triggers_of(after)[0] == "code_verified"
        assert (after.row.code_sealed, after.row.code_mac) == (None, None)

    @pytest.mark.parametrize(
        "status", [s for s in OperationStatus if s is not OperationStatus.UNSENT]
    )
    def test_no_code_is_sent_twice_whatever_came_of_it(self, status: OperationStatus) -> None:
        before = an_operation(VERIFY, GIVEN, START + MINUTE, status=status)
        after = look(GIVEN, START + 2 * MINUTE, made=[before])
        assert call_of(after) is None
        assert triggers_of(after) == ["code_refused"]
        assert after.row.code_sealed is None

    def test_a_code_that_never_left_is_sent_after_a_pause(self) -> None:
        unsent = answered(
            an_operation(VERIFY, GIVEN, START + MINUTE), a_failure(effect=Effect.UNSENT)
        )
        after = look(GIVEN, START + MINUTE, unapplied=[unsent])
        until = wait_of(after).until
        assert until is not None
        assert until < START + 2 * MINUTE
        assert call_of(look(after.row, until, made=[unsent])) is VERIFY

    def test_a_code_that_comes_after_ten_minutes_is_not_sent(self) -> None:
        assert call_of(look(GIVEN, TOO_LATE - SECOND)) is VERIFY
        after = look(GIVEN, TOO_LATE)
        assert triggers_of(after) == ["code_lapsed"]
        assert call_of(after) is None

    def test_a_wrong_code_leaves_time_to_give_the_right_one(self) -> None:
        call = answered(an_operation(VERIFY, GIVEN, START + MINUTE), WRONG)
        after = look(GIVEN, START + 2 * MINUTE, unapplied=[call], intake_answers=True)
        assert (wait_of(after).reason, wait_of(after).until) == (Reason.CODE, LAPSED)
        assert (after.row.code_sealed, after.row.code_tries) == (None, 1)
        another = replace(after.row, code_sealed="sealed", code_mac="another")
        assert call_of(look(another, START + 3 * MINUTE, made=[call])) is VERIFY

    def test_after_three_wrong_codes_a_person_is_asked(self) -> None:
        row = replace(GIVEN, code_tries=2)
        call = answered(an_operation(VERIFY, row, START + MINUTE), WRONG)
        after = look(row, LAPSED, unapplied=[call], intake_answers=True)
        assert wait_of(after).reason is Reason.CODE_READY

    def test_a_code_that_came_while_another_was_refused_is_kept(self) -> None:
        call = answered(an_operation(VERIFY, GIVEN, START + MINUTE), WRONG)
        newer = replace(GIVEN, code_sealed="newer", code_mac="newer")
        after = look(newer, START + 2 * MINUTE, unapplied=[call])
        assert call_of(after) is VERIFY
        assert after.row.code_sealed == "newer"

    @pytest.mark.parametrize("code", [200, 10, 131005, 131031])
    def test_a_missing_permission_is_no_wrong_code(self, code: int) -> None:
        call = answered(
            an_operation(VERIFY, GIVEN, START + MINUTE), a_failure(RecoveryClass.HUMAN, code)
        )
        after = look(GIVEN, START + 2 * MINUTE, unapplied=[call])
        assert (wait_of(after).reason, after.row.code_tries) == (Reason.REFUSED, 0)

    def test_while_meta_takes_no_code_back_none_is_asked_for(self) -> None:
        blocked = a_failure(RecoveryClass.WAIT, 4, 2446079, wait_s=12 * 3600)
        call = answered(an_operation(VERIFY, GIVEN, START + MINUTE), blocked)
        after = look(GIVEN, START + 2 * MINUTE, unapplied=[call], intake_answers=True)
        reads = {"intake_answers": True, "intake_at_any_hour": True}
        later = look(after.row, START + HOUR, made=[call], forced=True, **reads)
        until = wait_of(later).until
        assert until is not None
        assert until >= START + 12 * HOUR
        assert call_of(look(later.row, until, made=[call], **reads)) is ASK


class TestRefusedRequests:
    def refused(self, *failures: Any) -> Any:
        made: list[JournaledOperation] = []
        row, now = replace(CREATED, code_ready=True, seen_at=START - HOUR), START
        for failure in failures:
            call = answered(an_operation(ASK, row, now), failure)
            after = look(row, now + SECOND, unapplied=[call], made=made)
            made.append(call)
            row, now = after.row, wait_of(after).until or now
        return after

    def test_136024_is_given_an_hour_three_times_then_a_day_then_a_person(self) -> None:
        refusal = a_failure(RecoveryClass.WAIT, 136024, 2388091, wait_s=3600)
        waits = []
        for count in range(1, 6):
            wait = wait_of(self.refused(*[refusal] * count))
            waits.append((wait.reason, wait.until is not None))
        assert waits == [(Reason.THROTTLED, True)] * 4 + [(Reason.REFUSED, False)]
        fourth = wait_of(self.refused(*[refusal] * 4)).until
        third = wait_of(self.refused(*[refusal] * 3)).until
        assert fourth is not None
        assert third is not None
        assert fourth - third >= DAY

    def test_a_volume_limit_is_waited_out(self) -> None:
        refusal = a_failure(RecoveryClass.WAIT, 136024, 2388367, wait_s=24 * 3600)
        until = wait_of(self.refused(refusal)).until
        assert until is not None
        assert until >= START + DAY

    def test_a_volume_limit_that_repeats_is_waited_out_for_72_hours(self) -> None:
        refusal = a_failure(RecoveryClass.WAIT, 136024, 2388367, wait_s=24 * 3600)
        first = wait_of(self.refused(refusal)).until
        second = wait_of(self.refused(refusal, refusal)).until
        assert first is not None
        assert second is not None
        assert second - first >= 3 * DAY

    def test_it_holds_for_every_onboarding_of_the_number_and_whoever_released_it(self) -> None:
        row = replace(CREATED, code_ready=True)
        blocked = a_failure(RecoveryClass.WAIT, 136024, 2388367, wait_s=24 * 3600)
        calls = [
            answered(an_operation(ASK, CREATED, at), blocked, onboarding_id="other")
            for at in (START - 2 * DAY, START - DAY)
        ]
        until = START + 2 * DAY + SECOND
        wait = wait_of(look(row, made=calls, forced=True))
        assert (wait.reason, wait.until) == (Reason.THROTTLED, until)
        assert call_of(look(row, until, made=calls)) is ASK

    def test_a_code_that_meta_sent_in_between_makes_it_the_first_again(self) -> None:
        row = replace(CREATED, code_ready=True)
        blocked = a_failure(RecoveryClass.WAIT, 136024, 2388367, wait_s=24 * 3600)
        calls = [
            answered(an_operation(ASK, CREATED, START - 5 * DAY), blocked),
            answered(an_operation(ASK, CREATED, START - 3 * DAY)),
            answered(an_operation(ASK, CREATED, START - 2 * DAY), blocked),
        ]
        assert call_of(look(row, made=calls)) is ASK

    def test_every_wait_for_a_code_ends_with_a_person_when_it_repeats(self) -> None:
        refusal = a_failure(RecoveryClass.WAIT, 100, 2388091, wait_s=3600)
        assert wait_of(self.refused(*[refusal] * 5)).reason is Reason.REFUSED

    def test_a_refusal_has_the_list_read_once_in_case_the_number_is_verified(self) -> None:
        after = self.refused(a_failure(RecoveryClass.WAIT, 136024, 2388091, wait_s=3600))
        assert wait_of(after).observe_at == START + SECOND
        again = look(read(after.row, a_number(), START + MINUTE), START + MINUTE)
        assert wait_of(again).observe_at is None
        found = look(read(after.row, VERIFIED, START + MINUTE), START + MINUTE)
        assert found.row.state is State.REGISTER_DEADLINE

    def test_already_verified_is_looked_up_and_believed_if_the_list_agrees(self) -> None:
        refusal = a_failure(RecoveryClass.RECONCILE, 136024, message="already verified")
        after = self.refused(refusal)
        assert wait_of(after).observe_at is not None
        agreed = look(read(after.row, VERIFIED, START + MINUTE), START + MINUTE)
        assert agreed.row.state is State.REGISTER_DEADLINE
        not_so = look(read(after.row, a_number(), START + MINUTE), START + MINUTE)
        assert wait_of(not_so).reason is Reason.REFUSED

    def test_an_unanswered_request_counts_as_sent(self) -> None:
        after = self.refused(a_failure(effect=Effect.UNKNOWN))
        assert (after.row.state, after.row.code_sent_at) == (State.OTP_PENDING, START)
        assert [(status, how) for _, status, how in after.settled] == [
            (OperationStatus.SUCCEEDED, "policy")
        ]

    def test_a_code_that_was_given_while_the_request_was_unanswered_is_sent(self) -> None:
        call = answered(an_operation(ASK, CREATED), a_failure(effect=Effect.UNKNOWN))
        row = replace(CREATED, code_sealed="sealed", code_mac="mac")
        assert call_of(look(row, START + MINUTE, unapplied=[call])) is VERIFY
