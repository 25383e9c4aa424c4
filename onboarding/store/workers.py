"""Worker processes: one row per start, with the last run of each loop."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from onboarding.store.rowset import insert_rows
from onboarding.store.tables import worker as t


def insert_worker(conn: Connection, worker_id: str, real_now: datetime) -> None:
    """Note that a worker started."""
    row = {"id": worker_id, "started_at": real_now, "seen_at": real_now, "loops": "{}"}
    insert_rows(conn, t, [row])


def touch_worker(
    conn: Connection, worker_id: str, real_now: datetime, loops: dict[str, str]
) -> None:
    """Note that a worker lives, and when each of its loops last ran (ISO text)."""
    conn.execute(
        update(t).where(t.c.id == worker_id).values(seen_at=real_now, loops=json.dumps(loops))
    )


def stop_worker(conn: Connection, worker_id: str, real_now: datetime) -> None:
    """Note that a worker stopped by itself."""
    conn.execute(update(t).where(t.c.id == worker_id).values(stopped_at=real_now))


def load_workers(conn: Connection, since: datetime) -> list[dict[str, Any]]:
    """Return the workers that were seen since then, the latest first."""
    query = select(t).where(t.c.seen_at >= since).order_by(t.c.started_at.desc())
    return [
        dict(row._mapping) | {"loops": json.loads(row.loops)}  # noqa: SLF001 - public in SQLAlchemy
        for row in conn.execute(query)
    ]
