"""The rules after a restore, as pure functions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from onboarding.core.policy import METAS_LIMIT
from onboarding.core.steps import Attempts, Restore
from onboarding.model import Operation, Reason, State
from tests.core.making import (
    DAY,
    HOUR,
    MINUTE,
    POLICY,
    SECOND,
    START,
    VERIFIED,
    a_number,
    a_row,
    an_account,
    an_operation,
    call_of,
    look,
    read,
    wait_of,
)

REGISTER, REQUEST_CODE = Operation.REGISTER, Operation.REQUEST_CODE
HELD = Restore(at=START, why="a copy")
RELEASED = replace(HELD, released_at=START + HOUR)
CERTAIN = START + POLICY.settle
READY = a_row(State.REGISTER_DEADLINE, VERIFIED)


@pytest.fixture(autouse=True)
def copies() -> None:
    """Nothing is copied here."""


def test_a_copy_calls_nobody_however_sure_it_is() -> None:
    sure = read(READY, VERIFIED, CERTAIN)
    for row, at in ((READY, START), (sure, CERTAIN), (sure, CERTAIN + DAY)):
        after = look(row, at, restore=HELD, forced=True)
        assert (call_of(after), wait_of(after).reason) == (None, Reason.RESTORED)


def test_the_list_is_read_once_it_shows_what_was_called_before() -> None:
    assert wait_of(look(READY, START, restore=HELD)).observe_at == CERTAIN
    later = wait_of(look(read(READY, VERIFIED, CERTAIN), CERTAIN, restore=HELD)).observe_at
    assert later is not None
    assert later > CERTAIN


def test_a_released_copy_calls_only_for_numbers_that_were_seen_since() -> None:
    at = CERTAIN + HOUR
    early = look(read(READY, VERIFIED, CERTAIN - SECOND), at, restore=RELEASED)
    assert (call_of(early), wait_of(early).reason) == (None, Reason.LISTING)
    assert call_of(look(read(READY, VERIFIED, CERTAIN), at, restore=RELEASED)) is REGISTER


def test_a_number_that_nobody_knows_is_looked_for_before_it_is_created() -> None:
    fresh, at = a_row(), START + 30 * DAY
    assert wait_of(look(fresh, at, restore=RELEASED)).reason is Reason.LISTING
    assert look(read(fresh, a_number(), at), at, restore=RELEASED).row.state is State.CREATED
    assert call_of(look(read(fresh, None, at), at, restore=RELEASED)) is Operation.CREATE_NUMBER


@pytest.mark.parametrize(
    ("row", "account"),
    [
        (a_row(State.CREATED, a_number()), an_account()),
        (a_row(State.OTP_PENDING, a_number(), code_sent_at=START), an_account()),
        (READY, an_account(subscribed_at=None)),
    ],
)
def test_what_waits_before_a_call_waits_for_the_release(row: object, account: object) -> None:
    after = look(row, START, restore=HELD, account=account)  # type: ignore[arg-type] # of the table
    assert wait_of(after).reason is Reason.RESTORED


def test_a_code_that_was_out_at_the_restore_is_not_awaited() -> None:
    row = read(a_row(State.OTP_PENDING, a_number(), code_sent_at=START), a_number(), CERTAIN)
    wait = wait_of(look(row, CERTAIN, restore=RELEASED))
    # The call that asked for it may have left as late as its send guard and timeout allow.
    left_by = START + POLICY.send_within + POLICY.call_timeout
    assert (wait.reason, wait.until) == (Reason.BUDGET, left_by + 10 * MINUTE)


@pytest.mark.parametrize(("operation", "limit"), [(REGISTER, 8), (REQUEST_CODE, 9)])
def test_both_together_stay_within_what_meta_takes(operation: Operation, limit: int) -> None:
    window, now = POLICY.attempt_window, START + DAY
    forgetful = Attempts((), START, POLICY.forgotten)
    made: list[object] = []
    while forgetful.free_at(operation, limit, window, now) is None:
        made.append(an_operation(operation, at=START + HOUR + len(made) * SECOND))
        forgetful = replace(forgetful, made=tuple(made))  # type: ignore[arg-type] # they are calls
    assert limit + len(made) == METAS_LIMIT
    assert forgetful.free_at(operation, limit, window, now) == START + window
    assert forgetful.free_at(operation, limit, window, START + window) is None


def test_calls_that_are_known_from_before_are_not_counted_twice() -> None:
    known = tuple(an_operation(REGISTER, at=START - HOUR + n * SECOND) for n in range(8))
    attempts = Attempts(known, START, POLICY.forgotten)
    assert len(attempts.spent(REGISTER, POLICY.attempt_window, START + HOUR)) == 8
    assert len(attempts.spent(Operation.SET_DISPLAY_NAME, 30 * DAY, START + HOUR)) == 0
