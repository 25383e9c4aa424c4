"""The people at the desk in a simulation: they answer pages, and give declined names another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from onboarding.dispatch.skipping import Follower, SkippingClock, Standing
from onboarding.engine.facade import Engine
from onboarding.model import EventType, Owner, Reason

OPERATOR, PARTNER = "desk", "partner"

_MOST_EVENTS = 1000


@dataclass(kw_only=True)
class Desk:
    """Looks at what happened at fixed hours; a participant of the skipping clock.

    Attributes:
        control_url: the simulator's control endpoints.
        looks_every: from one look to the next; looks are at multiples of it since 1970.
        rung: the rung of the ladder that the desk takes on.
        takes_on: a glob on the display names whose pages the desk takes on.
        for_so_long: how long it takes a page on.
        renames: the name that a declined one is replaced by.
    """

    control_url: str
    looks_every: timedelta
    rung: str
    takes_on: str
    for_so_long: timedelta
    renames: Mapping[str, str] = field(default_factory=dict)
    _engine: Engine | None = None
    _follower: Follower | None = None
    _clock: SkippingClock | None = None
    _read: int = 0
    _looks_at: datetime | None = None

    def start(self, engine: Engine) -> None:
        """Begin to look."""
        self._engine = engine
        self._clock = SkippingClock(self.control_url)
        self._follower = Follower(self._clock, OPERATOR, self._stands)
        self._follower.start()

    def stop(self) -> None:
        """Go home."""
        if self._follower is not None and self._clock is not None:
            self._follower.stop()
            self._clock.close()

    def _stands(self) -> Standing:
        assert self._clock is not None, "started"  # noqa: S101 - for the type checker
        now = self._clock.now()
        is_time = self._looks_at is not None and self._looks_at <= now
        acted = self._look(now) if is_time else 0
        if is_time or self._looks_at is None:
            self._looks_at = _next_look(now, self.looks_every)
        return Standing(is_idle=not acted, next_due_at=self._looks_at, changed=bool(acted))

    def _look(self, now: datetime) -> int:
        """Act on what happened since the last look; return how often."""
        assert self._engine is not None, "started"  # noqa: S101 - for the type checker
        acted = 0
        while events := self._engine.events(after=self._read, limit=_MOST_EVENTS):
            self._read = events[-1]["seq"]
            acted += sum(self._take_on(self._engine, event, now) for event in events)
        return acted + self._rename(self._engine)

    def _take_on(self, engine: Engine, event: Mapping[str, Any], now: datetime) -> bool:
        """Take a page on, if it is one of ours; return whether it was."""
        if event["type"] != EventType.ESCALATION or event["data"]["rung"] != self.rung:
            return False
        number = event["onboarding"]
        if not fnmatchcase(number["display_name"], self.takes_on):
            return False
        until = now + self.for_so_long
        reason = "the review was asked about at Meta"
        engine.acknowledge(number["id"], until=until, reason=reason, actor=OPERATOR)
        return True

    def _rename(self, engine: Engine) -> int:
        """Give declined names the one that is ready for them; return how many."""
        waiting = [
            row
            for row in engine.find_all(waiting_for=Owner.PARTNER)
            if row.waiting is Reason.NAME_DECLINED and row.display_name in self.renames
        ]
        for row in waiting:
            engine.rename(row.id, self.renames[row.display_name], actor=PARTNER)
        return len(waiting)


def _next_look(now: datetime, every: timedelta) -> datetime:
    seconds = every.total_seconds()
    return datetime.fromtimestamp((now.timestamp() // seconds + 1) * seconds, UTC)
