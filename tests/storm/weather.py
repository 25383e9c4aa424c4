"""Bad weather: workers are killed and frozen, the database falls over, Meta answers badly."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.kills.deployed import Deployed
from tests.kills.program import Program
from tests.postgres import PostgresServer

#: Faults of Meta and their shares, per call: one in five goes wrong.
FAULTS = (
    {"kind": "drop_before_effect", "rate": 0.04},
    {"kind": "drop_after_effect", "rate": 0.05},
    {"kind": "half_body", "rate": 0.03},
    {"kind": "error_500_transient", "rate": 0.02},
    {"kind": "error_500_transient", "rate": 0.02, "after_effect": True},
    {"kind": "html_502", "rate": 0.02, "after_effect": True},
    {"kind": "refuse", "rate": 0.02, "code": 80008, "is_transient": True},
    {"kind": "latency", "rate": 0.2, "seconds": ["50ms", "700ms"]},
)

_GUST_S = (0.3, 0.9)
_FROZEN_S = (0.2, 2.5)
_OUTAGE_EVERY_S = (3.0, 5.0)


@dataclass
class Storm:
    """A storm over a deployment.

    Attributes:
        meta: the deployment.
        chance: what happens when; seeded.
        workers: how many worker processes there are to be.
        server: the database server that falls over, if it is one.
        kills: workers that were killed so far.
        freezes: workers that were frozen so far.
        outages: how often the server fell over.
    """

    meta: Deployed
    chance: random.Random
    workers: int
    server: PostgresServer | None = None
    kills: int = 0
    freezes: int = 0
    outages: int = 0
    _running: list[Program] = field(default_factory=list)
    _frozen: list[tuple[float, Program]] = field(default_factory=list)
    _next_outage: float = 0.0

    def rage(self, seconds: float, on_gust: Callable[[], None]) -> None:
        """Let it rage for so long, and until each kind of weather came at least once.

        Between two gusts the test does something of its own.
        """
        for fault in FAULTS:
            self.meta.tell("/faults", fault)
        self._next_outage = time.monotonic() + self.chance.uniform(*_OUTAGE_EVERY_S)
        until = time.monotonic() + seconds
        while time.monotonic() < until or not self._came():
            self._fill_up()
            on_gust()
            time.sleep(self.chance.uniform(*_GUST_S))
            self._thaw(time.monotonic())
            self.chance.choice((self._kill, self._freeze))()
            if self.server is not None and time.monotonic() > self._next_outage:
                self.server.restart()
                self.outages += 1
                self._next_outage = time.monotonic() + self.chance.uniform(*_OUTAGE_EVERY_S)

    def _came(self) -> bool:
        return bool(self.kills and self.freezes and (self.outages or self.server is None))

    def calm_down(self) -> None:
        """End the faults, let every frozen worker go on, and have all workers there."""
        self._thaw(float("inf"))
        self.meta.control.delete("/faults").raise_for_status()
        self._fill_up()

    def _fill_up(self) -> None:
        gone = [worker for worker in self._running if not worker.is_alive]
        for worker in gone:
            self.meta.bury(worker)
        self._running = [worker for worker in self._running if worker not in gone]
        while len(self._running) < self.workers:
            self._running.append(self.meta.start_worker())

    def _kill(self) -> None:
        self.chance.choice(self._running).kill()
        self.kills += 1

    def _freeze(self) -> None:
        worker = self.chance.choice(self._running)
        worker.send(signal.SIGSTOP)
        self._frozen.append((time.monotonic() + self.chance.uniform(*_FROZEN_S), worker))
        self.freezes += 1

    def _thaw(self, now: float) -> None:
        for at, worker in list(self._frozen):
            if at <= now:
                worker.send(signal.SIGCONT)
                self._frozen.remove((at, worker))
