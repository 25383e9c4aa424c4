"""Workers as ``onboarding worker list`` shows them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Engine

COLUMNS = ("worker", "standing", "release", "started", "last seen", "machines", "loops last ran")

_RECENT = timedelta(days=1)

#: A worker writes its heartbeat every ten seconds.
_SILENT_AFTER = timedelta(minutes=1)


def seen_workers(database: Engine, now: datetime) -> list[dict[str, Any]]:
    """Return what is known of each worker that was seen lately, the latest start first."""
    from onboarding.store import workers
    from onboarding.store.database import reading

    with reading(database) as conn:
        rows = workers.load_workers(conn, now - _RECENT)
        held = workers.count_leased(conn)
    return [
        {
            "id": row["id"],
            "host": row["host"],
            "version": row["version"],
            "definition": row["definition"],
            "started_at": row["started_at"],
            "seen_at": row["seen_at"],
            "stopped_at": row["stopped_at"],
            "standing": _standing(row, now),
            "machines": held.get(row["id"], 0),
            "loops": row["loops"],
        }
        for row in rows
    ]


def _standing(row: dict[str, Any], now: datetime) -> str:
    if row["stopped_at"] is not None:
        return "stopped"
    return "runs" if now - row["seen_at"] <= _SILENT_AFTER else "silent"


def as_row(worker: dict[str, Any]) -> tuple[object, ...]:
    """Return a worker as a row of the table; its id begins with its host."""
    return (
        worker["id"],
        worker["standing"],
        worker["version"],
        worker["started_at"],
        worker["seen_at"],
        worker["machines"],
        _loops(worker),
    )


def _loops(worker: dict[str, Any]) -> str:
    """Return how long before the last heartbeat each loop ran."""
    from onboarding.core.timing import parse_iso

    return ", ".join(
        f"{loop} {max(0.0, (worker['seen_at'] - parse_iso(at)).total_seconds()):.0f} s before"
        for loop, at in sorted(worker["loops"].items())
    )
