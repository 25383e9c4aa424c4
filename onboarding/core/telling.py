"""Who is told what, as data: rungs of the ladder, requirements that wait too long, the digest.

The defaults hold where no file says otherwise: everything goes to the channel ``log``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from onboarding.core.policy import DEFAULT_LADDER, Rung
from onboarding.core.timing import DAY, HOUR, MINUTE
from onboarding.model import Audience, EventType, Reason

#: The channel that is always there.
LOG = "log"

#: What an onboarding needs of a person, by the reason for which it waits. A need lasts while the
#: engine tries again in between: the code that was sent anew is still the code.
NEEDS = {
    Reason.CODE_READY: "code",
    Reason.CODE: "code",
    Reason.NAME_MISSING: "display_name",
    Reason.NAME_DECLINED: "display_name",
    Reason.NAME_EXPIRED: "display_name",
    Reason.NOT_ON_WABA: "embedded_signup",
    Reason.PIN: "pin",
    Reason.HELD: "release",
    Reason.REFUSED: "support",
    Reason.STUCK: "support",
    Reason.NOT_OURS: "support",
    Reason.MIGRATION: "support",
    Reason.BANNED: "support",
    Reason.DISCONNECTED: "connection",
    Reason.NAME_CHANGED: "display_name",
}

#: An account on hold: one alert for all its numbers.
TOKEN = "token"  # noqa: S105 - the name of a need

#: Verified numbers of a country in a pool: one alert for the pool and the country.
STOCK = "stock"

#: What waits for a second person: one alert for the onboarding.
APPROVAL = "approval"
#: A batch whose canaries failed: one alert for the batch and all its numbers.
CANARY = "canary"

#: How long each need may wait before somebody is told.
PATIENCE = {
    "code": DAY,
    "display_name": 2 * DAY,
    "embedded_signup": 2 * DAY,
    "pin": DAY,
    "release": 3 * DAY,
    "support": 4 * HOUR,
    "connection": HOUR / 4,
    TOKEN: HOUR,
    STOCK: HOUR,
    APPROVAL: HOUR,
    CANARY: MINUTE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Whom to tell of something, and whom next if nobody takes it on.

    Attributes:
        channels: who is told at once.
        audience: whom the message is written for.
        then: who is told next if nobody has acknowledged it ``after`` so long: one after the
            other, and again from the first, until somebody does or it is done.
        after: how long each has; ``None``: nobody is told next.
    """

    channels: tuple[str, ...] = (LOG,)
    audience: Audience = Audience.OPERATOR
    then: tuple[str, ...] = ()
    after: timedelta | None = None

    def next_channel(self, step: int) -> str:
        """Return who is told once so many were told; there is somebody in ``then``."""
        return self.then[(step - 1) % len(self.then)]

    def told_before(self, step: int) -> list[str]:
        """Return who was told once so many were, each once."""
        return [*self.channels, *self.then[: step - 1]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """How long a need may wait for a person, and who is told then."""

    longer_than: timedelta
    tell: Tell = field(default_factory=Tell)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekly:
    """When the digest is made, on the clock of which place, and for which channels."""

    channels: tuple[str, ...]
    weekday: int = 0
    at: time = time(8)
    timezone: str = "UTC"

    def next_after(self, instant: datetime) -> datetime:
        """Return the first time for a digest after an instant, in UTC.

        An hour that the clocks leave out is taken an hour later.
        """
        zone = ZoneInfo(self.timezone)
        day: date = instant.astimezone(zone).date()
        day += timedelta(days=(self.weekday - day.weekday()) % 7)
        at = datetime.combine(day, self.at, zone).astimezone(instant.tzinfo)
        if at > instant:
            return at
        return datetime.combine(day + 7 * DAY, self.at, zone).astimezone(instant.tzinfo)


def _by_default() -> dict[str, Overdue]:
    return {need: Overdue(longer_than=span) for need, span in PATIENCE.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Everything that says who is told what.

    Attributes:
        ladder: the rungs of every deadline.
        rungs: whom to tell of each rung, by its name.
        overdue: how long each need may wait, by its name.
        digest: when a digest is made; ``None``: never.
        subscriptions: the types of events that a channel gets whatever else it is told of.
    """

    ladder: tuple[Rung, ...] = DEFAULT_LADDER
    rungs: Mapping[str, Tell] = field(default_factory=dict)
    overdue: Mapping[str, Overdue] = field(default_factory=_by_default)
    digest: Weekly | None = None
    subscriptions: Mapping[str, frozenset[EventType]] = field(default_factory=dict)

    def of_rung(self, name: str) -> Tell:
        """Return whom to tell of a rung."""
        return self.rungs.get(name, Tell())
