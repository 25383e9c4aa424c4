"""Virtual time and the decision to jump, without a server."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.simulator.clock import Report, VirtualClock, decide_jump
from tests.simulator.harness import START


class Ticker:
    """Real seconds that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def at(seconds: float) -> Any:
    return START + timedelta(seconds=seconds)


def report(*, idle: bool = True, due: float | None = None, epoch: int = 7) -> Report:
    return Report(idle, None if due is None else at(due), epoch, lapses_at=0)


def jump(*reports: Report, **given: Any) -> Any:
    defaults: dict[str, Any] = {
        "now": START,
        "epoch": 7,
        "reports": reports,
        "awaited": 0,
        "requests_in_flight": 0,
        "next_event_at": None,
    }
    return decide_jump(**(defaults | given))


def test_jumps_to_the_earliest_due_instant_of_all() -> None:
    assert jump(report(due=50), report(due=20), next_event_at=at(30)) == at(20)
    assert jump(report(due=50), report(), next_event_at=at(30)) == at(30)
    assert jump(report(due=50), report(due=None)) == at(50)


@pytest.mark.parametrize(
    "stays",
    [
        jump(),
        jump(next_event_at=at(5)),
        jump(report(due=5), report(idle=False, due=5)),
        jump(report(due=5), report(due=5, epoch=6)),
        jump(report(due=5), awaited=1),
        jump(report(due=5), requests_in_flight=1),
        jump(report(), report()),
        jump(report(due=0)),
        jump(report(due=-5), report(due=9)),
    ],
    ids=[
        "nobody",
        "nobody but an event",
        "one is busy",
        "one has not seen the epoch",
        "one is still to come",
        "a request is in flight",
        "nothing is due ever",
        "somebody is due now",
        "somebody is late",
    ],
)
def test_stays(stays: Any) -> None:
    assert stays is None


reports = st.builds(
    report,
    idle=st.booleans(),
    due=st.none() | st.integers(-5, 100),
    epoch=st.sampled_from([6, 7]),
)


@settings(deadline=None)
@given(
    many=st.lists(reports, max_size=4),
    event=st.none() | st.integers(-5, 100),
    in_flight=st.integers(0, 1),
    awaited=st.integers(0, 1),
)
def test_no_jump_ever_passes_something_due_or_somebody_busy(
    many: list[Report], event: int | None, in_flight: int, awaited: int
) -> None:
    next_event_at = None if event is None else at(event)
    target = jump(*many, next_event_at=next_event_at, requests_in_flight=in_flight, awaited=awaited)
    if target is None:
        return
    assert target > START
    assert in_flight == awaited == 0
    assert all(one.idle and one.epoch == 7 for one in many)
    dues = [one.next_due_at for one in many if one.next_due_at is not None]
    assert all(due >= target for due in dues)
    assert next_event_at is None or next_event_at >= target


def test_manual_time_stands_still_until_it_is_moved() -> None:
    real = Ticker()
    clock = VirtualClock("manual", START, monotonic=real)
    real.seconds += 1000
    assert clock.now() == START
    clock.move_to(at(60))
    assert clock.now() == at(60)


@pytest.mark.parametrize("mode", ["real", "skipping"])
def test_other_time_runs_from_its_start(mode: Any) -> None:
    real = Ticker()
    clock = VirtualClock(mode, START, monotonic=real)
    real.seconds += 2.5
    assert clock.now() == at(2.5)
    clock.move_to(at(100))
    real.seconds += 1
    assert clock.now() == at(101)


def test_time_never_goes_backwards() -> None:
    clock = VirtualClock("manual", START)
    clock.move_to(at(-1))
    assert clock.now() == START


def test_change_of_mode_keeps_the_instant() -> None:
    real = Ticker()
    clock = VirtualClock("real", START, monotonic=real)
    real.seconds += 10
    clock.set_mode("manual")
    real.seconds += 10
    assert clock.now() == at(10)
    clock.set_mode("skipping")
    real.seconds += 10
    assert clock.now() == at(20)
