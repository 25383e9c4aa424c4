"""What follows from a person's change is planned with it, not at the poll that was due anyway."""

from __future__ import annotations

import pytest

from onboarding.model import Owner, Reason, State
from tests.engine.rehearsing import DAY, HOUR, MINUTE, NUMBER, START, Rehearse, Rehearsed


@pytest.fixture
def waiting(rehearse: Rehearse) -> Rehearsed:
    """A rehearsal whose number waits for somebody to read its code, far from any poll."""
    meta = rehearse(reads_codes=False)
    meta.ask()
    meta.wait(HOUR)
    row = meta.row()
    assert (row.state, row.waiting) == (State.CREATED, Reason.CODE_READY)
    assert row.next_due_at is None or row.next_due_at > meta.clock.now() + HOUR
    return meta


def is_due(meta: Rehearsed) -> bool:
    row = meta.row()
    return (row.waiting, row.waiting_for, row.next_due_at) == (
        Reason.DUE, Owner.ENGINE, meta.clock.now(),
    )  # fmt: skip


def test_a_word_that_the_holder_is_ready(waiting: Rehearsed) -> None:
    returned = waiting.engine.code_ready(NUMBER)
    assert returned == waiting.row()
    assert is_due(waiting)
    assert waiting.engine.next_due_at() == waiting.clock.now()
    assert waiting.engine.advance().advanced == 1
    assert waiting.state() is State.OTP_PENDING


def test_a_code(waiting: Rehearsed) -> None:
    waiting.engine.code_ready(NUMBER)
    waiting.settle()
    waiting.move_to(waiting.clock.now() + MINUTE)
    assert not is_due(waiting)
    waiting.engine.submit_code(NUMBER, waiting.last_code(NUMBER))
    assert is_due(waiting)
    assert waiting.engine.advance().advanced == 1
    assert len(waiting.calls("verify_code")) == 1


def test_a_hold_and_its_end(waiting: Rehearsed) -> None:
    waiting.engine.code_ready(NUMBER)
    until = waiting.clock.now() + 2 * DAY
    waiting.engine.hold(NUMBER, "over the weekend", until=until)
    row = waiting.row()
    assert (row.waiting, row.waiting_for, row.next_due_at) == (Reason.HELD, Owner.OPERATOR, until)
    waiting.engine.hold(NUMBER, "until we know more")
    row = waiting.row()
    assert (row.waiting, row.next_due_at) == (Reason.HELD, None)
    assert waiting.engine.advance().advanced == 0
    waiting.engine.release(NUMBER, "we know")
    assert is_due(waiting)
    assert waiting.engine.advance().advanced == 1
    assert waiting.state() is State.OTP_PENDING


def test_a_release_into_a_wait_of_another_reason(waiting: Rehearsed) -> None:
    """It goes back to what it waited for, at once and not as due work."""
    waiting.engine.hold(NUMBER, "x", until=waiting.clock.now() + DAY)
    waiting.engine.release(NUMBER, "y")
    row = waiting.row()
    assert (row.waiting, row.waiting_for) == (Reason.CODE_READY, Owner.HOLDER)
    assert waiting.engine.advance().is_idle


def test_another_name_of_a_registered_number(rehearse: Rehearse) -> None:
    meta = rehearse()
    meta.register()
    meta.wait(DAY)
    assert meta.row().next_due_at is None
    meta.engine.rename(NUMBER, "Luckier Shrub")
    assert meta.state() is State.NAME_REVIEW
    assert is_due(meta)
    assert meta.engine.advance().advanced == 1
    assert len(meta.calls("set_display_name")) == 1


def test_a_cancellation(waiting: Rehearsed) -> None:
    waiting.engine.cancel(NUMBER, "the customer left")
    row = waiting.row()
    assert (row.state, row.waiting, row.next_due_at) == (State.CANCELLED, Reason.OVER, None)
    assert waiting.engine.advance().is_idle


def test_a_restart(rehearse: Rehearse) -> None:
    meta = rehearse()
    meta.ask(entry="embedded_signup", onboarded_at=START - 15 * DAY)
    meta.run_to(State.EXPIRED, most=DAY)
    meta.wait(DAY)
    assert meta.row().next_due_at is None
    meta.sign_up(NUMBER)
    reads = len(meta.calls("list_numbers"))
    meta.engine.restart(NUMBER, "signed up again", onboarded_at=meta.clock.now())
    row = meta.row()
    assert (row.state, row.cycle, row.waiting) == (State.REQUESTED, 2, Reason.LISTING)
    assert meta.engine.next_due_at() == meta.clock.now()
    meta.engine.advance()
    assert len(meta.calls("list_numbers")) == reads + 1
    assert meta.state() is State.REGISTER_DEADLINE
