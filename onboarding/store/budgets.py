"""Call budgets: what was spent in the last hour, and what Meta said about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime

from sqlalchemy import Column, Connection, String, delete, func, select

from onboarding.core.budgets import HOUR, Breaker, bucket_of
from onboarding.store.rowset import rowset, upsert_rows
from onboarding.store.tables import breaker, budget

_KEY = (Column("key", String(60)),)


def load_used(conn: Connection, keys: Sequence[str], now: datetime) -> dict[str, int]:
    """Return how many calls each budget spent in the last hour."""
    given = rowset(conn, _KEY, [{"key": key} for key in keys])
    query = (
        select(budget.c.key, func.sum(budget.c.used).label("used"))
        .where(budget.c.key.in_(select(given.c.key)), budget.c.bucket > bucket_of(now - HOUR))
        .group_by(budget.c.key)
    )
    return {row.key: int(row.used) for row in conn.execute(query)}


def spend(conn: Connection, spent: Mapping[str, int], now: datetime) -> None:
    """Add calls to budgets, in the order of their keys so that no two workers wait in a circle."""
    rows = [{"key": key, "bucket": bucket_of(now), "used": spent[key]} for key in sorted(spent)]
    upsert_rows(conn, budget, rows, {"used": lambda stored, given: stored.used + given.used})


def forget_spent(conn: Connection, before: datetime) -> None:
    """Drop buckets that no window looks at any more."""
    conn.execute(delete(budget).where(budget.c.bucket < before))


def load_breakers(conn: Connection, keys: Sequence[str]) -> dict[str, Breaker]:
    """Return what Meta last said about these budgets."""
    given = rowset(conn, _KEY, [{"key": key} for key in keys])
    query = select(breaker).where(breaker.c.key.in_(select(given.c.key)))
    return {row.key: Breaker(**row._mapping) for row in conn.execute(query)}  # noqa: SLF001 - public in SQLAlchemy


def write_breakers(conn: Connection, breakers: Sequence[Breaker]) -> None:
    """Keep what Meta said; an open breaker stays open until its own time."""
    names = [f.name for f in fields(Breaker)]
    upsert_rows(
        conn,
        breaker,
        [{n: getattr(b, n) for n in names} for b in sorted(breakers, key=lambda b: b.key)],
        {
            "percent": lambda _stored, given: given.percent,
            "read_at": lambda _stored, given: given.read_at,
            "open_until": lambda stored, given: func.coalesce(given.open_until, stored.open_until),
            "why": lambda stored, given: func.coalesce(func.nullif(given.why, ""), stored.why),
        },
    )
