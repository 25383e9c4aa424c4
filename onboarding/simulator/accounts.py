"""WhatsApp Business Accounts: their own settings, and which app gets their webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from onboarding.simulator.params import Params, need_text, read_text
from onboarding.simulator.refusals import DOCUMENTED, Reason, Refusal
from onboarding.simulator.results import Result, succeed
from onboarding.simulator.settings import check_callback
from onboarding.simulator.state import Waba
from onboarding.simulator.world import World

_NAME_MAX = 255


def update_waba(_world: World, waba: Waba, params: Params, _now: datetime) -> Result:
    """Change name or time zone.

    Raises:
        Refusal: the name is empty or too long.
    """
    before = (waba.name, waba.timezone_id)
    if "name" in params:
        name = read_text(params, "name")
        if name is None or len(name) > _NAME_MAX:
            raise Refusal(Reason.PARAMETER, name="name", why="must be a non-empty string")
        waba.name = name
    waba.timezone_id = read_text(params, "timezone_id") or waba.timezone_id
    return succeed(effect=before != (waba.name, waba.timezone_id))


def list_subscribed_apps(world: World, waba: Waba) -> Result:
    """List the app if it is subscribed; a new WABA starts with an empty list."""
    return Result({"data": [_app(world, waba)] if waba.is_subscribed else []})


def subscribe_app(world: World, waba: Waba, params: Params, _now: datetime) -> Result:
    """Subscribe the calling app, or override the callback of its subscription.

    Meta's rules: without parameters an override is removed; an override needs a subscription
    that exists already, so it takes two calls.

    Raises:
        Refusal: the callback is no address, or nothing is subscribed yet.
    """
    before = (waba.is_subscribed, waba.override_callback_uri)
    uri = read_text(params, "override_callback_uri")
    if uri is not None:
        if not waba.is_subscribed:
            raise Refusal(Reason.OVERRIDE_FIRST)
        check_callback(uri)
        need_text(params, "verify_token")
    waba.is_subscribed, waba.override_callback_uri = True, uri
    effect = before != (True, uri)
    if uri is not None and world.scenario.profile == DOCUMENTED:
        return Result({"success": True, "data": [_app(world, waba)]}, effect=effect)
    return succeed(effect=effect)


def unsubscribe_app(world: World, waba: Waba, _params: Params, _now: datetime) -> Result:
    """Unsubscribe the calling app; nothing is sent for this WABA any more.

    Raises:
        Refusal: in the documented profile, if it was not subscribed.
    """
    before = waba.is_subscribed
    if not before and world.scenario.profile == DOCUMENTED:
        raise Refusal(Reason.NOT_SUBSCRIBED)
    waba.is_subscribed, waba.override_callback_uri = False, None
    return succeed(effect=before)


def _app(world: World, waba: Waba) -> dict[str, Any]:
    app = world.scenario.app
    entry: dict[str, Any] = {"id": app.id, "name": app.name}
    if world.scenario.profile != DOCUMENTED:
        link = f"https://www.facebook.com/games/?app_id={app.id}"
        entry = {"whatsapp_business_api_data": {**entry, "link": link}}
    if waba.override_callback_uri is not None:
        entry["override_callback_uri"] = waba.override_callback_uri
    return entry
