"""How many numbers a second one worker process takes from requested to registered.

The simulator answers at zero latency from a process of its own, on the same cores.
"""

from __future__ import annotations

import tempfile

from benchmarks.deployed import Run, run
from benchmarks.measure import Measured
from tests.postgres import PostgresServer, create_database

_NUMBERS = 10_000
_LEAST = 80


def measure(numbers: int = _NUMBERS) -> list[Measured]:
    """Take 10,000 numbers on 100 WABAs from requested to registered, on both databases."""
    with PostgresServer() as server, tempfile.TemporaryDirectory() as folder:
        urls = {
            "SQLite": f"sqlite:///{folder}/onboarding.db",
            "PostgreSQL": create_database(server.url()),
        }
        return [_line(name, run(url, numbers)) for name, url in urls.items()]


def _line(database: str, taken: Run) -> Measured:
    rate = taken.numbers / taken.seconds
    cpu, calls = 1000 * taken.cpu_s / taken.numbers, len(taken.answered_at) / taken.numbers
    return Measured(
        what=f"{taken.numbers:,} numbers requested to registered, one worker, {database}",
        value=f"{rate:.0f} numbers/s ({cpu:.1f} ms of CPU and {calls:.1f} "
        f"Graph calls each, {taken.peak_mb:.0f} MiB)",
        bound=f"at least {_LEAST} numbers/s",
        is_met=rate >= _LEAST,
    )
