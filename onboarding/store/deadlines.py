"""Deadlines and escalations: set, climbed and closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, String, select, update

from onboarding.model import Deadline
from onboarding.store.rowset import insert_rows, rowset, upsert_rows
from onboarding.store.tables import deadline as t
from onboarding.store.tables import escalation

_FIELDS = tuple(f.name for f in fields(Deadline))
_CLOSE = (Column("onboarding_id", String(32)), Column("how", String(20)))


def set_deadlines(conn: Connection, deadlines: Sequence[Deadline]) -> None:
    """Set deadlines; one that exists for the cycle and reason is corrected.

    A correction re-dates the rungs that were not raised yet and leaves the others as they are:
    the caller gives the instant of the next rung for a deadline on which none was raised.
    """
    upsert_rows(
        conn,
        t,
        [{name: getattr(d, name) for name in _FIELDS} for d in deadlines],
        {
            name: lambda _stored, given, name=name: given[name]
            for name in ("anchor_source", "starts_at", "due_at", "next_rung", "next_rung_at")
        },
    )


def load_deadlines(conn: Connection, onboarding_ids: Sequence[str]) -> list[Deadline]:
    """Return every deadline of these onboardings."""
    given = rowset(conn, [t.c.onboarding_id], [{"onboarding_id": id_} for id_ in onboarding_ids])
    query = select(t).where(t.c.onboarding_id.in_(select(given.c.onboarding_id)))
    return [_to_deadline(row) for row in conn.execute(query.order_by(t.c.starts_at))]


def load_climbable(conn: Connection, now: datetime, limit: int) -> list[Deadline]:
    """Return open deadlines whose next rung is due, the earliest first."""
    query = (
        select(t)
        .where(t.c.closed_at.is_(None), t.c.next_rung_at <= now)
        .order_by(t.c.next_rung_at)
        .limit(limit)
    )
    if conn.dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=True)
    return [_to_deadline(row) for row in conn.execute(query)]


def move_rungs(conn: Connection, deadlines: Sequence[Deadline]) -> None:
    """Write which rung of each deadline comes next."""
    names = ("onboarding_id", "cycle", "reason", "next_rung", "next_rung_at")
    given = rowset(
        conn, [t.c[name] for name in names], [{n: getattr(d, n) for n in names} for d in deadlines]
    )
    conn.execute(
        update(t)
        .where(
            t.c.onboarding_id == given.c.onboarding_id,
            t.c.cycle == given.c.cycle,
            t.c.reason == given.c.reason,
        )
        .values(next_rung=given.c.next_rung, next_rung_at=given.c.next_rung_at)
    )


def close_deadlines(conn: Connection, ended: dict[str, str], now: datetime) -> None:
    """Close the open deadlines of onboardings: no rung of them is raised any more.

    Args:
        conn: an open transaction.
        ended: how each ended (``met``, ``expired``, ``over``), by onboarding id.
        now: business time.
    """
    if not ended:
        return
    rows = [{"onboarding_id": id_, "how": how} for id_, how in ended.items()]
    given = rowset(conn, _CLOSE, rows)
    conn.execute(
        update(t)
        .where(t.c.onboarding_id == given.c.onboarding_id, t.c.closed_at.is_(None))
        .values(closed_at=now, closed_how=given.c.how)
    )


def replace_deadlines(conn: Connection, deadlines: Sequence[Deadline], now: datetime) -> None:
    """Close the deadlines of other reasons that these take the place of."""
    names = ("onboarding_id", "reason")
    given = rowset(
        conn, [t.c[name] for name in names], [{n: getattr(d, n) for n in names} for d in deadlines]
    )
    conn.execute(
        update(t)
        .where(
            t.c.onboarding_id == given.c.onboarding_id,
            t.c.reason != given.c.reason,
            t.c.closed_at.is_(None),
        )
        .values(closed_at=now, closed_how="replaced")
    )


def insert_escalations(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Record rungs as raised or collapsed; the primary key lets each be recorded once."""
    insert_rows(conn, escalation, rows)


def load_escalations(conn: Connection, onboarding_id: str) -> list[dict[str, Any]]:
    """Return the rungs that were raised or collapsed for an onboarding, in order."""
    query = (
        select(escalation)
        .where(escalation.c.onboarding_id == onboarding_id)
        .order_by(escalation.c.raised_at, escalation.c.rung)
    )
    return [dict(row._mapping) for row in conn.execute(query)]  # noqa: SLF001 - public in SQLAlchemy


def next_rung_at(conn: Connection) -> datetime | None:
    """Return when the earliest rung is due."""
    query = (
        select(t.c.next_rung_at)
        .where(t.c.closed_at.is_(None), t.c.next_rung_at.is_not(None))
        .order_by(t.c.next_rung_at)
        .limit(1)
    )
    due: datetime | None = conn.execute(query).scalar()
    return due


def _to_deadline(row: Any) -> Deadline:
    return Deadline(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
