"""Portfolios: how many numbers Meta takes in one, and what raises that.

Meta's rule: 2 numbers at first, 20 once the business is verified or has reached a messaging limit
of 2,000, more by its support. A bound that rose is told to each WABA of the portfolio.
"""

from __future__ import annotations

from datetime import datetime

from onboarding.simulator.refusals import OBSERVED
from onboarding.simulator.scenario import NEW_TIER, PortfolioSettings
from onboarding.simulator.state import Business, Event, Waba
from onboarding.simulator.webhooks import emit_webhook
from onboarding.simulator.world import World

_LIMITS = {"TIER_250": 250, "TIER_2K": 2000, "TIER_10K": 10_000, "TIER_100K": 100_000}


def cap_of(world: World, business: Business) -> int:
    """Return how many numbers a portfolio may have."""
    if business.max_phone_numbers is not None:
        return business.max_phone_numbers
    limits = world.scenario.limits
    if business.verified or business.messaging_limit != NEW_TIER:
        return limits.numbers_per_verified_business
    return limits.numbers_per_unverified_business


def waba_cap_of(world: World, waba: Waba) -> int:
    """Return how many numbers a WABA may have."""
    given = waba.max_phone_numbers
    return world.scenario.limits.numbers_per_waba if given is None else given


def change_portfolio(
    world: World, business: Business, given: PortfolioSettings, now: datetime
) -> None:
    """Verify a portfolio, raise its messaging limit, or set its bound; what is not given stays."""
    before = cap_of(world, business)
    for name in given.model_fields_set & set(PortfolioSettings.model_fields):
        setattr(business, name, getattr(given, name))
    if cap_of(world, business) > before:
        for waba_id in business.waba_ids:
            _emit_capability(world, world.state.wabas[waba_id], business, now)


def change_when_due(world: World, event: Event) -> bool:
    """Do to a portfolio what the scenario announced."""
    business = world.state.businesses[event.subject]
    change_portfolio(world, business, PortfolioSettings.model_validate(event.data), event.due)
    return True


def _emit_capability(world: World, waba: Waba, business: Business, now: datetime) -> None:
    """``business_capability_update``: of the portfolio while its limit is 250, else of the WABA."""
    tier = business.messaging_limit
    told = _LIMITS.get(tier, -1) if world.scenario.profile == OBSERVED else tier
    value: dict[str, object] = {"max_daily_conversations_per_business": told}
    if tier == NEW_TIER:
        value["max_phone_numbers_per_business"] = cap_of(world, business)
    else:
        value["max_phone_numbers_per_waba"] = waba_cap_of(world, waba)
    emit_webhook(world, waba.id, "business_capability_update", value, now)
