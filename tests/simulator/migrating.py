"""Two sides of a migration, and the moves from one to the other."""

from __future__ import annotations

from typing import Any

import httpx

from tests.simulator.harness import BUSINESS, WABA, Refused, Rig

DEST = "202290129340398"
THIRD = "302290129340398"
OTHER_BUSINESS = "606914307656634"
PHONE = "14195551518"
NOT_ALLOWED: dict[str, Refused] = {"observed": (400, 100, 2388103), "documented": (422, 100, None)}
UNPROVEN: dict[str, Refused] = {"observed": (400, 100, 2388001), "documented": (422, 100, None)}
UNAVAILABLE: dict[str, Refused] = {"observed": (400, 100, 33), "documented": (422, 100, None)}
NOT_ELIGIBLE: dict[str, Refused] = {
    "observed": (400, 136024, 2388091),
    "documented": (422, 100, None),
}
KEPT = {
    "verified_name": "Lucky Shrub",
    "name_status": "APPROVED",
    "quality_rating": "GREEN",
    "messaging_limit_tier": "TIER_10K",
    "is_official_business_account": True,
}
LIVE = ("status", "platform_type", "code_verification_status")


def settled(phone: str = PHONE, **more: Any) -> dict[str, Any]:
    """A number that may leave its WABA."""
    return {"phone_number": f"+{phone}", "registered": True, **KEPT, **more}


def two_sides(
    number: dict[str, Any] | None = None,
    *,
    source: dict[str, Any] | None = None,
    dest: dict[str, Any] | None = None,
    source_verified: bool = True,
    dest_verified: bool = True,
) -> list[dict[str, Any]]:
    """The number's business with its WABA, and the destination's business with two."""
    numbers = [settled(), settled("14195551519")] if number is None else [number]
    old = {"id": WABA, "subscribed": True, "numbers": numbers, **(source or {})}
    new = {"id": DEST, "subscribed": True, **(dest or {})}
    third = {"id": THIRD, "subscribed": True}
    return [
        {"id": BUSINESS, "verified": source_verified, "wabas": [old]},
        {"id": OTHER_BUSINESS, "verified": dest_verified, "wabas": [new, third]},
    ]


def migrate(rig: Rig, waba: str = DEST, phone: str = PHONE, **more: Any) -> httpx.Response:
    params = {"cc": "1", "phone_number": phone[1:], "migrate_phone_number": True, **more}
    return rig.graph("POST", f"{waba}/phone_numbers", params)


def started(rig: Rig, waba: str = DEST, phone: str = PHONE) -> str:
    response = migrate(rig, waba, phone)
    assert response.status_code == 200, response.text
    number_id: str = response.json()["id"]
    return number_id


def proven(rig: Rig, waba: str = DEST) -> str:
    number_id = started(rig, waba)
    assert rig.request_code(number_id).status_code == 200
    assert rig.verify_code(number_id, rig.last_code()).status_code == 200
    return number_id


def migrated(rig: Rig, waba: str = DEST) -> str:
    number_id = proven(rig, waba)
    assert rig.register(number_id).status_code == 200
    return number_id


def node_of(rig: Rig, waba: str = WABA, phone: str = PHONE) -> str:
    params = {"display_phone_number": phone}
    number_id: str = rig.graph("GET", f"{waba}/phone_numbers", params).json()["data"][0]["id"]
    return number_id


def told(response: httpx.Response) -> str:
    error = response.json()["error"]
    details: str = error.get("error_data", {}).get("details", error["message"])
    return details
