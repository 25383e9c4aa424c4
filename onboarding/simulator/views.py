"""What the control endpoints show, as JSON and without secrets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from onboarding.simulator.budgets import waba_budget
from onboarding.simulator.call_log import digest_secret
from onboarding.simulator.events import next_event_at
from onboarding.simulator.preverified import expires_at, is_verified
from onboarding.simulator.state import (
    NOT_VERIFIED,
    VERIFIED,
    Message,
    Number,
    WebhookEvent,
)
from onboarding.simulator.timekeeper import Timekeeper
from onboarding.simulator.world import World


def show_instant(instant: datetime | None) -> str | None:
    """Return an instant in UTC with microseconds and a ``Z``."""
    return None if instant is None else instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def show_clock(timekeeper: Timekeeper) -> dict[str, Any]:
    """Return what participants must know of time."""
    now = timekeeper.now()
    return {
        "now": show_instant(now),
        "mode": timekeeper.clock.mode,
        "epoch": timekeeper.epoch,
        "next_event_at": show_instant(next_event_at(timekeeper.world)),
    }


def show_number(world: World, number: Number) -> dict[str, Any]:
    """Return a number in full; the PIN is shown as the digest that the log also uses."""
    shown: dict[str, Any] = _plain(asdict(number))
    pin, code = shown.pop("pin"), shown.pop("code")
    digest = None if pin is None else digest_secret(pin, world.scenario.seed)
    return shown | {"has_pin": pin is not None, "pin_digest": digest, "has_code": code is not None}


def show_state(world: World, now: datetime) -> dict[str, Any]:
    """Return businesses, WABAs and numbers in full, deleted ones included."""
    state = world.state
    wabas = [
        {
            **asdict(waba),
            "budget": waba_budget(world, waba.id),
            "calls_in_window": len(state.waba_calls.get(waba.id, ())),
            "phone_number_ids": list(world.by_creation[waba.id]),
        }
        for waba in state.wabas.values()
    ]
    return {
        "businesses": [
            asdict(business) | {"preverified_numbers": _show_preverified(world, business.id, now)}
            for business in state.businesses.values()
        ],
        "wabas": wabas,
        "numbers": [show_number(world, number) for number in state.numbers.values()],
    }


#: What is shown of a pre-verified number; codes and their windows are nobody's business.
_SHOWN_OF_ENTRY = (
    "id", "business_id", "digits", "key", "verified_at", "claimed_at", "phone_number_id",
    "added_at", "removed_at", "partner_ids",
)  # fmt: skip


def _show_preverified(world: World, business_id: str, now: datetime) -> list[dict[str, Any]]:
    shown = []
    for entry in world.state.preverified.values():
        if entry.business_id == business_id:
            status = VERIFIED if is_verified(world, entry, now) else NOT_VERIFIED
            more = {
                "code_verification_status": status,
                "verification_expiry_time": show_instant(expires_at(world, entry)),
            }
            facts = {name: getattr(entry, name) for name in _SHOWN_OF_ENTRY}
            shown.append(_plain(facts) | more)
    return shown


def show_messages(messages: Iterable[Message], after: int) -> dict[str, Any]:
    """Return the messages after a sequence number."""
    return {"messages": [_plain(asdict(one)) for one in messages if one.seq > after]}


def show_webhooks(webhooks: list[WebhookEvent], after: int) -> dict[str, Any]:
    """Return the webhook payloads after a sequence number."""
    return {"webhooks": [_plain(asdict(one)) for one in webhooks[after:]]}


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return show_instant(value)
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case _:
            return value
