"""Whether importing a file costs the same per number however long the file is."""

from __future__ import annotations

import csv
import tempfile
import time
from pathlib import Path

from benchmarks.measure import Measured
from onboarding import Engine

_SIZES = (100, 1_000, 10_000)
_MOST = 1.5
_WABA = "102290129340398"


def measure() -> list[Measured]:
    """Import files of several sizes, each into a database of its own, in turns."""
    best: dict[int, float] = dict.fromkeys(_SIZES, float("inf"))
    for _ in range(3):
        for size in _SIZES:
            best[size] = min(best[size], _per_number(size))
    ratio = best[_SIZES[-1]] / best[_SIZES[0]]
    times = ", ".join(f"{size:,}: {best[size] * 1000:.2f} ms" for size in _SIZES)
    return [
        Measured(
            what="import, time per number, 10,000 beside 100",
            value=f"{ratio:.2f} x ({times})",
            bound=f"at most {_MOST} x",
            is_met=ratio <= _MOST,
        )
    ]


def _per_number(size: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "numbers.csv"
        write(file, size)
        with Engine.open(f"sqlite:///{folder}/onboarding.db", upgrade=True) as engine:
            engine.add_account(_WABA, "EAAbench")
            started = time.perf_counter()
            results = engine.import_file(file)
            taken = time.perf_counter() - started
            assert len(results) == size
    return taken / size


def write(file: Path, size: int) -> None:
    """Write a file of so many numbers."""
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["waba_id", "phone_number", "display_name"])
        for number in range(size):
            writer.writerow([_WABA, f"+4915{110_000_000 + number}", f"Shop {number}"])
