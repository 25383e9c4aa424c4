"""What is told of accounts: one event for all the numbers that wait with one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from onboarding.core.events import Event
from onboarding.core.telling import TOKEN, Overdue, Tell
from onboarding.core.timing import span_text
from onboarding.model import Account, AlertKind, Audience, EventType, TokenFacts


def account_facts(account: Account) -> dict[str, Any]:
    """Return which account an event is about."""
    return {"waba_id": account.waba_id, "name": account.name, "business_id": account.business_id}


def account_due(account: Account) -> dict[str, Any]:
    """Return what is due of an account on hold."""
    waba_id = account.waba_id
    return {
        "what": TOKEN,
        "from": "operator",
        "since": account.hold_since,
        "why": account.hold_text,
        "command": f"onboarding account check {waba_id}; if its token is dead, a new one: "
        f"onboarding account add {waba_id}",
    }


def account_event(
    type_: EventType, account: Account, data: Mapping[str, Any], at: datetime
) -> Event:
    """Return an event about an account."""
    return Event(
        type=type_, at=at, subject=account.waba_id, account=account_facts(account), data=data
    )


def account_overdue(account: Account, numbers: int, rule: Overdue, now: datetime) -> Event:
    """Return the event of an account that is on hold for too long: one for all its numbers."""
    return Event(
        type=EventType.OVERDUE,
        at=now,
        subject=account.waba_id,
        account=account_facts(account),
        audience=rule.tell.audience,
        channels=rule.tell.channels,
        about=AlertKind.ACCOUNT,
        data={
            **account_due(account),
            "numbers": numbers,
            "longer_than": span_text(rule.longer_than),
        },
    )


def account_unacknowledged(
    account: Account, numbers: int, step: int, *, tell: Tell, now: datetime
) -> Event:
    """Return the event of an account on hold that nobody took on, for who is told next.

    Args:
        account: which.
        numbers: how many of its numbers wait with it.
        step: how many were told.
        tell: who is.
        now: business time.
    """
    return Event(
        type=EventType.UNACKNOWLEDGED,
        at=now,
        subject=account.waba_id,
        account=account_facts(account),
        audience=Audience.OPERATOR,
        channels=(tell.next_channel(step),),
        about=AlertKind.ACCOUNT,
        data={
            **account_due(account),
            "of": AlertKind.ACCOUNT,
            "numbers": numbers,
            "told": tell.told_before(step),
            "after": span_text(tell.after),
        },
    )


def token_expiring(account: Account, facts: TokenFacts, tell: Tell, now: datetime) -> Event:
    """Return the event of a token that comes to its end: one for all numbers of the account."""
    return Event(
        type=EventType.TOKEN_EXPIRING,
        at=now,
        subject=account.waba_id,
        account=account_facts(account),
        audience=tell.audience,
        channels=tell.channels,
        about=AlertKind.TOKEN_EXPIRY,
        data={
            "what": TOKEN,
            "from": "operator",
            "since": facts.checked_at,
            "due_by": facts.ends_at,
            "why": "the token comes to its end",
            "command": f"onboarding account add {account.waba_id}   (with a new token)",
        },
    )
