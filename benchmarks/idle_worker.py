"""What a worker costs while 1,000,000 machines rest and nothing is due, on both databases."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.filled import KEY, filled
from benchmarks.measure import Measured
from tests.postgres import PostgresServer, create_database

_MACHINES = 1_000_000
_SETTLE_S, _SECONDS = 10, 60
_MOST = 0.02
_TICKS = os.sysconf("SC_CLK_TCK")


def measure() -> list[Measured]:
    """Run a worker process on each database for a minute, both at once."""
    far = datetime.now(UTC) + timedelta(days=3)
    with ExitStack() as open_:
        server = open_.enter_context(PostgresServer())
        folder = open_.enter_context(tempfile.TemporaryDirectory())
        urls = {
            "SQLite": f"sqlite:///{folder}/onboarding.db",
            "PostgreSQL": create_database(server.url()),
        }
        for url in urls.values():
            with filled(url, _MACHINES, far=far):
                pass
        workers = {name: open_.enter_context(_worker(url)) for name, url in urls.items()}
        time.sleep(_SETTLE_S)
        before = {name: _cpu_seconds(worker.pid) for name, worker in workers.items()}
        time.sleep(_SECONDS)
        return [
            _line(name, (_cpu_seconds(worker.pid) - before[name]) / _SECONDS)
            for name, worker in workers.items()
        ]


def _line(database: str, share: float) -> Measured:
    return Measured(
        what=f"idle worker with {_MACHINES:,} resting machines, CPU over {_SECONDS} s, {database}",
        value=f"{share:.2%} of a core",
        bound=f"below {_MOST:.0%}",
        is_met=share < _MOST,
    )


@contextmanager
def _worker(url: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``onboarding worker``; whatever it might send goes nowhere."""
    settings = {
        "ONBOARDING_DATABASE_URL": url,
        "ONBOARDING_SECRET_KEY": KEY,
        "ONBOARDING_GRAPH_BASE_URL": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-m", "onboarding", "worker"]
    worker = subprocess.Popen(  # noqa: S603 - our own program
        command, env={**os.environ, **settings}, stderr=subprocess.PIPE, text=True
    )
    assert worker.stderr is not None
    try:
        assert any("is running" in line for line in worker.stderr), "the worker did not start"
        yield worker
        assert worker.poll() is None, "the worker ended by itself"
    finally:
        worker.terminate()
        worker.communicate(timeout=60)


def _cpu_seconds(pid: int) -> float:
    """Return what a process and its threads have used so far; as Linux tells it."""
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    user, system = after_name[11:13]
    return (int(user) + int(system)) / _TICKS
