"""Operations whose effect at Meta is not known, or was not found: what a person may settle."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, literal_column, or_, select, update

from onboarding.core.waits import ENGINE
from onboarding.model import OPEN, JournaledOperation, OperationStatus, Reason
from onboarding.store.journal import to_operation
from onboarding.store.rowset import listed, packed_list, storable
from onboarding.store.tables import onboarding, pool_number
from onboarding.store.tables import operation as t

#: Written out and not bound: SQLite uses a partial index only for the very words it was made with.
_IS_OPEN = t.c.status.in_([literal_column(f"'{status.value}'") for status in OPEN])


def load_unsettled(conn: Connection) -> list[JournaledOperation]:
    """Return the open operations of onboardings, and the lost ones of those that are held for it.

    A subscription is none: its next check settles it.
    """
    held = select(onboarding.c.id).where(
        onboarding.c.hold == Reason.REFUSED, onboarding.c.hold_by == ENGINE
    )
    is_lost = (t.c.status == OperationStatus.ABSENT) & t.c.onboarding_id.in_(held)
    query = (
        select(t)
        .where(t.c.onboarding_id.is_not(None), or_(_IS_OPEN, is_lost))
        .order_by(t.c.intent_at, t.c.id)
    )
    return [to_operation(row) for row in conn.execute(query)]


def load_unsettled_of_pools(conn: Connection) -> list[JournaledOperation]:
    """Return the open operations of pools, and the lost ones of numbers that are held for it."""
    held = select(pool_number.c.id).where(
        pool_number.c.hold == Reason.REFUSED, pool_number.c.hold_by == ENGINE
    )
    is_lost = (t.c.status == OperationStatus.ABSENT) & t.c.pool_number_id.in_(held)
    query = (
        select(t)
        .where(t.c.pool_number_id.is_not(None), or_(_IS_OPEN, is_lost))
        .order_by(t.c.intent_at, t.c.id)
    )
    return [to_operation(row) for row in conn.execute(query)]


def load_by_start(conn: Connection, start: str, limit: int) -> list[JournaledOperation]:
    """Return operations whose id starts like this; one that is exactly this comes first."""
    query = select(t).where(t.c.id.startswith(storable(start), autoescape=True))
    return [to_operation(row) for row in conn.execute(query.order_by(t.c.id).limit(limit))]


def other_with_number_id(conn: Connection, phone_number_id: str, onboarding_id: str) -> str | None:
    """Return the id of another onboarding that has this phone number id, if there is one."""
    query = select(onboarding.c.id).where(
        onboarding.c.phone_number_id == phone_number_id,
        onboarding.c.id != onboarding_id,
        onboarding.c.number_key
        != select(onboarding.c.number_key)
        .where(onboarding.c.id == onboarding_id)
        .scalar_subquery(),
    )
    found: str | None = conn.execute(query.limit(1)).scalar()
    return found


def other_with_preverified_id(conn: Connection, preverified_id: str, own: str) -> str | None:
    """Return the id of another number of a pool that has this temporary id, if there is one."""
    query = select(pool_number.c.id).where(
        pool_number.c.preverified_id == preverified_id, pool_number.c.id != own
    )
    found: str | None = conn.execute(query.limit(1)).scalar()
    return found


def close(
    conn: Connection,
    known: JournaledOperation,
    status: OperationStatus,
    now: datetime,
    resolved_by: str,
) -> bool:
    """Close an operation in the name of a person, if it still stands as it was read.

    Returns:
        Whether it did; if not, somebody else has settled it.
    """
    changed = conn.execute(
        update(t)
        .where(t.c.id == known.id, t.c.status == known.status)
        .values(status=status, applied=True, resolved_by=resolved_by, outcome_at=now)
        .returning(t.c.id)
    )
    return changed.first() is not None


def load_unsettled_of(
    conn: Connection, onboarding_ids: Sequence[str]
) -> dict[str, list[JournaledOperation]]:
    """Return the operations of these onboardings that are open or were not found at Meta."""
    found: dict[str, list[JournaledOperation]] = {}
    wanted = packed_list(t.c.onboarding_id, onboarding_ids)
    for row in conn.execute(_unsettled_of(conn.dialect.name), wanted):
        found.setdefault(row.onboarding_id, []).append(to_operation(row))
    return found


@cache
def _unsettled_of(dialect: str) -> Select[Any]:
    ids = listed(dialect, t.c.onboarding_id)
    unsettled = or_(_IS_OPEN, t.c.status == OperationStatus.ABSENT)
    return select(t).where(t.c.onboarding_id.in_(ids), unsettled).order_by(t.c.intent_at)
