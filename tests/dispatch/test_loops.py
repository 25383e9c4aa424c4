"""The loops of a worker: each runs until it finds nothing to do, whatever goes wrong in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from onboarding.dispatch.loops import Loops, Work
from tests.dispatch.waiting import eventually

HOUR_S = 3600.0


@contextmanager
def running(**works: Work) -> Iterator[Loops]:
    """Loops that rest for an hour unless they are woken."""
    loops = Loops(works, dict.fromkeys(works, HOUR_S))
    loops.start()
    try:
        yield loops
    finally:
        loops.stop()


class Counted:
    """Work that counts its rounds, and finds as much to do as it is told."""

    def __init__(self, *found: int) -> None:
        self.rounds = 0
        self._found = list(found)

    def __call__(self) -> int:
        self.rounds += 1
        return self._found.pop(0) if self._found else 0


def test_each_loop_runs_at_once_and_until_there_is_nothing_to_do() -> None:
    busy, idle = Counted(3, 1, 7), Counted()
    before = datetime.now(UTC)
    with running(busy=busy, idle=idle) as loops:
        eventually(lambda: loops.is_idle and len(loops.last_run) == 2)
        assert (busy.rounds, idle.rounds) == (4, 1)
        assert all(before <= at <= datetime.now(UTC) for at in loops.last_run.values())


def test_a_loop_that_is_woken_runs_again() -> None:
    one, other = Counted(), Counted()
    with running(one=one, other=other) as loops:
        eventually(lambda: loops.is_idle and one.rounds and other.rounds)
        loops.wake("one")
        eventually(lambda: one.rounds == 2 and loops.is_idle)
        assert other.rounds == 1
        loops.wake()
        eventually(lambda: (one.rounds, other.rounds) == (3, 2) and loops.is_idle)


def test_a_loop_that_is_woken_while_it_runs_runs_once_more() -> None:
    entered, leave = threading.Event(), threading.Event()
    rounds: list[int] = []

    def work() -> int:
        rounds.append(1)
        entered.set()
        leave.wait(10)
        return 0

    with running(work=work) as loops:
        entered.wait(10)
        assert not loops.is_idle
        loops.wake("work")
        loops.wake("work")
        leave.set()
        eventually(lambda: loops.is_idle)
        assert len(rounds) in {2, 3}  # once more, and maybe once too often


def test_no_wake_up_is_lost_however_it_falls() -> None:
    """A wake-up at the very end of a round must not wait for the next interval."""
    work = Counted()
    with running(work=work) as loops:
        for turn in range(300):
            eventually(lambda: loops.is_idle)
            before = work.rounds
            loops.wake("work")
            eventually(lambda before=before: work.rounds > before, 5)  # type: ignore[misc] # bound now
            if turn % 2:
                loops.wake("work")


def test_an_error_ends_a_round_and_not_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    rounds: list[int] = []

    def work() -> int:
        rounds.append(1)
        if len(rounds) < 3:
            raise RuntimeError(f"round {len(rounds)} went wrong")
        return 0

    with running(work=work) as loops:
        for expected in (1, 2, 3):
            eventually(lambda n=expected: len(rounds) == n and loops.is_idle)  # type: ignore[misc] # bound now
            assert "work" in loops.last_run
            loops.wake("work")
    told = [record.getMessage() for record in caplog.records if record.name == "onboarding"]
    assert [message for message in told if "loop_failed" in message][:2] == [
        "event='loop_failed' loop='work' error='RuntimeError' message='round 1 went wrong'",
        "event='loop_failed' loop='work' error='RuntimeError' message='round 2 went wrong'",
    ]


def test_a_slow_loop_holds_no_other_up() -> None:
    leave, quick = threading.Event(), Counted()

    def slow() -> int:
        leave.wait(10)
        return 0

    with running(slow=slow, quick=quick) as loops:
        eventually(lambda: quick.rounds == 1)
        loops.wake("quick")
        eventually(lambda: quick.rounds == 2)
        leave.set()


def test_stopping_waits_for_the_present_round_and_starts_no_other() -> None:
    entered, leave = threading.Event(), threading.Event()
    rounds: list[int] = []

    def work() -> int:
        rounds.append(1)
        entered.set()
        leave.wait(10)
        return 1  # there would be more to do

    loops = Loops({"work": work}, {"work": HOUR_S})
    loops.start()
    entered.wait(10)
    stopping = threading.Thread(target=loops.stop)
    stopping.start()
    assert len(rounds) == 1
    leave.set()
    stopping.join(10)
    assert not stopping.is_alive()
    assert len(rounds) == 1
    loops.wake("work")  # comes too late, and does no harm


def test_loops_that_were_never_started_can_be_stopped() -> None:
    work = Counted()
    loops = Loops({"work": work}, {"work": HOUR_S})
    loops.stop()
    assert (work.rounds, loops.is_idle) == (0, True)


def test_the_interval_is_an_upper_bound() -> None:
    work = Counted()
    loops = Loops({"work": work}, {"work": 0.05})
    loops.start()
    eventually(lambda: work.rounds >= 4)
    loops.stop()
