"""Onboardings: insert, claim, write under the fence, and find."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    case,
    func,
    or_,
    select,
    true,
    update,
)

from onboarding.model import Onboarding, State
from onboarding.store.rowset import insert_rows, rowset
from onboarding.store.tables import onboarding as t

_FIELDS = tuple(f.name for f in fields(Onboarding))

#: Written by a read of the list alone, so that it need not wait for a call in flight.
_SEEN = ("seen", "seen_at", "seen_present", "absent_since")

#: Written when a row is inserted, and by the history, never by a step.
_FIXED = (
    "id", "key", "content_digest", "waba_id", "number_key", "phone_number", "cc",
    "national_number", "region", "entry", "requested_by", "created_at", "history_seq", "head_hash",
)  # fmt: skip

_STEP = tuple(name for name in _FIELDS if name not in (*_SEEN, *_FIXED, "version"))


def to_onboarding(row: Row[Any]) -> Onboarding:
    """Return the onboarding of a full row."""
    return Onboarding(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


def _as_row(onboarding: Onboarding, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(onboarding, name) for name in names}


def insert_onboardings(conn: Connection, rows: Sequence[Onboarding]) -> None:
    """Store new onboardings with one statement.

    Raises:
        IntegrityError: a key or a live number is taken; the caller checks both first.
    """
    insert_rows(conn, t, [_as_row(row, _FIELDS) for row in rows])


def load_onboardings(
    conn: Connection, ids: Sequence[str], *, lock: bool = False
) -> dict[str, Onboarding]:
    """Return the onboardings with these ids; unknown ids are left out."""
    given = rowset(conn, [t.c.id], [{"id": id_} for id_ in ids])
    query = select(t).where(t.c.id.in_(select(given.c.id)))
    if lock:
        query = query.with_for_update()
    return {row.id: to_onboarding(row) for row in conn.execute(query)}


def claim_due(
    conn: Connection,
    *,
    worker: str,
    now: datetime,
    real_now: datetime,
    lease_until: datetime,
    wake_at: datetime,
    definition: int,
    limit: int,
) -> list[Onboarding]:
    """Take the machines that are due, earliest first, so that no other worker has them.

    Args:
        conn: an open transaction.
        worker: who takes them.
        now: business time: what is due.
        real_now: real time: which leases have run out.
        lease_until: real time until which they are this worker's.
        wake_at: business time at which they are due again if nothing comes of it.
        definition: the newest definition that this release understands.
        limit: at most so many.
    """
    free = or_(t.c.lease_until.is_(None), t.c.lease_until <= real_now)
    due = (
        select(t.c.id)
        .where(t.c.next_due_at <= now, free, t.c.definition <= definition)
        .order_by(t.c.next_due_at)
        .limit(limit)
    )
    return _claim(conn, due, worker, lease_until, wake_at)


def claim_these(
    conn: Connection,
    ids: Sequence[str],
    *,
    worker: str,
    real_now: datetime,
    lease_until: datetime,
    wake_at: datetime,
    definition: int,
) -> list[Onboarding]:
    """Take certain machines, due or not, unless another worker has them."""
    free = or_(t.c.lease_until.is_(None), t.c.lease_until <= real_now)
    given = rowset(conn, [t.c.id], [{"id": id_} for id_ in ids])
    chosen = select(t.c.id).where(
        t.c.id.in_(select(given.c.id)), free, t.c.definition <= definition
    )
    return _claim(conn, chosen, worker, lease_until, wake_at)


def _claim(
    conn: Connection,
    chosen: Select[tuple[str]],
    worker: str,
    lease_until: datetime,
    wake_at: datetime,
) -> list[Onboarding]:
    if conn.dialect.name == "postgresql":
        # MATERIALIZED: without it a nested-loop plan may ignore the LIMIT.
        chosen = chosen.with_for_update(skip_locked=True)
    picked = chosen.cte("picked").prefix_with("MATERIALIZED", dialect="postgresql")
    statement = (
        update(t)
        .where(t.c.id.in_(select(picked.c.id)))
        .values(
            lease_owner=worker,
            lease_until=lease_until,
            next_due_at=wake_at,
            version=t.c.version + 1,
            reclaims=case((t.c.lease_owner.is_not(None), t.c.reclaims + 1), else_=0),
        )
        .returning(t)
    )
    return [to_onboarding(row) for row in conn.execute(statement)]


def write_step(conn: Connection, rows: Sequence[Onboarding]) -> dict[str, Onboarding]:
    """Write rows whose version is still the one that was read, with one statement.

    What a read of the list writes, and the head of the history, are left as they are.

    Returns:
        The rows that were written, as they are now. A row that is missing lost the fence:
        somebody else moved it, and nothing of it was written.
    """
    if not rows:
        return {}
    columns = [t.c.id, t.c.version, *(t.c[name] for name in _STEP)]
    given = rowset(conn, columns, [_as_row(row, (c.name for c in columns)) for row in rows])
    statement = (
        update(t)
        .where(t.c.id == given.c.id, t.c.version == given.c.version)
        .values({name: given.c[name] for name in _STEP} | {"version": t.c.version + 1})
        .returning(t)
    )
    return {row.id: to_onboarding(row) for row in conn.execute(statement)}


def write_seen(conn: Connection, rows: Sequence[Onboarding]) -> None:
    """Store what the list showed of these numbers, unless a later read is there already."""
    columns = [t.c.id, *(t.c[name] for name in _SEEN)]
    given = rowset(conn, columns, [_as_row(row, (c.name for c in columns)) for row in rows])
    statement = (
        update(t)
        .where(
            t.c.id == given.c.id,
            or_(t.c.seen_at.is_(None), t.c.seen_at < given.c.seen_at),
        )
        .values({name: given.c[name] for name in _SEEN})
    )
    conn.execute(statement)


def wake(conn: Connection, ids: Sequence[str], now: datetime) -> None:
    """Make machines due now."""
    given = rowset(conn, [t.c.id], [{"id": id_} for id_ in ids])
    conn.execute(update(t).where(t.c.id.in_(select(given.c.id))).values(next_due_at=now))


def wake_account(conn: Connection, waba_id: str, now: datetime, waiting: Sequence[Any]) -> None:
    """Make the account's machines that wait for one of these reasons due now."""
    conn.execute(
        update(t)
        .where(t.c.waba_id == waba_id, t.c.waiting.in_(waiting), t.c.lease_owner.is_(None))
        .values(next_due_at=now)
    )


def load_by_prefix(conn: Connection, prefix: str, limit: int) -> list[Onboarding]:
    """Return onboardings whose id starts like this."""
    query = select(t).where(t.c.id.startswith(prefix, autoescape=True)).limit(limit)
    return [to_onboarding(row) for row in conn.execute(query)]


def load_by_key(conn: Connection, keys: Sequence[str]) -> dict[str, Onboarding]:
    """Return the onboardings that callers' keys name."""
    given = rowset(conn, [t.c.key], [{"key": key} for key in keys])
    query = select(t).where(t.c.key.in_(select(given.c.key)))
    return {row.key: to_onboarding(row) for row in conn.execute(query)}


def load_by_number(conn: Connection, number_keys: Sequence[str]) -> dict[str, list[Onboarding]]:
    """Return every onboarding of these numbers, the latest last."""
    given = rowset(conn, [t.c.number_key], [{"number_key": key} for key in number_keys])
    query = select(t).where(t.c.number_key.in_(select(given.c.number_key)))
    found: dict[str, list[Onboarding]] = {}
    for row in conn.execute(query.order_by(t.c.created_at, t.c.id)):
        found.setdefault(row.number_key, []).append(to_onboarding(row))
    return found


def load_observable(
    conn: Connection, waba_id: str, open_ids: Select[Any], *, lock: bool
) -> list[Onboarding]:
    """Return the account's onboardings that a read of its list tells something about."""
    over = (State.EXPIRED, State.LEFT, State.FAILED, State.CANCELLED)
    query = select(t).where(
        t.c.waba_id == waba_id, or_(t.c.state.not_in(over), t.c.id.in_(open_ids))
    )
    if lock:
        query = query.with_for_update()
    return [to_onboarding(row) for row in conn.execute(query)]


def find(
    conn: Connection,
    *,
    states: Sequence[State],
    waba_id: str | None,
    number_key: str | None,
    due_before: datetime | None,
    after_id: str | None,
    limit: int,
) -> list[Onboarding]:
    """Return onboardings in the order of their ids, from the one after ``after_id``."""
    conditions: list[ColumnElement[bool]] = [true()]
    if states:
        conditions.append(t.c.state.in_(states))
    if waba_id:
        conditions.append(t.c.waba_id == waba_id)
    if number_key:
        conditions.append(t.c.number_key == number_key)
    if due_before:
        conditions.append(t.c.register_by <= due_before)
    if after_id:
        conditions.append(t.c.id > after_id)
    query = select(t).where(and_(*conditions)).order_by(t.c.id).limit(limit)
    return [to_onboarding(row) for row in conn.execute(query)]


def next_due(conn: Connection) -> datetime | None:
    """Return when the earliest machine is due."""
    due: datetime | None = conn.execute(
        select(t.c.next_due_at)
        .where(t.c.next_due_at.is_not(None))
        .order_by(t.c.next_due_at)
        .limit(1)
    ).scalar()
    return due


def leased(conn: Connection) -> int:
    """Return how many machines are in some worker's hands."""
    count = select(func.count()).select_from(t).where(t.c.lease_owner.is_not(None))
    return conn.execute(count).scalar_one()
