"""How a number comes onto a WABA: created, claimed, migrated, or by Embedded Signup."""

from __future__ import annotations

from datetime import datetime
from itertools import count

from onboarding.simulator import migration, names, preverified, state
from onboarding.simulator.chance import pick_id
from onboarding.simulator.codes import prove_ownership
from onboarding.simulator.params import Params, need_display_name, need_text, read_flag, read_text
from onboarding.simulator.phones import Phone, PhoneFormatError, PhoneInvalidError, parse_phone
from onboarding.simulator.pool import find_by_key
from onboarding.simulator.portfolios import cap_of, waba_cap_of
from onboarding.simulator.refusals import Reason, Refusal
from onboarding.simulator.results import Result
from onboarding.simulator.state import Event, Number, Waba
from onboarding.simulator.world import World


def create_number(world: World, waba: Waba, params: Params, now: datetime) -> Result:
    """Put a number onto a WABA: a new one, one of another WABA, or a pre-verified one.

    It is readable at once. It has to be verified, unless it was before; one of another WABA
    stays there until it is registered here.

    Raises:
        Refusal: by the first rule that says no: parameters, permission, the number itself,
            no slot is free.
    """
    preverified_id = read_text(params, "preverified_id")
    if read_flag(params, "migrate_phone_number"):
        if preverified_id is not None:
            why = "cannot be combined with migrate_phone_number"
            raise Refusal(Reason.PARAMETER, name="preverified_id", why=why)
        number = _migrate(world, waba, params, now)
    elif preverified_id is not None:
        number = _claim(world, waba, params, preverified_id, now)
    else:
        number = _create(world, waba, params, now)
    return Result({"id": number.id}, effect=True)


def read_phone(params: Params, *, strict: bool) -> Phone:
    """Return the number that ``cc`` and ``phone_number`` name together.

    Raises:
        Refusal: there is none, or it could not exist.
    """
    text = need_text(params, "phone_number")
    try:
        return parse_phone(read_text(params, "cc") or "", text, strict=strict)
    except PhoneFormatError as error:
        raise Refusal(Reason.PHONE_FORMAT) from error
    except PhoneInvalidError as error:
        raise Refusal(Reason.PHONE_INVALID) from error


def check_available(world: World, waba: Waba, phone: Phone) -> None:
    """Refuse a number that is taken, and one for which no slot is free.

    Raises:
        Refusal: the number is on this WABA, on another one, in use in a WhatsApp app or
            banned; or the portfolio or the WABA is full.
    """
    present = world.find_present(phone.key)
    if present:
        is_here = any(node.waba_id == waba.id for node in present)
        raise Refusal(Reason.NUMBER_DUPLICATE if is_here else Reason.NUMBER_IN_USE)
    _check_elsewhere(world, phone)
    _check_caps(world, waba)


def add_number(
    world: World,
    waba: Waba,
    phone: Phone,
    name: str,
    now: datetime,
    *,
    onboarded_at: datetime | None = None,
) -> Number:
    """Put a number onto a WABA; with ``onboarded_at`` it comes verified from Embedded Signup."""
    number = _make_number(world, waba, phone, name, onboarded_at or now)
    if onboarded_at is not None:
        number.last_onboarded_time = onboarded_at
        prove_ownership(number, onboarded_at)
    names.start_first_review(world, number, number.created_at)
    world.add_number(number)
    return number


def sign_up(world: World, waba: Waba, phone: Phone, name: str, at: datetime) -> Number:
    """Let a customer finish Embedded Signup, which starts the registration window.

    A number that is on the WABA already keeps its id: its window starts again, it counts as
    verified, and a name that is new or could not be used any more is submitted again.

    Raises:
        Refusal: the number is elsewhere, or no slot is free.
    """
    present = world.find_number(waba.id, phone.key)
    if present is None or present.is_gone:
        check_available(world, waba, phone)
        entry = find_by_key(world, phone.key, at)
        number = add_number(world, waba, phone, name, at, onboarded_at=at)
        if entry is not None:
            preverified.claim(world, entry, number, at)
            number.code_verification_status, number.verified_at = state.VERIFIED, at
        return number
    world.move_onboarding(present, at)
    prove_ownership(present, at)
    present.needs_signup = False
    names.submit_again(world, present, name, at)
    return present


def end_signup(world: World, event: Event) -> bool:
    """Let an Embedded Signup end that the scenario announced; a full WABA loses it."""
    data = event.data
    waba = world.state.wabas[event.subject]
    try:
        sign_up(world, waba, parse_phone("", data["phone"]), data["name"], event.due)
    except Refusal:
        return False
    return True


def _create(world: World, waba: Waba, params: Params, now: datetime) -> Number:
    phone = read_phone(params, strict=world.scenario.strict_phone_numbers)
    name = need_display_name(params, "verified_name")
    _check_permission(world, waba)
    check_available(world, waba, phone)
    return add_number(world, waba, phone, name, now)


def _claim(world: World, waba: Waba, params: Params, preverified_id: str, now: datetime) -> Number:
    given = None
    if read_text(params, "phone_number") is not None:
        given = read_phone(params, strict=world.scenario.strict_phone_numbers)
    name = need_display_name(params, "verified_name")
    _check_permission(world, waba)
    entry = preverified.find_claimable(world, preverified_id, now)
    if given is not None and given.key != entry.key:
        raise Refusal(Reason.PREVERIFIED_OTHER, id=entry.id)
    phone = parse_phone("", f"+{entry.digits}")
    check_available(world, waba, phone)
    number = add_number(world, waba, phone, name, now)
    preverified.claim(world, entry, number, now)
    return number


def _migrate(world: World, waba: Waba, params: Params, now: datetime) -> Number:
    phone = read_phone(params, strict=world.scenario.strict_phone_numbers)
    _check_elsewhere(world, phone)
    source = migration.find_source(world, waba, phone)
    migration.check_migration(world, source, waba)
    _check_caps(world, waba)
    number = _make_number(world, waba, phone, source.verified_name, now)
    migration.inherit(number, source)
    world.add_number(number)
    return number


def _check_permission(world: World, waba: Waba) -> None:
    if not world.scenario.app.solution_partner:
        raise Refusal(Reason.NOT_PARTNER)
    if waba.account_review_status in ("RESTRICTED", "REJECTED"):
        raise Refusal(Reason.WABA_RESTRICTED)


def _check_elsewhere(world: World, phone: Phone) -> None:
    match world.state.elsewhere.get(phone.key):
        case "in_use":
            raise Refusal(Reason.NUMBER_IN_USE)
        case "banned":
            raise Refusal(Reason.NUMBER_BANNED)
        case None:
            return


def _check_caps(world: World, waba: Waba) -> None:
    business = world.state.businesses[waba.business_id]
    held = sum(world.slots_used(waba_id) for waba_id in business.waba_ids)
    is_full = held >= cap_of(world, business)
    if is_full or world.slots_used(waba.id) >= waba_cap_of(world, waba):
        raise Refusal(Reason.NUMBER_CAP)


def _make_number(world: World, waba: Waba, phone: Phone, name: str, now: datetime) -> Number:
    return Number(
        id=_new_id(world, waba, phone),
        waba_id=waba.id,
        serial=world.next_serial(),
        digits=phone.digits,
        key=phone.key,
        country_code=phone.country_code,
        region=phone.region,
        display=phone.display,
        verified_name=name,
        created_at=now,
        name_status="NONE",
    )


def _new_id(world: World, waba: Waba, phone: Phone) -> str:
    seed, state = world.scenario.seed, world.state
    candidates = (pick_id(seed, "number", waba.id, phone.key, again) for again in count())
    taken = (state.numbers, state.wabas, state.preverified)
    return next(name for name in candidates if not any(name in ids for ids in taken))
