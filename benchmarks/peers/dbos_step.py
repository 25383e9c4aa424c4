"""DBOS: a step that answers at once, checkpointed in PostgreSQL.

A step writes one row, its output, after it ran. It writes no intent before, and no state row.
"""

from __future__ import annotations

import sys

from dbos import DBOS

from benchmarks.measure import seconds_of, tell_rate

_STEPS, _FIRST, _AT_ONCE = 800, 40, 8


@DBOS.step()
def call_graph(number: int) -> dict[str, str]:
    """Stand for a call of Graph that answers at once."""
    return {"id": str(number)}


@DBOS.workflow()
def onboard(steps: int) -> None:
    """Make calls one after the other."""
    for number in range(steps):
        call_graph(number)


def one_by_one() -> None:
    """Run the steps in one workflow."""
    onboard(_STEPS)


def at_once() -> None:
    """Run the steps in several workflows, each in a thread of DBOS's own."""
    handles = [DBOS.start_workflow(onboard, _STEPS // _AT_ONCE) for _ in range(_AT_ONCE)]
    for handle in handles:
        handle.get_result()


def main(how: str, url: str) -> None:
    """Launch DBOS on the database, and time its steps; the workflows' own rows are in it."""
    DBOS(config={"name": "onboarding", "system_database_url": url, "log_level": "ERROR"})
    DBOS.launch()
    onboard(_FIRST)
    tell_rate(_STEPS, seconds_of({"one_by_one": one_by_one, "at_once": at_once}[how]))
    DBOS.destroy()


if __name__ == "__main__":
    main(*sys.argv[1:])
