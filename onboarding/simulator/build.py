"""The world that a scenario starts with."""

from __future__ import annotations

from datetime import datetime

from onboarding.simulator import state
from onboarding.simulator.chance import pick_integer
from onboarding.simulator.faults import add_fault
from onboarding.simulator.numbers import add_number
from onboarding.simulator.phones import Phone, PhoneFormatError, PhoneInvalidError, parse_phone
from onboarding.simulator.registration import set_registered
from onboarding.simulator.scenario import (
    BusinessSettings,
    NumberSettings,
    Scenario,
    TokenSettings,
    WabaSettings,
)
from onboarding.simulator.scenario_file import ScenarioError
from onboarding.simulator.state import Business, Number, Preverified, State, Token, Waba
from onboarding.simulator.world import World


def build_world(scenario: Scenario, now: datetime) -> World:
    """Return a fresh world; the same scenario and instant give the same one, ids included.

    Raises:
        ScenarioError: a number of the scenario could not exist, or is there twice.
    """
    knowledge = State()
    for given in scenario.businesses:
        _add_business(knowledge, given)
    for index, token in enumerate(scenario.tokens):
        made = _make_token(scenario, token, index)
        knowledge.tokens[made.value] = made
    world = World(scenario, knowledge)
    for text in scenario.elsewhere.in_use:
        knowledge.elsewhere[_read(text).key] = "in_use"
    for text in scenario.elsewhere.banned:
        knowledge.elsewhere[_read(text).key] = "banned"
    for fault in scenario.faults:
        add_fault(world, fault)
    for business in scenario.businesses:
        for change in business.later:
            becomes = change.model_dump(mode="json", exclude={"at"}, exclude_unset=True)
            world.schedule("change_portfolio", max(change.at, now), business.id, **becomes)
        _add_preverified(knowledge, business, now)
        for waba in business.wabas:
            _add_numbers(world, waba, now)
    return world


def _add_business(knowledge: State, given: BusinessSettings) -> None:
    business = Business(
        given.id,
        given.name,
        given.verified,
        given.max_phone_numbers,
        messaging_limit=given.messaging_limit,
    )
    knowledge.businesses[business.id] = business
    for waba in given.wabas:
        business.waba_ids.append(waba.id)
        knowledge.wabas[waba.id] = Waba(
            id=waba.id,
            business_id=business.id,
            name=waba.name,
            account_review_status=waba.account_review_status,
            ownership_type=waba.ownership_type,
            country=waba.country,
            currency=waba.currency,
            timezone_id=waba.timezone_id,
            max_phone_numbers=waba.max_phone_numbers,
            is_subscribed=waba.subscribed,
            has_payment_method=waba.payment_method,
            is_messaging_for_approved=waba.messaging_for_approved,
        )


def _make_token(scenario: Scenario, given: TokenSettings, index: int) -> Token:
    value = given.value
    if value is None:
        value = f"EAASIM{pick_integer(scenario.seed, 'token', index):016x}"
    wabas = None if given.wabas == "all" else list(given.wabas)
    return Token(value, wabas, list(given.scopes))


def _add_preverified(knowledge: State, given: BusinessSettings, now: datetime) -> None:
    for one in given.preverified_numbers:
        phone = _read(one.phone_number)
        if any(other.key == phone.key for other in knowledge.preverified.values()):
            raise ScenarioError(f"the pre-verified number {one.phone_number} is there twice")
        verified_at = one.verified_at or (now if one.verified else None)
        knowledge.preverified[one.id] = Preverified(
            one.id, given.id, phone.digits, phone.key, verified_at, added_at=verified_at or now
        )


def _add_numbers(world: World, given: WabaSettings, now: datetime) -> None:
    waba = world.state.wabas[given.id]
    for settings in given.numbers:
        phone, at = _read(settings.phone_number), settings.embedded_signup
        if at is not None and at > now:
            name = settings.verified_name
            world.schedule("end_signup", at, waba.id, phone=f"+{phone.digits}", name=name)
            continue
        if world.find_present(phone.key):
            raise ScenarioError(f"the number {settings.phone_number} is there twice")
        number = add_number(world, waba, phone, settings.verified_name, now, onboarded_at=at)
        _apply(world, number, settings, now)


def _apply(world: World, number: Number, given: NumberSettings, now: datetime) -> None:
    number.pin = given.pin
    number.is_on_biz_app = given.is_on_biz_app
    number.account_mode = given.account_mode
    number.messaging_limit_tier = given.messaging_limit_tier
    number.quality_rating = given.quality_rating
    number.is_official_business_account = given.is_official_business_account
    if given.registered:
        number.code_verification_status = state.VERIFIED
        set_registered(world, number, now)
    number.code_verification_status = (
        given.code_verification_status or number.code_verification_status
    )
    number.name_status = given.name_status or number.name_status
    number.status = given.status or number.status
    number.platform_type = given.platform_type or number.platform_type
    world.note_platform(number)
    for hand in given.by_hand:
        deed = hand.model_dump(mode="json", exclude={"at"})
        world.schedule("by_hand", max(hand.at, now), number.id, **deed)
    if given.two_step_off is not None:
        world.schedule("switch_pin_off", given.two_step_off, number.id)


def _read(text: str) -> Phone:
    try:
        return parse_phone("", text)
    except (PhoneFormatError, PhoneInvalidError) as error:
        raise ScenarioError(f"{text!r} is not a phone number with its country code") from error
