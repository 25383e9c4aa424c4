"""A number of ours that is registered on one WABA, and another WABA of ours that it may go to."""

from __future__ import annotations

from typing import Any

from onboarding.model import State
from tests.engine.rehearsing import NUMBER, OTHER_WABA, SWIFT, WABA, Rehearse, Rehearsed

THIRD_WABA = "104390129340390"
NAME = "Lucky Shrub"


def two_sides(
    *,
    number: dict[str, Any] | None = None,
    source: dict[str, Any] | None = None,
    destination: dict[str, Any] | None = None,
    **given: Any,
) -> dict[str, Any]:
    """Return a scenario in which the number may migrate, unless what is given says otherwise."""
    settled = {
        "phone_number": NUMBER, "verified_name": NAME, "registered": True,
        "name_status": "APPROVED", **(number or {}),
    }  # fmt: skip
    wabas = [
        {"id": WABA, "subscribed": True, "numbers": [settled], **(source or {})},
        {"id": OTHER_WABA, "subscribed": True, **(destination or {})},
        {"id": THIRD_WABA, "subscribed": True},
    ]
    return {**SWIFT, "businesses": [{"id": "506914307656634", "wabas": wabas}], **given}


def registered(rehearse: Rehearse, **given: Any) -> Rehearsed:
    """Return a rehearsal in which the number is registered with us on the first WABA."""
    settings = given.pop("settings", {})
    meta = rehearse(scenario=two_sides(**given), **settings)
    meta.ask(entry="embedded_signup")
    meta.run_to(State.REGISTERED)
    return meta


def nodes(meta: Rehearsed, number: str = NUMBER) -> dict[str, dict[str, Any]]:
    """Return what Meta knows of a number on each WABA."""
    found = meta.control.get("/state").json()["numbers"]
    digits = number.removeprefix("+")
    return {each["waba_id"]: each for each in found if each["digits"] == digits}


def live_claims(meta: Rehearsed) -> dict[str, list[str]]:
    """Return the WABAs that have a live claim on each number."""
    held = (*(s for s in State if s not in _WITHOUT),)
    found: dict[str, list[str]] = {}
    for row in meta.engine.find_all(states=held):
        found.setdefault(row.number_key, []).append(row.waba_id)
    return found


_WITHOUT = (State.EXPIRED, State.LEFT, State.FAILED, State.CANCELLED, State.MIGRATING)
