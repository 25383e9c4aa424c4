"""What is told of a thing that is no onboarding: first, and then to whoever is next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from onboarding.core.events import Event
from onboarding.core.telling import Overdue, Tell
from onboarding.core.timing import span_text
from onboarding.model import AlertKind, Audience, EventType


def told_first(
    type_: EventType,
    about: AlertKind,
    subject: str,
    facts: Mapping[str, Any],
    *,
    rule: Overdue,
    now: datetime,
) -> Event:
    """Return the event for those whom the rule names first."""
    return Event(
        type=type_,
        at=now,
        subject=subject,
        audience=rule.tell.audience,
        channels=rule.tell.channels,
        about=about,
        data={**facts, "longer_than": span_text(rule.longer_than), "told": None},
    )


def told_next(
    type_: EventType,
    about: AlertKind,
    subject: str,
    facts: Mapping[str, Any],
    *,
    tell: Tell,
    step: int,
    now: datetime,
) -> Event:
    """Return the event for who is next, since nobody took it on."""
    return Event(
        type=type_,
        at=now,
        subject=subject,
        audience=Audience.OPERATOR,
        channels=(tell.next_channel(step),),
        about=about,
        data={
            **facts,
            "longer_than": span_text(tell.after),
            "told": tell.told_before(step),
        },
    )
