"""How a number comes onto a WABA: by an API call, or by Embedded Signup."""

from __future__ import annotations

from datetime import datetime
from itertools import count

from onboarding.simulator import names
from onboarding.simulator.chance import pick_id
from onboarding.simulator.params import Params, need_display_name, need_text, read_flag, read_text
from onboarding.simulator.phones import Phone, PhoneFormatError, PhoneInvalidError, parse_phone
from onboarding.simulator.refusals import Reason, Refusal
from onboarding.simulator.results import Result
from onboarding.simulator.state import NOT_VERIFIED, VERIFIED, Event, Number, Waba
from onboarding.simulator.world import World


def create_number(world: World, waba: Waba, params: Params, now: datetime) -> Result:
    """Add a number to a WABA; it is unverified and readable at once.

    Raises:
        Refusal: by the first rule that says no: what is not played, parameters, permission,
            the number is taken, no slot is free.
    """
    if read_flag(params, "migrate_phone_number"):
        raise Refusal(Reason.NOT_PLAYED, name="migrate_phone_number")
    if read_text(params, "preverified_id") is not None:
        raise Refusal(Reason.NOT_PLAYED, name="preverified_id")
    phone = read_phone(params, strict=world.scenario.strict_phone_numbers)
    name = need_display_name(params, "verified_name")
    if not world.scenario.app.solution_partner:
        raise Refusal(Reason.NOT_PARTNER)
    if waba.account_review_status in ("RESTRICTED", "REJECTED"):
        raise Refusal(Reason.WABA_RESTRICTED)
    check_available(world, waba, phone)
    number = add_number(world, waba, phone, name, now)
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
    present = world.by_key.get(phone.key)
    if present is not None:
        is_here = present.waba_id == waba.id
        raise Refusal(Reason.NUMBER_DUPLICATE if is_here else Reason.NUMBER_IN_USE)
    match world.state.elsewhere.get(phone.key):
        case "in_use":
            raise Refusal(Reason.NUMBER_IN_USE)
        case "banned":
            raise Refusal(Reason.NUMBER_BANNED)
        case None:
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
    is_signup = onboarded_at is not None
    number = Number(
        id=_new_id(world, waba, phone),
        waba_id=waba.id,
        serial=world.next_serial(),
        digits=phone.digits,
        key=phone.key,
        country_code=phone.country_code,
        region=phone.region,
        display=phone.display,
        verified_name=name,
        created_at=onboarded_at or now,
        name_status="NONE",
        last_onboarded_time=onboarded_at,
        code_verification_status=VERIFIED if is_signup else NOT_VERIFIED,
        verified_at=onboarded_at,
    )
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
    present = world.by_key.get(phone.key)
    if present is None or present.waba_id != waba.id:
        check_available(world, waba, phone)
        return add_number(world, waba, phone, name, at, onboarded_at=at)
    world.move_onboarding(present, at)
    present.code_verification_status = VERIFIED
    present.verified_at = at
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


def _check_caps(world: World, waba: Waba) -> None:
    limits, business = world.scenario.limits, world.state.businesses[waba.business_id]
    cap = business.max_phone_numbers
    if cap is None:
        cap = (
            limits.numbers_per_verified_business
            if business.verified
            else limits.numbers_per_unverified_business
        )
    waba_cap = waba.max_phone_numbers
    if waba_cap is None:
        waba_cap = limits.numbers_per_waba
    held = sum(len(world.by_creation[waba_id]) for waba_id in business.waba_ids)
    if held >= cap or len(world.by_creation[waba.id]) >= waba_cap:
        raise Refusal(Reason.NUMBER_CAP)


def _new_id(world: World, waba: Waba, phone: Phone) -> str:
    seed, state = world.scenario.seed, world.state
    candidates = (pick_id(seed, "number", waba.id, phone.key, again) for again in count())
    return next(
        name for name in candidates if name not in state.numbers and name not in state.wabas
    )
