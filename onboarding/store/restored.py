"""What a restore means for the stored machines: what they forget, and what is to be seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, Table, case, func, literal_column, null, or_, select, update

from onboarding.core.lifecycle import IN_PROGRESS, LIVE
from onboarding.core.pool.lifecycle import LIVE as LIVE_IN_POOL
from onboarding.model import Operation, Reason
from onboarding.store.tables import onboarding as t
from onboarding.store.tables import pool, pool_number


def forget_after_restore(conn: Connection, now: datetime) -> None:
    """Forget what the original may have used up since the backup, and look at everything anew.

    A code that waits may have been sent, a person's "ready" may have been taken at its word, and a
    deregistration that was to be finished may be. The fence moves, so that a worker that decided
    before writes nothing.
    """
    repeats = t.c.retry_operation == Operation.DEREGISTER
    conn.execute(
        update(t)
        .where(t.c.state.in_(IN_PROGRESS))
        .values(
            code_sealed=null(),
            code_mac=null(),
            code_ready=False,
            tries=case((repeats, 0), else_=t.c.tries),
            retry_at=case((repeats, null()), else_=t.c.retry_at),
            trouble=case((repeats, null()), else_=t.c.trouble),
            retry_operation=case((repeats, null()), else_=t.c.retry_operation),
            next_due_at=now,
            version=t.c.version + 1,
        )
    )
    conn.execute(
        update(pool_number)
        .where(pool_number.c.state.in_(LIVE_IN_POOL))
        .values(code_sealed=null(), code_mac=null(), code_ready=False, next_due_at=now)
    )


def wake_restored(conn: Connection, now: datetime) -> None:
    """Make the machines due that waited for the release of a restored copy."""
    for machines in (t, pool_number):
        waits = machines.c.waiting == Reason.RESTORED
        conn.execute(update(machines).where(waits).values(next_due_at=now))


def want_pools_read(conn: Connection, at: datetime) -> None:
    """Have the lists of all pools read then, whatever became of the last read."""
    conn.execute(update(pool).values(observe_due_at=at, failures=0))


def count_seen_live(conn: Connection, since: datetime) -> tuple[int, int]:
    """Return how many onboardings are not over, and how many no list shows that began since."""
    return _count(conn, t, LIVE, since)


def count_seen_in_pools(conn: Connection, since: datetime) -> tuple[int, int]:
    """Return the same of the numbers of pools."""
    return _count(conn, pool_number, LIVE_IN_POOL, since)


def _count(
    conn: Connection, machines: Table, live: Sequence[StrEnum], since: datetime
) -> tuple[int, int]:
    unseen = or_(machines.c.seen_at.is_(None), machines.c.seen_at < since)
    counts = select(func.count(), func.count(case((unseen, literal_column("1")))))
    found, not_seen = conn.execute(counts.where(machines.c.state.in_(live))).one()
    return found, not_seen
