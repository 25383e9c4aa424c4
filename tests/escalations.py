"""What is on record of the rungs of an onboarding's ladders."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from onboarding.store.tables import escalation


def load_escalations(conn: Connection, onboarding_id: str) -> list[dict[str, Any]]:
    """Return the rungs that were raised or collapsed for an onboarding, in order."""
    query = (
        select(escalation)
        .where(escalation.c.onboarding_id == onboarding_id)
        .order_by(escalation.c.raised_at, escalation.c.rung)
    )
    return [dict(row._mapping) for row in conn.execute(query)]
