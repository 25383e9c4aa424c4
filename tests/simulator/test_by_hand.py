"""What people do to a number past the API: no call, no trace in the log, and its effects."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.simulator.conftest import RigMaker
from tests.simulator.harness import DAY, PIN, START, WABA, Rig, business


def by_hand(rig: Rig, number_id: str, do: str, **given: str) -> dict[str, Any]:
    shown: dict[str, Any] = rig.control("POST", f"by_hand/{number_id}", {"do": do, **given})
    return shown


def registered(rig: Rig) -> str:
    """Return the id of a number that is connected."""
    number_id = rig.signed_up()
    assert rig.register(number_id).status_code == 200
    rig.advance(1)
    assert rig.number(number_id)["status"] == "CONNECTED"
    return number_id


@pytest.mark.parametrize(
    ("do", "status", "platform"),
    [
        ("disconnect", "DISCONNECTED", "NOT_APPLICABLE"),
        ("ban", "BANNED", "CLOUD_API"),
        ("migrate", "MIGRATED", "NOT_APPLICABLE"),
        ("connect_app", "CONNECTED", "CLOUD_API"),
        ("leave_app", "DISCONNECTED", "NOT_APPLICABLE"),
    ],
)
def test_a_number_shows_what_was_done_to_it(rig: Rig, do: str, status: str, platform: str) -> None:
    number_id = registered(rig)
    calls = len(rig.control("GET", "calls")["calls"])
    shown = by_hand(rig, number_id, do)
    assert (shown["status"], shown["platform_type"]) == (status, platform)
    assert shown["is_on_biz_app"] is (do == "connect_app")
    fields = {"fields": "status,platform_type"}
    (listed,) = rig.graph("GET", f"{WABA}/phone_numbers", fields).json()["data"]
    assert (listed["status"], listed["platform_type"]) == (status, platform)
    assert len(rig.control("GET", "calls")["calls"]) == calls + 1


def test_a_deleted_number_is_off_the_list(rig: Rig) -> None:
    number_id = registered(rig)
    by_hand(rig, number_id, "delete")
    assert rig.graph("GET", f"{WABA}/phone_numbers").json()["data"] == []
    assert rig.http.post(f"/_sim/by_hand/{number_id}", json={"do": "ban"}).status_code == 404


def test_a_ban_that_is_lifted_shows_the_number_as_it_was(rig: Rig) -> None:
    number_id = registered(rig)
    by_hand(rig, number_id, "ban")
    assert by_hand(rig, number_id, "lift_ban")["status"] == "CONNECTED"
    waiting = rig.signed_up("14195551519")
    by_hand(rig, waiting, "ban")
    assert by_hand(rig, waiting, "lift_ban")["status"] == "PENDING"


def test_a_number_of_the_app_is_not_registered_or_deregistered(rig: Rig) -> None:
    number_id = registered(rig)
    by_hand(rig, number_id, "connect_app")
    for refused in (rig.register(number_id), rig.graph("POST", f"{number_id}/deregister")):
        assert refused.status_code == 400
        assert "SMB businesses" in refused.json()["error"]["message"]


def test_a_changed_name_is_reviewed_and_told(rig: Rig) -> None:
    number_id = registered(rig)
    rig.graph("POST", f"{WABA}/subscribed_apps")
    shown = by_hand(rig, number_id, "change_name", name="Shrub Berlin")
    assert (shown["new_display_name"], shown["new_name_status"]) == (
        "Shrub Berlin", "PENDING_REVIEW",
    )  # fmt: skip
    again = rig.http.post(
        f"/_sim/by_hand/{number_id}", json={"do": "change_name", "name": "Shrub Paris"}
    )
    assert again.status_code == 409
    rig.advance(2 * DAY)
    assert rig.number(number_id)["new_name_status"] == "APPROVED"
    (told,) = rig.control("GET", "webhooks")["webhooks"]
    assert told["payload"]["entry"][0]["changes"][0]["field"] == "phone_number_name_update"


def test_a_changed_pin_is_told_and_is_the_pin(rig: Rig) -> None:
    number_id = registered(rig)
    rig.graph("POST", f"{WABA}/subscribed_apps")
    before = rig.number(number_id)["pin_digest"]
    assert by_hand(rig, number_id, "change_pin", pin="271828")["pin_digest"] != before
    (told,) = rig.control("GET", "webhooks")["webhooks"]
    value = told["payload"]["entry"][0]["changes"][0]["value"]
    assert value["event"] == "PIN_CHANGED"
    assert by_hand(rig, number_id, "switch_pin_off")["has_pin"] is False


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"do": "explode"},
        {"do": "change_name"},
        {"do": "change_pin"},
        {"do": "change_pin", "pin": "1"},
        {"do": "ban", "name": "Shrub"},
        {"do": "change_name", "name": "Shrub", "pin": PIN},
    ],
)
def test_what_does_not_fit_together_is_refused(rig: Rig, body: dict[str, str]) -> None:
    number_id = registered(rig)
    assert rig.http.post(f"/_sim/by_hand/{number_id}", json=body).status_code == 400
    assert rig.number(number_id)["status"] == "CONNECTED"


def test_a_scenario_announces_it(start: RigMaker) -> None:
    at = [(START + timedelta(days=days)).isoformat() for days in (1, 2, 3)]
    number = {
        "phone_number": "+14195551518", "verified_name": "Lucky Shrub", "registered": True,
        "by_hand": [
            {"at": at[0], "do": "change_name", "name": "Shrub Berlin"},
            {"at": at[0], "do": "change_name", "name": "Shrub Paris"},
            {"at": at[1], "do": "disconnect"},
            {"at": at[2], "do": "delete"},
        ],
    }  # fmt: skip
    rig = start(businesses=[business(numbers=[number])])
    (shown,) = rig.control("GET", "state")["numbers"]
    assert shown["status"] == "CONNECTED"
    rig.advance(1.5 * DAY)
    assert rig.number(shown["id"])["new_display_name"] == "Shrub Berlin"  # the second is refused
    rig.advance(DAY)
    assert rig.number(shown["id"])["status"] == "DISCONNECTED"
    rig.advance(DAY)
    assert rig.graph("GET", f"{WABA}/phone_numbers").json()["data"] == []


def test_what_is_announced_survives_a_snapshot(start: RigMaker) -> None:
    at = (START + timedelta(days=1)).isoformat()
    number = {
        "phone_number": "+14195551518", "verified_name": "Lucky Shrub", "registered": True,
        "by_hand": [{"at": at, "do": "ban"}],
    }  # fmt: skip
    rig = start(businesses=[business(numbers=[number])])
    snapshot = rig.control("GET", "snapshot")
    rig.advance(2 * DAY)
    rig.control("POST", "snapshot", snapshot)
    (shown,) = rig.control("GET", "state")["numbers"]
    assert shown["status"] == "CONNECTED"
    rig.advance(2 * DAY)
    assert rig.number(shown["id"])["status"] == "BANNED"
