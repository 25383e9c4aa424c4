"""Batches: kept, counted, and woken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from onboarding.core.batches import Batch
from onboarding.core.lifecycle import FINAL, LIVE
from onboarding.model import Onboarding, Reason, State
from onboarding.store.onboardings import to_onboarding
from onboarding.store.rowset import insert_rows, listed, packed_list, storable
from onboarding.store.tables import batch as t
from onboarding.store.tables import onboarding

_FIELDS = tuple(f.name for f in fields(Batch))


def _to_batch(row: Row[Any]) -> Batch:
    return Batch(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


def insert_batch(conn: Connection, batch: Batch) -> None:
    """Store a new batch.

    Raises:
        IntegrityError: its name is taken.
    """
    insert_rows(conn, t, [{name: getattr(batch, name) for name in _FIELDS}])


@cache
def _load(dialect: str, *, lock: bool) -> Any:
    query = select(t).where(t.c.id.in_(listed(dialect, t.c.id)))
    return query.with_for_update() if lock else query


def load_batches(conn: Connection, ids: Sequence[str], *, lock: bool = False) -> dict[str, Batch]:
    """Return the batches with these ids; nothing is asked where there are none."""
    if not ids:
        return {}
    found = conn.execute(_load(conn.dialect.name, lock=lock), packed_list(t.c.id, ids))
    return {row.id: _to_batch(row) for row in found}


def list_batches(conn: Connection) -> list[Batch]:
    """Return all batches, the latest first."""
    return [_to_batch(row) for row in conn.execute(select(t).order_by(t.c.id.desc()))]


def find_batch(conn: Connection, name: str, *, lock: bool = False) -> Batch | None:
    """Return the batch of a name; locked, nobody else changes it meanwhile."""
    query = select(t).where(t.c.name == storable(name))
    row = conn.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _to_batch(row)


def load_proving(conn: Connection) -> list[Batch]:
    """Return the batches whose canaries are on their way."""
    return [_to_batch(row) for row in conn.execute(select(t).where(*_PROVING))]


def are_proving() -> Any:
    """Return SQL that tells whether the canaries of some batch are on their way."""
    return select(t.c.id).where(*_PROVING).exists()


_PROVING = (
    t.c.canary > 0,
    t.c.canary_passed_at.is_(None),
    t.c.loaded_at.is_not(None),
    t.c.paused_at.is_(None),
    t.c.cancelled_at.is_(None),
)


def update_batch(conn: Connection, batch_id: str, **changes: Any) -> None:
    """Write some fields of a batch."""
    clean = {name: storable(v) if type(v) is str else v for name, v in changes.items()}
    conn.execute(update(t).where(t.c.id == batch_id).values(**clean))


@dataclass(frozen=True, slots=True)
class Count:
    """How many numbers of a batch are in a state and wait for a reason."""

    batch_id: str
    state: State
    waiting: Reason
    count: int


def count_rows(conn: Connection, batch_ids: Sequence[str]) -> list[Count]:
    """Return how the numbers of these batches stand."""
    o = onboarding.c
    query = (
        select(o.batch_id, o.state, o.waiting, func.count().label("count"))
        .where(o.batch_id.in_(listed(conn.dialect.name, onboarding.c.batch_id)))
        .group_by(o.batch_id, o.state, o.waiting)
    )
    found = conn.execute(query, packed_list(onboarding.c.batch_id, batch_ids))
    return [Count(row.batch_id, row.state, row.waiting, row[3]) for row in found]


def line_of_nth(conn: Connection, batch_id: str, nth: int) -> int | None:
    """Return the line of a batch's n-th number, the first being 1; ``None`` if there is none."""
    query = (
        select(onboarding.c.batch_line)
        .where(onboarding.c.batch_id == batch_id)
        .order_by(onboarding.c.batch_line, onboarding.c.id)
        .offset(nth - 1)
        .limit(1)
    )
    return conn.execute(query).scalar()


def count_live(conn: Connection, batch_ids: Sequence[str]) -> dict[str, int]:
    """Return how many numbers of these batches are on their way to their registration."""
    o = onboarding.c
    query = (
        select(o.batch_id, func.count().label("count"))
        .where(
            o.batch_id.in_(listed(conn.dialect.name, o.batch_id)),
            o.state.not_in([*FINAL, State.REGISTERED]),
        )
        .group_by(o.batch_id)
    )
    found = conn.execute(query, packed_list(o.batch_id, batch_ids))
    return {row.batch_id: row[1] for row in found}


def last_line(conn: Connection, batch_id: str) -> int:
    """Return the line of a batch's last number; 0 if it has none."""
    query = select(func.max(onboarding.c.batch_line)).where(onboarding.c.batch_id == batch_id)
    return conn.execute(query).scalar() or 0


def load_canaries(conn: Connection, batch: Batch) -> list[Onboarding]:
    """Return the numbers of a batch that go first."""
    query = select(onboarding).where(onboarding.c.batch_id == batch.id)
    if batch.canary_line is not None:
        query = query.where(onboarding.c.batch_line <= batch.canary_line)
    ordered = query.order_by(onboarding.c.batch_line, onboarding.c.id).limit(batch.canary)
    return [to_onboarding(row) for row in conn.execute(ordered)]


def load_page(
    conn: Connection,
    batch_id: str,
    *,
    after: tuple[int, str],
    limit: int,
    live: bool = False,
    lock: bool = False,
) -> list[Onboarding]:
    """Return numbers of a batch in the order of its file, from the one after a line and id.

    Args:
        conn: an open transaction.
        batch_id: which batch.
        after: line and id of the last one of the page before.
        limit: at most so many.
        live: only those on their way to their registration.
        lock: let nobody else write them meanwhile.
    """
    o, (line, id_) = onboarding.c, after
    query = select(onboarding).where(
        o.batch_id == batch_id, (o.batch_line > line) | ((o.batch_line == line) & (o.id > id_))
    )
    if live:
        query = query.where(o.state.not_in([*FINAL, State.REGISTERED]))
    ordered = query.order_by(o.batch_line, o.id).limit(limit)
    if lock:
        ordered = ordered.with_for_update(key_share=True)
    return [to_onboarding(row) for row in conn.execute(ordered)]


def wake_batch(
    conn: Connection, batch_id: str, now: datetime, *, until_line: int | None = None
) -> None:
    """Make the living numbers of a batch due that are not registered, or those of its first lines.

    A worker that decides on one just now loses its fence by that, and decides again.
    """
    o = onboarding.c
    conditions = [
        o.batch_id == batch_id,
        o.state.in_([state for state in LIVE if state is not State.REGISTERED]),
    ]
    if until_line is not None:
        conditions.append(o.batch_line <= until_line)
    conn.execute(
        update(onboarding).where(*conditions).values(next_due_at=now, version=o.version + 1)
    )
