"""Virtual time, and the rule by which it may jump.

Virtual time is real time plus an offset. In ``manual`` mode it stands still until it is
moved; in ``skipping`` mode it runs in real time and jumps when nobody has anything to do.
It never goes backwards.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from onboarding.simulator.scenario import ClockMode


class ClockError(ValueError):
    """Time was asked to go backwards."""


class VirtualClock:
    """The simulator's time.

    Args:
        mode: how time moves.
        start: the first instant; without it, the present one.
        monotonic: real seconds that only ever grow.
    """

    def __init__(
        self,
        mode: ClockMode = "real",
        start: datetime | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._mode: ClockMode = mode
        self._anchor = start or datetime.now(UTC)
        self._anchored_at = monotonic()

    @property
    def mode(self) -> ClockMode:
        """How time moves at present."""
        return self._mode

    @property
    def offset(self) -> timedelta:
        """How far virtual time is ahead of real time."""
        return self.now() - datetime.now(UTC)

    def now(self) -> datetime:
        """Return the present virtual instant, aware and in UTC."""
        if self._mode == "manual":
            return self._anchor
        return self._anchor + timedelta(seconds=self._monotonic() - self._anchored_at)

    def set_mode(self, mode: ClockMode) -> None:
        """Let time move in another way from now on; the present instant stays."""
        self._anchor_at(self.now())
        self._mode = mode

    def move_to(self, instant: datetime) -> None:
        """Make ``instant`` the present, unless time has reached it already."""
        self._anchor_at(max(instant, self.now()))

    def restore(self, mode: ClockMode, instant: datetime) -> None:
        """Take over the time of a snapshot, which may be earlier."""
        self._mode = mode
        self._anchor_at(instant)

    def _anchor_at(self, instant: datetime) -> None:
        self._anchor = instant
        self._anchored_at = self._monotonic()


@dataclass(frozen=True, slots=True)
class Report:
    """What one participant said last about itself; ``lapses_at`` is in real seconds."""

    idle: bool
    next_due_at: datetime | None
    epoch: int
    lapses_at: float


def decide_jump(
    *,
    now: datetime,
    epoch: int,
    reports: Iterable[Report],
    awaited: int,
    requests_in_flight: int,
    next_event_at: datetime | None,
) -> datetime | None:
    """Decide whether time may jump, and where to.

    Args:
        now: the present virtual instant.
        epoch: the present epoch; an idle report of another one does not count.
        reports: the last reports that have not lapsed.
        awaited: participants that have never reported though the scenario expects them.
        requests_in_flight: Graph requests that have no answer yet.
        next_event_at: when the simulator itself does something next.

    Returns:
        The earliest instant at which anybody has something to do, if everybody is idle and
        that instant lies ahead; otherwise ``None``.
    """
    known = list(reports)
    if not known or awaited > 0 or requests_in_flight > 0:
        return None
    if not all(report.idle and report.epoch == epoch for report in known):
        return None
    instants = [report.next_due_at for report in known if report.next_due_at is not None]
    if next_event_at is not None:
        instants.append(next_event_at)
    target = min(instants, default=None)
    return target if target is not None and target > now else None
