"""What the demo starts: simulator, database, worker, holders; and what must come of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
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
        _clear(self.folder)
        with ExitStack() as opening:  # what was opened is closed if the rest cannot be
            self._open(opening)
            self._opened = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def _open(self, opening: ExitStack) -> None:
        base_url, token = opening.enter_context(self._simulating())
        self.control = opening.enter_context(open_control(f"{base_url}/_sim"))
        self.clock = opening.enter_context(closing(SkippingClock(f"{base_url}/_sim")))
        self.holder = self._holder(f"{base_url}/_sim")
        self.desk = self._desk(f"{base_url}/_sim")
        self.engine = opening.enter_context(
            Engine.open(
                self.database_url,
                upgrade=True,
                clock=self.clock,
                intakes=[self.holder],
                graph_base_url=base_url,
                app_id=self.scenario.app.id,
                actor="demo",
                **_SETTINGS,
            )
        )
        self._prepare(token)
        self._set_going(opening)

    @contextmanager
    def _simulating(self) -> Iterator[tuple[str, str]]:
        """Run the simulator in a process of its own; yield its base URL and a token."""
        command = [sys.executable, "-m", "onboarding", "simulator", "--port", "0"]
        with subprocess.Popen(  # noqa: S603 - nothing in the command comes from outside
            [*command, "--scenario", str(self._scenario_file)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None, "piped"  # noqa: S101 - for the type checker
            try:
                base_url, token = (
                    process.stdout.readline().strip(),
                    process.stdout.readline().strip(),
                )
                if not base_url:
                    raise GraphError(
                        "the simulator did not start", hint="run: onboarding simulator"
                    )
                yield base_url, token
            finally:
                process.terminate()

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
        self.numbers = len(requests)
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

    def _set_going(self, opening: ExitStack) -> None:
        """Start everybody; they end in the opposite order, the worker after its follower."""
        self.starts_at = self.clock.now()
        self.ends_at = self.starts_at + self._days
        worker = Worker(self.engine)
        worker.start()
        opening.callback(worker.stop)
        for people in (self.holder, self.desk):
            people.start(self.engine)
            opening.callback(people.stop)
        self._end_clock = opening.enter_context(closing(SkippingClock(str(self.control.base_url))))
        for follower in (
            Follower(self.clock, "worker", worker.stands),
            Follower(self._end_clock, "demo", self._demo_stands),
        ):
            follower.start()
            opening.callback(follower.stop)

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
