"""The pool as Meta plays it: temporary ids, 90 days, renewals in the last 45, partners."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.claiming import GONE, PARTNER, claimed
from tests.simulator.conftest import RigMaker
from tests.simulator.harness import BUSINESS, DAY, WABA, Refused, Rig, refusal

PHONE = "14195551600"


@pytest.fixture
def rig(start: RigMaker, profile: str) -> Rig:
    businesses = [{"id": BUSINESS, "wabas": [{"id": WABA}]}, {"id": PARTNER}]
    return start(profile=profile, businesses=businesses)


def added(rig: Rig, phone: str = PHONE) -> str:
    answer = rig.graph("POST", f"{BUSINESS}/add_phone_numbers", {"phone_number": phone})
    assert answer.status_code == 200, answer.text
    id_: str = answer.json()["id"]
    return id_


def ask(rig: Rig, entry: str) -> Any:
    params = {"code_method": "SMS", "language": "en_US"}
    return rig.graph("POST", f"{entry}/request_code", params)


def verify(rig: Rig, entry: str, phone: str = PHONE) -> None:
    assert ask(rig, entry).status_code == 200
    answer = rig.graph("POST", f"{entry}/verify_code", {"code": rig.last_code(phone)})
    assert answer.json() == {"success": True}


def listed(rig: Rig, business: str = BUSINESS) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = rig.graph("GET", f"{business}/preverified_numbers").json()["data"]
    return rows


def status(rig: Rig) -> str:
    (row,) = listed(rig)
    shown = row.get("code_verification_status") or row.get("verification_status")
    return str(shown)


def test_a_number_is_added_proven_and_shown_in_the_schema_of_its_profile(
    rig: Rig, profile: str
) -> None:
    entry = added(rig)
    verify(rig, entry)
    (row,) = listed(rig)
    if profile == "observed":
        assert row == {
            "id": entry,
            "phone_number": "+1 419-555-1600",
            "code_verification_status": "VERIFIED",
            "verification_expiry_time": "2027-01-31T09:00:00+0000",
        }
    else:
        assert row == {
            "id": entry, "display_phone_number": "+1 419-555-1600",
            "verification_status": "VERIFIED",
        }  # fmt: skip


def test_a_verification_ends_after_90_days_and_is_renewed_in_the_last_45(
    rig: Rig, profile: str
) -> None:
    entry = added(rig)
    verify(rig, entry)
    rig.advance(44 * DAY)
    expected: Refused = (400, 136024, None) if profile == "observed" else (422, 100, None)
    assert refusal(ask(rig, entry)) == expected
    rig.advance(2 * DAY)
    verify(rig, entry)
    rig.advance(89 * DAY)
    assert status(rig) == "VERIFIED"
    rig.advance(DAY)
    assert status(rig) == ("NOT_VERIFIED" if profile == "observed" else "EXPIRED")


def test_a_number_that_is_never_verified_is_removed_after_90_days(rig: Rig, profile: str) -> None:
    entry = added(rig)
    rig.advance(89 * DAY)
    assert [row["id"] for row in listed(rig)] == [entry]
    rig.advance(DAY)
    assert listed(rig) == []
    assert refusal(ask(rig, entry)) == GONE[profile]


def test_a_claim_puts_a_new_id_in_the_place_of_the_temporary_one(rig: Rig, profile: str) -> None:
    entry = added(rig)
    verify(rig, entry)
    number_id = claimed(rig, preverified_id=entry)
    assert number_id != entry
    assert listed(rig) == []
    assert refusal(rig.graph("GET", entry)) == GONE[profile]
    shown = rig.read(number_id, "code_verification_status,is_preverified_number")
    assert shown["is_preverified_number"] is True
    assert shown["code_verification_status"] == "VERIFIED"


def test_a_number_of_the_pool_that_a_customer_signs_up_with_leaves_the_pool(rig: Rig) -> None:
    verify(rig, added(rig))
    done = {"waba_id": WABA, "phone_number": f"+{PHONE}", "verified_name": "Lucky Shrub"}
    number_id = rig.control("POST", "embedded_signup", done)["id"]
    assert listed(rig) == []
    assert rig.read(number_id, "is_preverified_number")["is_preverified_number"] is True


def test_a_shared_number_is_in_the_list_of_both_until_it_is_taken_back(rig: Rig) -> None:
    entry = added(rig)
    params = {"preverified_id": entry, "partner_business_id": PARTNER}
    edge = f"{BUSINESS}/share_preverified_numbers"
    assert rig.graph("POST", edge, params).json() == {"success": True}
    assert [row["id"] for row in listed(rig, PARTNER)] == [entry]
    assert [row["id"] for row in rig.graph("GET", f"{entry}/partners").json()["data"]] == [PARTNER]
    assert refusal(rig.graph("POST", edge, params)) == (422, 100, None)
    assert rig.graph("DELETE", edge, params).json() == {"success": True}
    assert listed(rig, PARTNER) == []
    assert refusal(rig.graph("DELETE", edge, params)) == (422, 100, None)


def test_a_number_has_one_place_and_a_deleted_one_is_gone(rig: Rig, profile: str) -> None:
    entry = added(rig)
    again = rig.graph("POST", f"{BUSINESS}/add_phone_numbers", {"phone_number": f"+{PHONE}"})
    assert refusal(again) == ((400, 100, 2388012) if profile == "observed" else (409, 100, None))
    assert rig.graph("DELETE", entry).json() == {"success": True}
    assert listed(rig) == []
    assert added(rig) != entry


def test_pages_of_the_pool_hold_every_number_once(rig: Rig) -> None:
    entries = [added(rig, f"1419555160{place}") for place in range(5)]
    found: list[str] = []
    after: dict[str, Any] = {}
    while True:
        page = rig.graph("GET", f"{BUSINESS}/preverified_numbers", {"limit": 2, **after}).json()
        found += [row["id"] for row in page["data"]]
        if "next" not in page["paging"]:
            break
        after = {"after": page["paging"]["cursors"]["after"]}
    assert found == entries


def test_the_pool_needs_a_permission_of_its_own(start: RigMaker) -> None:
    scopes = ["whatsapp_business_management"]
    rig = start(tokens=[{"value": "EAAother", "scopes": scopes}])
    answer = rig.graph("GET", f"{BUSINESS}/preverified_numbers", token="EAAother")
    assert answer.status_code >= 400
    assert "business_management" in answer.text
