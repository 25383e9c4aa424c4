"""Events: written in the transaction of what they tell of, read in order, and removed in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, literal_column, select, text

from onboarding.store.rowset import insert_rows
from onboarding.store.tables import delivery, event

_SNAPSHOT = """\
SELECT txid_snapshot_xmin(txid_current_snapshot()), txid_snapshot_xmax(txid_current_snapshot())"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An event as it is stored; ``seq`` grows from each to the next."""

    seq: int
    id: str
    body: str


def insert_events(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Store events, with one statement."""
    insert_rows(conn, event, rows)


def load_after(conn: Connection, after: int, limit: int) -> list[Stored]:
    """Return the first events after a number, in order.

    On PostgreSQL one of them may be missing yet: see ``transactions``.
    """
    query = (
        select(event.c.seq, event.c.id, event.c.body)
        .where(event.c.seq > after)
        .order_by(event.c.seq)
        .limit(limit)
    )
    return [Stored(seq=row.seq, id=row.id, body=row.body) for row in conn.execute(query)]


def transactions(conn: Connection) -> tuple[int, int] | None:
    """Return the oldest transaction that is open and the next one to begin, as numbers.

    ``None`` where writers take turns (SQLite): the order of their events is that of their commits.
    """
    if conn.dialect.name != "postgresql":
        return None
    row = conn.execute(text(_SNAPSHOT)).one()
    return int(row[0]), int(row[1])


def forget_before(conn: Connection, before: datetime, limit: int) -> int:
    """Remove events from before, and what was delivered of them; return how many.

    One of which something is still to be sent stays.
    """
    unsettled = (
        select(delivery.c.id)
        .where(
            delivery.c.event_seq == event.c.seq, delivery.c.status == literal_column("'pending'")
        )
        .exists()
    )
    old = (
        select(event.c.seq)
        .where(event.c.at < before, ~unsettled)
        .order_by(event.c.seq)
        .limit(limit)
    )
    chosen = list(conn.execute(old).scalars())
    if chosen:
        conn.execute(delete(delivery).where(delivery.c.event_seq.in_(chosen)))
        conn.execute(delete(event).where(event.c.seq.in_(chosen)))
    return len(chosen)
