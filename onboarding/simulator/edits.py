"""What a person may do to the simulation by hand: edit numbers, decide names, kill tokens.

Plays what happens outside the API: a customer in Embedded Signup, a reviewer at Meta, an
admin in WhatsApp Manager.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from onboarding.simulator.fault_settings import Settings
from onboarding.simulator.names import decide_name
from onboarding.simulator.numbers import sign_up
from onboarding.simulator.phones import key_of, only_digits, parse_phone
from onboarding.simulator.portfolios import change_portfolio
from onboarding.simulator.scenario import ALL_SCOPES, Instant, NameStatus, PortfolioSettings
from onboarding.simulator.settings import set_pin
from onboarding.simulator.state import Business, Number, Token
from onboarding.simulator.world import World


class EditError(LookupError):
    """What was to be edited does not exist, or cannot be edited like this."""


class NumberEdit(Settings):
    """Fields of a number to overwrite; what is not given stays."""

    status: str | None = None
    name_status: NameStatus | None = None
    new_name_status: NameStatus | None = None
    new_display_name: str | None = None
    verified_name: str | None = None
    registers_in_review: bool | None = None
    code_verification_status: Literal["NOT_VERIFIED", "VERIFIED", "EXPIRED"] | None = None
    platform_type: Literal["CLOUD_API", "ON_PREMISE", "NOT_APPLICABLE"] | None = None
    throughput: Literal["STANDARD", "HIGH", "NOT_APPLICABLE"] | None = None
    is_on_biz_app: bool | None = None
    is_official_business_account: bool | None = None
    account_mode: Literal["LIVE", "SANDBOX"] | None = None
    quality_rating: str | None = None
    messaging_limit_tier: str | None = None
    has_unfinished_deregister: bool | None = None
    last_onboarded_time: Instant | None = None
    pin: Annotated[str, Field(pattern=r"^[0-9]{6}$")] | None = None
    deleted: Literal[True] | None = None


class SignupEdit(Settings):
    """A customer finishes Embedded Signup."""

    waba_id: str
    phone_number: str
    verified_name: str
    at: Instant | None = None


class NameEdit(Settings):
    """A reviewer decides."""

    decision: Literal["APPROVED", "DECLINED", "REJECTED", "DEFERRED", "PENDING"]
    rejection_reason: str | None = None


class TokenEdit(Settings):
    """A token dies, comes back to life, or is made."""

    token: str
    dead: bool = True
    code: Literal[102, 190] = 190
    subcode: int | None = 463
    wabas: tuple[str, ...] | Literal["all"] | None = None
    scopes: tuple[str, ...] = ALL_SCOPES
    expires_at: Instant | None = None


class ElsewhereEdit(Settings):
    """A number is taken into use by a WhatsApp app, banned, or free again."""

    use: Literal["in_use", "banned", "free"]


_SPECIAL = ("pin", "deleted", "last_onboarded_time")
_MAY_BE_EMPTY = ("pin", "new_name_status", "new_display_name")


def edit_number(world: World, number_id: str, edit: NumberEdit, now: datetime) -> Number:
    """Overwrite fields of a number; an emptied ``pin`` switches two-step verification off.

    Raises:
        EditError: there is no such number, or a field cannot be empty.
    """
    number = find_number(world, number_id)
    given = {name: getattr(edit, name) for name in edit.model_fields_set}
    empty = [name for name, value in given.items() if value is None and name not in _MAY_BE_EMPTY]
    if empty:
        raise EditError(f"{', '.join(empty)} cannot be empty")
    for name, value in given.items():
        if name not in _SPECIAL:
            setattr(number, name, value)
    if "pin" in given:
        set_pin(world, number, edit.pin, now)
    if edit.last_onboarded_time is not None:
        world.move_onboarding(number, edit.last_onboarded_time)
    world.note_platform(number)
    if edit.deleted:
        world.delete_number(number, now)
    return number


def edit_business(
    world: World, business_id: str, edit: PortfolioSettings, now: datetime
) -> Business:
    """Change what says how many numbers a portfolio may have; a bound that rises is told.

    Raises:
        EditError: there is no such business.
    """
    business = world.state.businesses.get(business_id)
    if business is None:
        raise EditError(f"there is no business {business_id}")
    change_portfolio(world, business, edit, now)
    return business


def finish_signup(world: World, edit: SignupEdit, now: datetime) -> Number:
    """Let a customer finish Embedded Signup, now or at an instant that has passed.

    Raises:
        EditError: there is no such WABA, or the instant lies ahead.
        Refusal: the number is elsewhere, or no slot is free.
    """
    waba = world.state.wabas.get(edit.waba_id)
    if waba is None:
        raise EditError(f"there is no WABA {edit.waba_id}")
    if edit.at is not None and edit.at > now:
        raise EditError("at lies in the future; move the clock first")
    phone = parse_phone("", edit.phone_number)
    return sign_up(world, waba, phone, edit.verified_name, edit.at or now)


def decide_by_hand(world: World, number_id: str, edit: NameEdit, now: datetime) -> Number:
    """Decide the name that is under review; what the scenario planned is dropped.

    Raises:
        EditError: there is no such number.
    """
    number = find_number(world, number_id)
    decision = "DECLINED" if edit.decision == "REJECTED" else edit.decision
    decide_name(world, number, decision, edit.rejection_reason, now)
    return number


def edit_token(world: World, edit: TokenEdit) -> Token:
    """Kill, revive or make a token; without ``wabas`` a new one reaches all of them."""
    token = world.state.tokens.get(edit.token)
    if token is None:
        token = Token(edit.token, None, list(edit.scopes))
        world.state.tokens[edit.token] = token
    token.is_dead, token.code, token.subcode = edit.dead, edit.code, edit.subcode
    if edit.wabas is not None:
        token.wabas = None if edit.wabas == "all" else list(edit.wabas)
    if "expires_at" in edit.model_fields_set:
        token.expires_at = edit.expires_at
    if "scopes" in edit.model_fields_set:
        token.scopes = list(edit.scopes)
    return token


def edit_elsewhere(world: World, digits: str, edit: ElsewhereEdit) -> None:
    """Say where a number is used outside of this simulation."""
    key = key_of(only_digits(digits))
    if edit.use == "free":
        world.state.elsewhere.pop(key, None)
    else:
        world.state.elsewhere[key] = edit.use


def find_number(world: World, number_id: str) -> Number:
    """Return a number that was not deleted.

    Raises:
        EditError: there is none.
    """
    number = world.state.numbers.get(number_id)
    if number is None or number.deleted_at is not None:
        raise EditError(f"there is no number {number_id}")
    return number
