"""The pool of pre-verified numbers: added, proven, listed, shared, deleted.

Plays Meta's rules: an entry has a temporary id until it is claimed; its verification lasts 90
days and can be renewed in the last 45; one that is never verified is removed after 90 days.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import count

from onboarding.simulator.chance import pick_digits, pick_duration, pick_id
from onboarding.simulator.durations import describe_duration
from onboarding.simulator.params import Params, need_code, need_text
from onboarding.simulator.phones import Phone, PhoneFormatError, PhoneInvalidError, parse_phone
from onboarding.simulator.preverified import expires_at, is_verified
from onboarding.simulator.refusals import Reason, Refusal
from onboarding.simulator.results import Result, succeed
from onboarding.simulator.state import Business, Code, Preverified
from onboarding.simulator.windows import count_attempt
from onboarding.simulator.world import World

_LANGUAGE = re.compile(r"^[a-z]{2,3}(_[A-Z]{2})?$")
_METHODS = ("SMS", "VOICE")
_CODE_LENGTH = 6


def is_there(world: World, entry: Preverified, now: datetime) -> bool:
    """Whether an entry can still be reached under its temporary id."""
    if entry.claimed_at is not None or entry.removed_at is not None:
        return False
    if entry.verified_at is not None or entry.added_at is None:
        return True
    return now < entry.added_at + world.scenario.limits.preverified_validity


def find_entry(world: World, node: str, now: datetime) -> Preverified | None:
    """Return the entry of a temporary id, unless it is gone."""
    entry = world.state.preverified.get(node)
    return entry if entry is not None and is_there(world, entry, now) else None


def find_by_key(world: World, key: str, now: datetime) -> Preverified | None:
    """Return the entry of a number, unless it is gone."""
    entries = world.state.preverified.values()
    return next((e for e in entries if e.key == key and is_there(world, e, now)), None)


def add_phone_numbers(world: World, business: Business, params: Params, now: datetime) -> Result:
    """Take a number into the pool of a business; it has to be proven next.

    Raises:
        Refusal: it could not exist, is in a pool already, on a WABA, in use or banned, or the
            pool is full.
    """
    phone = _read_phone(params)
    if not world.scenario.app.solution_partner:
        raise Refusal(Reason.NOT_PARTNER)
    if find_by_key(world, phone.key, now) is not None:
        raise Refusal(Reason.NUMBER_DUPLICATE)
    if world.find_present(phone.key):
        raise Refusal(Reason.NUMBER_IN_USE)
    match world.state.elsewhere.get(phone.key):
        case "in_use":
            raise Refusal(Reason.NUMBER_IN_USE)
        case "banned":
            raise Refusal(Reason.NUMBER_BANNED)
        case None:
            pass
    held = sum(e.business_id == business.id and is_there(world, e, now) for e in _all(world))
    if held >= world.scenario.limits.preverified_numbers:
        raise Refusal(Reason.POOL_FULL)
    entry = Preverified(
        id=_new_id(world, business, phone),
        business_id=business.id,
        digits=phone.digits,
        key=phone.key,
        verified_at=None,
        added_at=now,
    )
    world.state.preverified[entry.id] = entry
    return Result({"id": entry.id}, effect=True)


def delete_entry(world: World, entry: Preverified, params: Params, now: datetime) -> Result:
    """Take a number out of the pool."""
    del world, params
    entry.removed_at = now
    return succeed(effect=True)


def share(world: World, business: Business, params: Params, now: datetime) -> Result:
    """Let a partner business offer a number of the pool.

    Raises:
        Refusal: there is no such number or partner, or they share it already.
    """
    entry, partner = _read_share(world, business, params, now)
    if partner in entry.partner_ids:
        raise Refusal(Reason.SHARED_ALREADY, id=entry.id)
    entry.partner_ids.append(partner)
    return succeed(effect=True)


def unshare(world: World, business: Business, params: Params, now: datetime) -> Result:
    """Take a number back from a partner business.

    Raises:
        Refusal: there is no such number or partner, or they do not share it.
    """
    entry, partner = _read_share(world, business, params, now)
    if partner not in entry.partner_ids:
        raise Refusal(Reason.NOT_SHARED, id=entry.id)
    entry.partner_ids.remove(partner)
    return succeed(effect=True)


def request_code(world: World, entry: Preverified, params: Params, now: datetime) -> Result:
    """Send a code; a new one invalidates the one before. Every attempt counts.

    Raises:
        Refusal: a parameter is wrong, the number is verified and not yet in its last 45 days,
            the last code was sent a moment ago, or too many were requested in the window.
    """
    limits = world.scenario.limits
    method = _read_method(params)
    requested = count_attempt(entry.request_code_window, now, limits.window)
    ends = expires_at(world, entry)
    is_fresh = ends is not None and now < ends - limits.preverified_warm
    if is_verified(world, entry, now) and is_fresh:
        raise Refusal(Reason.CODE_VERIFIED, subcode=world.scenario.codes.already_verified_subcode)
    if requested > limits.request_code_attempts:
        raise Refusal(Reason.POOL_CODE_VOLUME)
    last = entry.code_requested_at
    if last is not None and now - last < limits.request_code_gap:
        raise Refusal(Reason.CODE_TOO_SOON)
    _send_code(world, entry, method, now)
    return succeed(effect=True)


def verify_code(world: World, entry: Preverified, params: Params, now: datetime) -> Result:
    """Prove ownership with the code that is outstanding; it works once.

    Raises:
        Refusal: the code is malformed, wrong, used, replaced or too old, or there were too many
            wrong ones and a wait is on.
    """
    code = need_code(params)
    if entry.codes_locked_until is not None and now < entry.codes_locked_until:
        wait = describe_duration(entry.codes_locked_until - now)
        raise Refusal(Reason.CODE_GUESSES, wait=wait)
    known = entry.code
    if known is None or known.text != code or now > known.expires_at:
        _count_wrong_code(world, entry, now)
        raise Refusal(Reason.CODE_WRONG)
    entry.code = None
    entry.wrong_codes = []
    entry.verified_at = now
    return succeed(effect=True)


def _all(world: World) -> list[Preverified]:
    return list(world.state.preverified.values())


def _read_phone(params: Params) -> Phone:
    text = need_text(params, "phone_number")
    try:
        return parse_phone("", text)
    except PhoneFormatError as error:
        raise Refusal(Reason.PHONE_INVALID) from error
    except PhoneInvalidError as error:
        raise Refusal(Reason.PHONE_INVALID) from error


def _new_id(world: World, business: Business, phone: Phone) -> str:
    seed, state = world.scenario.seed, world.state
    candidates = (pick_id(seed, "preverified", business.id, phone.key, n) for n in count())
    taken = (state.numbers, state.wabas, state.preverified, state.businesses)
    return next(name for name in candidates if not any(name in ids for ids in taken))


def _read_share(
    world: World, business: Business, params: Params, now: datetime
) -> tuple[Preverified, str]:
    id_ = need_text(params, "preverified_id")
    partner = need_text(params, "partner_business_id")
    entry = find_entry(world, id_, now)
    if entry is None or entry.business_id != business.id:
        raise Refusal(Reason.NUMBER_UNKNOWN, id=id_, verb="post")
    if partner not in world.state.businesses or partner == business.id:
        raise Refusal(Reason.NO_PARTNER, id=partner)
    return entry, partner


def _read_method(params: Params) -> str:
    method = need_text(params, "code_method").upper()
    if method not in _METHODS:
        raise Refusal(Reason.PARAMETER, name="code_method", why="must be SMS or VOICE")
    if not _LANGUAGE.match(need_text(params, "language")):
        raise Refusal(Reason.PARAMETER, name="language", why="must be a locale such as en_US")
    return method


def _send_code(world: World, entry: Preverified, method: str, now: datetime) -> None:
    seed, settings = world.scenario.seed, world.scenario.codes
    entry.code_requested_at = now
    entry.codes_sent += 1
    parts = (entry.key, entry.id, entry.codes_sent)
    code = pick_digits(_CODE_LENGTH, seed, "code", *parts)
    entry.code = Code(code, now + settings.validity)
    delay: timedelta = pick_duration(settings.delivery, seed, "delivery", *parts)
    world.schedule("deliver_code", now + delay, entry.digits, code=code, method=method)


def _count_wrong_code(world: World, entry: Preverified, now: datetime) -> None:
    limits = world.scenario.limits
    span = limits.wrong_codes_wait
    entry.wrong_codes = [tried for tried in entry.wrong_codes if tried > now - span]
    entry.wrong_codes.append(now)
    if len(entry.wrong_codes) > limits.wrong_codes:
        entry.wrong_codes = []
        entry.codes_locked_until = now + span
        raise Refusal(Reason.CODE_GUESSES, wait=describe_duration(span))
