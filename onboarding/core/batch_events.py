"""What is told of a batch that stands still since one of its canaries failed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from onboarding.core.batches import Batch
from onboarding.core.events import Event
from onboarding.core.in_turn import told_first, told_next
from onboarding.core.telling import CANARY, Overdue, Tell
from onboarding.model import AlertKind, EventType

_STOPPED = EventType.BATCH_STOPPED


def _facts(batch: Batch, since: datetime, held_back: int) -> dict[str, Any]:
    return {
        "what": CANARY,
        "from": "operator",
        "since": since,
        "why": batch.reason,
        "command": f"onboarding batch show {batch.name!r}; then onboarding batch resume or "
        f'onboarding batch cancel {batch.name!r} --reason "..."',
        "batch": batch.name,
        "numbers": held_back,
    }


def canary_failed(
    batch: Batch, since: datetime, held_back: int, rule: Overdue, now: datetime
) -> Event:
    """Return the event of a batch that was paused since a canary failed.

    Args:
        batch: which one.
        since: when it was paused.
        held_back: how many numbers do not go on.
        rule: who is told.
        now: business time.
    """
    facts = _facts(batch, since, held_back)
    return told_first(_STOPPED, AlertKind.BATCH, batch.id, facts, rule=rule, now=now)


def still_stopped(
    batch: Batch, since: datetime, held_back: int, step: int, *, tell: Tell, now: datetime
) -> Event:
    """Return the event of such a batch that nobody decided on, for those who are told next."""
    facts = _facts(batch, since, held_back)
    return told_next(_STOPPED, AlertKind.BATCH, batch.id, facts, tell=tell, step=step, now=now)
