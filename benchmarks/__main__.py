"""``make bench``: run every benchmark and report; exit 1 if a bound is not met."""

from __future__ import annotations

import sys

from benchmarks import (
    claims,
    durable_step,
    end_to_end,
    graph_calls,
    idle_worker,
    importing,
    importing_long,
    latency,
    startup,
)
from benchmarks.measure import Measured

_BENCHMARKS = (
    startup,
    importing,
    importing_long,
    claims,
    durable_step,
    idle_worker,
    graph_calls,
    end_to_end,
    latency,
)


def main() -> int:
    """Run all benchmarks, print a table as they end, and return the exit status."""
    lines: list[Measured] = []
    print("| what | measured | bound | met |\n|---|---|---|---|")
    for benchmark in _BENCHMARKS:
        print(f"running {benchmark.__name__} ...", file=sys.stderr)
        for line in benchmark.measure():
            is_met = {True: "yes", False: "no", None: "-"}[line.is_met]
            print(f"| {line.what} | {line.value} | {line.bound} | {is_met} |", flush=True)
            lines.append(line)
    return 0 if all(line.is_met is not False for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
