"""What a benchmark hands back, and how medians of interleaved rounds are taken."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One line of the report.

    Attributes:
        what: what was measured.
        value: the figure, with its unit.
        bound: what it must be, in words.
        is_met: whether it is; ``None`` where nothing must be.
    """

    what: str
    value: str
    bound: str
    is_met: bool | None


def interleaved(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median seconds of each piece of work, run in turns so that all see one machine."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            taken[name].append(seconds_of(work))
    return {name: statistics.median(times) for name, times in taken.items()}


def seconds_of(work: Callable[[], object]) -> float:
    """Do a piece of work, and return how long it took."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def tell_rate(steps: int, seconds: float) -> None:
    """Print how many steps a second were done: the last line of a process that is compared."""
    print(f"{steps / seconds:.2f}", flush=True)
