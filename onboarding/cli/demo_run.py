"""What the demo starts: simulator, database, worker, holders; and what must come of it."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Self

from onboarding.dispatch.control import open_control
from onboarding.dispatch.desk import Desk
from onboarding.dispatch.holder import Habit, Holder
from onboarding.dispatch.skipping import Follower, SkippingClock, Standing
from onboarding.dispatch.worker import Worker
from onboarding.engine.facade import Engine
from onboarding.engine.importing import read_requests
from onboarding.errors import GraphError, InputError
from onboarding.model import Entry, Onboarding
from onboarding.simulator import Scenario, load_scenario
from onboarding.simulator.durations import parse_duration

#: Waits of processes and sockets run in real time; on loopback they can be short.
_SETTINGS = {
    "send_within_seconds": 0.4,
    "call_timeout_seconds": 0.5,
    "settle_seconds": 1.0,
    "lease_seconds": 5.0,
    "poll_seconds": 0.5,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """Where numbers must end; empty fields fit everything."""

    name: str = "*"
    entry: str = ""
    state: str
    waiting: str = ""

    def fits(self, row: Onboarding) -> bool:
        """Whether the expectation is about this number."""
        return fnmatchcase(row.display_name, self.name) and self.entry in ("", row.entry.value)

    def is_met_by(self, row: Onboarding) -> bool:
        """Whether the number ended so."""
        return row.state.value == self.state and self.waiting in ("", row.waiting.value)


#: Marks a folder as one that a demo made, and the next may empty.
_MARK = "this-is-a-demo"


def _clear(folder: Path) -> None:
    """Make the folder anew, if it holds nothing but an earlier demo.

    Raises:
        InputError: it holds something else; nothing of it is touched.
    """
    if folder.exists() and not (folder / _MARK).exists():
        if not folder.is_dir() or any(folder.iterdir()):
            raise InputError(
                f"{folder} holds something that no demo made",
                field="folder",
                hint="give a folder that is new or empty",
            )
    elif folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).touch()


class DemoRun:
    """One run of the demo; use it as a context manager.

    Args:
        folder: where the database is made.
        scenario_file: what the simulator plays, and what must come of it.
        numbers_file: the numbers to import.
    """

    def __init__(self, *, folder: Path, scenario_file: Path, numbers_file: Path) -> None:
        self.folder = folder
        self.numbers_file = numbers_file
        self._scenario_file = scenario_file
        self.scenario: Scenario = load_scenario(scenario_file)
        script: dict[str, Any] = self.scenario.demo
        self.expectations = [Expectation(**given) for given in script["expect"]]
        self._days = timedelta(days=script["days"])
        self._holder_script, self._desk_script = script["holder"], script["desk"]
        self.stories: list[dict[str, str]] = script["stories"]
        self._over = threading.Event()
        self._calls_seen = 0
        self.started_at = time.monotonic()

    @property
    def database_url(self) -> str:
        """Where the demo's machines are kept."""
        return f"sqlite:///{self.folder / 'onboarding.db'}"

    @property
    def is_over(self) -> threading.Event:
        """Set when the three weeks have passed."""
        return self._over

    def __enter__(self) -> Self:
        logging.getLogger("onboarding").addHandler(logging.NullHandler())
        logging.getLogger("onboarding").propagate = False
        _clear(self.folder)
        self._process, base_url, token = self._start_simulator()
        self.control = open_control(f"{base_url}/_sim")
        self.clock = SkippingClock(f"{base_url}/_sim")
        self.holder = self._holder(f"{base_url}/_sim")
        self.desk = self._desk(f"{base_url}/_sim")
        self.engine = Engine.open(
            self.database_url,
            upgrade=True,
            clock=self.clock,
            intakes=[self.holder],
            graph_base_url=base_url,
            app_id=self.scenario.app.id,
            actor="demo",
            **_SETTINGS,
        )
        self._prepare(token)
        self._set_going()
        return self

    def __exit__(self, *_: object) -> None:
        for part in (self._end, self._follower, self.desk, self.holder, self._worker):
            part.stop()
        self.engine.close()
        for connection in (self.control, self.clock, self._end_clock):
            connection.close()
        with self._process as simulator:  # closes the pipe, too
            simulator.terminate()

    def _start_simulator(self) -> tuple[subprocess.Popen[str], str, str]:
        command = [sys.executable, "-m", "onboarding", "simulator", "--port", "0"]
        process = subprocess.Popen(  # noqa: S603 - nothing in the command comes from outside
            [*command, "--scenario", str(self._scenario_file)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None, "piped"  # noqa: S101 - for the type checker
        base_url, token = process.stdout.readline().strip(), process.stdout.readline().strip()
        if not base_url:
            raise GraphError("the simulator did not start", hint="run: onboarding simulator")
        return process, base_url, token

    def _holder(self, control_url: str) -> Holder:
        shortest, longest = (parse_duration(text) for text in self._holder_script["delay"])
        habits = [Habit(**given) for given in self._holder_script["rules"]]
        return Holder(control_url=control_url, delay=(shortest, longest), habits=habits)

    def _desk(self, control_url: str) -> Desk:
        script = self._desk_script
        return Desk(
            control_url=control_url,
            looks_every=parse_duration(script["looks_every"]),
            rung=script["rung"],
            takes_on=script["takes_on"],
            for_so_long=parse_duration(script["for_so_long"]),
            renames=script["renames"],
        )

    def _prepare(self, token: str) -> None:
        """Add the accounts, let the customers finish Embedded Signup, import the file."""
        for business in self.scenario.businesses:
            for waba in business.wabas:
                self.engine.add_account(waba.id, token, name=waba.name, business_id=business.id)
        requests = [request for _, request in read_requests(self.numbers_file)]
        for request in requests:
            if request.entry == Entry.EMBEDDED_SIGNUP and request.onboarded_at is not None:
                finished = {
                    "waba_id": request.waba_id,
                    "phone_number": request.phone_number,
                    "verified_name": request.display_name,
                    "at": request.onboarded_at.isoformat(),
                }
                self.control.post("/embedded_signup", json=finished).raise_for_status()
        self.engine.request_many(requests)

    def _set_going(self) -> None:
        self.starts_at = self.clock.now()
        self.ends_at = self.starts_at + self._days
        self._worker = Worker(self.engine)
        self._worker.start()
        self._follower = Follower(self.clock, "worker", self._worker.stands)
        self._follower.start()
        self.holder.start(self.engine)
        self.desk.start(self.engine)
        self._end_clock = SkippingClock(str(self.control.base_url))
        self._end = Follower(self._end_clock, "demo", self._demo_stands)
        self._end.start()

    def _demo_stands(self) -> Standing:
        if self._end_clock.now() >= self.ends_at:
            self._over.set()
            return Standing(is_idle=False)
        return Standing(is_idle=True, next_due_at=self.ends_at)

    def graph_calls(self) -> int:
        """Return how many Graph calls the simulator has answered, reads included."""
        answer = self.control.get("/calls", params={"after": self._calls_seen})
        calls = answer.json()["calls"]
        self._calls_seen = max((call["seq"] for call in calls), default=self._calls_seen)
        return self._calls_seen

    def now(self) -> datetime:
        """Return the demo's present instant."""
        return self.clock.now()

    def misses(self) -> list[tuple[Onboarding, Expectation]]:
        """Return the numbers that did not end where the scenario says that they must."""
        missed = []
        for row in self.engine.find_all():
            expected = next(each for each in self.expectations if each.fits(row))
            if not expected.is_met_by(row):
                missed.append((row, expected))
        return missed
