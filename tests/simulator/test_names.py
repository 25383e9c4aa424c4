"""Review of display names, first ones and changed ones."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.simulator.conftest import RigMaker
from tests.simulator.harness import DAY, Rig, business, refusal


def rename(rig: Rig, number_id: str, name: str) -> httpx.Response:
    return rig.graph("POST", number_id, {"new_display_name": name})


def subscribed(start: RigMaker, **rule: Any) -> Rig:
    return start(reviewer={"default": rule}, businesses=[business(subscribed=True)])


def decisions(rig: Rig) -> list[dict[str, Any]]:
    changes = [
        one["payload"]["entry"][0]["changes"][0]
        for one in rig.control("GET", "webhooks")["webhooks"]
    ]
    return [one["value"] for one in changes if one["field"] == "phone_number_name_update"]


@pytest.mark.parametrize(
    ("decision", "reason", "status", "told", "told_reason"),
    [
        ("APPROVED", None, "APPROVED", "APPROVED", None),
        ("DECLINED", None, "DECLINED", "REJECTED", "UNKNOWN"),
        ("DECLINED", "NAME_NOT_CONSISTENT", "DECLINED", "REJECTED", "NAME_NOT_CONSISTENT"),
        ("DEFERRED", None, "PENDING_REVIEW", "DEFERRED", None),
    ],
)
def test_first_name_is_decided_when_due(
    *,
    start: RigMaker,
    decision: str,
    reason: str | None,
    status: str,
    told: str,
    told_reason: str | None,
) -> None:
    rig = subscribed(
        start, first="PENDING_REVIEW", after="6h", decision=decision, rejection_reason=reason
    )
    number_id = rig.create()
    rig.advance(6 * 3600 - 1)
    assert rig.read(number_id, "name_status")["name_status"] == "PENDING_REVIEW"
    rig.advance(1)
    assert rig.read(number_id, "name_status")["name_status"] == status
    assert decisions(rig) == [
        {
            "display_phone_number": "14195551518",
            "decision": told,
            "requested_verified_name": "Lucky Shrub",
            "rejection_reason": told_reason,
        }
    ]


def test_decision_happens_at_its_instant_however_late_it_is_looked_at(start: RigMaker) -> None:
    rig = subscribed(start, first="PENDING_REVIEW", after="2d")
    rig.create()
    rig.advance(30 * DAY)
    assert rig.control("GET", "webhooks")["webhooks"][0]["at"] == "2026-11-04T09:00:00.000000Z"


def test_name_that_is_never_decided(start: RigMaker) -> None:
    rig = subscribed(start, first="PENDING_REVIEW", decision="never")
    number_id = rig.create()
    rig.advance(365 * DAY)
    assert rig.read(number_id, "name_status")["name_status"] == "PENDING_REVIEW"
    assert decisions(rig) == []


def test_nobody_is_told_of_a_waba_that_is_not_subscribed(rig: Rig) -> None:
    number_id = rig.create()
    rename(rig, number_id, "Lucky Bush")
    rig.advance(2 * DAY)
    assert rig.read(number_id, "new_name_status")["new_name_status"] == "APPROVED"
    assert decisions(rig) == []


def test_change_is_reviewed_then_registered(start: RigMaker) -> None:
    rig = subscribed(start, after="1d")
    number_id = rig.registered()
    fields = ("verified_name", "name_status", "new_display_name", "new_name_status")
    assert "new_name_status" not in rig.read(number_id, *fields)
    assert rename(rig, number_id, "Lucky Bush").json() == {"success": True}
    assert rig.read(number_id, *fields) == {
        "verified_name": "Lucky Shrub",
        "name_status": "AVAILABLE_WITHOUT_REVIEW",
        "new_display_name": "Lucky Bush",
        "new_name_status": "PENDING_REVIEW",
        "id": number_id,
    }
    assert rig.register(number_id).status_code == 200
    rig.advance(DAY)
    assert rig.read(number_id, *fields) == {
        "verified_name": "Lucky Bush",
        "name_status": "APPROVED",
        "new_display_name": "Lucky Bush",
        "new_name_status": "APPROVED",
        "id": number_id,
    }
    assert "new_certificate" in rig.read(number_id, "new_certificate")
    assert rig.register(number_id).status_code == 200
    assert set(rig.read(number_id, *fields)) == {"verified_name", "name_status", "id"}
    assert [call["effect"] for call in rig.calls("register")] == [True, False, True]
    assert decisions(rig)[0]["requested_verified_name"] == "Lucky Bush"


def test_approved_change_expires_after_14_days_without_registration(start: RigMaker) -> None:
    rig = subscribed(start, after="1d")
    number_id = rig.registered()
    rename(rig, number_id, "Lucky Bush")
    rig.advance(15 * DAY)
    shown = rig.read(number_id, "name_status", "new_name_status")
    assert (shown["name_status"], shown["new_name_status"]) == ("EXPIRED", "EXPIRED")
    assert refusal(rig.register(number_id)) == (400, 100, 2388001)
    assert rename(rig, number_id, "Lucky Bush").status_code == 200
    rig.advance(DAY)
    assert rig.register(number_id).status_code == 200
    rig.advance(20 * DAY)
    assert rig.read(number_id, "name_status")["name_status"] == "APPROVED"


def test_declined_change_leaves_the_first_name(start: RigMaker) -> None:
    rig = subscribed(start, after="1d", decision="DECLINED")
    number_id = rig.registered()
    rename(rig, number_id, "Lucky Bush")
    rig.advance(DAY)
    shown = rig.read(number_id, "verified_name", "name_status", "new_name_status")
    assert shown["verified_name"] == "Lucky Shrub"
    assert shown["name_status"] == "AVAILABLE_WITHOUT_REVIEW"
    assert shown["new_name_status"] == "DECLINED"


def test_declined_first_name_is_mended_by_a_change(start: RigMaker) -> None:
    rules = [{"name": "Bad*", "first": "PENDING_REVIEW", "after": "1h", "decision": "DECLINED"}]
    rig = start(reviewer={"rules": rules, "default": {"after": "1h"}})
    number_id = rig.verified(name="Bad Name")
    rig.advance(3600)
    assert rig.read(number_id, "name_status")["name_status"] == "DECLINED"
    rename(rig, number_id, "Good Name")
    rig.advance(3600)
    shown = rig.read(number_id, "verified_name", "name_status")
    assert (shown["verified_name"], shown["name_status"]) == ("Good Name", "APPROVED")
    assert rig.register(number_id).status_code == 200


def test_no_change_while_a_review_runs(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile, reviewer={"default": {"first": "PENDING_REVIEW"}})
    number_id = rig.create()
    expected = (400, 100, None) if profile == "observed" else (422, 100, None)
    assert refusal(rename(rig, number_id, "Lucky Bush")) == expected
    rig.advance(DAY)
    assert rename(rig, number_id, "Lucky Bush").status_code == 200
    assert refusal(rename(rig, number_id, "Lucky Tree")) == expected


def test_eleventh_change_in_30_days(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile, reviewer={"default": {"after": "0s"}})
    number_id = rig.create()
    for index in range(10):
        assert rename(rig, number_id, f"Lucky {index}").status_code == 200
    expected = (400, 100, None) if profile == "observed" else (422, 100, None)
    assert refusal(rename(rig, number_id, "Lucky 11")) == expected
    rig.advance(30 * DAY)
    assert rename(rig, number_id, "Lucky 12").status_code == 200


def test_name_can_be_given_in_the_query(rig: Rig) -> None:
    number_id = rig.create()
    headers = {"Authorization": f"Bearer {rig.simulator.token}"}
    url = f"/v25.0/{number_id}?new_display_name=Lucky%20Bush"
    assert rig.http.post(url, headers=headers).json() == {"success": True}
    assert rig.read(number_id, "new_display_name")["new_display_name"] == "Lucky Bush"
    assert rig.calls("set_display_name")[0]["effect"] is True


@pytest.mark.parametrize("name", ["", "L", "L" * 76])
def test_length_of_a_new_name(rig: Rig, name: str) -> None:
    assert refusal(rename(rig, rig.create(), name)) == (400, 100, None)


@pytest.mark.parametrize(
    ("decision", "status"),
    [("APPROVED", "APPROVED"), ("REJECTED", "DECLINED"), ("PENDING", "PENDING_REVIEW")],
)
def test_deciding_by_hand_drops_the_plan(start: RigMaker, decision: str, status: str) -> None:
    rig = subscribed(start, first="PENDING_REVIEW", after="1d", decision="DECLINED")
    number_id = rig.create()
    rig.control("POST", f"names/{number_id}", {"decision": decision})
    rig.advance(10 * DAY)
    assert rig.read(number_id, "name_status")["name_status"] == status
    assert len(decisions(rig)) == 1


def test_repeated_signup_submits_a_name_that_was_declined(start: RigMaker) -> None:
    rules = [{"name": "Bad*", "first": "DECLINED"}]
    rig = start(reviewer={"rules": rules})
    number_id = rig.signed_up(name="Bad Name")
    assert rig.signed_up(name="Good Name") == number_id
    shown = rig.read(number_id, "verified_name", "name_status")
    assert shown["verified_name"] == "Good Name"
    assert shown["name_status"] == "AVAILABLE_WITHOUT_REVIEW"
