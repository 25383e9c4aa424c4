"""What stops a number whatever state it is in: holds, dead workers, and what Meta shows of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from onboarding.core.lifecycle import FINAL, IN_PROGRESS, LIVE
from onboarding.model import (
    Entry,
    Onboarding,
    Operation,
    Owner,
    PhoneNumber,
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
    a_number,
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

REGISTER = Operation.REGISTER
READY = a_row(State.REGISTER_DEADLINE, VERIFIED)
KNOWN = [state for state in LIVE if state is not State.REQUESTED]
BUSY: dict[str, Any] = {"code_ready": True, "new_display_name": "New name"}


class TestHolds:
    HELD = replace(READY, hold=Reason.HELD, hold_by="ops", hold_text="why", hold_since=START)

    @pytest.mark.parametrize("state", IN_PROGRESS)
    def test_a_held_number_makes_no_call(self, state: State) -> None:
        row = a_row(state, DECLINED, hold=Reason.HELD, hold_by="ops", **BUSY)
        if state is State.REQUESTED:
            row = replace(row, seen=None, seen_present=None)
        after = look(row, START + DAY, intake_answers=True, forced=True)
        assert (call_of(after), wait_of(after).reason) == (None, Reason.HELD)

    def test_a_hold_with_an_end_is_released_by_itself(self) -> None:
        row = replace(self.HELD, hold_until=START + HOUR)
        assert wait_of(look(row)).until == START + HOUR
        after = look(row, START + HOUR)
        assert (triggers_of(after), call_of(after)) == (["released"], REGISTER)
        assert (after.row.hold, after.row.hold_text, after.row.hold_until) == (None, None, None)

    def test_a_hold_without_one_is_not(self) -> None:
        after = look(self.HELD, START + 300 * DAY)
        assert (after.row.hold, wait_of(after).until) == (Reason.HELD, None)

    def test_a_held_number_is_still_seen_to_connect_or_leave(self) -> None:
        assert look(read(self.HELD, CONNECTED, START)).row.state is State.REGISTERED
        gone = look(read(self.HELD, replace(VERIFIED, status="DELETED"), START))
        assert (gone.row.state, gone.row.hold) == (State.LEFT, None)

    def test_what_the_engine_held_for_shows_whose_turn_it_is(self) -> None:
        for reason, owner in ((Reason.REFUSED, Owner.OPERATOR), (Reason.PIN, Owner.HOLDER)):
            row = replace(READY, hold=reason, hold_by="engine")
            assert look(row).row.waiting_for is owner


class TestHeldAccounts:
    ACCOUNT = an_account(hold=Reason.ACCOUNT_HELD)

    @pytest.mark.parametrize("state", IN_PROGRESS)
    def test_no_number_of_it_makes_a_call(self, state: State) -> None:
        row = a_row(state, None if state is State.REQUESTED else VERIFIED, **BUSY)
        after = look(row, START, account=self.ACCOUNT, intake_answers=True, forced=True)
        assert (call_of(after), after.row.waiting) == (None, Reason.ACCOUNT_HELD)

    def test_a_registered_number_rests_as_ever(self) -> None:
        after = look(a_row(State.REGISTERED, CONNECTED), account=self.ACCOUNT)
        assert wait_of(after).reason is Reason.DONE

    def test_a_dead_token_holds_the_account_before_another_call_is_made_with_it(self) -> None:
        dead = a_failure(RecoveryClass.REAUTH, 190, message="The access token has expired")
        after = look(READY, START, unapplied=[answered(an_operation(REGISTER, READY), dead)])
        assert after.account_hold == "The access token has expired"
        assert (call_of(after), wait_of(after).reason) == (None, Reason.ACCOUNT_HELD)
        assert call_of(look(after.row, START + HOUR)) is REGISTER

    def test_a_dead_token_is_noticed_by_an_onboarding_that_is_over(self) -> None:
        row = a_row(State.CANCELLED)
        dead = answered(an_operation(REGISTER, row), a_failure(RecoveryClass.REAUTH, 190))
        after = look(row, unapplied=[dead])
        assert after.account_hold is not None
        assert after.row == replace(row, **{f: getattr(after.row, f) for f in _AT_REST})


_AT_REST = (
    "waiting", "waiting_for", "waiting_since", "next_due_at", "lease_owner", "lease_until",
)  # fmt: skip


class TestDeadWorkers:
    def test_a_machine_on_which_workers_die_is_parked_and_not_tried_again(self) -> None:
        row = replace(READY, reclaims=POLICY.max_reclaims)
        after = look(row)
        assert (triggers_of(after), wait_of(after).reason) == (["held"], Reason.STUCK)
        assert (after.row.reclaims, after.row.waiting_for) == (0, Owner.OPERATOR)
        assert f"{POLICY.max_reclaims} leases" in (after.row.hold_text or "")

    def test_fewer_deaths_are_borne(self) -> None:
        assert call_of(look(replace(READY, reclaims=POLICY.max_reclaims - 1))) is REGISTER

    def test_a_machine_that_is_held_already_is_not_held_twice(self) -> None:
        row = replace(READY, reclaims=9, hold=Reason.HELD, hold_by="ops")
        assert (look(row).entries, wait_of(look(row)).reason) == ([], Reason.HELD)

    def test_a_wait_that_was_written_starts_the_count_anew(self) -> None:
        row = replace(a_row(State.CREATED, a_number()), reclaims=2, lease_owner="w")
        after = look(row).row
        assert (after.reclaims, after.lease_owner, after.lease_until) == (0, None, None)


class TestNumbersThatAreNotOurs:
    APP = replace(CONNECTED, is_on_biz_app=True)
    ON_PREMISE = replace(VERIFIED, platform_type="ON_PREMISE", status="DISCONNECTED")

    @pytest.mark.parametrize("number", [APP, ON_PREMISE])
    @pytest.mark.parametrize("state", [s for s in KNOWN if s is not State.REGISTERED])
    def test_nothing_is_ever_called_for_them(self, state: State, number: PhoneNumber) -> None:
        row = a_row(state, number, retry_operation=Operation.DEREGISTER, **BUSY)
        after = look(row, START + DAY, intake_answers=True, forced=True)
        assert (call_of(after), wait_of(after).reason) == (None, Reason.NOT_OURS)
        assert after.row.state is state

    def test_one_that_is_found_is_adopted_and_then_left_alone(self) -> None:
        row = read(a_row(entry=Entry.EMBEDDED_SIGNUP), self.APP, START)
        assert wait_of(look(row)).reason is Reason.NOT_OURS


class TestBannedNumbers:
    BANNED = replace(VERIFIED, status="BANNED")

    @pytest.mark.parametrize("state", KNOWN)
    def test_they_are_an_operator_s_turn(self, state: State) -> None:
        after = look(a_row(state, self.BANNED, **BUSY), intake_answers=True)
        assert (call_of(after), after.row.waiting) == (None, Reason.BANNED)

    def test_after_an_appeal_the_work_goes_on(self) -> None:
        row = read(a_row(State.REGISTER_DEADLINE, self.BANNED), VERIFIED, START + DAY)
        assert call_of(look(row, START + DAY)) is REGISTER


class TestNumbersThatLeave:
    @pytest.mark.parametrize("status", ["MIGRATED", "DELETED"])
    @pytest.mark.parametrize("state", KNOWN)
    def test_meta_s_word_is_enough(self, state: State, status: str) -> None:
        after = look(read(a_row(state), replace(VERIFIED, status=status), START))
        assert (after.row.state, triggers_of(after)) == (State.LEFT, ["number_left"])

    @pytest.mark.parametrize("state", KNOWN)
    def test_one_read_that_does_not_show_the_number_is_not(self, state: State) -> None:
        row = read(a_row(state, VERIFIED), None, START + HOUR)
        for later in (HOUR, 2 * HOUR, 30 * DAY):
            after = look(row, START + later, intake_answers=True, forced=True)
            assert (call_of(after), after.row.state) == (None, state)
            assert wait_of(after).observe_at is not None

    def test_it_is_looked_for_soon_and_again_after_an_hour(self) -> None:
        row = read(READY, None, START)
        assert wait_of(look(row)).observe_at == START + 5 * MINUTE
        row = read(row, None, START + 35 * MINUTE)
        wait = wait_of(look(row, START + 50 * MINUTE))
        assert wait.observe_at == START + POLICY.absent_grace

    @pytest.mark.parametrize("state", KNOWN)
    def test_two_reads_an_hour_apart_are(self, state: State) -> None:
        row = read(read(a_row(state, VERIFIED), None, START), None, START + POLICY.absent_grace)
        after = look(row, START + POLICY.absent_grace)
        assert after.row.state is State.LEFT
        assert "since 2026-03-02 09:00" in after.entries[0].reason

    def test_a_number_that_shows_up_again_goes_on(self) -> None:
        row = read(read(READY, None, START), VERIFIED, START + MINUTE)
        assert call_of(look(row, START + MINUTE)) is REGISTER

    def test_the_hour_begins_anew_with_the_state(self) -> None:
        row = replace(read(READY, None, START), state_since=START + 50 * MINUTE)
        row = read(row, None, START + 70 * MINUTE)
        wait = wait_of(look(row, START + 70 * MINUTE))
        assert wait.reason is Reason.LISTING

    def test_the_same_digits_under_another_id_are_another_number(self) -> None:
        other = replace(VERIFIED, id="55", status="CONNECTED", platform_type="CLOUD_API")
        before = look(read(READY, other, START + MINUTE), START + MINUTE)
        assert (call_of(before), wait_of(before).reason) == (None, Reason.LISTING)
        assert wait_of(before).observe_at is not None
        after = look(read(READY, other, START + 2 * HOUR), START + 2 * HOUR)
        assert after.row.state is State.LEFT
        assert "55" in after.entries[0].reason

    @pytest.mark.parametrize("number", [None, a_number(id="55", status="DELETED")])
    def test_what_was_read_before_the_number_came_to_be_says_nothing(self, number: Any) -> None:
        row = read(a_row(State.CREATED), number, START - SECOND)
        after = look(row, START + MINUTE, intake_answers=True)
        assert call_of(after) is Operation.REQUEST_CODE


@pytest.mark.parametrize("state", FINAL)
def test_what_is_over_stays_over_whatever_meta_shows(state: State) -> None:
    for number in (CONNECTED, VERIFIED, None, replace(VERIFIED, status="DELETED")):
        row: Onboarding = read(a_row(state, reclaims=9, **BUSY), number, START + DAY)
        after = look(row, START + DAY, intake_answers=True, forced=True)
        assert (after.row.state, after.entries, wait_of(after).reason) == (state, [], Reason.OVER)
        assert after.row.next_due_at is None


def test_a_state_that_nobody_tells_changes_nothing() -> None:
    row = read(READY, replace(VERIFIED, status=None, platform_type=None), START + SECOND)
    assert call_of(look(row, START + SECOND)) is REGISTER
