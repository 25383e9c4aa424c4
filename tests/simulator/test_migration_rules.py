"""What Meta demands before a number may be migrated."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import jsonschema
import pytest

from onboarding.simulator.error_bodies import form_of
from onboarding.simulator.refusals import Reason
from tests.simulator.conftest import RigMaker
from tests.simulator.harness import BUSINESS, DAY, START, WABA, Refused, Rig, refusal
from tests.simulator.migrating import (
    DEST,
    NOT_ALLOWED,
    THIRD,
    UNPROVEN,
    migrate,
    node_of,
    proven,
    settled,
    started,
    told,
    two_sides,
)
from tests.simulator.schemas import ERROR

CAUSES = {
    "webhook": Reason.MIGRATE_WEBHOOKS,
    "directly": Reason.MIGRATE_DIRECTLY,
    "verified name": Reason.MIGRATE_NAME,
    "source": Reason.MIGRATE_SOURCE,
    "payment": Reason.MIGRATE_PAYMENT,
    "try again later": Reason.MIGRATE_LATER,
    "business manager": Reason.MIGRATE_BUSINESS,
    "not approved": Reason.MIGRATE_DESTINATION,
    "messaging for": Reason.MIGRATE_MESSAGING_FOR,
    "two-step": Reason.MIGRATE_TWO_STEP,
    "ownership": Reason.MIGRATE_OWNERSHIP,
}


def test_two_step_verification_must_be_off_and_can_be_switched_off_by_hand(
    start: RigMaker, profile: str
) -> None:
    rig = start(profile=profile, businesses=two_sides(settled(pin="999999")))
    response = migrate(rig)
    assert refusal(response) == UNPROVEN[profile]
    assert "two-step verification" in told(response).lower()
    rig.control("POST", f"numbers/{node_of(rig)}", {"pin": None})
    assert migrate(rig).status_code == 200


def test_registration_by_call_switches_two_step_verification_on(start: RigMaker) -> None:
    rig = start(businesses=two_sides({"phone_number": "+14195550000", "verified_name": "Other"}))
    number_id = rig.registered()
    rig.control("POST", f"numbers/{number_id}", {"name_status": "APPROVED"})
    assert refusal(migrate(rig)) == UNPROVEN["observed"]


def test_two_step_verification_can_be_switched_off_by_the_scenario(start: RigMaker) -> None:
    at = (START + timedelta(days=1)).isoformat()
    rig = start(businesses=two_sides(settled(pin="999999", two_step_off=at)))
    source = node_of(rig)
    rig.advance(DAY - 1)
    assert refusal(migrate(rig)) == UNPROVEN["observed"]
    rig.advance(1)
    assert rig.read(source, "is_pin_enabled")["is_pin_enabled"] is False
    assert migrate(rig).status_code == 200


def test_two_step_verification_that_is_off_already_is_left_alone(start: RigMaker) -> None:
    at = (START + timedelta(days=1)).isoformat()
    rig = start(businesses=two_sides(settled(pin="999999", two_step_off=at)))
    rig.control("POST", f"numbers/{node_of(rig)}", {"pin": None})
    hooks = rig.control("GET", "webhooks")
    rig.advance(DAY)
    assert rig.control("GET", "webhooks") == hooks


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"dest": {"subscribed": False}}, "webhooks"),
        ({"number": settled("14195550000")}, "directly"),
        ({"number": settled(name_status="AVAILABLE_WITHOUT_REVIEW")}, "verified name"),
        ({"number": settled(name_status="PENDING_REVIEW")}, "verified name"),
        ({"number": settled(name_status="DECLINED")}, "verified name"),
        ({"number": settled(name_status="NONE")}, "verified name"),
        ({"number": settled(registered=False)}, "source"),
        ({"source": {"account_review_status": "PENDING"}}, "source"),
        ({"source": {"account_review_status": "RESTRICTED"}}, "source"),
        ({"source_verified": False}, "source"),
        ({"dest": {"payment_method": False}}, "payment"),
        ({"dest": {"account_review_status": "PENDING"}}, "not approved"),
        ({"dest": {"account_review_status": "REJECTED"}}, "not approved"),
        ({"dest": {"account_review_status": "RESTRICTED"}}, "not approved"),
        ({"dest_verified": False}, "not approved"),
        ({"dest": {"messaging_for_approved": False}}, "messaging for"),
        ({"number": settled(account_mode="SANDBOX")}, "test numbers"),
        ({"number": settled(is_on_biz_app=True)}, "whatsapp business app "),
        ({"number": settled(platform_type="ON_PREMISE")}, "whatsapp business app "),
    ],
)
def test_what_must_be_settled_before(
    start: RigMaker, profile: str, given: dict[str, Any], word: str
) -> None:
    rig = start(profile=profile, businesses=two_sides(**given))
    response = migrate(rig)
    assert refusal(response) == NOT_ALLOWED[profile]
    jsonschema.validate(response.json(), ERROR)
    assert word in told(response).lower()
    assert word in response.json()["error"]["error_user_msg"].lower()
    assert rig.graph("GET", f"{DEST}/phone_numbers").json()["data"] == []


@pytest.mark.parametrize("reason", [one for one in Reason if "MIGRATE_" in one.name])
def test_words_of_one_cause_are_not_in_the_text_of_another(reason: Reason) -> None:
    """One subcode has many causes, so clients look for words."""
    details = (form_of(reason, "observed").details or "").lower()
    found = {word for word in CAUSES if word in details}
    assert found == {word for word, cause in CAUSES.items() if cause == reason}


def test_555_number(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile, businesses=two_sides(settled("15551234567")))
    response = migrate(rig, phone="15551234567")
    assert refusal(response) == NOT_ALLOWED[profile]
    assert "555" in told(response)


def test_pending_change_of_the_name(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile, businesses=two_sides())
    source = node_of(rig)
    rig.graph("POST", source, {"new_display_name": "Lucky Bush"})
    response = migrate(rig)
    assert refusal(response) == NOT_ALLOWED[profile]
    assert "verified name" in told(response)
    rig.control("POST", f"names/{source}", {"decision": "APPROVED"})
    number_id = started(rig)
    assert rig.read(number_id, "verified_name")["verified_name"] == "Lucky Bush"


def test_declined_change_leaves_the_old_name_as_it_was(start: RigMaker) -> None:
    rig = start(businesses=two_sides())
    source = node_of(rig)
    rig.graph("POST", source, {"new_display_name": "Lucky Bush"})
    rig.control("POST", f"names/{source}", {"decision": "DECLINED"})
    assert rig.read(started(rig), "verified_name")["verified_name"] == "Lucky Shrub"


def test_subscribing_the_app_lets_the_migration_begin(start: RigMaker) -> None:
    rig = start(businesses=two_sides(dest={"subscribed": False}))
    assert refusal(migrate(rig)) == NOT_ALLOWED["observed"]
    rig.graph("POST", f"{DEST}/subscribed_apps")
    assert migrate(rig).status_code == 200


def test_same_business_is_demanded_only_on_request(start: RigMaker, profile: str) -> None:
    sides, rule = two_sides(), {"same_business": True}
    response = migrate(start(profile=profile, businesses=sides, migration=rule))
    assert refusal(response) == NOT_ALLOWED[profile]
    assert "Business Manager" in told(response)
    together = [{"id": BUSINESS, "wabas": sides[0]["wabas"] + sides[1]["wabas"]}]
    rig = start(profile=profile, businesses=together, migration=rule)
    assert migrate(rig).status_code == 200


@pytest.mark.parametrize("waba", [WABA, DEST])
def test_number_that_is_in_the_list_already(sides: Rig, profile: str, waba: str) -> None:
    started(sides)
    expected = (400, 100, 2388012) if profile == "observed" else (409, 100, None)
    assert refusal(migrate(sides, waba)) == expected


def test_one_migration_of_a_number_at_a_time(sides: Rig, profile: str) -> None:
    number_id = started(sides)
    response = migrate(sides, THIRD)
    assert refusal(response) == NOT_ALLOWED[profile]
    assert "try again later" in told(response).lower()
    sides.control("POST", f"numbers/{number_id}", {"deleted": True})
    assert migrate(sides, THIRD).status_code == 200


@pytest.mark.parametrize(
    ("use", "observed", "documented"),
    [
        ("in_use", (400, 200000, None), (409, 100, None)),
        ("banned", (400, 200000, None), (422, 100, None)),
    ],
)
def test_number_that_is_not_of_this_platform(
    *, sides: Rig, profile: str, use: str, observed: Refused, documented: Refused
) -> None:
    sides.control("POST", "elsewhere/14195559999", {"use": use})
    expected = observed if profile == "observed" else documented
    assert refusal(migrate(sides, phone="14195559999")) == expected


def test_banned_number(sides: Rig, profile: str) -> None:
    sides.control("POST", f"numbers/{node_of(sides)}", {"status": "BANNED"})
    expected = (400, 200000, None) if profile == "observed" else (422, 100, None)
    assert refusal(migrate(sides)) == expected


def test_direct_business_may_migrate_though_it_may_not_create(start: RigMaker) -> None:
    rig = start(businesses=two_sides(), app={"solution_partner": False})
    assert migrate(rig).status_code == 200


@pytest.mark.parametrize(
    "params", [{"phone_number": None}, {"phone_number": "abc"}, {"preverified_id": "1"}]
)
def test_malformed_call(sides: Rig, params: dict[str, Any]) -> None:
    assert refusal(migrate(sides, **params)) == (400, 100, None)


def test_slot_of_the_destination_counts_from_the_creation(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile, businesses=two_sides(dest={"max_phone_numbers": 1}))
    started(rig)
    status = 400 if profile == "observed" else 403
    params = {"phone_number": "14195559999", "verified_name": "Lucky"}
    full = (status, 200, 1349175)
    assert refusal(rig.graph("POST", f"{DEST}/phone_numbers", params)) == full
    assert refusal(migrate(rig, phone="14195551519")) == full


def test_slot_of_the_source_is_free_once_the_number_has_moved(start: RigMaker) -> None:
    rig = start(businesses=two_sides(source={"max_phone_numbers": 2}))
    params = {"phone_number": "14195559999", "verified_name": "Lucky"}
    number_id = proven(rig)
    assert refusal(rig.graph("POST", f"{WABA}/phone_numbers", params))[1] == 200
    rig.register(number_id)
    assert rig.graph("POST", f"{WABA}/phone_numbers", params).status_code == 200
    assert len(rig.listed()["data"]) == 3


def test_cap_of_one_business_counts_both_sides_until_the_end(start: RigMaker) -> None:
    first, second = two_sides(settled())
    wabas = first["wabas"] + second["wabas"]
    rig = start(businesses=[{"id": BUSINESS, "max_phone_numbers": 2, "wabas": wabas}])
    number_id = proven(rig)
    params = {"phone_number": "14195559999", "verified_name": "Lucky"}
    assert refusal(rig.graph("POST", f"{DEST}/phone_numbers", params))[1] == 200
    rig.register(number_id)
    assert rig.graph("POST", f"{DEST}/phone_numbers", params).status_code == 200
