"""The program as its users run it, on a database of its own; and the engine behind it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text
from typer.testing import CliRunner

from onboarding.cli.app import app
from onboarding.dispatch.control import open_control
from onboarding.engine.facade import Engine
from onboarding.model import Onboarding
from onboarding.simulator import Simulator
from onboarding.store.database import reading

WABA = "102290129340398"
TOKEN = "EAAtesttokenABCDEF0123456789"
PIN = "271828"
NUMBER = "+16315551000"
NAME = "Lucky Shrub"

#: Tables whose rows say whether a command stored anything.
_COUNTED = ("account", "onboarding", "history", "operation", "deadline", "webhook_event")


class MovedClock:
    """Business time that starts now and moves when a test says so."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def now(self) -> datetime:
        """Return the present instant."""
        return self.at

    def move(self, **span: float) -> None:
        """Move on."""
        self.at += timedelta(**span)

    def catch_up(self) -> None:
        """Move on to the real time at least: commands run on it."""
        self.at = max(self.at, datetime.now(UTC))


class SurePhone:
    """An intake that answers always, day and night: somebody will read the code."""

    reads_at_any_hour = True

    def answers(self, onboarding: Onboarding) -> bool:
        """Whether a code would be read."""
        del onboarding
        return True


@dataclass(frozen=True)
class Outcome:
    """What a run of the program gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as the JSON document that it must be."""
        return json.loads(self.out)

    @property
    def error_lines(self) -> list[str]:
        """The lines on standard error."""
        return self.err.splitlines()


class Deployment:
    """A folder with a database, and ways to run the program and the engine on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "onboarding.db"
        self.url = f"sqlite:///{self.database}"
        self.key_file = folder / "onboarding.db.key"
        self.clock = MovedClock()
        self.env: dict[str, str] = {"ONBOARDING_DATABASE_URL": self.url}

    def run(
        self, *args: str, stdin: str | bytes | None = None, env: Mapping[str, str] | None = None
    ) -> Outcome:
        """Run the program in this process."""
        runner = CliRunner(env={**self.env, **(env or {})})
        result = runner.invoke(app, list(args), input=stdin, prog_name="onboarding")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)

    def ok(self, *args: str, stdin: str | bytes | None = None) -> Outcome:
        """Run the program in this process; it must succeed."""
        outcome = self.run(*args, stdin=stdin)
        assert outcome.code == 0, outcome
        return outcome

    def spawn(self, *args: str, stdin: str | None = None) -> Outcome:
        """Run the program as a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "onboarding", *args],
            env={**os.environ, **self.env},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def engine(self, **settings: Any) -> Iterator[Engine]:
        """Open the engine on the deployment's clock."""
        self.clock.catch_up()
        given: dict[str, Any] = {"clock": self.clock, "actor": "tester"} | settings
        with Engine.open(self.url, **given) as engine:
            yield engine

    def request(self, number: str = NUMBER, name: str = NAME, *more: str) -> str:
        """Ask for a number and return the onboarding's id."""
        created: str = self.ok("request", WABA, number, name, "--json", *more).json["onboarding"][
            "id"
        ]
        return created

    def stored(self) -> dict[str, list[Any]]:
        """Return everything that is stored, to compare with later."""
        with Engine.open(self.url) as engine, reading(engine.context.database) as conn:
            return {
                table: [tuple(row) for row in conn.execute(text(f"SELECT * FROM {table}"))]  # noqa: S608 - our own names
                for table in _COUNTED
            }


class Meta:
    """A simulated Graph API, and the phones."""

    def __init__(self, simulator: Simulator, deployment: Deployment) -> None:
        self.simulator = simulator
        self.deployment = deployment
        self.control = open_control(simulator.control_url)
        deployment.env["ONBOARDING_GRAPH_BASE_URL"] = simulator.base_url

    @contextmanager
    def engine(self, **settings: Any) -> Iterator[Engine]:
        """Open the engine against this Graph, with somebody at every phone."""
        base_url = self.simulator.base_url
        given: dict[str, Any] = {"graph_base_url": base_url, "intakes": [SurePhone()]} | settings
        with self.deployment.engine(**given) as engine:
            self.move()
            yield engine

    def move(self, **span: float) -> None:
        """Let time pass, here and there."""
        self.deployment.clock.move(**span)
        at = self.deployment.clock.now().isoformat()
        self.control.post("/clock", json={"set": at}).raise_for_status()

    def last_code(self, number: str = NUMBER) -> str:
        """Return the digits of the last message that a phone got."""
        messages = self.control.get(f"/inbox/{number}").json()["messages"]
        return "".join(c for c in messages[-1]["text"] if c.isdigit())

    def calls(self) -> int:
        """Return how many Graph calls were answered."""
        return len(self.control.get("/calls").json()["calls"])


def scenario(start: datetime) -> dict[str, Any]:
    """Return a scenario in which everything arrives and connects at once, when time is moved."""
    waba = {"id": WABA, "name": "Lucky Shrub"}
    return {
        "clock": {"mode": "manual", "start": start.isoformat()},
        "tokens": [{"value": TOKEN}],
        "businesses": [{"id": "506914307656634", "wabas": [waba]}],
        "codes": {"delivery": "0s"},
        "registration": {"connected_after": "0s"},
    }


def pass_until_idle(engine: Engine, most: int = 20) -> None:
    """Do passes until one finds nothing to do."""
    for _ in range(most):
        if engine.advance().is_idle:
            return
    raise AssertionError("the engine does not come to rest")


def csv_of(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> str:
    """Return rows as CSV."""
    lines = [",".join(columns), *(",".join(row.get(c, "") for c in columns) for row in rows)]
    return "\n".join(lines) + "\n"
