"""How many numbers the simulated Meta takes in a portfolio, and what it tells when that rises."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.simulator.conftest import RigMaker
from tests.simulator.harness import BUSINESS, START, WABA, Rig

OTHER_WABA = "103390129340399"


def portfolio(**given: Any) -> list[dict[str, Any]]:
    """One portfolio that is not verified, with a WABA that tells the app, and one that does not."""
    wabas = [{"id": WABA, "subscribed": True}, {"id": OTHER_WABA}]
    return [{"id": BUSINESS, "verified": False, "wabas": wabas, **given}]


def told(rig: Rig) -> list[tuple[str, dict[str, Any]]]:
    """Return the webhooks about how many numbers Meta takes: whose, and what they say."""
    entries = [hook["payload"]["entry"][0] for hook in rig.control("GET", "webhooks")["webhooks"]]
    return [
        (entry["id"], entry["changes"][0]["value"])
        for entry in entries
        if entry["changes"][0]["field"] == "business_capability_update"
    ]


def takes(rig: Rig) -> int:
    """Return how many numbers Meta takes, up to 30."""
    made = 0
    for number in range(30):
        body = {"phone_number": f"1419555{number:04d}", "verified_name": "Lucky Shrub"}
        if rig.graph("POST", f"{WABA}/phone_numbers", body).status_code == 200:
            made += 1
    return made


@pytest.mark.parametrize(
    ("edit", "cap", "value"),
    [
        ({"verified": True}, 20, {"max_phone_numbers_per_business": 20}),
        ({"max_phone_numbers": 5}, 5, {"max_phone_numbers_per_business": 5}),
        ({"messaging_limit": "TIER_2K"}, 20, {"max_phone_numbers_per_waba": 25}),
    ],
)
def test_a_bound_that_rises_is_told_to_the_wabas_that_the_app_is_subscribed_to(
    start: RigMaker, profile: str, edit: dict[str, Any], cap: int, value: dict[str, int]
) -> None:
    rig = start(profile=profile, businesses=portfolio())
    rig.control("POST", f"businesses/{BUSINESS}", edit)
    tier = edit.get("messaging_limit", "TIER_250")
    shown = tier if profile == "documented" else {"TIER_250": 250, "TIER_2K": 2000}[tier]
    assert told(rig) == [(WABA, {"max_daily_conversations_per_business": shown, **value})]
    assert takes(rig) == cap


@pytest.mark.parametrize("edit", [{"verified": False}, {"max_phone_numbers": 1}, {}])
def test_a_bound_that_does_not_rise_is_not_told(start: RigMaker, edit: dict[str, Any]) -> None:
    rig = start(businesses=portfolio())
    rig.control("POST", f"businesses/{BUSINESS}", edit)
    assert told(rig) == []


def test_a_scenario_says_when_a_portfolio_is_verified(start: RigMaker) -> None:
    at = START + timedelta(days=2)
    rig = start(businesses=portfolio(later=[{"at": at.isoformat(), "verified": True}]))
    assert takes(rig) == 2
    rig.control("POST", "clock", {"set": at.isoformat()})
    assert [waba for waba, _ in told(rig)] == [WABA]
    assert takes(rig) == 18


def test_what_a_waba_shows_of_its_portfolio_follows(start: RigMaker) -> None:
    rig = start(profile="documented", businesses=portfolio())
    fields = "business_verification_status,whatsapp_business_manager_messaging_limit"
    rig.control("POST", f"businesses/{BUSINESS}", {"messaging_limit": "TIER_10K"})
    shown = rig.graph("GET", WABA, {"fields": fields}).json()
    assert shown["business_verification_status"] == "UNVERIFIED"
    assert shown["whatsapp_business_manager_messaging_limit"] == "TIER_10K"


def test_a_portfolio_that_is_not_there_is_not_found(start: RigMaker) -> None:
    rig = start(businesses=portfolio())
    answer = rig.http.post("/_sim/businesses/1", json={"verified": True})
    assert (answer.status_code, answer.json()) == (404, {"error": "there is no business 1"})
