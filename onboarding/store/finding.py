"""Finding onboardings: by key, number, prefix, account or conditions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, or_, select, true

from onboarding.core.lifecycle import FINAL
from onboarding.core.telling import NEEDS
from onboarding.model import Onboarding, Owner, Reason, State
from onboarding.store.journal import open_onboarding_ids
from onboarding.store.onboardings import to_onboarding
from onboarding.store.rowset import listed, packed_list, storable
from onboarding.store.tables import onboarding as t

#: What an onboarding rests with when nothing is due from anybody.
_NOBODY = (Reason.DONE, Reason.OVER)


@cache
def _by_key(dialect: str) -> Select[Any]:
    return select(t).where(t.c.key.in_(listed(dialect, t.c.key)))


def load_by_key(conn: Connection, keys: Sequence[str]) -> dict[str, Onboarding]:
    """Return the onboardings that callers' keys name."""
    found = conn.execute(_by_key(conn.dialect.name), packed_list(t.c.key, keys))
    return {row.key: to_onboarding(row) for row in found}


@cache
def _by_number(dialect: str) -> Select[Any]:
    numbers = listed(dialect, t.c.number_key)
    return select(t).where(t.c.number_key.in_(numbers)).order_by(t.c.created_at, t.c.id)


def load_by_number(conn: Connection, number_keys: Sequence[str]) -> dict[str, list[Onboarding]]:
    """Return every onboarding of these numbers, the latest last."""
    found: dict[str, list[Onboarding]] = {}
    numbers = packed_list(t.c.number_key, number_keys)
    for row in conn.execute(_by_number(conn.dialect.name), numbers):
        found.setdefault(row.number_key, []).append(to_onboarding(row))
    return found


def load_by_prefix(conn: Connection, prefix: str, limit: int) -> list[Onboarding]:
    """Return onboardings whose id starts like this."""
    query = select(t).where(t.c.id.startswith(storable(prefix), autoescape=True)).limit(limit)
    return [to_onboarding(row) for row in conn.execute(query)]


def load_observable(conn: Connection, waba_id: str) -> list[Onboarding]:
    """Return the account's onboardings that a read of its list tells something about, locked."""
    found = conn.execute(_observable(conn.dialect.name), {"waba": waba_id})
    return [to_onboarding(row) for row in found]


@cache
def _observable(dialect: str) -> Select[Any]:
    query = select(t).where(
        t.c.waba_id == bindparam("waba"),
        or_(t.c.state.not_in(FINAL), t.c.id.in_(open_onboarding_ids())),
    )
    if dialect != "postgresql":  # asked for an order, SQLite would read the whole table
        return query
    return query.order_by(t.c.id).with_for_update(key_share=True)


def find(
    conn: Connection,
    *,
    states: Sequence[State],
    waiting_for: Owner | None,
    waba_id: str | None,
    number_key: str | None,
    due_before: datetime | None,
    batch_id: str | None = None,
    after_id: str | None,
    limit: int,
) -> list[Onboarding]:
    """Return onboardings in the order of their ids, from the one after ``after_id``."""
    conditions: list[ColumnElement[bool]] = [true()]
    if states:
        conditions.append(t.c.state.in_(states))
    if waiting_for:
        conditions += [t.c.waiting_for == waiting_for, t.c.waiting.not_in(_NOBODY)]
    if waba_id:
        conditions.append(t.c.waba_id == storable(waba_id))
    if number_key is not None:
        conditions.append(t.c.number_key == number_key)
    if due_before:
        conditions.append(t.c.register_by <= due_before)
    if batch_id is not None:
        conditions.append(t.c.batch_id == batch_id)
    if after_id:
        conditions.append(t.c.id > storable(after_id))
    query = select(t).where(and_(*conditions)).order_by(t.c.id).limit(limit)
    return [to_onboarding(row) for row in conn.execute(query)]


def load_waiting_page(conn: Connection, after: str, limit: int) -> list[str]:
    """Return the ids of onboardings that wait for a person, from an id on."""
    waits = t.c.waiting.in_(tuple(NEEDS))
    query = select(t.c.id).where(waits, t.c.id > after).order_by(t.c.id).limit(limit)
    return list(conn.execute(query).scalars())
