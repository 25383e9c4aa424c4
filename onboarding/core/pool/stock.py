"""How many verified numbers of a country a pool has, and what is told when they run low."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from onboarding.core.events import Event
from onboarding.core.in_turn import told_first, told_next
from onboarding.core.telling import STOCK, Overdue, Tell
from onboarding.model import AlertKind, EventType

_LOW = EventType.LOW_STOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """The numbers of one country in one pool.

    Attributes:
        verified: can be claimed without a code.
        pending: Meta has them, and ownership is not proven, or not any more.
        requested: on their way into the pool.
        claimed: given away; what took their place is not known yet.
        at_least: how many verified ones there are to be; ``None`` if nobody said.
    """

    business_id: str
    region: str
    verified: int = 0
    pending: int = 0
    requested: int = 0
    claimed: int = 0
    at_least: int | None = None

    @property
    def is_low(self) -> bool:
        """Whether there are fewer than there are to be."""
        return self.at_least is not None and self.verified < self.at_least

    @property
    def subject(self) -> str:
        """What alerts and events about it are about."""
        return subject_of(self.business_id, self.region)


def subject_of(business_id: str, region: str) -> str:
    """Return what alerts about the stock of a country are about."""
    return f"{business_id}/{region}"


def _facts(stock: Stock, since: datetime) -> dict[str, Any]:
    return {
        "what": STOCK,
        "from": "operator",
        "since": since,
        "why": f"{stock.verified} verified numbers of {stock.region} are left, "
        f"and there are to be {stock.at_least}",
        "command": f"onboarding pool add {stock.business_id} NUMBER",
        "business_id": stock.business_id,
        "country": stock.region,
        "verified": stock.verified,
        "pending": stock.pending,
        "at_least": stock.at_least,
    }


def low_stock(stock: Stock, since: datetime, rule: Overdue, now: datetime) -> Event:
    """Return the event of a stock that has been low for too long."""
    facts = _facts(stock, since)
    return told_first(_LOW, AlertKind.STOCK, stock.subject, facts, rule=rule, now=now)


def still_low(stock: Stock, since: datetime, step: int, *, tell: Tell, now: datetime) -> Event:
    """Return the event of a low stock that nobody took on, for those who are told next."""
    facts = _facts(stock, since)
    return told_next(_LOW, AlertKind.STOCK, stock.subject, facts, tell=tell, step=step, now=now)
