"""Call budgets: what was spent in the last hour, and what Meta said about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    bindparam,
    case,
    delete,
    func,
    literal,
    or_,
    select,
    union_all,
)

from onboarding.core.budgets import HOUR, TOKENS, Breaker, bucket_of
from onboarding.store.columns import Instant
from onboarding.store.rowset import insert_rows, listed, packed, packed_list, upsert
from onboarding.store.tables import breaker, budget

#: The bucket that nothing is spent in: its row is there to be locked.
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

_NAMES = [f.name for f in fields(Breaker)]
_OF_TOKEN = breaker.c.key.startswith(TOKENS, autoescape=True)


@cache
def used(dialect: str) -> Select[Any]:
    """Return the query for how many calls each of the given budgets spent since an instant."""
    return (
        select(budget.c.key, func.sum(budget.c.used).label("used"))
        .where(
            budget.c.key.in_(listed(dialect, budget.c.key)),
            budget.c.bucket >= bindparam("since", type_=Instant),
        )
        .group_by(budget.c.key)
    )


def load_used(conn: Connection, keys: Sequence[str], now: datetime) -> dict[str, int]:
    """Return how many calls each budget spent in the last hour.

    The bucket in which that hour began counts in full: a few too many, never too few.
    """
    wanted = {"since": bucket_of(now - HOUR), **packed_list(budget.c.key, keys)}
    return {row.key: int(row.used) for row in conn.execute(used(conn.dialect.name), wanted)}


def lock(conn: Connection, keys: Sequence[str]) -> None:
    """Let nobody else spend of these budgets before the end of the transaction.

    What is read afterwards holds until then, so that two workers never spend the same calls,
    whatever their clocks say. In the order of the keys, so that no two of them wait in a circle.
    SQLite has one writer anyway.
    """
    if conn.dialect.name == "postgresql":
        rows = [{"key": key, "bucket": _NEVER, "used": 0} for key in sorted(keys)]
        insert_rows(conn, budget, rows, skip_conflicts=True)
        conn.execute(_lock(conn.dialect.name), packed_list(budget.c.key, keys))


@cache
def _lock(dialect: str) -> Any:
    rows = select(budget.c.key).where(
        budget.c.bucket == literal(_NEVER, Instant), budget.c.key.in_(listed(dialect, budget.c.key))
    )
    return rows.order_by(budget.c.key).with_for_update()


@cache
def _spend(dialect: str) -> Any:
    names = [c.name for c in budget.columns]
    return upsert(dialect, budget, names, {"used": lambda stored, new: stored.used + new.used})


def spend(conn: Connection, spent: Mapping[str, int], now: datetime) -> None:
    """Add calls to budgets, in the order of their keys so that no two workers wait in a circle."""
    rows = [{"key": key, "bucket": bucket_of(now), "used": spent[key]} for key in sorted(spent)]
    if rows:
        conn.execute(_spend(conn.dialect.name), packed(list(budget.columns), rows))


def forget_spent(conn: Connection, before: datetime) -> None:
    """Drop buckets that no window looks at any more, but not the rows that are locked."""
    conn.execute(delete(budget).where(budget.c.bucket < before, budget.c.bucket > _NEVER))


@cache
def _breakers(dialect: str) -> Any:
    named = select(breaker).where(breaker.c.key.in_(listed(dialect, breaker.c.key)))
    return union_all(
        named,
        select(breaker).where(_OF_TOKEN, breaker.c.open_until > bindparam("now", type_=Instant)),
    )


def load_breakers(conn: Connection, keys: Sequence[str], now: datetime) -> dict[str, Breaker]:
    """Return what Meta last said about these budgets, and every open breaker of a token."""
    wanted = {"now": now, **packed_list(breaker.c.key, keys)}
    found = conn.execute(_breakers(conn.dialect.name), wanted)
    return {row.key: Breaker(**row._mapping) for row in found}  # noqa: SLF001 - public in SQLAlchemy


def _stays(stored: Any, new: Any) -> Any:
    """Return SQL for: nothing new, or nothing that would be open for longer."""
    return or_(new.open_until.is_(None), stored.open_until > new.open_until)


@cache
def _write_breakers(dialect: str) -> Any:
    return upsert(
        dialect,
        breaker,
        _NAMES,
        {
            "percent": lambda _stored, new: new.percent,
            "read_at": lambda _stored, new: new.read_at,
            "open_until": lambda stored, new: case(
                (_stays(stored, new), stored.open_until), else_=new.open_until
            ),
            "why": lambda stored, new: case((_stays(stored, new), stored.why), else_=new.why),
        },
    )


def write_breakers(conn: Connection, breakers: Sequence[Breaker]) -> None:
    """Keep what Meta said; an open breaker stays open until its own time."""
    if breakers:
        ordered = sorted(breakers, key=lambda each: each.key)
        rows = [{name: getattr(each, name) for name in _NAMES} for each in ordered]
        columns = [breaker.c[name] for name in _NAMES]
        conn.execute(_write_breakers(conn.dialect.name), packed(columns, rows))
