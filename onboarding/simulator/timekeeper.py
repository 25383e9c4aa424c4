"""The one owner of time: it lets Meta's own events happen, and jumps when all are idle.

Lives in the server's event loop; nothing here is called from another thread.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from onboarding.simulator.clock import ClockError, Report, VirtualClock, decide_jump
from onboarding.simulator.events import next_event_at, run_due_events
from onboarding.simulator.scenario import ClockMode
from onboarding.simulator.world import World


@dataclass(slots=True, eq=False)
class _Held:
    """A report whose answer waits for the epoch to change, or for its own due instant."""

    released: asyncio.Future[None]
    due_at: datetime | None


class Timekeeper:
    """Clock, epoch and participants.

    The epoch counts what participants may have to look at: every jump, every event of Meta's
    and every change that a participant reports. Whoever judged itself idle at an older epoch
    must judge again, so time never jumps past something unseen.
    """

    def __init__(self, world: World, clock: VirtualClock) -> None:
        self.world = world
        self.clock = clock
        self.epoch = 0
        self.requests_in_flight = 0
        self._reports: dict[str, Report] = {}
        self._seen: set[str] = set()
        self._held: set[_Held] = set()
        self._timer: asyncio.TimerHandle | None = None

    def now(self) -> datetime:
        """Return the present instant, after everything due by then has happened."""
        now = self.clock.now()
        if (due := next_event_at(self.world)) is not None and due <= now:
            self._catch_up(now)
        return now

    def bump(self) -> None:
        """Start a new epoch: everybody must look again."""
        self.epoch += 1
        for held in self._held:
            self._release(held)

    def tick(self) -> None:
        """Let happen what is due, jump if all are idle, and set the timer for the next tick."""
        self.now()
        self._forget_lapsed()
        target = decide_jump(
            now=self.clock.now(),
            epoch=self.epoch,
            reports=self._reports.values(),
            awaited=self.world.scenario.clock.participants - len(self._seen),
            requests_in_flight=self.requests_in_flight,
            next_event_at=next_event_at(self.world),
        )
        if target is not None and self.clock.mode == "skipping":
            self._move_to(target)
        self._release_due()
        self._set_timer()

    def note_request_end(self) -> None:
        """Look again after a Graph request: it may have been the last one in flight."""
        if self._reports or self._held:
            self.tick()

    def set(
        self,
        *,
        mode: ClockMode | None = None,
        instant: datetime | None = None,
        advance: timedelta | None = None,
    ) -> None:
        """Change the mode, then go to an instant, then on by a duration.

        Raises:
            ClockError: the instant lies in the past; nothing is changed.
        """
        now = self.clock.now()
        if instant is not None and instant < now:
            raise ClockError(f"time never goes backwards: it is {now.isoformat()} already")
        if instant is not None or advance is not None:
            self._move_to((instant or now) + (advance or timedelta(0)))
        if mode is not None and mode != self.clock.mode:
            self.clock.set_mode(mode)
            self.bump()
        self.tick()

    async def report(
        self, participant: str, report: Report, *, changed: bool, wait_s: float
    ) -> None:
        """Take a participant's word; an idle one may wait here for the epoch to change."""
        self._seen.add(participant)
        self._reports[participant] = report
        if changed:
            self.bump()
        self.tick()
        if report.idle and wait_s > 0 and report.epoch == self.epoch:
            await self._hold(report, wait_s)

    def dismiss(self, participant: str) -> None:
        """Forget a participant; time need not wait for it any more."""
        self._reports.pop(participant, None)
        self.tick()

    def close(self) -> None:
        """Let every waiting participant go and stop the timer."""
        for held in self._held:
            self._release(held)
        if self._timer is not None:
            self._timer.cancel()

    async def _hold(self, report: Report, wait_s: float) -> None:
        held = _Held(asyncio.get_running_loop().create_future(), report.next_due_at)
        self._held.add(held)
        try:
            self._set_timer()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await held.released
        finally:
            self._held.discard(held)

    def _move_to(self, target: datetime) -> None:
        """Go to an instant, letting Meta's events happen at theirs on the way."""
        self.clock.move_to(target)
        self.bump()
        self._catch_up(target)

    def _catch_up(self, now: datetime) -> None:
        for _ in range(run_due_events(self.world, now)):
            self.bump()

    def _forget_lapsed(self) -> None:
        real = time.monotonic()
        for name in [name for name, known in self._reports.items() if known.lapses_at <= real]:
            del self._reports[name]

    def _release_due(self) -> None:
        now = self.clock.now()
        for held in self._held:
            if held.due_at is not None and held.due_at <= now:
                self._release(held)

    @staticmethod
    def _release(held: _Held) -> None:
        if not held.released.done():
            held.released.set_result(None)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        delays = [known.lapses_at - time.monotonic() for known in self._reports.values()]
        if self.clock.mode != "manual":
            now = self.clock.now()
            instants = [held.due_at for held in self._held if not held.released.done()]
            instants.append(next_event_at(self.world))
            delays += [(due - now).total_seconds() for due in instants if due is not None]
        if delays:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, min(delays)), self.tick)
