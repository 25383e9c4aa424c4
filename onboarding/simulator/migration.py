"""Migration of a registered number from one WABA to another.

Plays Meta's rules: the destination starts it with a create call, then proves ownership and
registers; the number keeps working at the source until it is registered at the destination.
Display name, quality rating, messaging limit and official status are kept.
"""

from __future__ import annotations

from datetime import datetime

from onboarding.simulator import state
from onboarding.simulator.phones import Phone
from onboarding.simulator.refusals import Reason, Refusal
from onboarding.simulator.routing import Endpoint
from onboarding.simulator.state import Number, Waba
from onboarding.simulator.world import World

_PROVIDED_BY_META = "1555"
_AFTER_MIGRATION: dict[Endpoint, Reason] = {
    "request_code": Reason.CODE_NOT_ELIGIBLE,
    "verify_code": Reason.CODE_WRONG,
    "deregister": Reason.NOT_REGISTERED,
}


def find_source(world: World, waba: Waba, phone: Phone) -> Number:
    """Return the node that a number is to be migrated from.

    Raises:
        Refusal: the number is on the destination already, on no WABA at all, or another
            migration of it is under way.
    """
    present = world.find_present(phone.key)
    if any(node.waba_id == waba.id for node in present):
        raise Refusal(Reason.NUMBER_DUPLICATE)
    if not present:
        raise Refusal(Reason.MIGRATE_DIRECTLY)
    if any(node.migrates_from is not None for node in present):
        raise Refusal(Reason.MIGRATE_LATER)
    return present[0]


def check_migration(world: World, source: Number, waba: Waba) -> None:
    """Check what Meta demands before a number may leave one WABA for another.

    Raises:
        Refusal: by the first rule that says no: the number, its old WABA, the new one.
    """
    _check_number(source)
    _check_source(world, source)
    _check_destination(world, waba)
    is_same = world.state.wabas[source.waba_id].business_id == waba.business_id
    if world.scenario.migration.same_business and not is_same:
        raise Refusal(Reason.MIGRATE_BUSINESS)


def inherit(number: Number, source: Number) -> None:
    """Take over what a number keeps when it is migrated; it still must prove its ownership."""
    number.migrates_from = source.id
    number.verified_name = source.verified_name
    number.name_status = source.name_status
    number.name_approved_at = source.name_approved_at
    number.quality_rating = source.quality_rating
    number.messaging_limit_tier = source.messaging_limit_tier
    number.is_official_business_account = source.is_official_business_account
    number.codes_sent = source.codes_sent


def finish_migration(world: World, number: Number, now: datetime) -> None:
    """Take a number off its old WABA, now that it is registered on the new one."""
    if number.migrates_from is None:
        return
    source = world.state.numbers[number.migrates_from]
    number.migrates_from = None
    if not source.is_gone:
        world.migrate_number(source, number, now)


def check_not_migrated(number: Number, endpoint: Endpoint) -> None:
    """Refuse to change a node whose number has moved to another WABA; it can still be read.

    Raises:
        Refusal: the number was migrated.
    """
    if number.migrated_at is not None:
        reason = _AFTER_MIGRATION.get(endpoint, Reason.MIGRATED)
        raise Refusal(reason, id=number.id, verb="post")


def _check_number(source: Number) -> None:
    if source.status == "BANNED":
        raise Refusal(Reason.NUMBER_BANNED)
    if source.account_mode == "SANDBOX" or source.key.startswith(_PROVIDED_BY_META):
        raise Refusal(Reason.MIGRATE_TEST_NUMBER)
    if source.is_on_biz_app or source.platform_type == state.ON_PREMISE:
        raise Refusal(Reason.MIGRATE_APP_NUMBER)
    if source.platform_type != state.CLOUD_API:
        raise Refusal(Reason.MIGRATE_SOURCE, why="the phone number is not registered there")
    if source.pin is not None:
        raise Refusal(Reason.MIGRATE_TWO_STEP)
    is_changing = source.new_name_status == state.PENDING_REVIEW
    if source.name_status != state.APPROVED or is_changing:
        raise Refusal(Reason.MIGRATE_NAME)


def _check_source(world: World, source: Number) -> None:
    why = _flaw(world, world.state.wabas[source.waba_id])
    if why is not None:
        raise Refusal(Reason.MIGRATE_SOURCE, why=why)


def _check_destination(world: World, waba: Waba) -> None:
    why = _flaw(world, waba)
    if why is not None:
        raise Refusal(Reason.MIGRATE_DESTINATION, why=why)
    if not waba.is_messaging_for_approved:
        raise Refusal(Reason.MIGRATE_MESSAGING_FOR)
    if not waba.has_payment_method:
        raise Refusal(Reason.MIGRATE_PAYMENT)
    if not waba.is_subscribed:
        raise Refusal(Reason.MIGRATE_WEBHOOKS)


def _flaw(world: World, waba: Waba) -> str | None:
    """Return what is not settled at Meta about a WABA and its business."""
    if waba.account_review_status != state.APPROVED:
        return "it has not passed its review"
    is_verified = world.state.businesses[waba.business_id].verified
    return None if is_verified else "its business is not verified"
