"""Until when a number must be registered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from onboarding.words import DeadlineReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """Until when a number must be registered, why, and which rungs of the ladder are behind us.

    Attributes:
        next_rung: how many rungs were raised or collapsed.
        climbed: their names, with commas between them.
        snoozed_until: rungs but the end wait until then.
    """

    onboarding_id: str
    cycle: int
    reason: DeadlineReason
    anchor_source: str
    starts_at: datetime
    due_at: datetime
    next_rung: int = 0
    next_rung_at: datetime | None = None
    closed_at: datetime | None = None
    closed_how: str | None = None
    climbed: str | None = None
    snoozed_until: datetime | None = None
