"""How long a pre-verified number can be claimed, and a claimed one be registered."""

from __future__ import annotations

from datetime import timedelta

from tests.simulator.claiming import (
    CLAIM_REFUSED,
    ENTRY,
    PHONE,
    UNVERIFIED,
    ago,
    claim,
    claimed,
    pool,
)
from tests.simulator.conftest import RigMaker
from tests.simulator.harness import DAY, START, refusal


def test_verification_lasts_90_days(start: RigMaker) -> None:
    later = {"id": "2", "phone_number": "+14195551519", "verified_at": ago(80)}
    now = {"id": ENTRY, "phone_number": f"+{PHONE}", "verified": True}
    rig = start(businesses=pool(now, later))
    rig.advance(10 * DAY)
    assert refusal(claim(rig, "2")) == CLAIM_REFUSED["observed"]
    rig.advance(80 * DAY - 1)
    assert claim(rig).status_code == 200


def test_how_long_it_lasts_can_be_chosen(start: RigMaker) -> None:
    limits = {"preverified_validity": "14d", "claim_window": "28d"}
    rig = start(businesses=pool(), limits=limits)
    rig.advance(14 * DAY - 1)
    number_id = claimed(rig)
    rig.advance(28 * DAY)
    assert rig.number(number_id)["code_verification_status"] == "NOT_VERIFIED"


def test_claim_is_to_be_registered_within_90_days(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile, businesses=pool())
    rig.advance(89 * DAY)
    number_id = claimed(rig)
    rig.advance(90 * DAY - 1)
    assert rig.register(number_id).status_code == 200


def test_claim_that_nobody_registered_must_be_verified_again(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile, businesses=pool())
    number_id = claimed(rig)
    due = rig.control("GET", "clock")["next_event_at"]
    assert due == (START + timedelta(days=90)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    rig.advance(90 * DAY)
    assert refusal(rig.register(number_id)) == UNVERIFIED[profile]
    lapsed = {"observed": ("UNVERIFIED", "NOT_VERIFIED"), "documented": ("PENDING", "UNVERIFIED")}
    shown = rig.read(number_id, "status", "code_verification_status")
    assert (shown["status"], shown["code_verification_status"]) == lapsed[profile]
    assert rig.request_code(number_id).status_code == 200
    assert rig.verify_code(number_id, rig.last_code()).status_code == 200
    assert rig.number(number_id)["status"] == "PENDING"
    rig.advance(100 * DAY)
    assert rig.register(number_id).status_code == 200


def test_registered_number_lapses_no_more(start: RigMaker) -> None:
    rig = start(businesses=pool())
    number_id = claimed(rig)
    rig.register(number_id)
    rig.graph("POST", f"{number_id}/deregister")
    rig.advance(100 * DAY)
    assert rig.number(number_id)["code_verification_status"] == "VERIFIED"
    assert rig.register(number_id).status_code == 200


def test_registration_under_way_is_in_time(start: RigMaker) -> None:
    rig = start(businesses=pool(), registration={"connected_after": "120s"})
    number_id = claimed(rig)
    rig.advance(90 * DAY - 60)
    rig.register(number_id)
    rig.advance(120)
    shown = rig.read(number_id, "status", "code_verification_status")
    assert (shown["status"], shown["code_verification_status"]) == ("CONNECTED", "VERIFIED")


def test_deleted_claim_does_not_lapse(start: RigMaker) -> None:
    rig = start(businesses=pool())
    number_id = claimed(rig)
    rig.control("POST", f"numbers/{number_id}", {"deleted": True})
    rig.advance(90 * DAY)
    assert rig.number(number_id)["status"] == "DELETED"


def test_embedded_signup_is_a_proof_too(start: RigMaker) -> None:
    rig = start(businesses=pool())
    number_id = claimed(rig)
    rig.advance(80 * DAY)
    assert rig.signed_up() == number_id
    rig.advance(10 * DAY)
    assert rig.number(number_id)["code_verification_status"] == "VERIFIED"
    assert rig.register(number_id).status_code == 200


def test_embedded_signup_proves_a_claim_that_lapsed(start: RigMaker) -> None:
    rig = start(businesses=pool())
    number_id = claimed(rig)
    rig.advance(90 * DAY)
    assert rig.number(number_id)["status"] == "UNVERIFIED"
    assert rig.signed_up() == number_id
    assert rig.number(number_id)["status"] == "PENDING"
    assert rig.register(number_id).status_code == 200
