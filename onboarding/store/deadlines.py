"""Deadlines and escalations: set, climbed and closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Column, Connection, String, bindparam, select, update

from onboarding.model import Deadline
from onboarding.store.columns import Instant
from onboarding.store.rowset import given, listed, packed, packed_list, upsert
from onboarding.store.tables import deadline as t
from onboarding.store.tables import escalation

_FIELDS = tuple(f.name for f in fields(Deadline))
_CLOSE = (Column("onboarding_id", String(32)), Column("how", String(20)))


def set_deadlines(conn: Connection, deadlines: Sequence[Deadline]) -> None:
    """Set deadlines; one that exists for the cycle and reason is corrected, or opened again.

    A correction re-dates the rungs that were not raised yet and leaves the others as they are.
    One that had ended (an earlier change of name) begins anew: the caller gives its first rung.
    """
    if deadlines:
        conn.execute(_set(conn.dialect.name), packed(list(t.columns), _as_rows(deadlines)))


def _as_rows(deadlines: Sequence[Deadline]) -> list[dict[str, Any]]:
    return [{name: getattr(deadline, name) for name in _FIELDS} for deadline in deadlines]


@cache
def _set(dialect: str) -> Any:
    corrected = (
        "anchor_source", "starts_at", "due_at", "next_rung", "next_rung_at", "closed_at",
        "closed_how", "climbed", "snoozed_until",
    )  # fmt: skip
    changes = {name: lambda _stored, new, name=name: new[name] for name in corrected}
    return upsert(dialect, t, [c.name for c in t.columns], changes)


@cache
def _load(dialect: str) -> Any:
    ids = listed(dialect, t.c.onboarding_id)
    return select(t).where(t.c.onboarding_id.in_(ids)).order_by(t.c.starts_at)


def load_deadlines(conn: Connection, onboarding_ids: Sequence[str]) -> list[Deadline]:
    """Return every deadline of these onboardings."""
    wanted = packed_list(t.c.onboarding_id, onboarding_ids)
    return [_to_deadline(row) for row in conn.execute(_load(conn.dialect.name), wanted)]


def find_climbable(conn: Connection, now: datetime, limit: int) -> list[str]:
    """Return the ids of onboardings with a rung that is due, the earliest rungs first."""
    query = (
        select(t.c.onboarding_id)
        .where(t.c.closed_at.is_(None), t.c.next_rung_at <= now)
        .order_by(t.c.next_rung_at)
        .limit(limit)
    )
    return list(dict.fromkeys(conn.execute(query).scalars()))


def load_climbable(
    conn: Connection, onboarding_ids: Sequence[str], now: datetime
) -> list[Deadline]:
    """Return the open deadlines of these onboardings whose next rung is due."""
    return [
        deadline
        for deadline in load_deadlines(conn, onboarding_ids)
        if deadline.closed_at is None
        and deadline.next_rung_at is not None
        and deadline.next_rung_at <= now
    ]


def move_rungs(conn: Connection, deadlines: Sequence[Deadline]) -> None:
    """Write which rung of each deadline comes next."""
    conn.execute(_move(conn.dialect.name), packed(_RUNG, _as_rows(deadlines)))


_KEY = [t.c.onboarding_id, t.c.cycle, t.c.reason]
_CLIMB = ("next_rung", "next_rung_at", "climbed", "snoozed_until")
_RUNG = [*_KEY, *(t.c[name] for name in _CLIMB)]


@cache
def _move(dialect: str) -> Any:
    rows = given(dialect, _RUNG)
    return (
        update(t)
        .where(
            t.c.onboarding_id == rows.c.onboarding_id,
            t.c.cycle == rows.c.cycle,
            t.c.reason == rows.c.reason,
        )
        .values({name: rows.c[name] for name in _CLIMB})
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
    conn.execute(_close(conn.dialect.name), {"now": now, **packed(_CLOSE, rows)})


@cache
def _close(dialect: str) -> Any:
    rows = given(dialect, _CLOSE)
    return (
        update(t)
        .where(t.c.onboarding_id == rows.c.onboarding_id, t.c.closed_at.is_(None))
        .values(closed_at=bindparam("now", type_=Instant), closed_how=rows.c.how)
    )


def replace_deadlines(conn: Connection, deadlines: Sequence[Deadline], now: datetime) -> list[str]:
    """Close the deadlines of other reasons that these take the place of.

    Returns:
        The ids of the onboardings that had one.
    """
    if not deadlines:
        return []
    rows = packed(_REPLACE, _as_rows(deadlines))
    closed = conn.execute(_replace(conn.dialect.name), {"now": now, **rows})
    return list(dict.fromkeys(closed.scalars()))


_REPLACE = [t.c.onboarding_id, t.c.reason]


@cache
def _replace(dialect: str) -> Any:
    rows = given(dialect, _REPLACE)
    return (
        update(t)
        .where(
            t.c.onboarding_id == rows.c.onboarding_id,
            t.c.reason != rows.c.reason,
            t.c.closed_at.is_(None),
        )
        .values(closed_at=bindparam("now", type_=Instant), closed_how="replaced")
        .returning(t.c.onboarding_id)
    )


def insert_escalations(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Record rungs as raised or collapsed.

    Each is kept once; that of a deadline which began anew takes the place of the earlier one,
    which the history still tells.
    """
    conn.execute(_record(conn.dialect.name), packed(list(escalation.columns), rows))


@cache
def _record(dialect: str) -> Any:
    changes = {
        name: lambda _stored, new, name=name: new[name] for name in ("raised_at", "collapsed_into")
    }
    return upsert(dialect, escalation, [c.name for c in escalation.columns], changes)


def next_rung_at(conn: Connection) -> datetime | None:
    """Return when the earliest rung is due."""
    due: datetime | None = conn.execute(_NEXT_RUNG).scalar()
    return due


_NEXT_RUNG = (
    select(t.c.next_rung_at)
    .where(t.c.closed_at.is_(None), t.c.next_rung_at.is_not(None))
    .order_by(t.c.next_rung_at)
    .limit(1)
)


def is_due(now: Any) -> Any:
    """Return SQL that tells whether a rung is due at an instant, itself SQL."""
    return (
        select(t.c.onboarding_id).where(t.c.closed_at.is_(None), t.c.next_rung_at <= now).exists()
    )


def load_open_page(conn: Connection, after: str, limit: int) -> list[str]:
    """Return the ids of onboardings with an open deadline, from an id on."""
    query = select(t.c.onboarding_id).where(t.c.closed_at.is_(None), t.c.onboarding_id > after)
    return list(conn.execute(query.distinct().order_by(t.c.onboarding_id).limit(limit)).scalars())


def _to_deadline(row: Any) -> Deadline:
    return Deadline(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
