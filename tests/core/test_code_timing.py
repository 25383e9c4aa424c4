"""When a code is asked for again, by which way, and at which hours of the holder's day."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from onboarding.core.plan import Plan
from onboarding.core.quiet_hours import QuietHours
from onboarding.core.steps import Call
from onboarding.model import (
    CodeMethod,
    Effect,
    JournaledOperation,
    Onboarding,
    Operation,
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
    a_failure,
    a_number,
    a_row,
    an_operation,
    answered,
    call_of,
    look,
    wait_of,
)

ASK = Operation.REQUEST_CODE
MOBILE = a_row(State.CREATED, a_number(), phone_number="+4915112345678", number_key="4915112345678")
WAITING = replace(MOBILE, state=State.OTP_PENDING, code_sent_at=START, code_sends=1)
MACHINE: dict[str, Any] = {"intake_answers": True, "intake_at_any_hour": True}
SENT = START + SECOND
LAPSED = SENT + POLICY.code_validity


def asked(at: datetime = START, method: CodeMethod = CodeMethod.SMS) -> JournaledOperation:
    return answered(an_operation(ASK, MOBILE, at, code_method=method))


def method_of(plan: Plan) -> str | None:
    return plan.step.params["code_method"] if isinstance(plan.step, Call) else None


class TestTheTenMinutes:
    """For not asking again they count from the latest instant at which the code was sent."""

    def test_an_answer_tells_by_when_it_was_sent(self) -> None:
        wait = wait_of(look(WAITING, LAPSED - SECOND, made=[asked()], **MACHINE))
        assert (wait.reason, wait.until) == (Reason.CODE, LAPSED)
        assert call_of(look(WAITING, LAPSED, made=[asked()], **MACHINE)) is ASK

    def test_without_an_answer_it_may_have_left_late_and_taken_long(self) -> None:
        silent = answered(an_operation(ASK, MOBILE), a_failure(effect=Effect.UNKNOWN))
        bound = START + POLICY.send_within + POLICY.call_timeout + POLICY.code_validity
        assert wait_of(look(WAITING, LAPSED, made=[silent], **MACHINE)).until == bound

    def test_an_answer_that_was_stored_late_does_not_put_it_off_for_ever(self) -> None:
        late = replace(asked(), outcome_at=START + HOUR)
        assert call_of(look(WAITING, START + 11 * MINUTE, made=[late], **MACHINE)) is ASK


class TestFallingBackToVoice:
    def test_after_ten_minutes_without_a_code_the_next_one_goes_by_voice(self) -> None:
        assert method_of(look(MOBILE, **MACHINE)) == "SMS"
        assert method_of(look(WAITING, LAPSED, made=[asked()], **MACHINE)) == "VOICE"

    def test_the_history_says_why(self) -> None:
        by_voice = answered(an_operation(ASK, WAITING, LAPSED, code_method=CodeMethod.VOICE))
        after = look(WAITING, LAPSED + SECOND, unapplied=[by_voice], made=[asked()])
        assert after.entries[0].reason == "Meta sends a code by VOICE, as no code came by SMS"
        first = answered(an_operation(ASK, MOBILE, START, code_method=CodeMethod.SMS))
        reason = look(MOBILE, SENT, unapplied=[first]).entries[0].reason
        assert reason == "Meta sends a code by SMS"

    def test_once_by_voice_it_stays_so_and_the_gaps_grow(self) -> None:
        row = replace(WAITING, code_sends=2, code_sent_at=LAPSED)
        made = [asked(), asked(LAPSED, CodeMethod.VOICE)]
        wait = wait_of(look(row, LAPSED + 12 * MINUTE, made=made, **MACHINE))
        assert (wait.reason, wait.until) == (Reason.CODE_WINDOW, LAPSED + HOUR)
        assert method_of(look(row, LAPSED + HOUR, made=made, **MACHINE)) == "VOICE"

    def test_a_longer_time_is_kept(self) -> None:
        policy = replace(POLICY, code_fallback=30 * MINUTE)
        waiting = wait_of(look(WAITING, LAPSED, made=[asked()], policy=policy, **MACHINE))
        assert waiting.until == START + 30 * MINUTE
        later = look(WAITING, START + 30 * MINUTE, made=[asked()], policy=policy, **MACHINE)
        assert method_of(later) == "VOICE"
        ready = replace(WAITING, code_ready=True)
        assert method_of(look(ready, LAPSED, made=[asked()], policy=policy)) == "SMS"

    def test_it_may_be_switched_off(self) -> None:
        policy = replace(POLICY, code_fallback=None)
        assert method_of(look(WAITING, LAPSED, made=[asked()], policy=policy, **MACHINE)) == "SMS"

    def test_a_code_that_was_handed_in_shows_that_sms_arrive(self) -> None:
        wrong = replace(WAITING, code_given_at=START + MINUTE, code_tries=1)
        assert method_of(look(wrong, LAPSED, made=[asked()], **MACHINE)) == "SMS"

    def test_an_earlier_code_that_was_handed_in_shows_nothing(self) -> None:
        row = replace(WAITING, code_given_at=START - HOUR)
        assert method_of(look(row, LAPSED, made=[asked()], **MACHINE)) == "VOICE"

    def test_not_where_an_intake_reads_sms_alone(self) -> None:
        after = look(WAITING, LAPSED, made=[asked()], intake_takes_calls=False, **MACHINE)
        assert method_of(after) == "SMS"

    def test_not_where_the_kind_of_number_takes_no_calls(self) -> None:
        pager = replace(WAITING, phone_number="+447640123456")
        assert method_of(look(pager, LAPSED, made=[asked()], **MACHINE)) == "SMS"

    def test_a_refused_request_is_no_unread_code(self) -> None:
        refused = answered(an_operation(ASK, MOBILE), a_failure(RecoveryClass.WAIT, 136024))
        row = replace(MOBILE, code_ready=True)
        assert method_of(look(row, START + DAY, made=[refused])) == "SMS"

    def test_it_is_within_the_budget(self) -> None:
        made = [asked(START - n * HOUR) for n in range(9)]
        assert wait_of(look(WAITING, LAPSED, made=made, **MACHINE)).reason is Reason.BUDGET

    def test_a_number_of_before_that_has_no_journal_falls_back_too(self) -> None:
        later = START + POLICY.send_within + POLICY.call_timeout + POLICY.code_validity
        assert method_of(look(WAITING, later, **MACHINE)) == "VOICE"


class TestTheHoldersHours:
    """START is 10:00 in Berlin."""

    @pytest.mark.parametrize(
        ("after", "until"), [(timedelta(), None), (12 * HOUR, 22 * HOUR), (21 * HOUR, 22 * HOUR)]
    )
    def test_a_person_who_answers_is_not_woken_at_night(
        self, after: timedelta, until: timedelta | None
    ) -> None:
        found = look(MOBILE, START + after, intake_answers=True)
        if until is None:
            assert call_of(found) is ASK
            return
        wait = wait_of(found)
        assert (wait.reason, wait.until) == (Reason.CODE_WINDOW, START + until)

    @pytest.mark.parametrize(
        ("row", "reads"),
        [
            (MOBILE, MACHINE),
            (replace(MOBILE, code_ready=True), {}),
            (replace(MOBILE, code_window="20:00-23:00"), {}),
            (replace(MOBILE, code_window="20:00-23:00"), {"intake_answers": True}),
        ],
        ids=["machine", "a person's word", "window", "window with an intake"],
    )
    def test_what_says_otherwise_wins(self, row: Onboarding, reads: dict[str, Any]) -> None:
        assert call_of(look(row, START + 12 * HOUR, **reads)) is ASK

    def test_the_window_holds_for_an_intake_that_sleeps(self) -> None:
        row = replace(MOBILE, code_window="11:00-12:00 UTC")
        wait = wait_of(look(row, intake_answers=True))
        assert (wait.reason, wait.until) == (Reason.CODE_WINDOW, START + 2 * HOUR)

    def test_they_may_be_switched_off(self) -> None:
        policy = replace(POLICY, quiet_hours=None)
        assert call_of(look(MOBILE, START + 12 * HOUR, intake_answers=True, policy=policy)) is ASK

    def test_forcing_a_try_wakes_nobody(self) -> None:
        assert call_of(look(MOBILE, START + 12 * HOUR, intake_answers=True, forced=True)) is None

    def test_where_there_is_no_common_day_a_person_is_asked(self) -> None:
        row = replace(MOBILE, phone_number="+79161234567")
        policy = replace(POLICY, quiet_hours=QuietHours(time(12), time(9)))
        wait = wait_of(look(row, intake_answers=True, policy=policy))
        assert wait.reason is Reason.CODE_READY


class TestTooManyCodes:
    VOLUME = a_failure(RecoveryClass.WAIT, 136024, 2388367, wait_s=DAY.total_seconds())

    def refused(self, at: datetime) -> JournaledOperation:
        return answered(an_operation(ASK, MOBILE, at), self.VOLUME)

    def test_the_first_time_a_day_is_waited(self) -> None:
        wait = wait_of(look(MOBILE, SENT, unapplied=[self.refused(START)]))
        assert wait.until is not None
        assert START + DAY <= wait.until < START + 1.1 * DAY

    def test_repeated_three_days_are_waited(self) -> None:
        made, again = [self.refused(START - 2 * DAY)], self.refused(START)
        after = look(MOBILE, SENT, made=made, unapplied=[again])
        wait = wait_of(after)
        assert wait.until is not None
        assert wait.until >= START + 3 * DAY

    def test_it_holds_for_every_onboarding_of_the_number(self) -> None:
        made = [self.refused(START - 2 * DAY), self.refused(START)]
        others = [replace(op, onboarding_id="other") for op in made]
        ready = replace(MOBILE, code_ready=True)
        wait = wait_of(look(ready, START + 2 * DAY, made=others))
        assert (wait.reason, wait.until) == (Reason.THROTTLED, SENT + 3 * DAY)
        assert call_of(look(ready, SENT + 3 * DAY, made=others)) is ASK

    def test_a_code_that_was_sent_in_between_starts_anew(self) -> None:
        made = [self.refused(START - 4 * DAY), asked(START - 2 * DAY), self.refused(START)]
        ready = replace(MOBILE, code_ready=True)
        assert call_of(look(ready, START + DAY + MINUTE, made=made)) is ASK
