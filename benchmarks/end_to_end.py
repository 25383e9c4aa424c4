"""How many numbers a second one worker process takes from requested to registered.

The simulator answers at zero latency from a process of its own, on the same cores.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.deployed import Run, run
from benchmarks.layers import sampler, shares
from benchmarks.measure import Measured
from tests.postgres import PostgresServer, create_database

_NUMBERS, _LOOKED_AT = 10_000, 2_000
_LEAST = 80


def measure(numbers: int = _NUMBERS) -> list[Measured]:
    """Take 10,000 numbers on 100 WABAs from requested to registered, on both databases.

    Where the worker's CPU goes is looked at in runs apart, with fewer numbers.
    """
    with PostgresServer() as server, tempfile.TemporaryDirectory() as folder:
        urls = {
            "SQLite": [f"sqlite:///{folder}/{n}.db" for n in range(2)],
            "PostgreSQL": [create_database(server.url()) for _ in range(2)],
        }
        rates = [_line(name, run(first, numbers)) for name, (first, _) in urls.items()]
        return rates + [_layers(name, second, Path(folder)) for name, (_, second) in urls.items()]


def _layers(database: str, url: str, folder: Path) -> Measured:
    noted = folder / f"{database}.stacks"
    run(url, _LOOKED_AT, under=sampler(noted))
    return Measured(
        what=f"where a worker's CPU goes, {_LOOKED_AT:,} numbers in a run apart, {database}",
        value=shares(noted),
        bound="reported",
        is_met=None,
    )


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
