"""A new name for a registered number: review, approval, registration again, each in its time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from onboarding.core.lifecycle import Trigger
from onboarding.core.plan import Plan
from onboarding.core.steps import Call, Move, moved
from onboarding.model import (
    DeadlineReason,
    Effect,
    Entry,
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
    HOUR,
    MINUTE,
    POLICY,
    SECOND,
    START,
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
NEW = "Lucky Shrub & Sons"
PENDING = replace(CONNECTED, new_display_name=NEW, new_name_status="PENDING_REVIEW")
APPROVED = replace(PENDING, new_name_status="APPROVED", verified_name=NEW)
REGISTERED = a_row(
    State.REGISTERED,
    CONNECTED,
    register_accepted_at=START - 30 * DAY,
    registered_at=START - 30 * DAY,
    register_by=None,
    register_by_reason=None,
)


def asked_to_rename(row: Onboarding = REGISTERED, at: datetime = START) -> Onboarding:
    """Return the row as a person's request for a new name leaves it."""
    changes = {"new_display_name": NEW, "name_submitted_at": None, "renaming": True}
    step = Move(trigger=Trigger.RENAME_REQUESTED, reason="asked", changes=changes)
    return moved(row, step, at)


def submitted(row: Onboarding | None = None, at: datetime = START) -> Onboarding:
    asked = row or asked_to_rename()
    return look(asked, at, unapplied=[answered(an_operation(SET_NAME, asked, at))]).row


def approved(at: datetime = START + 2 * DAY) -> Plan:
    """Return what follows when a read that began then is the first to show the approval."""
    reviewed = look(read(submitted(), PENDING, START + DAY), START + DAY).row
    return look(read(reviewed, APPROVED, at), at)


def test_the_name_is_submitted_at_once_and_the_connected_number_not_skipped_ahead() -> None:
    after = look(asked_to_rename())
    assert isinstance(after.step, Call)
    assert (after.step.operation, after.step.params["new_display_name"]) == (SET_NAME, NEW)
    assert after.entries == []


def test_before_the_approval_nothing_is_registered_though_days_go_by() -> None:
    row = submitted()
    for hours in range(1, 20 * 24, 5):
        now = START + hours * HOUR
        after = look(read(row, PENDING, now), now)
        assert (wait_of(after).reason, after.row.state) == (
            Reason.NAME_IN_REVIEW,
            State.NAME_REVIEW,
        )
        row = after.row


def test_after_the_approval_the_number_is_registered_again() -> None:
    after = approved()
    assert triggers_of(after) == ["name_status_changed", "name_usable"]
    assert call_of(after) is REGISTER


def test_its_deadline_runs_from_the_last_read_that_did_not_show_the_approval() -> None:
    [deadline] = approved().deadlines
    assert (deadline.reason, deadline.starts_at) == (DeadlineReason.NAME_CHANGE, START + DAY)
    assert deadline.due_at == START + 15 * DAY
    assert approved().row.register_by == deadline.due_at


def test_an_approval_at_first_sight_counts_from_the_submission() -> None:
    after = look(read(submitted(), APPROVED, START + DAY), START + DAY)
    assert after.deadlines[0].starts_at == START


@pytest.mark.parametrize(
    "number",
    [
        APPROVED,
        replace(APPROVED, new_name_status="AVAILABLE_WITHOUT_REVIEW"),
        replace(CONNECTED, verified_name=NEW, name_status="APPROVED"),
    ],
)
def test_an_approval_shows_in_more_than_one_way(number: Any) -> None:
    assert call_of(look(read(submitted(), number, START + DAY), START + DAY)) is REGISTER


@pytest.mark.parametrize(
    "number",
    [
        CONNECTED,
        replace(CONNECTED, new_name_status="NONE", new_display_name=NEW),
        replace(CONNECTED, new_name_status="SOMETHING_NEW", verified_name=NEW),
        replace(CONNECTED, verified_name=NEW, name_status=None),
    ],
)
def test_anything_less_is_none(number: Any) -> None:
    after = look(read(submitted(), number, START + DAY), START + DAY)
    assert wait_of(after).reason is Reason.NAME_IN_REVIEW
    assert wait_of(after).observe_at is not None


def test_no_registration_is_decided_that_might_leave_after_the_fourteen_days() -> None:
    row = approved().row
    end = row.register_by
    assert end is not None
    assert call_of(look(row, end - POLICY.send_within - SECOND)) is REGISTER
    after = look(row, end - POLICY.send_within)
    assert (call_of(after), after.row.next_due_at) == (None, end)
    assert look(after.row, end).row.state is State.NAME_REVIEW


def test_only_a_registration_after_the_approval_makes_the_name_effective() -> None:
    ready = approved().row
    call = answered(an_operation(REGISTER, ready, START + 2 * DAY))
    after = look(ready, START + 2 * DAY + SECOND, unapplied=[call])
    assert (after.row.state, wait_of(after).reason) == (State.REGISTERED, Reason.DONE)
    assert (after.row.display_name, after.row.renaming, after.row.register_by) == (NEW, False, None)
    early = replace(call, intent_at=START + DAY - SECOND)
    assert look(ready, START + 2 * DAY, unapplied=[early]).row.state is State.REGISTER_DEADLINE


def test_a_lost_registration_is_not_taken_for_done_because_the_number_is_connected() -> None:
    ready = approved().row
    call = an_operation(REGISTER, ready, START + 2 * DAY)
    now = START + 2 * DAY + HOUR
    silent = look(ready, now, unapplied=[answered(call, a_failure(effect=Effect.UNKNOWN))])
    settled = look(read(silent.row, APPROVED, now), now, open_operation=call)
    assert [status for _, status, _ in settled.settled] == [OperationStatus.ABSENT]
    until = wait_of(settled).until
    assert until is not None
    assert call_of(look(settled.row, until)) is REGISTER


class TestWhenItsWindowEnds:
    END = START + 15 * DAY

    def test_the_name_is_submitted_again_and_the_number_stays_live(self) -> None:
        row = replace(approved().row, retry_operation=REGISTER, retry_at=self.END + DAY)
        assert call_of(look(row, self.END - SECOND)) is None
        after = look(read(row, APPROVED, self.END), self.END)
        assert (after.row.state, call_of(after)) == (State.NAME_REVIEW, SET_NAME)
        assert (after.row.register_by, after.row.register_by_reason) == (None, None)

    def test_a_registration_in_time_counts_though_its_answer_is_seen_after_the_end(self) -> None:
        row = approved().row
        call = answered(an_operation(REGISTER, row, self.END - SECOND))
        assert look(row, self.END + HOUR, unapplied=[call]).row.state is State.REGISTERED

    def test_the_next_approval_sets_its_own_deadline(self) -> None:
        again = look(read(approved().row, APPROVED, self.END), self.END).row
        call = answered(an_operation(SET_NAME, again, self.END))
        row = look(again, self.END, unapplied=[call]).row
        after = look(read(row, APPROVED, self.END + DAY), self.END + DAY)
        assert after.deadlines[0].starts_at == self.END


@pytest.mark.parametrize(
    ("status", "reason"),
    [("DECLINED", Reason.NAME_DECLINED), ("EXPIRED", Reason.NAME_EXPIRED)],
)
def test_a_name_that_meta_does_not_give_is_the_partner_s_turn(status: str, reason: Reason) -> None:
    number = replace(PENDING, new_name_status=status)
    after = look(read(submitted(), number, START + DAY), START + DAY)
    assert (wait_of(after).reason, after.row.waiting_for) == (reason, Owner.PARTNER)


def test_a_name_that_expires_in_use_while_its_change_is_not_told_is_the_partner_s_turn() -> None:
    number = replace(CONNECTED, verified_name=NEW, name_status="EXPIRED")
    after = look(read(submitted(), number, START + DAY), START + DAY)
    assert wait_of(after).reason is Reason.NAME_EXPIRED


def test_a_signup_number_does_not_expire_by_a_rename_after_its_window() -> None:
    row = a_signup_row(State.REGISTERED, CONNECTED)
    for renamed_at in (START + DAY, START + 60 * DAY):
        asked = asked_to_rename(row, renamed_at)
        assert call_of(look(asked, renamed_at)) is SET_NAME
        review = submitted(asked, renamed_at)
        now = START + 80 * DAY
        after = look(read(review, replace(PENDING, last_onboarded_time=START), now), now)
        assert after.row.state is State.NAME_REVIEW
        assert after.deadlines == []
    assert row.entry is Entry.EMBEDDED_SIGNUP


def test_a_second_rename_forgets_the_instants_of_the_first() -> None:
    ready = approved().row
    first = answered(an_operation(REGISTER, ready, START + 2 * DAY))
    renamed = look(ready, START + 3 * DAY, unapplied=[first]).row
    later = START + 100 * DAY
    asked = replace(asked_to_rename(renamed, later), new_display_name="Third name")
    call = an_operation(SET_NAME, asked, later)
    passed = replace(APPROVED, new_display_name="Third name", verified_name="Third name")
    found = look(read(asked, passed, later + MINUTE), later + MINUTE, open_operation=call)
    assert found.row.name_submitted_at == later
    after = look(read(found.row, passed, later + DAY), later + DAY)
    assert call_of(after) is REGISTER
    assert after.row.name_approved_at == later


def test_a_certificate_that_is_not_ready_is_waited_for_in_place() -> None:
    ready = approved().row
    refusal = a_failure(RecoveryClass.WAIT, 100, 2388001, wait_s=900)
    call = answered(an_operation(REGISTER, ready, START + 2 * DAY), refusal)
    after = look(ready, START + 2 * DAY, unapplied=[call])
    assert (after.row.state, after.deadlines) == (State.REGISTER_DEADLINE, [])
    until = wait_of(after).until
    assert until is not None
    assert until - START - 2 * DAY < 20 * MINUTE
    assert call_of(look(after.row, until, made=[call])) is REGISTER


@pytest.mark.parametrize(
    ("status", "reason"),
    [("DECLINED", Reason.NAME_DECLINED), ("EXPIRED", Reason.NAME_EXPIRED)],
)
def test_an_approval_that_is_lost_before_the_registration_asks_for_another_name(
    status: str, reason: Reason
) -> None:
    lost = replace(APPROVED, new_name_status=status)
    after = look(read(approved().row, lost, START + 3 * DAY), START + 3 * DAY)
    assert (after.row.state, wait_of(after).reason) == (State.NAME_REVIEW, reason)
    assert (after.row.name_approved_at, after.row.register_by) == (None, None)


def test_a_registered_number_does_not_fail_by_a_rename() -> None:
    ready = approved().row
    refusal = a_failure(RecoveryClass.PERMANENT, 192)
    call = answered(an_operation(REGISTER, ready, START + 2 * DAY), refusal)
    after = look(ready, START + 2 * DAY, unapplied=[call])
    assert (after.row.state, wait_of(after).reason) == (State.REGISTER_DEADLINE, Reason.REFUSED)


def test_a_number_that_is_in_use_is_never_deregistered() -> None:
    ready = approved().row
    refusal = a_failure(RecoveryClass.RECONCILE, 133000)
    call = answered(an_operation(REGISTER, ready, START + 2 * DAY), refusal)
    after = look(ready, START + 2 * DAY, unapplied=[call])
    assert (call_of(after), wait_of(after).reason) == (None, Reason.REFUSED)


def test_a_number_that_must_be_proven_again_goes_on_with_its_rename_after_the_code() -> None:
    ready, now = approved().row, START + 2 * DAY
    refusal = a_failure(RecoveryClass.RECONCILE, 133006)
    call = answered(an_operation(REGISTER, ready, now), refusal)
    refused = look(ready, now, unapplied=[call]).row
    assert (refused.state, refused.renaming) == (State.OTP_PENDING, True)
    given = replace(refused, code_sealed="sealed", code_mac="mac", code_sent_at=now)
    proof = answered(an_operation(Operation.VERIFY_CODE, given, now + MINUTE))
    proven = look(given, now + MINUTE, made=[call], unapplied=[proof])
    listed = read(proven.row, APPROVED, now + HOUR)
    assert call_of(look(listed, now + HOUR, made=[call, proof])) is REGISTER


def test_the_window_of_72_hours_holds_for_a_rename_too() -> None:
    ready = approved().row
    calls = [
        answered(an_operation(REGISTER, ready, START + DAY + n * HOUR), a_failure())
        for n in range(POLICY.register_per_window)
    ]
    assert wait_of(look(ready, START + 2 * DAY, made=calls)).reason is Reason.BUDGET
