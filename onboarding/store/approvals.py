"""Approvals: asked for once, decided once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, literal_column, select, update

from onboarding.core.approvals import Approval
from onboarding.model import ApprovalKind, ApprovalStatus
from onboarding.store.rowset import insert_rows, listed, packed_list, storable
from onboarding.store.tables import approval as t

#: Written out and not bound: SQLite uses a partial index only for the very words it was made with.
IS_PENDING = t.c.status == literal_column("'pending'")

_FIELDS = tuple(f.name for f in fields(Approval))


def _to_approval(row: Row[Any]) -> Approval:
    return Approval(**{name: getattr(row, name) for name in _FIELDS})


def insert_approval(conn: Connection, asked: Approval) -> None:
    """Store what is asked for.

    Raises:
        IntegrityError: the same was asked for and is not decided; the caller looks first.
    """
    insert_rows(conn, t, [{name: getattr(asked, name) for name in _FIELDS}])


def load_pending(
    conn: Connection, onboarding_id: str, kind: ApprovalKind | None = None
) -> list[Approval]:
    """Return what is asked for and not decided of an onboarding, of one kind or any."""
    query = select(t).where(
        t.c.onboarding_id == onboarding_id, t.c.status == ApprovalStatus.PENDING
    )
    if kind is not None:
        query = query.where(t.c.kind == kind)
    return [_to_approval(row) for row in conn.execute(query.order_by(t.c.asked_at))]


@cache
def _pending(dialect: str) -> Select[Any]:
    of = t.c.onboarding_id.in_(listed(dialect, t.c.onboarding_id))
    return select(t).where(of, IS_PENDING).order_by(t.c.asked_at, t.c.id)


def load_pending_of(
    conn: Connection, onboarding_ids: Sequence[str]
) -> dict[str, tuple[Approval, ...]]:
    """Return what is asked for and not decided of these onboardings, by their id; one query."""
    found: dict[str, tuple[Approval, ...]] = {}
    wanted = packed_list(t.c.onboarding_id, onboarding_ids)
    for row in conn.execute(_pending(conn.dialect.name), wanted):
        found[row.onboarding_id] = (*found.get(row.onboarding_id, ()), _to_approval(row))
    return found


def pending_ids() -> Select[Any]:
    """Return the query for the onboardings of which something waits for a second person."""
    return select(t.c.onboarding_id).where(IS_PENDING)


def load_by_prefix(conn: Connection, prefix: str, limit: int) -> list[Approval]:
    """Return approvals whose id starts like this."""
    starts = t.c.id.startswith(storable(prefix), autoescape=True)
    return [_to_approval(row) for row in conn.execute(select(t).where(starts).limit(limit))]


def find(
    conn: Connection, *, statuses: Sequence[ApprovalStatus], onboarding_id: str | None
) -> list[Approval]:
    """Return approvals that stand like this, of one onboarding or all; the first one first."""
    query = select(t).order_by(t.c.asked_at, t.c.id)
    if statuses:
        query = query.where(t.c.status.in_(statuses))
    if onboarding_id is not None:
        query = query.where(t.c.onboarding_id == onboarding_id)
    return [_to_approval(row) for row in conn.execute(query)]


def decide(
    conn: Connection,
    approval_id: str,
    status: ApprovalStatus,
    *,
    by: str,
    at: datetime,
    why: str,
) -> bool:
    """Write a decision; return whether there was none before."""
    written = conn.execute(
        update(t)
        .where(t.c.id == approval_id, t.c.status == ApprovalStatus.PENDING)
        .values(status=status, decided_by=by, decided_at=at, decision=storable(why))
        .returning(t.c.id)
    )
    return written.first() is not None
