"""What a restore means for the stored onboardings: what they forget, and what is to be seen."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, case, func, literal_column, null, or_, select, update

from onboarding.core.lifecycle import IN_PROGRESS, LIVE
from onboarding.model import Operation, Reason
from onboarding.store.tables import onboarding as t


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


def wake_restored(conn: Connection, now: datetime) -> None:
    """Make the machines due that waited for the release of a restored copy."""
    conn.execute(update(t).where(t.c.waiting == Reason.RESTORED).values(next_due_at=now))


def count_seen_live(conn: Connection, since: datetime) -> tuple[int, int]:
    """Return how many onboardings are not over, and how many no list shows that began since."""
    unseen = or_(t.c.seen_at.is_(None), t.c.seen_at < since)
    counts = select(func.count(), func.count(case((unseen, literal_column("1")))))
    live, not_seen = conn.execute(counts.where(t.c.state.in_(LIVE))).one()
    return live, not_seen
