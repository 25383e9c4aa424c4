"""What happened, as programs and people are told: typed, with a version, and free of secrets.

The events of onboardings are built here, others beside it (``*_events``). A field is only ever
added to a type; if one must change its meaning or go, the type gets a new version.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from onboarding.core.chain import Entry
from onboarding.core.deadlines import Raised
from onboarding.core.reasons import FOR_PEOPLE, MEANINGS, WHEN_OVER, WHY_OVER, Meaning
from onboarding.core.telling import NEEDS, Overdue, Rules, Tell
from onboarding.core.timing import iso, span_text
from onboarding.model import (
    AlertKind,
    Audience,
    EventType,
    Onboarding,
    Owner,
    Reason,
    State,
)

#: The version of each type, as ``version`` of its events says.
VERSIONS: Mapping[EventType, int] = dict.fromkeys(EventType, 1)

#: What a digest and other events about everything are about.
FLEET = "fleet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened.

    Attributes:
        type: what kind of thing; its version is in ``VERSIONS``.
        at: business time.
        subject: whose it is: the id of an onboarding or of a WABA, or ``fleet``. The events of
            one subject reach a channel in their order.
        data: the facts of its type.
        onboarding: how the onboarding stands, if it is about one.
        account: which account, if it is about one.
        audience: whom it is written for, if somebody is told.
        channels: who is told, besides those that are subscribed to its type.
        about: what it asks for; once that is done, what was not sent of it is cancelled.
    """

    type: EventType
    at: datetime
    subject: str
    data: Mapping[str, Any] = field(default_factory=dict)
    onboarding: Mapping[str, Any] | None = None
    account: Mapping[str, Any] | None = None
    audience: Audience | None = None
    channels: tuple[str, ...] = ()
    about: AlertKind | None = None

    def body(self, event_id: str) -> str:
        """Return the event as JSON, as it is stored and sent."""
        told = {
            "id": event_id,
            "type": self.type,
            "version": VERSIONS[self.type],
            "at": self.at,
            "audience": self.audience,
            "onboarding": self.onboarding,
            "account": self.account,
            "data": self.data,
        }
        try:
            return orjson.dumps(told, default=_plain, option=_OPTIONS).decode()
        except TypeError:  # halves of characters, which only escapes can tell; or no JSON at all
            return json.dumps(told, default=_plain, separators=(",", ":"))


_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


def _plain(value: object) -> str:
    return iso(value) if isinstance(value, datetime) else str(value)


def recipients(event: Event, rules: Rules) -> dict[str, AlertKind | None]:
    """Return the channels that get an event, each with what ends its being asked for.

    Who is subscribed gets all of a type, whatever comes of it.
    """
    told: dict[str, AlertKind | None] = dict.fromkeys(event.channels, event.about)
    for channel, types in rules.subscriptions.items():
        if event.type in types:
            told[channel] = None
    return told


def standing(row: Onboarding) -> dict[str, Any]:
    """Return how an onboarding stands, as every event about it tells."""
    return {
        "id": row.id,
        "key": row.key,
        "phone_number": row.phone_number,
        "waba_id": row.waba_id,
        "display_name": row.display_name,
        "state": row.state,
        "cycle": row.cycle,
        "waiting": row.waiting,
        "waiting_for": row.waiting_for,
        "waiting_since": row.waiting_since,
        "register_by": row.register_by,
        "register_by_reason": row.register_by_reason,
    }


def due(row: Onboarding) -> dict[str, Any]:
    """Return what is due of an onboarding: what, from whom, since when, until when, and how."""
    meaning, what = MEANINGS[row.waiting], NEEDS.get(row.waiting, row.waiting.value)
    if row.state is State.EXPIRED:
        what = NEEDS[Reason.NOT_ON_WABA]
        meaning = Meaning(Owner.PARTNER, WHY_OVER[row.state], WHEN_OVER[row.state])
    return {
        "what": what,
        "from": meaning.owner,
        "since": row.waiting_since,
        "due_by": row.register_by,
        "why": meaning.text,
        "command": meaning.remedy.format(id=row.id, waba_id=row.waba_id)
        or f"onboarding show {row.id}",
    }


def transitions(row: Onboarding, entries: Sequence[Entry]) -> list[Event]:
    """Return an event for each entry of a history that changed the state."""
    return [
        Event(
            type=EventType.TRANSITION,
            at=entry.at,
            subject=row.id,
            onboarding=standing(row),
            data={
                "trigger": entry.trigger,
                "from": entry.source or None,
                "to": entry.dest,
                "reason": entry.reason,
                "actor": entry.actor,
            },
        )
        for entry in entries
        if entry.source != entry.dest
    ]


def requirement(before: Onboarding | None, row: Onboarding, now: datetime) -> Event | None:
    """Return the event of an onboarding that begins to wait for a person, or for something else."""
    began = row.waiting in FOR_PEOPLE and (before is None or before.waiting is not row.waiting)
    if not began:
        return None
    return Event(
        type=EventType.REQUIREMENT,
        at=now,
        subject=row.id,
        onboarding=standing(row),
        data=due(row),
    )


def escalation(up: Raised, row: Onboarding, tell: Tell, now: datetime) -> Event:
    """Return the event of a rung that is raised."""
    return Event(
        type=EventType.ESCALATION,
        at=now,
        subject=row.id,
        onboarding=standing(row),
        audience=tell.audience,
        channels=tell.channels,
        about=AlertKind.RUNG,
        data={
            "rung": up.rung.name,
            "collapsed": [rung.name for rung in up.collapsed],
            "deadline": up.deadline.reason,
            "deadline_at": up.deadline.due_at,
            **due(row),
        },
    )


def overdue(row: Onboarding, since: datetime, rule: Overdue, now: datetime) -> Event:
    """Return the event of a requirement that has waited too long."""
    return Event(
        type=EventType.OVERDUE,
        at=now,
        subject=row.id,
        onboarding=standing(row),
        audience=rule.tell.audience,
        channels=rule.tell.channels,
        about=AlertKind.REQUIREMENT,
        data={**due(row), "since": since, "longer_than": span_text(rule.longer_than)},
    )


def unacknowledged(
    row: Onboarding, kind: AlertKind, what: str, step: int, *, tell: Tell, now: datetime
) -> Event:
    """Return the event of what nobody took on, for who is told next.

    Args:
        row: whose it is.
        kind: what kind of thing.
        what: which rung or need.
        step: how many were told.
        tell: who is.
        now: business time.
    """
    return Event(
        type=EventType.UNACKNOWLEDGED,
        at=now,
        subject=row.id,
        onboarding=standing(row),
        audience=Audience.OPERATOR,
        channels=(tell.next_channel(step),),
        about=kind,
        data={
            **due(row),
            "of": kind,
            "rung": what if kind is AlertKind.RUNG else None,
            "told": tell.told_before(step),
            "after": span_text(tell.after),
        },
    )


def answered(
    type_: EventType, row: Onboarding, *, actor: str, reason: str, until: datetime, now: datetime
) -> Event:
    """Return the event of a person who took an onboarding on, or snoozed it."""
    return Event(
        type=type_,
        at=now,
        subject=row.id,
        onboarding=standing(row),
        data={"by": actor, "until": until, "reason": reason},
    )


def digest(data: Mapping[str, Any], channels: tuple[str, ...], now: datetime) -> Event:
    """Return the event of a weekly digest."""
    return Event(
        type=EventType.DIGEST,
        at=now,
        subject=FLEET,
        audience=Audience.OPERATOR,
        channels=channels,
        data=data,
    )
