"""One-time codes: requested, delivered to a phone after a while, verified once.

Plays Meta's rules for ``request_code`` and ``verify_code``. The quota of requests is not
documented by Meta; it is what operators observed.
"""

from __future__ import annotations

import re
from datetime import datetime

from onboarding.simulator.chance import pick_digits, pick_duration
from onboarding.simulator.durations import describe_duration
from onboarding.simulator.params import Params, need_code, need_text
from onboarding.simulator.refusals import DOCUMENTED, Reason, Refusal
from onboarding.simulator.results import Result, succeed
from onboarding.simulator.state import (
    ON_PREMISE,
    PENDING,
    UNVERIFIED,
    VERIFIED,
    Code,
    Event,
    Number,
)
from onboarding.simulator.windows import count_attempt
from onboarding.simulator.world import World

_LANGUAGE = re.compile(r"^[a-z]{2,3}(_[A-Z]{2})?$")
_METHODS = ("SMS", "VOICE")
_CODE_LENGTH = 6


def request_code(world: World, number: Number, params: Params, now: datetime) -> Result:
    """Send a code; a new one invalidates the one before. Every attempt counts.

    Raises:
        Refusal: a parameter is wrong, the number is verified or not eligible, the last code
            was sent a moment ago, or too many were requested in the window.
    """
    limits = world.scenario.limits
    requested = count_attempt(number.request_code_window, now, limits.window)
    method = _read_method(params)
    if number.code_verification_status == VERIFIED:
        subcode = world.scenario.codes.already_verified_subcode
        raise Refusal(Reason.CODE_VERIFIED, subcode=subcode)
    if requested > limits.request_code_attempts:
        raise Refusal(Reason.CODE_VOLUME)
    if number.is_on_biz_app or number.platform_type == ON_PREMISE or _is_elsewhere(world, number):
        raise Refusal(Reason.CODE_NOT_ELIGIBLE)
    last = number.code_requested_at
    if last is not None and now - last < limits.request_code_gap:
        raise Refusal(Reason.CODE_TOO_SOON)
    _send_code(world, number, method, now)
    return succeed(effect=True)


def deliver_code(world: World, event: Event) -> bool:
    """Let a code arrive on the phone, even one that a newer code made useless."""
    code, method = event.data["code"], event.data["method"]
    text = f"WhatsApp code {code[:3]}-{code[3:]}"
    if method == "VOICE":
        text = f"Verification code is {code}"
    world.deliver(event.subject, method, text, event.due)
    return True


def verify_code(world: World, number: Number, params: Params, now: datetime) -> Result:
    """Prove ownership with the code that is outstanding; it works once.

    Raises:
        Refusal: the code is malformed, wrong, used, replaced or too old, or there were too
            many wrong ones and a wait is on.
    """
    code = need_code(params)
    if number.codes_locked_until is not None and now < number.codes_locked_until:
        wait = describe_duration(number.codes_locked_until - now)
        raise Refusal(Reason.CODE_GUESSES, wait=wait)
    known = number.code
    if known is None or known.text != code or now > known.expires_at:
        _count_wrong_code(world, number, now)
        raise Refusal(Reason.CODE_WRONG)
    number.code = None
    number.wrong_codes = []
    prove_ownership(number, now)
    if world.scenario.profile == DOCUMENTED:
        return Result({"success": True, "id": number.id}, effect=True)
    return succeed(effect=True)


def prove_ownership(number: Number, now: datetime) -> None:
    """Show a number as verified by its owner, which ends the window of a claim."""
    number.code_verification_status = VERIFIED
    number.verified_at = now
    number.register_by = None
    if number.status == UNVERIFIED:
        number.status = PENDING


def _read_method(params: Params) -> str:
    method = need_text(params, "code_method").upper()
    if method not in _METHODS:
        raise Refusal(Reason.PARAMETER, name="code_method", why="must be SMS or VOICE")
    if not _LANGUAGE.match(need_text(params, "language")):
        raise Refusal(Reason.PARAMETER, name="language", why="must be a locale such as en_US")
    return method


def _is_elsewhere(world: World, number: Number) -> bool:
    """Whether a number is registered somewhere else and nobody is migrating it from there."""
    in_use = world.state.elsewhere.get(number.key) == "in_use"
    return in_use and not number.is_registered and number.migrates_from is None


def _send_code(world: World, number: Number, method: str, now: datetime) -> None:
    seed, settings = world.scenario.seed, world.scenario.codes
    number.code_requested_at = now
    number.codes_sent += 1
    code = pick_digits(_CODE_LENGTH, seed, "code", number.key, number.codes_sent)
    number.code = Code(code, now + settings.validity)
    delay = pick_duration(settings.delivery, seed, "delivery", number.key, number.codes_sent)
    world.schedule("deliver_code", now + delay, number.digits, code=code, method=method)


def _count_wrong_code(world: World, number: Number, now: datetime) -> None:
    limits = world.scenario.limits
    span = limits.wrong_codes_wait
    number.wrong_codes = [tried for tried in number.wrong_codes if tried > now - span]
    number.wrong_codes.append(now)
    if len(number.wrong_codes) > limits.wrong_codes:
        number.wrong_codes = []
        number.codes_locked_until = now + span
        raise Refusal(Reason.CODE_GUESSES, wait=describe_duration(span))
