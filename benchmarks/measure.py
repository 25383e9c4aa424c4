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
        is_met: whether it is.
    """

    what: str
    value: str
    bound: str
    is_met: bool


def interleaved(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median seconds of each piece of work, run in turns so that all see one machine."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(times) for name, times in taken.items()}
