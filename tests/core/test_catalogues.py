"""The catalogues of reasons and of operations: complete, and what each entry promises."""

from __future__ import annotations

from dataclasses import replace
from string import Formatter

import pytest

from onboarding.core.operations import POLICIES, OnSilence, natural_key
from onboarding.core.reasons import FOR_PEOPLE, MEANINGS
from onboarding.core.steps import Attempts
from onboarding.model import Operation, OperationStatus, Owner, Reason, State
from tests.core.making import HOUR, MINUTE, POLICY, SECOND, START, a_row, an_operation

ROW = a_row(State.OTP_PENDING, code_mac="mac", new_display_name="New name")
WINDOW = POLICY.attempt_window


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_says_what_on_whom_and_for_people_how_to_mend_it(reason: Reason) -> None:
    meaning = MEANINGS[reason]
    assert meaning.text
    assert bool(meaning.remedy) == (reason in FOR_PEOPLE)
    named = {name for _, name, _, _ in Formatter().parse(meaning.remedy) if name}
    assert named <= {"id", "waba_id"}


def test_only_meta_and_the_engine_are_nobody_s_turn() -> None:
    owners = {reason: meaning.owner for reason, meaning in MEANINGS.items()}
    assert {r for r, owner in owners.items() if owner in (Owner.META, Owner.ENGINE)} == (
        set(Reason) - FOR_PEOPLE
    )


@pytest.mark.parametrize("operation", Operation)
def test_every_operation_has_a_policy_with_its_reason(operation: Operation) -> None:
    assert POLICIES[operation].why


def test_only_calls_that_change_nothing_a_second_time_are_repeated_unseen() -> None:
    repeated = {o for o, p in POLICIES.items() if p.on_silence is OnSilence.REPEAT}
    assert repeated == {Operation.SET_PIN, Operation.SUBSCRIBE_APP, Operation.SET_CALLBACK}


def test_a_create_is_one_per_waba_number_and_generation() -> None:
    key = natural_key(Operation.CREATE_NUMBER, ROW)
    assert key == natural_key(Operation.CREATE_NUMBER, replace(ROW, id="other", cycle=2))
    others = [
        natural_key(Operation.CREATE_NUMBER, replace(ROW, waba_id="1")),
        natural_key(Operation.CREATE_NUMBER, replace(ROW, number_key="1")),
        natural_key(Operation.CREATE_NUMBER, ROW, 2),
    ]
    assert key not in others


def test_a_code_is_one_for_its_number_whatever_the_cycle() -> None:
    key = natural_key(Operation.VERIFY_CODE, ROW)
    assert key == natural_key(Operation.VERIFY_CODE, replace(ROW, cycle=2))
    assert key != natural_key(Operation.VERIFY_CODE, replace(ROW, code_mac="another"))
    assert key != natural_key(Operation.VERIFY_CODE, replace(ROW, phone_number_id="1"))


def test_a_change_of_name_is_one_for_its_name() -> None:
    key = natural_key(Operation.SET_DISPLAY_NAME, ROW)
    assert key != natural_key(Operation.SET_DISPLAY_NAME, replace(ROW, new_display_name="Other"))


@pytest.mark.parametrize("operation", [Operation.REGISTER, Operation.REQUEST_CODE])
def test_other_calls_are_told_apart_by_cycle(operation: Operation) -> None:
    assert natural_key(operation, ROW) != natural_key(operation, replace(ROW, cycle=2))


def calls(count: int, status: OperationStatus = OperationStatus.REFUSED) -> Attempts:
    return Attempts(
        [an_operation(Operation.REGISTER, at=START + n * HOUR, status=status) for n in range(count)]
    )


def test_a_window_has_room_below_its_limit() -> None:
    assert calls(7).free_at(Operation.REGISTER, 8, WINDOW, START + 8 * HOUR) is None
    assert calls(8).free_at(Operation.DEREGISTER, 8, WINDOW, START + 8 * HOUR) is None


def test_a_full_window_is_free_when_enough_calls_have_left_it() -> None:
    now = START + 12 * HOUR
    assert calls(8).free_at(Operation.REGISTER, 8, WINDOW, now) == START + WINDOW
    assert calls(10).free_at(Operation.REGISTER, 8, WINDOW, now) == START + 2 * HOUR + WINDOW
    free_at = START + WINDOW
    assert calls(8).free_at(Operation.REGISTER, 8, WINDOW, free_at - SECOND) == free_at
    assert calls(8).free_at(Operation.REGISTER, 8, WINDOW, free_at) is None


@pytest.mark.parametrize("status", [s for s in OperationStatus if s is not OperationStatus.UNSENT])
def test_every_call_that_may_have_reached_meta_counts(status: OperationStatus) -> None:
    assert calls(8, status).free_at(Operation.REGISTER, 8, WINDOW, START + 9 * HOUR) is not None


def test_a_call_that_never_left_does_not_count() -> None:
    unsent = calls(20, OperationStatus.UNSENT)
    assert unsent.free_at(Operation.REGISTER, 8, WINDOW, START + MINUTE) is None


def test_the_calls_of_a_cycle_are_its_own_onboarding_s() -> None:
    mine = calls(3).made
    others = [
        an_operation(Operation.REGISTER, replace(ROW, cycle=2)),
        an_operation(Operation.REGISTER, replace(ROW, id="other")),
        an_operation(Operation.DEREGISTER),
    ]
    assert Attempts((*mine, *others)).of(a_row(), Operation.REGISTER) == list(mine)
