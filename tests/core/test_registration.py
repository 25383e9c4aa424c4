"""``register_deadline``: register within the budget, mend what stands in the way, see it proven."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from onboarding.core.pins import pin_given
from onboarding.errors import ConflictError
from onboarding.model import (
    Effect,
    JournaledOperation,
    Onboarding,
    Operation,
    OperationStatus,
    Owner,
    Reason,
    RecoveryClass,
    State,
)
from tests.core.making import (
    CONNECTED,
    DAY,
    DECLINED,
    HOUR,
    MINUTE,
    POLICY,
    SECOND,
    START,
    VERIFIED,
    a_failure,
    a_row,
    an_account,
    an_operation,
    answered,
    call_of,
    look,
    read,
    triggers_of,
    wait_of,
)

REGISTER, DEREGISTER = Operation.REGISTER, Operation.DEREGISTER
SET_PIN = Operation.SET_PIN
READY = a_row(State.REGISTER_DEADLINE, VERIFIED)
ACCEPTED = replace(READY, register_accepted_at=START)


def made(count: int, name: Operation = REGISTER, **changes: Any) -> list[JournaledOperation]:
    calls = (an_operation(name, READY, START - (n + 1) * HOUR) for n in range(count))
    return [answered(call, **changes) for call in calls]


def refuse(row: Onboarding, failure: Any, *before: JournaledOperation, name: Any = REGISTER) -> Any:
    """Return what a refused call leads to, a second after it."""
    at = before[-1].intent_at + MINUTE if before else START
    call = answered(an_operation(name, row, at), failure)
    return look(row, at + SECOND, unapplied=[call], made=before), call


class TestTheCall:
    def test_a_ready_number_is_registered(self) -> None:
        assert call_of(look(READY)) is REGISTER

    @pytest.mark.parametrize(
        "subscribed_at", [None, START - POLICY.subscription_check, START - 9 * DAY]
    )
    def test_the_app_s_subscription_is_looked_at_before(self, subscribed_at: Any) -> None:
        after = look(READY, account=an_account(subscribed_at=subscribed_at))
        assert wait_of(after).reason is Reason.SUBSCRIBING
        assert wait_of(after).check_subscription

    def test_a_proof_of_the_subscription_holds_for_a_day(self) -> None:
        account = an_account(subscribed_at=START - POLICY.subscription_check + SECOND)
        assert call_of(look(READY, account=account)) is REGISTER

    @pytest.mark.parametrize("number", [DECLINED, replace(VERIFIED, name_status="EXPIRED")])
    def test_a_name_that_was_lost_meanwhile_is_not_registered_with(self, number: Any) -> None:
        for row in (READY, replace(READY, register_accepted_at=START - DAY)):
            after = look(read(row, number, START + MINUTE), START + MINUTE)
            assert (after.row.state, call_of(after)) == (State.NAME_REVIEW, None)


class TestTheBudget:
    def test_eight_in_72_hours_and_no_more(self) -> None:
        assert call_of(look(READY, made=made(7))) is REGISTER
        wait = wait_of(look(READY, made=made(8)))
        assert (wait.reason, wait.until) == (Reason.BUDGET, START + 64 * HOUR)
        assert call_of(look(READY, START + 64 * HOUR, made=made(8))) is REGISTER

    def test_forcing_does_not_help(self) -> None:
        assert call_of(look(READY, made=made(8), forced=True)) is None

    def test_calls_that_never_left_are_free(self) -> None:
        unsent = made(20, failure=a_failure(effect=Effect.UNSENT))
        assert call_of(look(READY, made=unsent)) is REGISTER

    def test_a_lock_of_meta_outlasts_whatever_succeeded_since(self) -> None:
        lock = a_failure(RecoveryClass.WAIT, 133016, wait_s=72 * HOUR.total_seconds())
        (locked,) = made(1, failure=lock)
        until = START - HOUR + SECOND + 72 * HOUR
        for row in (READY, replace(READY, id="another onboarding", cycle=2)):
            wait = wait_of(look(row, made=[locked], forced=True))
            assert (wait.reason, wait.until) == (Reason.THROTTLED, until)
            assert call_of(look(row, until, made=[locked])) is REGISTER

    def test_a_lock_of_one_call_is_none_of_another(self) -> None:
        lock = a_failure(RecoveryClass.WAIT, 133016, wait_s=72 * HOUR.total_seconds())
        assert call_of(look(READY, made=made(1, DEREGISTER, failure=lock))) is REGISTER
        unsent = replace(made(1, failure=lock)[0], status=OperationStatus.UNSENT)
        assert call_of(look(READY, made=[unsent])) is REGISTER

    def test_deregister_has_a_window_of_its_own(self) -> None:
        row = replace(READY, retry_operation=DEREGISTER)
        assert call_of(look(row, made=made(8))) is DEREGISTER
        assert wait_of(look(row, made=made(8, DEREGISTER))).reason is Reason.BUDGET
        assert call_of(look(READY, made=made(8, DEREGISTER))) is REGISTER


class TestTheProof:
    def test_accepted_is_not_registered_until_meta_shows_it(self) -> None:
        after = look(READY, START + SECOND, unapplied=[answered(an_operation(REGISTER, READY))])
        assert (after.row.state, after.row.waiting_for) == (State.REGISTER_DEADLINE, Owner.META)
        assert (wait_of(after).reason, wait_of(after).until) == (
            Reason.CONNECTING,
            START + POLICY.reregister_after,
        )
        assert wait_of(after).observe_at == START + 15 * SECOND

    def test_connected_on_the_cloud_api_is(self) -> None:
        row = replace(ACCEPTED, hold=Reason.REFUSED, hold_by="engine", tries=3)
        after = look(read(row, CONNECTED, START + MINUTE), START + MINUTE)
        assert (after.row.state, after.row.registered_at) == (State.REGISTERED, START + MINUTE)
        assert (wait_of(after).reason, after.row.next_due_at) == (Reason.DONE, None)
        assert (after.row.hold, after.row.tries, after.row.register_by) == (None, 0, None)

    @pytest.mark.parametrize(
        "changes",
        [{"platform_type": None}, {"platform_type": "NOT_APPLICABLE"}, {"status": None}],
    )
    def test_half_a_proof_is_none(self, changes: dict[str, Any]) -> None:
        row = read(ACCEPTED, replace(CONNECTED, **changes), START + MINUTE)
        assert wait_of(look(row, START + MINUTE)).reason is Reason.CONNECTING

    def test_a_person_s_hold_stays_on_a_number_that_is_registered(self) -> None:
        row = replace(ACCEPTED, hold=Reason.HELD, hold_by="ops")
        after = look(read(row, CONNECTED, START + MINUTE), START + MINUTE)
        assert (after.row.state, wait_of(after).reason) == (State.REGISTERED, Reason.HELD)

    def test_after_six_hours_without_it_the_number_is_registered_again(self) -> None:
        later = START + POLICY.reregister_after
        unread = read(ACCEPTED, VERIFIED, START + 4 * HOUR)
        assert call_of(look(unread, later)) is None
        assert wait_of(look(unread, later)).observe_at is not None
        assert call_of(look(read(ACCEPTED, VERIFIED, later), later)) is REGISTER

    def test_a_number_whose_registration_meta_does_not_tell_is_not_registered_again(self) -> None:
        untold = replace(VERIFIED, status=None, platform_type=None)
        for later in (POLICY.reregister_after, 9 * DAY):
            wait = wait_of(look(read(ACCEPTED, untold, START + later), START + later))
            assert wait.reason is Reason.CONNECTING
            assert wait.observe_at is not None

    def test_a_verification_that_expires_meanwhile_is_harmless(self) -> None:
        expired = replace(VERIFIED, code_verification_status="EXPIRED")
        row = read(ACCEPTED, expired, START + HOUR)
        assert wait_of(look(row, START + HOUR)).reason is Reason.CONNECTING

    @pytest.mark.parametrize("state", [State.CREATED, State.OTP_PENDING, State.NAME_REVIEW])
    def test_a_number_that_somebody_registered_is_skipped_ahead(self, state: State) -> None:
        after = look(read(a_row(state), CONNECTED, START + HOUR), START + HOUR)
        assert triggers_of(after) == ["connected"]
        assert after.entries[0].reason == "Meta shows CONNECTED on CLOUD_API"

    def test_an_expired_verification_of_a_registered_number_is_no_alarm(self) -> None:
        number = replace(CONNECTED, code_verification_status="EXPIRED")
        row = a_row(State.REGISTERED, register_accepted_at=START)
        after = look(read(row, number, START + DAY), START + DAY)
        assert (after.row.state, wait_of(after).reason) == (State.REGISTERED, Reason.DONE)


class TestThePin:
    MISMATCH = a_failure(RecoveryClass.HUMAN, 133005)

    def test_one_try_then_one_settings_call_then_its_holder(self) -> None:
        first, call = refuse(READY, self.MISMATCH)
        assert call_of(first) is SET_PIN
        pin = answered(an_operation(SET_PIN, first.row, START + MINUTE))
        again = look(first.row, START + 2 * MINUTE, unapplied=[pin], made=[call])
        assert call_of(again) is REGISTER
        last, _ = refuse(again.row, self.MISMATCH, call, pin)
        assert (wait_of(last).reason, last.row.waiting_for) == (Reason.PIN, Owner.HOLDER)
        assert (last.row.hold, call_of(look(last.row, START + 9 * DAY))) == (Reason.PIN, None)

    @pytest.mark.parametrize("recovery", [RecoveryClass.HUMAN, RecoveryClass.BUG])
    def test_where_meta_lets_nobody_set_it_its_holder_is_asked(
        self, recovery: RecoveryClass
    ) -> None:
        first, call = refuse(READY, self.MISMATCH)
        after, _ = refuse(first.row, a_failure(recovery, 100), call, name=SET_PIN)
        assert wait_of(after).reason is Reason.PIN

    def test_a_settings_call_that_was_lost_is_made_again_before_registering(self) -> None:
        first, call = refuse(READY, self.MISMATCH)
        lost, pin = refuse(first.row, a_failure(effect=Effect.UNKNOWN), call, name=SET_PIN)
        assert wait_of(lost).reason is Reason.SETTLING
        settled = look(lost.row, pin.settle_at, open_operation=pin, made=[call])
        until = wait_of(settled).until
        assert until is not None
        assert call_of(look(settled.row, until, made=[call])) is SET_PIN

    def test_the_pin_that_was_accepted_is_the_pin_from_then_on(self) -> None:
        row = replace(READY, pin_sealed="old", pin_pending_sealed="new")
        after = look(row, START + SECOND, unapplied=[answered(an_operation(REGISTER, row))])
        assert (after.row.pin_sealed, after.row.pin_pending_sealed) == ("new", None)

    def test_the_pin_of_a_call_that_the_list_proves_is_the_pin_too(self) -> None:
        row = replace(READY, pin_sealed="old", pin_pending_sealed="new")
        call = an_operation(REGISTER, row)
        after = look(read(row, CONNECTED, START + MINUTE), START + MINUTE, open_operation=call)
        assert after.row.state is State.REGISTERED
        assert (after.row.pin_sealed, after.row.pin_pending_sealed) == ("new", None)

    def test_a_late_success_does_not_make_a_newer_pin_the_number_s(self) -> None:
        call = an_operation(REGISTER, READY, status=OperationStatus.ABSENT, pin_sealed="carried")
        row = replace(READY, pin_sealed="older", pin_pending_sealed="newer")
        late = replace(answered(call), status=OperationStatus.ABSENT)
        after = look(row, START + HOUR, unapplied=[late])
        assert (after.row.pin_sealed, after.row.pin_pending_sealed) == ("carried", "newer")

    def test_nor_the_pin_of_a_call_that_a_later_one_followed(self) -> None:
        call = an_operation(REGISTER, READY, status=OperationStatus.ABSENT, pin_sealed="first")
        row = replace(READY, pin_sealed="second", register_accepted_at=START + MINUTE)
        late = replace(answered(call), status=OperationStatus.ABSENT)
        assert look(row, START + HOUR, unapplied=[late]).row.pin_sealed == "second"

    def test_too_many_guesses_are_waited_out(self) -> None:
        after, _ = refuse(READY, a_failure(RecoveryClass.WAIT, 133008, wait_s=86400))
        assert (wait_of(after).until or START) >= START + DAY

    def test_guesses_that_are_still_too_many_after_the_wait_are_the_holder_s_turn(self) -> None:
        lock = a_failure(RecoveryClass.WAIT, 133008, wait_s=MINUTE.total_seconds())
        for name in (REGISTER, SET_PIN):
            first, call = refuse(READY, lock, name=name)
            assert first.row.hold is None
            again, _ = refuse(first.row, lock, call, name=name)
            assert (again.row.hold, again.row.waiting_for) == (Reason.PIN, Owner.HOLDER)

    def test_another_wait_before_it_does_not_make_it_a_repeat(self) -> None:
        fast = a_failure(RecoveryClass.WAIT, 133009, wait_s=MINUTE.total_seconds())
        first, call = refuse(READY, fast)
        again, _ = refuse(first.row, a_failure(RecoveryClass.WAIT, 133008, wait_s=60), call)
        assert again.row.hold is None

    def test_no_other_is_taken_while_a_call_that_carries_one_is_not_applied(self) -> None:
        for call in (an_operation(REGISTER, READY), answered(an_operation(SET_PIN, READY))):
            with pytest.raises(ConflictError):
                pin_given(READY, "sealed", [call])
        for calls in ([], [an_operation(DEREGISTER, READY)]):
            step = pin_given(READY, "sealed", calls)
            assert step.changes["pin_pending_sealed"] == "sealed"


class TestAnUnfinishedDeregistration:
    UNFINISHED = a_failure(RecoveryClass.RECONCILE, 133000)

    def deregistered(self, row: Onboarding, *before: JournaledOperation) -> Any:
        seen = read(row, VERIFIED, before[-1].intent_at + SECOND)
        now = before[-1].intent_at + 2 * SECOND
        assert call_of(look(seen, now, made=before)) is DEREGISTER
        call = answered(an_operation(DEREGISTER, seen, now))
        return look(seen, now + SECOND, unapplied=[call], made=before), call

    def test_it_is_finished_and_then_the_number_is_registered(self) -> None:
        refused, call = refuse(READY, self.UNFINISHED)
        after, _ = self.deregistered(refused.row, call)
        assert call_of(after) is REGISTER
        assert after.row.register_accepted_at is None

    def test_a_third_time_a_person_is_asked(self) -> None:
        calls: list[JournaledOperation] = []
        row = READY
        for _ in range(2):
            refused, call = refuse(row, self.UNFINISHED, *calls)
            after, dereg = self.deregistered(refused.row, *calls, call)
            row, calls = after.row, [*calls, call, dereg]
        last, _ = refuse(row, self.UNFINISHED, *calls)
        assert wait_of(last).reason is Reason.REFUSED

    def test_ones_that_did_not_come_about_or_are_days_old_do_not_count(self) -> None:
        row = replace(READY, seen_at=START - SECOND)
        waiting = a_failure(RecoveryClass.WAIT, 2494100)
        for before in (
            made(5, DEREGISTER, failure=waiting),
            made(5, DEREGISTER, failure=a_failure(effect=Effect.UNSENT)),
            [replace(call, outcome=None) for call in made(5, DEREGISTER)],
            [replace(call, intent_at=START - 3 * DAY) for call in made(5, DEREGISTER)],
        ):
            call = answered(an_operation(REGISTER, row), self.UNFINISHED)
            after = look(row, START + SECOND, unapplied=[call], made=before)
            assert after.row.hold is None

    @pytest.mark.parametrize("code", [133010, 100])
    def test_not_registered_is_as_good_as_deregistered(self, code: int) -> None:
        refused, call = refuse(READY, self.UNFINISHED)
        row = read(refused.row, VERIFIED, START + 30 * SECOND)
        after, _ = refuse(row, a_failure(RecoveryClass.RECONCILE, code), call, name=DEREGISTER)
        assert call_of(after) is REGISTER


class TestOwnershipWantedAgain:
    WANTED = a_failure(RecoveryClass.RECONCILE, 133006)

    def test_it_goes_back_for_a_code_and_does_not_believe_the_list_meanwhile(self) -> None:
        refused, call = refuse(READY, self.WANTED)
        assert (refused.row.state, triggers_of(refused)) == (
            State.OTP_PENDING,
            ["ownership_lost"],
        )
        row = read(refused.row, VERIFIED, START + MINUTE)
        asked = look(row, START + MINUTE, made=[call], intake_answers=True)
        assert call_of(asked) is Operation.REQUEST_CODE

    def test_ten_minutes_pass_between_two_codes_though_the_first_was_accepted(self) -> None:
        row = replace(READY, code_sent_at=START - MINUTE)
        refused, call = refuse(row, self.WANTED)
        listed = read(refused.row, VERIFIED, START + MINUTE)
        after = look(listed, START + MINUTE, made=[call], intake_answers=True)
        on_its_way = POLICY.send_within + POLICY.call_timeout
        assert wait_of(after).until == START + 9 * MINUTE + on_its_way

    def test_tries_for_other_reasons_do_not_keep_it_from_going_back(self) -> None:
        calls: list[JournaledOperation] = []
        row = READY
        for _ in range(3):
            after, call = refuse(row, a_failure(effect=Effect.UNSENT), *calls)
            row, calls = after.row, [*calls, call]
        refused, _ = refuse(row, self.WANTED, *calls)
        assert refused.row.state is State.OTP_PENDING

    def test_after_a_code_the_list_is_believed_again(self) -> None:
        refused, call = refuse(READY, self.WANTED)
        proof = answered(an_operation(Operation.VERIFY_CODE, refused.row, START + HOUR))
        row = replace(refused.row, seen=VERIFIED, seen_at=START + 2 * HOUR, trouble=None)
        after = look(row, START + 2 * HOUR, made=[call, proof])
        assert after.row.state is State.REGISTER_DEADLINE

    def test_three_proofs_that_did_not_last_are_a_person_s_turn(self) -> None:
        calls: list[JournaledOperation] = []
        row, now, rounds = READY, START, 0
        while True:
            call = answered(an_operation(REGISTER, row, now), self.WANTED)
            row = look(row, now, unapplied=[call], made=calls).row
            calls.append(call)
            rounds += 1
            now += MINUTE
            asked = look(read(row, VERIFIED, now), now, made=calls, intake_answers=True)
            if call_of(asked) is None:
                break
            proof = answered(an_operation(Operation.VERIFY_CODE, row, now, natural_key=f"k{now}"))
            after = look(asked.row, now, unapplied=[proof], made=calls)
            calls.append(proof)
            assert call_of(after) is REGISTER
            row, now = after.row, now + MINUTE
        assert (rounds, wait_of(asked).reason) == (3, Reason.CODE_READY)

    def test_meta_says_verify_again_and_is_verified_both_and_nothing_loops(self) -> None:
        verified = a_failure(RecoveryClass.RECONCILE, 136024, message="already verified")
        calls: list[JournaledOperation] = []
        row, now = READY, START
        for _ in range(50):
            now += HOUR
            after = look(read(row, VERIFIED, now), now, made=calls, intake_answers=True)
            if (name := call_of(after)) is None:
                row = after.row
                continue
            call = answered(
                an_operation(name, after.row, now), self.WANTED if name is REGISTER else verified
            )
            row = look(after.row, now, unapplied=[call], made=calls).row
            calls.append(call)
        names = [call.name for call in calls]
        assert names.count(REGISTER) <= 3
        assert names.count(Operation.REQUEST_CODE) <= 3
        assert row.waiting_for is Owner.HOLDER

    def test_expired_before_registration_goes_back_too(self) -> None:
        expired = replace(VERIFIED, code_verification_status="EXPIRED")
        for state in (State.VERIFIED, State.NAME_REVIEW, State.REGISTER_DEADLINE):
            row = read(a_row(state), expired, START + POLICY.settle)
            after = look(row, START + POLICY.settle)
            assert triggers_of(after) == ["ownership_lost"]
            assert after.row.state is State.OTP_PENDING

    def test_a_list_that_still_shows_how_it_was_before_the_code_is_not_believed(self) -> None:
        expired = replace(VERIFIED, code_verification_status="EXPIRED")
        row = read(a_row(State.VERIFIED), expired, START + SECOND)
        assert look(row, START + SECOND).row.state is State.REGISTER_DEADLINE


class TestContradictions:
    """Refusals of the class ``reconcile``: Meta knows something that we do not."""

    @pytest.mark.parametrize("code", [100, 133010, 506])
    def test_the_list_is_read_before_the_call_is_made_once_more_and_then_a_person_is_asked(
        self, code: int
    ) -> None:
        failure = a_failure(RecoveryClass.RECONCILE, code)
        row = replace(READY, seen_at=START - SECOND)
        refused, call = refuse(row, failure)
        assert wait_of(refused).observe_at == START + SECOND
        row = read(refused.row, VERIFIED, START + 2 * SECOND)
        assert call_of(look(row, START + 2 * SECOND, made=[call])) is REGISTER
        last, _ = refuse(row, failure, call)
        assert wait_of(last).reason is Reason.REFUSED

    def test_what_the_list_shows_then_counts(self) -> None:
        refused, call = refuse(READY, a_failure(RecoveryClass.RECONCILE, 100))
        row = read(refused.row, CONNECTED, START + MINUTE)
        assert look(row, START + MINUTE, made=[call]).row.state is State.REGISTERED


@pytest.mark.parametrize("wait_s", [300, 3600])
def test_a_wait_that_repeats_grows_so_that_it_does_not_burn_the_budget(wait_s: int) -> None:
    calls: list[JournaledOperation] = []
    row, now, gaps = READY, START, []
    for _ in range(6):
        call = answered(
            an_operation(REGISTER, row, now), a_failure(RecoveryClass.WAIT, 2494100, wait_s=wait_s)
        )
        after = look(row, now, unapplied=[call], made=calls)
        calls.append(call)
        until = wait_of(after).until
        assert until is not None
        gaps.append((until - now).total_seconds())
        row, now = after.row, until
    assert all(gap >= wait_s for gap in gaps)
    assert gaps == sorted(gaps)
    assert gaps[-1] > 10 * wait_s


def test_a_block_of_72_hours_is_waited_out_as_it_is() -> None:
    blocked = a_failure(RecoveryClass.WAIT, 133016, wait_s=3 * 86400)
    calls: list[JournaledOperation] = []
    row = READY
    for _ in range(2):
        after, call = refuse(row, blocked, *calls)
        row, calls = after.row, [*calls, call]
        until = wait_of(after).until
        assert until is not None
        assert 3 * DAY <= until - call.intent_at <= 3 * DAY + 2 * MINUTE


def test_a_passing_fault_is_tried_five_times_with_growing_pauses_then_a_person_is_asked() -> None:
    calls: list[JournaledOperation] = []
    row, now, gaps = READY, START, []
    while row.hold is None:
        call = answered(
            an_operation(REGISTER, row, now), a_failure(RecoveryClass.TRANSIENT, 131057)
        )
        after = look(row, now, unapplied=[call], made=calls)
        calls.append(call)
        row = after.row
        gaps.append((wait_of(after).until or now) - now)
        now += gaps[-1]
    assert (row.hold, len(calls)) == (Reason.REFUSED, POLICY.transient_tries)
    assert gaps[:4] == sorted(gaps[:4])
    assert gaps[0] >= 10 * SECOND
