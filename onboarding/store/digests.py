"""Counts for the weekly digest and for alerts of accounts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from onboarding.core.lifecycle import IN_PROGRESS
from onboarding.model import Reason
from onboarding.store.tables import onboarding as t

_WEEK = timedelta(days=7)
_MOST_LISTED = 25


def load_digest(conn: Connection, now: datetime) -> dict[str, Any]:
    """Return the fleet in a few counts: per state, per owner, and what is due within a week."""
    count = func.count()
    live = t.c.state.in_(IN_PROGRESS)
    states = conn.execute(
        select(t.c.state, count).where(live).group_by(t.c.state).order_by(t.c.state)
    )
    owners = conn.execute(
        select(t.c.waiting_for, count)
        .where(live)
        .group_by(t.c.waiting_for)
        .order_by(t.c.waiting_for)
    )
    soon = (live | t.c.renaming) & (t.c.register_by >= now) & (t.c.register_by < now + _WEEK)
    listed = conn.execute(
        select(t.c.id, t.c.phone_number, t.c.register_by, t.c.waiting_for, t.c.waiting)
        .where(soon)
        .order_by(t.c.register_by, t.c.id)
        .limit(_MOST_LISTED)
    )
    by_state = {row[0].value: row[1] for row in states}
    return {
        "in_progress": sum(by_state.values()),
        "states": by_state,
        "waiting": {row[0].value: row[1] for row in owners},
        "due_soon": conn.execute(select(count).select_from(t).where(soon)).scalar_one(),
        "due": [
            {
                "id": row.id,
                "phone_number": row.phone_number,
                "register_by": row.register_by,
                "waiting_for": row.waiting_for.value,
                "waiting": row.waiting.value,
            }
            for row in listed
        ],
    }


def count_held(conn: Connection, waba_ids: Sequence[str]) -> dict[str, int]:
    """Return how many onboardings stand still because their account is on hold."""
    query = (
        select(t.c.waba_id, func.count())
        .where(t.c.waba_id.in_(waba_ids), t.c.waiting == Reason.ACCOUNT_HELD)
        .group_by(t.c.waba_id)
    )
    return {row[0]: row[1] for row in conn.execute(query)}
