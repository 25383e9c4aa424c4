"""Call budgets and the headers that tell of them."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.simulator.conftest import RigMaker
from tests.simulator.harness import BUSINESS, HOUR, WABA, Rig, refusal

OTHER_WABA = "202290129340398"
BUSY = {"observed": (400, 80007, 2446079), "documented": (429, 80007, 2446079)}
BUSY_LIST = {"observed": (400, 80008, 2446079), "documented": (429, 80008, 2446079)}
APP = {"observed": (400, 4, 2446079), "documented": (429, 4, 2446079)}


def usage(response: httpx.Response) -> dict[str, Any]:
    entries = json.loads(response.headers["X-Business-Use-Case-Usage"])[WABA]
    found: dict[str, Any] = entries[0]
    return found


def read(rig: Rig, times: int = 1) -> httpx.Response:
    for _ in range(times):
        response = rig.graph("GET", WABA)
    return response


def test_new_waba_has_200_calls_an_hour(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile)
    assert read(rig, 200).status_code == 200
    assert refusal(read(rig)) == BUSY[profile]
    assert refusal(rig.graph("GET", f"{WABA}/phone_numbers")) == BUSY_LIST[profile]
    rig.advance(HOUR - 1)
    assert refusal(read(rig)) == BUSY[profile]
    rig.advance(1)
    assert read(rig).status_code == 200


def test_waba_with_a_registered_number_has_the_large_budget(start: RigMaker) -> None:
    rig = start(limits={"management_calls": 20, "management_calls_active": 30})
    number_id = rig.registered()
    assert usage(read(rig, 20))["call_count"] == 24 * 100 // 30
    assert refusal(read(rig, 7)) == BUSY["observed"]
    rig.control("POST", f"numbers/{number_id}", {"deleted": True})
    assert usage(read(rig))["call_count"] == 32 * 100 // 20


def test_refused_calls_count_too(start: RigMaker) -> None:
    rig = start(limits={"management_calls": 4, "usage_headers_after": 1})
    assert refusal(rig.graph("GET", WABA, {"fields": "nope"}))[1] == 100
    read(rig, 3)
    assert refusal(read(rig, 3)) == BUSY["observed"]
    rig.advance(HOUR / 2)
    assert refusal(read(rig)) == BUSY["observed"]
    rig.advance(HOUR / 2)
    read(rig, 3)
    assert refusal(read(rig)) == BUSY["observed"]


def test_calls_on_numbers_count_for_their_waba(start: RigMaker) -> None:
    rig = start(limits={"management_calls": 5})
    rig.verified()
    read(rig, 2)
    assert refusal(read(rig)) == BUSY["observed"]


def test_each_waba_has_a_budget_of_its_own(start: RigMaker) -> None:
    businesses = [{"id": BUSINESS, "wabas": [{"id": WABA}, {"id": OTHER_WABA}]}]
    rig = start(limits={"management_calls": 2}, businesses=businesses)
    assert refusal(read(rig, 3)) == BUSY["observed"]
    assert rig.graph("GET", OTHER_WABA).status_code == 200


def test_headers_come_after_enough_calls(rig: Rig) -> None:
    response = read(rig, 9)
    assert "X-App-Usage" not in response.headers
    assert "X-Business-Use-Case-Usage" not in response.headers
    assert usage(read(rig)) == {
        "type": "whatsapp_business_management",
        "call_count": 5,
        "total_cputime": 2,
        "total_time": 2,
        "estimated_time_to_regain_access": 0,
    }


def test_header_tells_the_minutes_until_calls_are_possible_again(start: RigMaker) -> None:
    rig = start(limits={"management_calls": 3, "usage_headers_after": 1})
    read(rig)
    rig.advance(600)
    assert usage(read(rig))["estimated_time_to_regain_access"] == 0
    full = usage(read(rig))
    assert (full["call_count"], full["estimated_time_to_regain_access"]) == (100, 50)
    response = read(rig)
    assert refusal(response) == BUSY["observed"]
    assert usage(response)["estimated_time_to_regain_access"] == 60
    rig.advance(3600)
    assert read(rig).status_code == 200


def test_app_has_a_budget_over_all_wabas(start: RigMaker, profile: str) -> None:
    businesses = [{"id": BUSINESS, "wabas": [{"id": WABA}, {"id": OTHER_WABA}]}]
    limits = {"app_calls": 4, "usage_headers_after": 1}
    rig = start(profile=profile, limits=limits, businesses=businesses)
    read(rig, 2)
    response = rig.graph("GET", OTHER_WABA)
    assert json.loads(response.headers["X-App-Usage"])["call_count"] == 75
    read(rig)
    assert refusal(rig.graph("GET", OTHER_WABA)) == APP[profile]
    rig.advance(HOUR)
    assert read(rig).status_code == 200


def test_app_without_a_budget(start: RigMaker) -> None:
    rig = start(limits={"app_calls": None, "usage_headers_after": 0})
    assert "X-App-Usage" not in read(rig).headers


@pytest.mark.parametrize("token", ["EAAwrong", None])
def test_calls_without_a_good_token_count_for_nobody(start: RigMaker, token: str | None) -> None:
    rig = start(limits={"management_calls": 1})
    for _ in range(3):
        assert rig.graph("GET", WABA, token=token).status_code == 401
    assert read(rig).status_code == 200
