"""``POST /{phone}``: PIN, display name and callback of one number."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from onboarding.simulator.names import change_name
from onboarding.simulator.params import Params, need_display_name, need_pin, read_object, read_text
from onboarding.simulator.refusals import Reason, Refusal
from onboarding.simulator.results import Result, succeed
from onboarding.simulator.state import Event, Number
from onboarding.simulator.webhooks import emit_pin_changed
from onboarding.simulator.world import World

_URI_MAX = 200


def update_number(world: World, number: Number, params: Params, now: datetime) -> Result:
    """Set the two-step PIN without the old one, submit another name, override the callback.

    What cannot be done refuses the whole call before anything is changed, except that a try
    to change the name is counted.

    Raises:
        Refusal: a parameter is wrong, or the name may not be changed now.
    """
    pin = need_pin(params) if "pin" in params else None
    callback = _read_callback(params)
    visibility = read_text(params, "search_visibility")
    if "new_display_name" in params:
        change_name(world, number, need_display_name(params, "new_display_name"), now)
    before = (number.pin, number.override_callback_uri, number.search_visibility)
    if callback is not None:
        number.override_callback_uri = callback or None
    if visibility is not None:
        number.search_visibility = visibility
    if pin is not None:
        set_pin(world, number, pin, now)
    after = (number.pin, number.override_callback_uri, number.search_visibility)
    return succeed(effect=before != after or "new_display_name" in params)


def set_pin(world: World, number: Number, pin: str | None, now: datetime) -> None:
    """Replace the two-step PIN; wrong guesses of the old one are forgotten."""
    number.pin_guesses, number.pin_guessed_at, number.pin_locked_until = 0, None, None
    if number.pin != pin:
        number.pin = pin
        emit_pin_changed(world, number, now)


def switch_pin_off(world: World, event: Event) -> bool:
    """Let the owner switch two-step verification off, as the scenario announced."""
    number = world.state.numbers[event.subject]
    if number.is_gone or number.pin is None:
        return False
    set_pin(world, number, None, event.due)
    return True


def check_callback(uri: str) -> str:
    """Return a callback address that Meta would accept.

    Raises:
        Refusal: it is no http address, or too long.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.netloc or len(uri) > _URI_MAX:
        raise Refusal(Reason.CALLBACK_FORMAT)
    return uri


def _read_callback(params: Params) -> str | None:
    """Return the override, an empty string to delete it, ``None`` if it is not touched."""
    if "webhook_configuration" not in params:
        return None
    uri = str(read_object(params, "webhook_configuration").get("override_callback_uri", ""))
    return check_callback(uri) if uri else ""
