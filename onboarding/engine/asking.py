"""Asking for an approval: what is wanted is kept until a second person has decided."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.approval_events import approval_asked
from onboarding.core.approvals import Approval, is_resubmitted_often
from onboarding.core.name_submissions import submissions
from onboarding.core.steps import Move
from onboarding.core.telling import APPROVAL, Overdue
from onboarding.engine.announcing import announce
from onboarding.engine.context import Context, Ids
from onboarding.errors import ConflictError
from onboarding.model import AlertKind, ApprovalKind, Onboarding, State
from onboarding.store import alerts, approvals, history, outbox
from onboarding.store.alerts import Alert
from onboarding.store.rowset import storable


def ask(
    ctx: Context,
    conn: Connection,
    row: Onboarding,
    kind: ApprovalKind,
    *,
    reason: str,
    actor: str,
    now: datetime,
    detail: str | None = None,
) -> Move:
    """Keep what is asked for, and return the step that tells of it; nothing else is changed.

    Whoever follows is told at once that a second person has to agree, and somebody is told after a
    while if nobody has.

    Raises:
        ConflictError: the same is asked for already.
    """
    if waiting := approvals.load_pending(conn, row.id, kind):
        raise ConflictError(
            f"{waiting[0].asked_by} has asked for that already; it waits for a second person",
            hint=f"onboarding approval approve {waiting[0].id}, or refuse it",
        )
    asked = Approval(
        id=Ids(now).next(),
        onboarding_id=row.id,
        cycle=row.cycle,
        kind=kind,
        detail=detail,
        reason=storable(reason),
        asked_by=actor,
        asked_at=now,
    )
    approvals.insert_approval(conn, asked)
    announce(ctx, conn, [approval_asked(row, asked)])
    if (rule := ctx.rules.overdue.get(APPROVAL)) is not None:
        alerts.open_alerts(conn, [_alert(asked, rule)])
    return Move(note="approval_asked", reason=reason, detail=asked.facts)


def _alert(asked: Approval, rule: Overdue) -> Alert:
    return Alert(
        kind=AlertKind.APPROVAL,
        subject=asked.onboarding_id,
        what=APPROVAL,
        since=asked.asked_at,
        next_at=asked.asked_at + rule.longer_than,
    )


def decided(conn: Connection, onboarding_id: str, now: datetime) -> None:
    """Tell nobody any more of what was decided, unless something else waits."""
    if not approvals.load_pending(conn, onboarding_id):
        alerts.close_alerts(conn, [onboarding_id], [AlertKind.APPROVAL], now)
        outbox.cancel(conn, [(onboarding_id, AlertKind.APPROVAL)], "it was decided")


def is_needed_for_name(ctx: Context, conn: Connection, row: Onboarding) -> bool:
    """Whether a second person must agree to another display name of this number."""
    if ApprovalKind.DISPLAY_NAME not in ctx.settings.to_approve() or row.state is State.REQUESTED:
        return False
    entries = [entry for _, entry in history.read(conn, row.id)]
    return is_resubmitted_often(submissions(entries, row))
