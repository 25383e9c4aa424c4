"""What a forecast found: what happens when, which numbers are at risk, and what it costs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from onboarding.model import DeadlineReason, Owner, Reason, State


class Risk(StrEnum):
    """How a number stands against its deadline at the end of a forecast."""

    MISSED = "missed"
    OPEN = "open"
    TIGHT = "tight"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How one number ends.

    Attributes:
        id: of the onboarding; empty for a row of a file.
        phone_number: E.164.
        waba_id: its WABA.
        state: where it is at the end.
        registered_at: when it came to be registered; ``None`` if it did not.
        register_by: its deadline; ``None`` if none ran.
        deadline: why that was set.
        left: how much time was left when it was registered, or at the end.
        risk: ``missed``, ``open`` (not registered so far), ``tight`` (within a day), or ``none``.
        waiting: what it waits for at the end, or waited for when it missed its deadline.
        waiting_for: whose turn that is.
    """

    id: str
    phone_number: str
    waba_id: str
    state: State
    registered_at: datetime | None
    register_by: datetime | None
    deadline: DeadlineReason | None
    left: timedelta | None
    risk: Risk
    waiting: Reason
    waiting_for: Owner


@dataclass(slots=True, kw_only=True)
class Day:
    """What happens on one day (UTC).

    Attributes:
        date: which day.
        events: moves of the lifecycle, by trigger, and ``escalated`` per rung of the ladder.
        calls: Graph calls by endpoint.
    """

    date: date
    events: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class BusiestHour:
    """The clock hour in which a WABA is called most, of those of the forecast."""

    waba_id: str
    at: datetime
    calls: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A forecast.

    Attributes:
        starts_at: when it begins: now.
        ends_at: when it ends.
        assumptions: what it assumes, in sentences.
        days: what happens, day by day; days on which nothing does are left out.
        endings: how each number ends, those at risk first.
        busiest: the busiest hour of each WABA, the fullest first.
        put_off: calls that a budget put off.
    """

    starts_at: datetime
    ends_at: datetime
    assumptions: tuple[str, ...]
    days: tuple[Day, ...]
    endings: tuple[Ending, ...]
    busiest: tuple[BusiestHour, ...]
    put_off: int

    @property
    def calls(self) -> Counter[str]:
        """All Graph calls by endpoint, reads of lists included."""
        return sum((day.calls for day in self.days), Counter())

    @property
    def at_risk(self) -> tuple[Ending, ...]:
        """The numbers that miss their deadline, come close to it, or are not done by the end."""
        return tuple(each for each in self.endings if each.risk is not Risk.NONE)
