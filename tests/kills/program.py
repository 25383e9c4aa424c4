"""The program itself, in processes of its own that start fast and may be killed.

They are forked from a server that has all code loaded and ran nothing of it: each one reads its own
environment and runs ``python -m onboarding`` from the start.
"""

from __future__ import annotations

import importlib
import os
import runpy
import signal
import sys
from collections.abc import Mapping, Sequence
from itertools import count
from multiprocessing import get_context
from pathlib import Path

from onboarding.engine import crash_points

#: A second of every start goes into these; none of them starts a thread when it is loaded.
_LOADED = (
    "sqlalchemy", "sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql.psycopg",
    "psycopg", "httpx", "httpx_aiohttp", "aiohttp", "pydantic", "pydantic_settings",
    "cryptography.fernet", "apscheduler.schedulers.background", "structlog", "typer", "rich",
    "transitions", "phonenumbers", "yaml", "httpcore", "h11", "apscheduler.triggers.interval",
    "onboarding.cli.app", "onboarding.cli.output", "onboarding.cli.session",
    "onboarding.cli.restored", "onboarding.cli.worker", "onboarding.dispatch.fleet",
    "onboarding.dispatch.worker", "onboarding.engine.facade", "onboarding.graph.loop",
    "tests.kills.frozen",
)  # fmt: skip

_forking = get_context("forkserver")
_forking.set_forkserver_preload(list(_LOADED))
_places = count(1)


def _run(arguments: Sequence[str], environment: Mapping[str, str], folder: str, out: str) -> None:
    os.chdir(folder)
    told = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(told, 1)
    os.dup2(told, 2)
    for name in [name for name in os.environ if name.startswith("ONBOARDING_")]:
        del os.environ[name]
    os.environ.update(environment)
    importlib.reload(crash_points)  # of our modules the only one that reads it when it is loaded
    sys.argv = ["onboarding", *arguments]
    runpy.run_module("onboarding", run_name="__main__", alter_sys=True)


class Program:
    """``onboarding ARGUMENTS``, running.

    Attributes:
        out: where it writes what it says.
        pid: its process id.
    """

    def __init__(self, *arguments: str, environment: Mapping[str, str], folder: Path) -> None:
        self.out = folder / f"program-{next(_places)}.out"
        self.out.touch()
        given = (arguments, dict(environment), str(folder), str(self.out))
        self._process = _forking.Process(target=_run, args=given, daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it runs, or is stopped."""
        return self._process.is_alive()

    @property
    def is_there(self) -> bool:
        """The same, for threads that do not wait for it: its end is told to one only."""
        try:
            os.kill(self.pid, 0)
        except OSError:
            return False
        return True

    @property
    def status(self) -> int | None:
        """How it ended; a signal is negative."""
        return self._process.exitcode

    @property
    def told(self) -> str:
        """What it has said so far."""
        return self.out.read_text()

    def send(self, number: int) -> None:
        """Send it a signal."""
        if self.is_alive:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it by SIGKILL, and wait until it is gone."""
        self.send(signal.SIGKILL)
        self._process.join(10)

    def close(self) -> None:
        """End it, however it stands."""
        self.kill()
        self._process.close()
