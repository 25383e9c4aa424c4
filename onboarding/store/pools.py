"""Pools and their numbers: what is due, and how it stands.

Whoever changes a number has locked its row in the same transaction, so that no fence is needed:
nothing that was read in an earlier one is ever written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, case, func, or_, select, update

from onboarding.core.pool.lifecycle import LIVE, PoolState
from onboarding.core.pool.model import Pool, PoolNumber
from onboarding.model import Onboarding
from onboarding.store.columns import Instant
from onboarding.store.onboardings import to_onboarding
from onboarding.store.rowset import given, insert_rows, listed, packed, packed_list, storable
from onboarding.store.tables import onboarding
from onboarding.store.tables import pool as p
from onboarding.store.tables import pool_claim as c
from onboarding.store.tables import pool_number as t

_FIELDS = tuple(f.name for f in fields(PoolNumber))
_SEEN = ("seen", "seen_at", "seen_present", "absent_since")
_HEAD = ("history_seq", "head_hash")
_COLUMNS = [t.c[name] for name in _FIELDS if name not in _HEAD]


def to_number(row: Row[Any]) -> PoolNumber:
    """Return the number of a full row."""
    return PoolNumber(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


def _to_pool(row: Row[Any]) -> Pool:
    return Pool(**row._mapping)  # noqa: SLF001 - the same


# Pools


def insert_pool(conn: Connection, pool: Pool) -> None:
    """Store a new pool; one that is there already stays as it is."""
    row = {f.name: getattr(pool, f.name) for f in fields(Pool)}
    insert_rows(conn, p, [row], skip_conflicts=True)


def load_pools(conn: Connection, business_ids: Sequence[str] | None = None) -> dict[str, Pool]:
    """Return these pools, or all of them, by business id."""
    query = select(p).order_by(p.c.business_id)
    if business_ids is not None:
        query = query.where(p.c.business_id.in_(business_ids))
    return {row.business_id: _to_pool(row) for row in conn.execute(query)}


def update_pool(conn: Connection, business_id: str, **values: Any) -> None:
    """Write fields of a pool."""
    conn.execute(update(p).where(p.c.business_id == business_id).values(**values))


def claim_lists(
    conn: Connection, now: datetime, read_before: datetime, busy_until: datetime, limit: int
) -> list[Pool]:
    """Return the pools whose list is due, and put each off, so that nobody else reads it now.

    Args:
        conn: an open transaction.
        now: business time: what is due.
        read_before: of pools that were read since then the list is not read again yet.
        busy_until: business time at which a list is due again if its reader dies.
        limit: at most so many.
    """
    rested = or_(p.c.listed_at.is_(None), p.c.listed_at <= read_before)
    query = select(p).where(p.c.observe_due_at <= now, rested).order_by(p.c.observe_due_at)
    query = query.limit(limit)
    if conn.dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=True)
    found = [_to_pool(row) for row in conn.execute(query)]
    for pool in found:
        update_pool(conn, pool.business_id, observe_due_at=busy_until)
    return found


def is_anything_due(conn: Connection, now: datetime, read_before: datetime) -> bool:
    """Whether a list or a number of a pool is due, with one statement."""
    instants = {"now": now, "read_before": read_before}
    return bool(conn.execute(_ANYTHING_DUE, instants).scalar_one())


_now = bindparam("now", type_=Instant)
_rested = or_(p.c.listed_at.is_(None), p.c.listed_at <= bindparam("read_before", type_=Instant))
_ANYTHING_DUE = select(
    or_(
        select(p.c.business_id).where(p.c.observe_due_at <= _now, _rested).exists(),
        select(t.c.id).where(t.c.next_due_at <= _now).exists(),
    )
)


def want_lists(conn: Connection, wanted: Mapping[str, datetime]) -> None:
    """Have lists read by then; one whose last read failed keeps its own time."""
    for business_id, at in sorted(wanted.items()):
        earlier = case(
            (p.c.observe_due_at.is_(None), bindparam("at", type_=Instant)),
            (p.c.observe_due_at > bindparam("at", type_=Instant), bindparam("at", type_=Instant)),
            else_=p.c.observe_due_at,
        )
        change = update(p).where(p.c.business_id == bindparam("id"), p.c.failures == 0)
        conn.execute(change.values(observe_due_at=earlier), {"at": at, "id": business_id})


# Numbers


def insert_numbers(conn: Connection, numbers: Sequence[PoolNumber]) -> None:
    """Store new numbers.

    Raises:
        IntegrityError: one of them holds a slot already.
    """
    insert_rows(conn, t, [{name: getattr(number, name) for name in _FIELDS} for number in numbers])


def claim_due(conn: Connection, now: datetime, limit: int) -> list[PoolNumber]:
    """Return the numbers that are due, locked: nobody else has them in this transaction."""
    query = select(t).where(t.c.next_due_at <= now).order_by(t.c.next_due_at, t.c.id).limit(limit)
    if conn.dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=True, key_share=True)
    return [to_number(row) for row in conn.execute(query)]


@cache
def _load(dialect: str, *, lock: bool) -> Select[Any]:
    query = select(t).where(t.c.id.in_(listed(dialect, t.c.id))).order_by(t.c.id)
    return query.with_for_update(key_share=True) if lock else query


def load_numbers(
    conn: Connection, ids: Sequence[str], *, lock: bool = False
) -> dict[str, PoolNumber]:
    """Return the numbers with these ids, in their order."""
    found = conn.execute(_load(conn.dialect.name, lock=lock), packed_list(t.c.id, ids))
    return {row.id: to_number(row) for row in found}


def load_live(conn: Connection, business_id: str, *, lock: bool = False) -> list[PoolNumber]:
    """Return the numbers that hold a slot of this pool."""
    query = select(t).where(t.c.business_id == business_id, t.c.state.in_(LIVE)).order_by(t.c.id)
    query = query.with_for_update(key_share=True) if lock else query
    return [to_number(row) for row in conn.execute(query)]


def load_slots(conn: Connection, number_keys: Sequence[str]) -> dict[str, PoolNumber]:
    """Return the slots that these numbers hold in any pool, by number key."""
    wanted = listed(conn.dialect.name, t.c.number_key)
    query = select(t).where(t.c.number_key.in_(wanted), t.c.state.in_(LIVE))
    found = conn.execute(query, packed_list(t.c.number_key, number_keys))
    return {row.number_key: to_number(row) for row in found}


def find_numbers(
    conn: Connection,
    *,
    business_id: str | None = None,
    region: str | None = None,
    states: Sequence[PoolState] = (),
) -> list[PoolNumber]:
    """Return the numbers that fit every condition given, in the order of their making."""
    query = select(t).order_by(t.c.id)
    if business_id is not None:
        query = query.where(t.c.business_id == business_id)
    if region is not None:
        query = query.where(t.c.region == region)
    if states:
        query = query.where(t.c.state.in_(states))
    return [to_number(row) for row in conn.execute(query)]


def find_by_reference(conn: Connection, reference: str, number_key: str) -> list[PoolNumber]:
    """Return the numbers that a person may mean: by id, temporary id, number, or start of the id.

    Slots that are held come first.
    """
    text = storable(reference)
    is_meant = or_(
        t.c.id == text,
        t.c.preverified_id == text,
        t.c.number_key == storable(number_key),
        t.c.id.startswith(text, autoescape=True),
    )
    is_live = case((t.c.state.in_(LIVE), 0), else_=1)
    query = select(t).where(is_meant).order_by(is_live, t.c.id.desc()).limit(20)
    return [to_number(row) for row in conn.execute(query)]


@cache
def _write(dialect: str) -> Any:
    rows = given(dialect, _COLUMNS)
    names = [col.name for col in _COLUMNS if col.name != "id"]
    return update(t).where(t.c.id == rows.c.id).values({name: rows.c[name] for name in names})


def write_numbers(conn: Connection, numbers: Sequence[PoolNumber]) -> None:
    """Write rows that were locked in this transaction; their history's head is left as it is."""
    if numbers:
        rows = [{col.name: getattr(number, col.name) for col in _COLUMNS} for number in numbers]
        conn.execute(_write(conn.dialect.name), packed(_COLUMNS, rows))


def wake_claimed(conn: Connection, onboarding_ids: Sequence[str], now: datetime) -> None:
    """Have claimed numbers looked at now whose onboarding has changed.

    It is a hint: one whose row somebody else has is looked at by itself later.
    """
    if not onboarding_ids:
        return
    ids = listed(conn.dialect.name, onboarding.c.id)
    of_these = select(c.c.pool_number_id).where(
        c.c.onboarding_id.in_(ids), c.c.released_at.is_(None)
    )
    resting = select(t.c.id).where(t.c.id.in_(of_these), t.c.state == PoolState.CLAIMED)
    if conn.dialect.name == "postgresql":
        resting = resting.with_for_update(skip_locked=True, key_share=True)
    conn.execute(
        update(t).where(t.c.id.in_(resting)).values(next_due_at=bindparam("now", type_=Instant)),
        {"now": now, **packed_list(onboarding.c.id, onboarding_ids)},
    )


def next_due(conn: Connection) -> datetime | None:
    """Return when a number of a pool is due next."""
    due: datetime | None = conn.execute(_NEXT_DUE).scalar()
    return due


_NEXT_DUE = select(func.min(t.c.next_due_at))


def next_list_due(conn: Connection, list_interval: Any) -> datetime | None:
    """Return when the list of a pool is due next, the least interval between reads included."""
    instants = [
        max(row.observe_due_at, row.listed_at + list_interval)
        if row.listed_at
        else row.observe_due_at
        for row in conn.execute(_TO_BE_READ)
    ]
    return min(instants, default=None)


_TO_BE_READ = select(p).where(p.c.observe_due_at.is_not(None))


def count_verified(
    conn: Connection, pairs: Sequence[tuple[str, str]] | None = None
) -> dict[tuple[str, str], dict[PoolState, int]]:
    """Return how many numbers of each pool and country there are in each state."""
    query = select(t.c.business_id, t.c.region, t.c.state, func.count().label("n")).where(
        t.c.state.in_(LIVE)
    )
    if pairs is not None:
        query = query.where(t.c.business_id.in_({pair[0] for pair in pairs}))
    counted: dict[tuple[str, str], dict[PoolState, int]] = {}
    for row in conn.execute(query.group_by(t.c.business_id, t.c.region, t.c.state)):
        counted.setdefault((row.business_id, row.region), {})[row.state] = row.n
    return counted


def claimants(conn: Connection, numbers: Sequence[PoolNumber]) -> dict[str, list[Onboarding]]:
    """Return the onboardings of these numbers, by number key, the latest first."""
    wanted = listed(conn.dialect.name, onboarding.c.number_key)
    query = select(onboarding).where(onboarding.c.number_key.in_(wanted))
    found: dict[str, list[Onboarding]] = {}
    keys = packed_list(onboarding.c.number_key, [number.number_key for number in numbers])
    for row in conn.execute(query.order_by(onboarding.c.created_at.desc()), keys):
        found.setdefault(row.number_key, []).append(to_onboarding(row))
    return found


def pick(
    conn: Connection,
    region: str,
    still_at: datetime,
    *,
    business_id: str | None,
    seen_since: datetime | None = None,
) -> PoolNumber | None:
    """Return a verified number of a country, the one whose verification ends first.

    Args:
        conn: an open transaction; nothing is locked.
        region: two letters.
        still_at: until when it must stay verified at least.
        business_id: of this pool only.
        seen_since: only one that the list showed since then.
    """
    query = select(t).where(
        t.c.state == PoolState.VERIFIED,
        t.c.region == region,
        t.c.is_leaving.is_(False),
        t.c.hold.is_(None),
        t.c.expires_at > still_at,
        t.c.seen_present.is_not(False),
    )
    if business_id is not None:
        query = query.where(t.c.business_id == business_id)
    if seen_since is not None:
        query = query.where(t.c.seen_at >= seen_since)
    row = conn.execute(query.order_by(t.c.expires_at, t.c.id).limit(1)).one_or_none()
    return None if row is None else to_number(row)
