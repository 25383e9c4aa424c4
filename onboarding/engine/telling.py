"""One pass over everything of which somebody is to be told: rungs, alerts, messages."""

from __future__ import annotations

from sqlalchemy import select

from onboarding.engine.alerting import tell_due
from onboarding.engine.context import Context
from onboarding.engine.delivering import deliver_all
from onboarding.engine.escalate import escalate_due
from onboarding.store import alerts, deadlines, outbox
from onboarding.store.database import reading


def tell_what_is_due(ctx: Context, limit: int) -> tuple[int, int]:
    """Raise rungs and alerts that are due, and send what is due.

    If nothing is, one statement tells.

    Returns:
        How many deadlines and alerts there were, and how many messages were sent.
    """
    now = ctx.clock.now()
    with reading(ctx.database) as conn:
        is_due = select(
            deadlines.is_due(now), alerts.is_due(now), outbox.is_due(now, list(ctx.channels))
        )
        rungs, waiting, messages = conn.execute(is_due).one()
    raised = (escalate_due(ctx, limit) if rungs else 0) + (tell_due(ctx, limit) if waiting else 0)
    delivered = deliver_all(ctx) if messages or raised else 0
    return raised, delivered
