"""Register and deregister.

Plays Meta's rules: the number must be verified, its name usable, its PIN right, and a number
from Embedded Signup must be registered within its window. Every attempt counts in a window
of its own; the one that exceeds it locks the number.
"""

from __future__ import annotations

from datetime import datetime

from onboarding.simulator import state
from onboarding.simulator.chance import pick_duration
from onboarding.simulator.durations import describe_duration
from onboarding.simulator.migration import finish_migration
from onboarding.simulator.names import adopt_new_name
from onboarding.simulator.params import Params, need_pin, need_text
from onboarding.simulator.refusals import Reason, Refusal
from onboarding.simulator.results import Result, succeed
from onboarding.simulator.state import Event, Number
from onboarding.simulator.webhooks import emit_onboarding
from onboarding.simulator.windows import locked_for
from onboarding.simulator.world import World

_USABLE_NAMES = ("APPROVED", "AVAILABLE_WITHOUT_REVIEW")


def register(world: World, number: Number, params: Params, now: datetime) -> Result:
    """Register a number; it connects by itself a little later.

    The PIN becomes the two-step PIN if there was none. An approved change of name takes
    effect. On a connected number without such a change nothing happens.

    Raises:
        Refusal: by the first rule that says no: window, parameters, platform, ownership,
            name, PIN.
    """
    limits = world.scenario.limits
    wait = locked_for(
        number.register_window,
        now,
        limit=limits.register_attempts,
        span=limits.window,
        lock=limits.lock,
    )
    if wait is not None:
        raise Refusal(Reason.REGISTER_WINDOW, wait=describe_duration(wait))
    if need_text(params, "messaging_product").lower() != "whatsapp":
        raise Refusal(Reason.PARAMETER, name="messaging_product", why='must be "whatsapp"')
    pin = need_pin(params)
    _check_platform(number)
    _check_ownership(world, number, now)
    _check_name(number)
    _check_pin(world, number, pin, now)
    return succeed(effect=_start(world, number, pin, now))


def connect(world: World, event: Event) -> bool:
    """Finish a registration: ``CONNECTED`` on ``CLOUD_API`` with ``STANDARD`` throughput.

    A number that was registered on another WABA leaves that one at the same instant.
    """
    number = world.state.numbers[event.subject]
    if not number.is_connecting or number.registrations != event.data["registration"]:
        return False
    set_registered(world, number, event.due)
    finish_migration(world, number, event.due)
    emit_onboarding(world, number, event.due)
    return True


def set_registered(world: World, number: Number, now: datetime) -> None:
    """Show a number as registered on the Cloud API."""
    number.is_connecting = False
    number.status = state.CONNECTED
    number.platform_type = state.CLOUD_API
    number.throughput = state.STANDARD
    number.registered_at = now
    number.needs_signup = False
    number.register_by = None
    world.note_platform(number)


def deregister(world: World, number: Number, _params: Params, now: datetime) -> Result:
    """Take a number off the Cloud API; it stays on its WABA and keeps its PIN.

    Raises:
        Refusal: the window is locked, the number belongs to the WhatsApp Business app, or it
            is not registered.
    """
    limits = world.scenario.limits
    wait = locked_for(
        number.deregister_window,
        now,
        limit=limits.deregister_attempts,
        span=limits.window,
        lock=limits.lock,
    )
    if wait is not None:
        raise Refusal(Reason.DEREGISTER_WINDOW, wait=describe_duration(wait))
    if number.is_on_biz_app:
        raise Refusal(Reason.DEREGISTER_SMB)
    if not number.is_registered and not number.has_unfinished_deregister:
        raise Refusal(Reason.NOT_REGISTERED)
    number.is_connecting = False
    number.has_unfinished_deregister = False
    number.status = state.DISCONNECTED
    number.platform_type = state.NOT_APPLICABLE
    number.throughput = state.NOT_APPLICABLE
    world.note_platform(number)
    return succeed(effect=True)


def _check_platform(number: Number) -> None:
    if number.is_on_biz_app:
        raise Refusal(Reason.REGISTER_SMB)
    if number.platform_type == state.ON_PREMISE:
        raise Refusal(Reason.REGISTER_APP_LINKED)
    if number.status == "BANNED":
        raise Refusal(Reason.ACCOUNT_LOCKED)
    if number.has_unfinished_deregister:
        raise Refusal(Reason.DEREGISTER_UNFINISHED)


def _check_ownership(world: World, number: Number, now: datetime) -> None:
    if number.is_registered and number.code_verification_status != state.NOT_VERIFIED:
        return
    if number.code_verification_status != state.VERIFIED:
        is_migrating = number.migrates_from is not None
        raise Refusal(Reason.MIGRATE_OWNERSHIP if is_migrating else Reason.NOT_VERIFIED)
    onboarded, registered = number.last_onboarded_time, number.registered_at
    if onboarded is None or (registered is not None and registered >= onboarded):
        return
    if now > onboarded + world.scenario.limits.signup_window:
        number.needs_signup = True
        settings = world.scenario.registration
        raise Refusal(
            Reason.SIGNUP_WINDOW,
            code=settings.after_window_code,
            subcode=settings.after_window_subcode,
        )


def _check_name(number: Number) -> None:
    if number.name_status in _USABLE_NAMES:
        return
    if number.name_status == state.PENDING_REVIEW and number.registers_in_review:
        return
    raise Refusal(Reason.NAME_NOT_PROCESSED)


def _check_pin(world: World, number: Number, pin: str, now: datetime) -> None:
    limits = world.scenario.limits
    if number.pin is None:
        return
    if number.pin_locked_until is not None and now < number.pin_locked_until:
        raise Refusal(Reason.PIN_GUESSES, wait=describe_duration(number.pin_locked_until - now))
    guessed = number.pin_guessed_at
    if guessed is not None and now - guessed < limits.pin_gap:
        raise Refusal(Reason.PIN_TOO_FAST, wait=describe_duration(guessed + limits.pin_gap - now))
    if number.pin == pin:
        number.pin_guesses, number.pin_guessed_at = 0, None
        return
    number.pin_guesses, number.pin_guessed_at = number.pin_guesses + 1, now
    if number.pin_guesses >= limits.pin_guesses:
        number.pin_guesses, number.pin_locked_until = 0, now + limits.pin_wait
        raise Refusal(Reason.PIN_GUESSES, wait=describe_duration(limits.pin_wait))
    raise Refusal(Reason.PIN_MISMATCH)


def _start(world: World, number: Number, pin: str, now: datetime) -> bool:
    changed = number.pin != pin
    number.pin = pin
    changed = adopt_new_name(number) or changed
    is_online = number.status == state.CONNECTED and number.platform_type == state.CLOUD_API
    if is_online or number.is_connecting:
        return changed
    number.is_connecting = True
    number.registrations += 1
    span, seed = world.scenario.registration.connected_after, world.scenario.seed
    delay = pick_duration(span, seed, "connect", number.key, number.registrations)
    world.schedule("connect", now + delay, number.id, registration=number.registrations)
    return True
