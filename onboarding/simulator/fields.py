"""The fields of phone numbers and WABAs, and how the two profiles spell their values."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from hashlib import blake2b
from typing import Any

from onboarding.simulator import state
from onboarding.simulator.refusals import OBSERVED, Profile, Reason
from onboarding.simulator.selection import Catalogue, Getter
from onboarding.simulator.state import Number, Waba
from onboarding.simulator.world import World

_USABLE_NAMES = ("APPROVED", "AVAILABLE_WITHOUT_REVIEW")


def format_instant(instant: datetime) -> str:
    """Return an instant as Meta writes it: an offset without a colon."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S+0000")


def _own(name: str) -> Getter:
    return lambda _world, node: getattr(node, name)


def _certificate(name: str) -> str:
    digest = blake2b(name.encode(), digest_size=48).digest()
    return b64encode(b"\n" + digest).decode()


def _current_certificate(_world: World, number: Number) -> str | None:
    usable = number.name_status in _USABLE_NAMES
    return _certificate(number.verified_name) if usable else None


def _new_certificate(_world: World, number: Number) -> str | None:
    approved = number.new_name_status == state.APPROVED
    return _certificate(f"new {number.new_display_name}") if approved else None


def _onboarded(_world: World, number: Number) -> str | None:
    instant = number.last_onboarded_time
    return None if instant is None else format_instant(instant)


def _webhooks(world: World, number: Number) -> dict[str, str]:
    override = world.state.wabas[number.waba_id].override_callback_uri
    shown = {
        "phone_number": number.override_callback_uri,
        "whatsapp_business_account": override,
        "application": world.scenario.app.callback_uri,
    }
    return {name: uri for name, uri in shown.items() if uri}


def _cert_status(_world: World, number: Number) -> str:
    if number.name_status in _USABLE_NAMES:
        return "APPROVED"
    is_pending = number.name_status == state.PENDING_REVIEW
    return "NAME_PENDING_REVIEW" if is_pending else "NAME_NOT_APPROVED"


def _official(_world: World, number: Number) -> dict[str, str]:
    is_official = number.is_official_business_account
    return {"oba_status": "APPROVED" if is_official else "NOT_STARTED"}


def _number_health(number: Number) -> dict[str, Any]:
    health: dict[str, Any] = {"entity_type": "PHONE_NUMBER", "id": number.id}
    if number.status != state.CONNECTED:
        error = {
            "error_code": 133010,
            "error_description": "Phone number not registered",
            "possible_solution": "Register the phone number.",
        }
        return health | {"can_send_message": "BLOCKED", "errors": [error]}
    if number.name_status != state.APPROVED:
        told = "Your display name has not been approved yet."
        return health | {"can_send_message": "LIMITED", "additional_info": [told]}
    return health | {"can_send_message": "AVAILABLE"}


def _waba_health(world: World, waba: Waba) -> list[dict[str, Any]]:
    is_well = waba.account_review_status == state.APPROVED
    shown = "AVAILABLE" if is_well else "LIMITED"
    ids = (("WABA", waba.id), ("BUSINESS", waba.business_id), ("APP", world.scenario.app.id))
    return [
        {
            "entity_type": kind,
            "id": name,
            "can_send_message": shown if kind == "WABA" else "AVAILABLE",
        }
        for kind, name in ids
    ]


def _worst(entities: list[dict[str, Any]]) -> dict[str, Any]:
    found = {entity["can_send_message"] for entity in entities}
    worst = next(level for level in ("BLOCKED", "LIMITED", "AVAILABLE") if level in found)
    return {"can_send_message": worst, "entities": entities}


def _health(world: World, number: Number) -> dict[str, Any]:
    waba = world.state.wabas[number.waba_id]
    return _worst([_number_health(number), *_waba_health(world, waba)])


NUMBER_GETTERS: dict[str, Getter] = {
    "id": _own("id"),
    "verified_name": _own("verified_name"),
    "code_verification_status": _own("code_verification_status"),
    "display_phone_number": _own("display"),
    "quality_rating": _own("quality_rating"),
    "quality_score": lambda _world, number: {"score": number.quality_rating},
    "platform_type": _own("platform_type"),
    "host_platform": _own("platform_type"),
    "throughput": lambda _world, number: {"level": number.throughput},
    "webhook_configuration": _webhooks,
    "last_onboarded_time": _onboarded,
    "status": _own("status"),
    "name_status": _own("name_status"),
    "new_display_name": _own("new_display_name"),
    "new_name_status": _own("new_name_status"),
    "certificate": _current_certificate,
    "new_certificate": _new_certificate,
    "account_mode": _own("account_mode"),
    "health_status": _health,
    "is_pin_enabled": lambda _world, number: number.pin is not None,
    "is_on_biz_app": _own("is_on_biz_app"),
    "is_official_business_account": _own("is_official_business_account"),
    "is_preverified_number": _own("is_preverified"),
    "official_business_account": _official,
    "country_code": _own("region"),
    "country_dial_code": _own("country_code"),
    "messaging_limit_tier": _own("messaging_limit_tier"),
    "whatsapp_business_manager_messaging_limit": _own("messaging_limit_tier"),
    "unified_cert_status": _cert_status,
    "search_visibility": _own("search_visibility"),
    "username": _own("username"),
    "conversational_automation": lambda _world, _number: None,
    "eligibility_for_api_business_global_search": lambda _world, _number: "NON_ELIGIBLE_UNDEFINED",
}

_GUIDE_DEFAULTS = (
    "verified_name",
    "code_verification_status",
    "display_phone_number",
    "quality_rating",
    "platform_type",
    "throughput",
    "webhook_configuration",
    "id",
)
_SPEC_LIST_DEFAULTS = (
    "id",
    "display_phone_number",
    "verified_name",
    "status",
    "quality_rating",
    "country_code",
    "country_dial_code",
    "code_verification_status",
    "unified_cert_status",
    "account_mode",
    "host_platform",
    "messaging_limit_tier",
    "is_official_business_account",
    "username",
)
_SPEC_NODE_DEFAULTS = ("id", "display_phone_number", "verified_name", "quality_rating")

_SPEC_SPELLINGS = {
    "status": {
        "CONNECTED": "LINKED",
        "DISCONNECTED": "UNLINKED",
        "UNVERIFIED": "PENDING",
        "FLAGGED": "RESTRICTED",
        "RATE_LIMITED": "RESTRICTED",
    },
    "code_verification_status": {"NOT_VERIFIED": "UNVERIFIED", "EXPIRED": "UNVERIFIED"},
    "quality_rating": {"UNKNOWN": "NA"},
    "messaging_limit_tier": {"TIER_2K": "TIER_1K"},
}

LIST_CATALOGUES: dict[Profile, Catalogue] = {
    "observed": Catalogue(NUMBER_GETTERS, _GUIDE_DEFAULTS, Reason.NUMBER_FIELD, "PhoneNumber", {}),
    "documented": Catalogue(
        NUMBER_GETTERS, _SPEC_LIST_DEFAULTS, Reason.WABA_FIELD, "PhoneNumber", _SPEC_SPELLINGS
    ),
}
NUMBER_CATALOGUES: dict[Profile, Catalogue] = {
    "observed": LIST_CATALOGUES["observed"],
    "documented": Catalogue(
        NUMBER_GETTERS, _SPEC_NODE_DEFAULTS, Reason.NUMBER_FIELD, "PhoneNumber", _SPEC_SPELLINGS
    ),
}


def _business(world: World, waba: Waba) -> dict[str, str]:
    business = world.state.businesses[waba.business_id]
    return {"id": business.id, "name": business.name}


def _verification(world: World, waba: Waba) -> str:
    is_verified = world.state.businesses[waba.business_id].verified
    if world.scenario.profile == OBSERVED:
        return "verified" if is_verified else "not_verified"
    return "VERIFIED" if is_verified else "UNVERIFIED"


def _messaging_limit(world: World, waba: Waba) -> str:
    return world.state.businesses[waba.business_id].messaging_limit


def _ownership(world: World, waba: Waba) -> str:
    if world.scenario.profile == OBSERVED:
        return waba.ownership_type.removesuffix("_OWNED")
    return waba.ownership_type


def _namespace(_world: World, waba: Waba) -> str:
    digest = blake2b(waba.id.encode(), digest_size=16).hexdigest()
    return "_".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))


WABA_GETTERS: dict[str, Getter] = {
    "id": _own("id"),
    "name": _own("name"),
    "timezone_id": _own("timezone_id"),
    "message_template_namespace": _namespace,
    "account_review_status": _own("account_review_status"),
    "business_verification_status": _verification,
    "ownership_type": _ownership,
    "status": lambda _world, _waba: "ACTIVE",
    "country": _own("country"),
    "currency": _own("currency"),
    "health_status": lambda world, waba: _worst(_waba_health(world, waba)),
    "owner_business_info": _business,
    "on_behalf_of_business_info": lambda _world, _waba: None,
    "whatsapp_business_manager_messaging_limit": _messaging_limit,
    "primary_funding_id": lambda _world, waba: f"7{waba.id}" if waba.has_payment_method else None,
    "is_enabled_for_insights": lambda _world, _waba: True,
}

WABA_CATALOGUES: dict[Profile, Catalogue] = {
    "observed": Catalogue(
        WABA_GETTERS,
        ("id", "name", "timezone_id", "message_template_namespace"),
        Reason.WABA_FIELD,
        "Account",
        {},
    ),
    "documented": Catalogue(WABA_GETTERS, ("id", "name"), Reason.WABA_FIELD, "Account", {}),
}
