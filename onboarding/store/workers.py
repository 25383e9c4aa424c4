"""Worker processes: one row per start, with the last run of each loop."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from onboarding.store.rowset import insert_rows
from onboarding.store.tables import onboarding
from onboarding.store.tables import worker as t


def insert_worker(
    conn: Connection,
    worker_id: str,
    real_now: datetime,
    *,
    host: str | None = None,
    version: str | None = None,
    definition: int | None = None,
    key_ids: Sequence[str] = (),
) -> None:
    """Note that a worker started, where, of which release, and with which keys."""
    row = {
        "id": worker_id,
        "started_at": real_now,
        "seen_at": real_now,
        "loops": "{}",
        "host": host,
        "version": version,
        "definition": definition,
        "key_ids": ",".join(key_ids) or None,
    }
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


def count_leased(conn: Connection) -> dict[str, int]:
    """Return how many machines each worker holds, by its id."""
    owner = onboarding.c.lease_owner
    held = select(owner, func.count()).where(owner.is_not(None)).group_by(owner)
    return {str(worker_id): count for worker_id, count in conn.execute(held)}


def count_newer(conn: Connection, definition: int) -> int:
    """Return how many onboardings only a newer release may take, as it wrote them."""
    newer = select(func.count()).where(onboarding.c.definition > definition)
    return conn.execute(newer).scalar_one()
