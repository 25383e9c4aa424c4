"""One pass over everything of which somebody is to be told: rungs, alerts, messages.

And over the batches whose canaries are on their way.
"""

from __future__ import annotations

from sqlalchemy import bindparam, select

from onboarding.engine.alerting import tell_due
from onboarding.engine.batch_changes import judge_batches
from onboarding.engine.context import Context
from onboarding.engine.delivering import deliver_all
from onboarding.engine.escalate import escalate_due
from onboarding.store import alerts, batches, deadlines, outbox
from onboarding.store.columns import Instant
from onboarding.store.database import reading

_now = bindparam("now", type_=Instant)
_IS_DUE = select(
    deadlines.is_due(_now),
    alerts.is_due(_now),
    outbox.is_due(_now, bindparam("channels", expanding=True)),
    batches.are_proving(),
)


def tell_what_is_due(ctx: Context, limit: int) -> tuple[int, int]:
    """Raise rungs and alerts that are due, and send what is due.

    If nothing is, one statement tells.

    Returns:
        How many deadlines, alerts and batches there were, and how many messages were sent.
    """
    now = ctx.clock.now()
    with reading(ctx.database) as conn:
        wanted = {"now": now, "channels": list(ctx.channels)}
        rungs, waiting, messages, proving = conn.execute(_IS_DUE, wanted).one()
    judged = judge_batches(ctx) if proving else 0
    raised = (escalate_due(ctx, limit) if rungs else 0) + (tell_due(ctx, limit) if waiting else 0)
    delivered = deliver_all(ctx) if messages or raised else 0
    return raised + judged, delivered
