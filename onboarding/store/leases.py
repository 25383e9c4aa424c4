"""Whose a machine is, and when it is due: claim, wake, and look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    Select,
    bindparam,
    case,
    func,
    null,
    or_,
    select,
    union_all,
    update,
)

from onboarding.core.lifecycle import LIVE
from onboarding.model import Reason
from onboarding.store.columns import Instant
from onboarding.store.rowset import listed, packed_list
from onboarding.store.tables import onboarding as t


@dataclass(frozen=True, slots=True)
class Claimed:
    """A machine that is this worker's, as long as its row has this version."""

    id: str
    version: int


def _free() -> Any:
    return or_(t.c.lease_until.is_(None), t.c.lease_until <= bindparam("real_now", type_=Instant))


@cache
def _claim_due(dialect: str) -> Any:
    now, most = bindparam("now", type_=Instant), bindparam("most", type_=Integer)
    is_due = (t.c.next_due_at <= now, _free(), t.c.definition <= bindparam("known_definition"))
    is_urgent = (t.c.register_by > now, t.c.register_by <= bindparam("soon", type_=Instant))
    urgent = (
        select(t.c.id)
        .where(*is_urgent, *is_due)
        .order_by(t.c.register_by, t.c.next_due_at, t.c.id)
        .limit(most)
    )
    longest = select(t.c.id).where(*is_due).order_by(t.c.next_due_at, t.c.id).limit(most)
    if dialect == "postgresql":
        urgent = urgent.with_for_update(skip_locked=True, key_share=True)
        longest = longest.with_for_update(skip_locked=True, key_share=True)
    parts = [
        # MATERIALIZED: without it a nested-loop plan of PostgreSQL may ignore the LIMIT.
        part.cte(name).prefix_with("MATERIALIZED", dialect="postgresql")
        for name, part in (("urgent", urgent), ("longest", longest))
    ]
    both = union_all(*(select(part.c.id) for part in parts)).subquery("due")
    return _claim(select(both.c.id).limit(most))


@cache
def _claim_these(dialect: str) -> Any:
    chosen = select(t.c.id).where(
        t.c.id.in_(listed(dialect, t.c.id)),
        _free(),
        t.c.definition <= bindparam("known_definition"),
    )
    if dialect == "postgresql":
        chosen = chosen.with_for_update(skip_locked=True, key_share=True)
    return _claim(chosen)


def _claim(chosen: Select[tuple[str]]) -> Any:
    # MATERIALIZED: the same.
    picked = chosen.cte("picked").prefix_with("MATERIALIZED", dialect="postgresql")
    return (
        update(t)
        .where(t.c.id.in_(select(picked.c.id)))
        .values(
            lease_owner=bindparam("worker"),
            lease_until=bindparam("until", type_=Instant),
            next_due_at=bindparam("wake_at", type_=Instant),
            version=t.c.version + 1,
            reclaims=case((t.c.lease_owner.is_not(None), t.c.reclaims + 1), else_=0),
        )
        .returning(t.c.id, t.c.version)
    )


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
    soon: datetime,
) -> list[Claimed]:
    """Take the machines that are due, so that no other worker has them.

    Those whose deadline is near come first, the nearest before the others; then those that are due
    longest, and of those the one that was asked for first.

    Args:
        conn: an open transaction.
        worker: who takes them.
        now: business time: what is due.
        real_now: real time: which leases have run out.
        lease_until: real time until which they are this worker's.
        wake_at: business time at which they are due again if nothing comes of it.
        definition: the newest definition that this release understands.
        limit: at most so many.
        soon: a deadline that is still ahead, and no later than this, is near.
    """
    parameters = {
        "worker": worker,
        "now": now,
        "real_now": real_now,
        "until": lease_until,
        "wake_at": wake_at,
        "known_definition": definition,
        "most": limit,
        "soon": soon,
    }
    claimed = conn.execute(_claim_due(conn.dialect.name), parameters)
    return [Claimed(row.id, row.version) for row in claimed]


def claim_these(
    conn: Connection,
    ids: Sequence[str],
    *,
    worker: str,
    real_now: datetime,
    lease_until: datetime,
    wake_at: datetime,
    definition: int,
) -> list[Claimed]:
    """Take certain machines, due or not, unless another worker has them."""
    parameters = {
        "worker": worker,
        "real_now": real_now,
        "until": lease_until,
        "wake_at": wake_at,
        "known_definition": definition,
        **packed_list(t.c.id, ids),
    }
    claimed = conn.execute(_claim_these(conn.dialect.name), parameters)
    return [Claimed(row.id, row.version) for row in claimed]


@cache
def _wake(dialect: str) -> Any:
    due = update(t).where(t.c.id.in_(listed(dialect, t.c.id)))
    held = t.c.lease_owner == bindparam("worker")
    return due.values(
        next_due_at=bindparam("now", type_=Instant),
        lease_owner=case((held, null()), else_=t.c.lease_owner),
        lease_until=case((held, null()), else_=t.c.lease_until),
    )


def wake(conn: Connection, ids: Sequence[str], now: datetime, *, worker: str) -> None:
    """Make machines due now; a lease of this worker on them ends, for it is done with them."""
    if ids:
        parameters = {"now": now, "worker": worker, **packed_list(t.c.id, ids)}
        conn.execute(_wake(conn.dialect.name), parameters)


def wake_account(conn: Connection, waba_id: str, now: datetime, waiting: Sequence[Reason]) -> None:
    """Make the account's living machines that wait for one of these reasons due now."""
    conn.execute(_WAKE_ACCOUNT, {"waba": waba_id, "reasons": waiting, "now": now})


_WAKE_ACCOUNT = (
    update(t)
    .where(
        t.c.waba_id == bindparam("waba"),
        t.c.state.in_(LIVE),
        t.c.waiting.in_(bindparam("reasons", expanding=True)),
        t.c.lease_owner.is_(None),
    )
    .values(next_due_at=bindparam("now", type_=Instant))
)


def next_due(conn: Connection, definition: int) -> datetime | None:
    """Return when the earliest machine is due that a release with this definition may claim."""
    due: datetime | None = conn.execute(_NEXT_DUE, {"known_definition": definition}).scalar()
    return due


_NEXT_DUE = (
    select(t.c.next_due_at)
    .where(t.c.next_due_at.is_not(None), t.c.definition <= bindparam("known_definition"))
    .order_by(t.c.next_due_at)
    .limit(1)
)


def leased(conn: Connection) -> int:
    """Return how many machines are in some worker's hands."""
    return conn.execute(_LEASED).scalar_one()


_LEASED = select(func.count()).select_from(t).where(t.c.lease_owner.is_not(None))
