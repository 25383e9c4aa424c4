"""The webhook payloads that Meta would have sent, in its full envelope.

Nothing is sent: the payloads wait to be fetched. As with Meta, a WABA that the app has not
subscribed to sends nothing, and what was missed is gone.
"""

from __future__ import annotations

from datetime import datetime

from onboarding.simulator.state import Number, WebhookEvent
from onboarding.simulator.world import World


def emit_webhook(
    world: World, waba_id: str, field: str, value: dict[str, object], now: datetime
) -> None:
    """Keep the payload of one change, if the app is subscribed to the WABA."""
    if not world.state.wabas[waba_id].is_subscribed:
        return
    change = {"field": field, "value": value}
    entry = {"id": waba_id, "time": int(now.timestamp()), "changes": [change]}
    payload = {"object": "whatsapp_business_account", "entry": [entry]}
    webhooks = world.state.webhooks
    webhooks.append(WebhookEvent(len(webhooks) + 1, now, payload))


def emit_name_decision(
    world: World, number: Number, now: datetime, *, name: str, decision: str, reason: str | None
) -> None:
    """``phone_number_name_update``: a first or a changed name was decided."""
    value: dict[str, object] = {
        "display_phone_number": number.key,
        "decision": decision,
        "requested_verified_name": name,
        "rejection_reason": reason,
    }
    emit_webhook(world, number.waba_id, "phone_number_name_update", value, now)


def emit_onboarding(world: World, number: Number, now: datetime) -> None:
    """``phone_number_quality_update`` with event ``ONBOARDING``: a number was registered."""
    value: dict[str, object] = {
        "display_phone_number": number.key,
        "event": "ONBOARDING",
        "current_limit": number.messaging_limit_tier,
        "max_daily_conversations_per_business": number.messaging_limit_tier,
    }
    emit_webhook(world, number.waba_id, "phone_number_quality_update", value, now)


def emit_pin_changed(world: World, number: Number, now: datetime) -> None:
    """``security`` with event ``PIN_CHANGED``: the two-step PIN is another one."""
    value: dict[str, object] = {
        "display_phone_number": number.key,
        "event": "PIN_CHANGED",
    }
    emit_webhook(world, number.waba_id, "security", value, now)
