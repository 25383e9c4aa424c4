"""A partner's pool of pre-verified numbers, and the claim of one of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx

from tests.simulator.harness import BUSINESS, START, WABA, Refused, Rig

PARTNER = "606914307656634"
ENTRY = "106540352242922"
PHONE = "14195551518"
CLAIM_REFUSED: dict[str, Refused] = {"observed": (400, 100, None), "documented": (422, 100, None)}
GONE: dict[str, Refused] = {"observed": (400, 100, 33), "documented": (404, 803, None)}
UNVERIFIED: dict[str, Refused] = {"observed": (400, 133006, None), "documented": (422, 100, None)}


def pool(*entries: dict[str, Any], waba: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """A partner with pre-verified numbers, and the customer's business with its WABA."""
    known = [{"id": ENTRY, "phone_number": f"+{PHONE}", "verified": True}]
    return [
        {"id": PARTNER, "preverified_numbers": list(entries) or known},
        {"id": BUSINESS, "wabas": [{"id": WABA, "subscribed": True, **(waba or {})}]},
    ]


def claim(rig: Rig, preverified_id: str = ENTRY, **more: Any) -> httpx.Response:
    params = {"preverified_id": preverified_id, "verified_name": "Lucky Shrub", **more}
    return rig.graph("POST", f"{WABA}/phone_numbers", params)


def claimed(rig: Rig, **more: Any) -> str:
    response = claim(rig, **more)
    assert response.status_code == 200, response.text
    number_id: str = response.json()["id"]
    return number_id


def ago(days: float) -> str:
    return (START - timedelta(days=days)).isoformat()


def entries(rig: Rig) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rig.control("GET", "state")["businesses"][0][
        "preverified_numbers"
    ]
    return found
