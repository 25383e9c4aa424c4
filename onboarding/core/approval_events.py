"""What second persons are told: that something waits for them, and that it has waited too long."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from onboarding.core.approvals import Approval
from onboarding.core.events import Event, standing
from onboarding.core.telling import APPROVAL, Overdue, Tell
from onboarding.core.timing import span_text
from onboarding.model import AlertKind, Audience, EventType, Onboarding, Owner


def _due(row: Onboarding, asked: Approval) -> dict[str, Any]:
    return {
        "what": APPROVAL,
        "from": Owner.OPERATOR,
        "since": asked.asked_at,
        "due_by": row.register_by,
        "why": asked.why,
        "command": asked.how,
    }


def approval_asked(row: Onboarding, asked: Approval) -> Event:
    """Return the event of what begins to wait for a second person."""
    return Event(
        type=EventType.REQUIREMENT,
        at=asked.asked_at,
        subject=row.id,
        onboarding=standing(row),
        data=_due(row, asked),
    )


def approval_overdue(row: Onboarding, asked: Approval, rule: Overdue, now: datetime) -> Event:
    """Return the event of what has waited too long for a second person."""
    return Event(
        type=EventType.OVERDUE,
        at=now,
        subject=row.id,
        onboarding=standing(row),
        audience=rule.tell.audience,
        channels=rule.tell.channels,
        about=AlertKind.APPROVAL,
        data={**_due(row, asked), "longer_than": span_text(rule.longer_than)},
    )


def approval_unacknowledged(
    row: Onboarding, asked: Approval, step: int, *, tell: Tell, now: datetime
) -> Event:
    """Return the event of what nobody decided, for who is told next."""
    return Event(
        type=EventType.UNACKNOWLEDGED,
        at=now,
        subject=row.id,
        onboarding=standing(row),
        audience=Audience.OPERATOR,
        channels=(tell.next_channel(step),),
        about=AlertKind.APPROVAL,
        data={
            **_due(row, asked),
            "of": AlertKind.APPROVAL,
            "rung": None,
            "told": tell.told_before(step),
            "after": span_text(tell.after),
        },
    )
