"""A new cycle after the end: what was seen in the last one says nothing about this one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from onboarding.core.deadlines import first_deadline
from onboarding.core.lifecycle import Trigger
from onboarding.core.steps import Call, Move, moved
from onboarding.model import (
    Onboarding,
    Operation,
    OperationStatus,
    Reason,
    RecoveryClass,
    State,
)
from tests.core.making import (
    CONNECTED,
    DAY,
    HOUR,
    MINUTE,
    NUMBER_ID,
    POLICY,
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

CREATE = Operation.CREATE_NUMBER
NOW = START + 30 * DAY
OLD_SIGNUP = replace(VERIFIED, last_onboarded_time=START)


def restarted(row: Onboarding, **changes: Any) -> Onboarding:
    """Return the row as a person's restart leaves it at ``NOW``."""
    anew = replace(row, state_since=NOW, onboarded_at=changes.get("onboarded_at"))
    step = Move(
        trigger=Trigger.RESTARTED,
        reason="again",
        changes={"cycle": row.cycle + 1, "phone_number_id": None, **changes},
        deadline=first_deadline(anew, POLICY),
    )
    return moved(row, step, NOW)


def created(row: Onboarding) -> list[Any]:
    """Return the create of the first cycle."""
    return [answered(an_operation(CREATE, row))]


class TestANewNumber:
    FAILED = a_row(State.FAILED, VERIFIED)

    @pytest.mark.parametrize(
        "ended",
        [
            a_row(State.FAILED, VERIFIED),
            a_row(State.FAILED),
            a_row(State.LEFT, replace(VERIFIED, status="DELETED")),
            read(a_row(State.LEFT, VERIFIED), None, START + DAY),
        ],
    )
    def test_the_list_is_read_before_anything_else(self, ended: Onboarding) -> None:
        after = look(restarted(ended), NOW, made=created(ended))
        assert (call_of(after), wait_of(after).observe_at) == (None, NOW)

    def test_a_number_that_is_still_there_is_adopted_and_not_created_again(self) -> None:
        row = read(restarted(self.FAILED), a_number(), NOW + SECOND)
        after = look(row, NOW + SECOND, made=created(self.FAILED))
        assert triggers_of(after) == ["number_found"]
        assert call_of(after) is None

    @pytest.mark.parametrize("number", [None, a_number(id="55", status="DELETED")])
    def test_a_number_that_is_gone_is_created_once_more(self, number: Any) -> None:
        row = read(restarted(self.FAILED), number, NOW + SECOND)
        step = look(row, NOW + SECOND, made=created(self.FAILED)).step
        assert isinstance(step, Call)
        assert (step.operation, step.natural_key[-2:]) == (CREATE, "/2")

    def test_what_meta_showed_of_the_old_number_says_nothing_of_the_new_one(self) -> None:
        for old in (
            replace(VERIFIED, id="55", status="DELETED"),
            replace(VERIFIED, id="55"),
            replace(CONNECTED, id="55"),
        ):
            row = read(restarted(self.FAILED), old, NOW + SECOND)
            row = replace(row, seen=replace(old, status="DELETED"))
            call = an_operation(CREATE, row, NOW + MINUTE)
            after = look(row, NOW + 2 * MINUTE, unapplied=[answered(call)])
            assert (after.row.state, after.row.phone_number_id) == (State.CREATED, NUMBER_ID)

    def test_a_call_of_the_last_cycle_changes_nothing_any_more(self) -> None:
        row = restarted(self.FAILED)
        before = an_operation(Operation.REGISTER, self.FAILED, START + DAY)
        for late in (
            answered(before, status=OperationStatus.ABSENT),
            answered(before, a_failure(RecoveryClass.PERMANENT, 192)),
            answered(before, a_failure(RecoveryClass.HUMAN, 133005)),
        ):
            after = look(row, NOW, unapplied=[late])
            assert (after.entries, after.applied) == ([], [late])
            assert after.row.state is State.REQUESTED


class TestEmbeddedSignup:
    EXPIRED = a_signup_row(State.EXPIRED, VERIFIED)

    def test_the_list_is_read_before_anything_else(self) -> None:
        after = look(restarted(self.EXPIRED), NOW)
        assert wait_of(after).observe_at == NOW
        assert after.row.state is State.REQUESTED

    @pytest.mark.parametrize("onboarded_at", [None, NOW - HOUR])
    def test_a_list_that_shows_the_signup_that_expired_neither_expires_nor_registers(
        self, onboarded_at: Any
    ) -> None:
        row = restarted(self.EXPIRED, onboarded_at=onboarded_at)
        for later in (SECOND, DAY):
            after = look(read(row, OLD_SIGNUP, NOW + later), NOW + later)
            assert (after.row.state, after.entries) == (State.REQUESTED, [])
            assert wait_of(after).reason is Reason.NOT_ON_WABA
            assert wait_of(after).observe_at is not None

    @pytest.mark.parametrize("number_id", [NUMBER_ID, "55"])
    def test_the_new_signup_is_adopted_with_its_own_window(self, number_id: str) -> None:
        shown = replace(VERIFIED, id=number_id, last_onboarded_time=NOW + HOUR)
        row = read(restarted(self.EXPIRED), shown, NOW + 2 * HOUR)
        after = look(row, NOW + 2 * HOUR)
        assert call_of(after) is Operation.REGISTER
        assert after.row.register_by == NOW + HOUR + 14 * DAY
        assert after.row.phone_number_id == number_id

    def test_a_signup_that_was_done_before_the_restart_is_adopted_too(self) -> None:
        shown = replace(VERIFIED, last_onboarded_time=NOW - DAY)
        row = read(restarted(self.EXPIRED, onboarded_at=NOW - DAY), shown, NOW + SECOND)
        assert call_of(look(row, NOW + SECOND)) is Operation.REGISTER

    def test_the_window_that_was_given_ends_it_if_nothing_comes_of_it(self) -> None:
        row = read(restarted(self.EXPIRED, onboarded_at=NOW), OLD_SIGNUP, NOW + 14 * DAY)
        assert look(row, NOW + 14 * DAY).row.state is State.EXPIRED

    def test_without_one_it_waits_for_the_customer_and_for_nothing_else(self) -> None:
        row = read(restarted(self.EXPIRED), OLD_SIGNUP, NOW + 90 * DAY)
        after = look(row, NOW + 90 * DAY)
        assert (after.row.state, wait_of(after).reason) == (State.REQUESTED, Reason.NOT_ON_WABA)
