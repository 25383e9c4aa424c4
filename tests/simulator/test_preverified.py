"""Pre-verified numbers: claimed by a create call and verified at once."""

from __future__ import annotations

from typing import Any

import httpx
import jsonschema
import pytest

from onboarding.simulator import ScenarioError, Simulator
from tests.simulator.claiming import (
    CLAIM_REFUSED,
    ENTRY,
    GONE,
    PARTNER,
    PHONE,
    UNVERIFIED,
    ago,
    claim,
    claimed,
    entries,
    pool,
)
from tests.simulator.conftest import RigMaker
from tests.simulator.harness import DAY, WABA, Refused, Rig, refusal, scenario
from tests.simulator.schemas import ERROR


def test_claimed_number_is_verified_at_once(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile, businesses=pool())
    number_id = claimed(rig)
    assert number_id != ENTRY
    fields = ("status", "code_verification_status", "platform_type", "is_preverified_number")
    assert rig.read(number_id, *fields) == {
        "status": "PENDING",
        "code_verification_status": "VERIFIED",
        "platform_type": "NOT_APPLICABLE",
        "is_preverified_number": True,
        "id": number_id,
    }
    assert rig.number(number_id)["digits"] == PHONE
    assert rig.register(number_id).json() == {"success": True}
    assert rig.number(number_id)["status"] == "CONNECTED"
    assert rig.control("GET", "inbox")["messages"] == []


def test_other_numbers_are_not_preverified(rig: Rig) -> None:
    shown = rig.read(rig.create(), "is_preverified_number")
    assert shown["is_preverified_number"] is False


def test_claimed_number_gets_no_code(start: RigMaker) -> None:
    rig = start(businesses=pool())
    assert refusal(rig.request_code(claimed(rig))) == (400, 136024, None)


def test_name_goes_to_review_as_any_other(start: RigMaker) -> None:
    rig = start(businesses=pool(), reviewer={"default": {"first": "PENDING_REVIEW", "after": "1d"}})
    number_id = claimed(rig)
    assert refusal(rig.register(number_id)) == (400, 100, 2388001)
    rig.advance(DAY)
    assert rig.register(number_id).status_code == 200


@pytest.mark.parametrize(
    "given",
    [
        {"phone_number": PHONE},
        {"cc": "1", "phone_number": PHONE[1:]},
        {"cc": "1", "phone_number": f"+{PHONE}"},
        {"cc": "1"},
        {"phone_number": ""},
    ],
)
def test_number_may_be_named_besides(start: RigMaker, given: dict[str, str]) -> None:
    rig = start(businesses=pool())
    assert rig.number(claimed(rig, **given))["digits"] == PHONE


def test_both_shapes_of_a_brazilian_number_match(start: RigMaker) -> None:
    entry = {"id": ENTRY, "phone_number": "+5531984271278", "verified": True}
    rig = start(businesses=pool(entry))
    assert claim(rig, phone_number="553184271278").status_code == 200


def test_another_number_than_the_one_named(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile, businesses=pool())
    response = claim(rig, phone_number="14195559999")
    assert refusal(response) == CLAIM_REFUSED[profile]
    assert "another number" in response.json()["error"]["message"]
    assert claim(rig).status_code == 200


@pytest.mark.parametrize(
    "given", [{"verified_name": "L"}, {"verified_name": None}, {"phone_number": "abc"}]
)
def test_malformed_call(start: RigMaker, profile: str, given: dict[str, Any]) -> None:
    rig = start(profile=profile, businesses=pool())
    assert refusal(claim(rig, **given)) == (400, 100, None)
    assert rig.listed()["data"] == []


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"id": "1", "verified": True}, "There is no"),
        ({"verified_at": ago(90)}, "has expired"),
        ({"verified_at": ago(200), "verified": True}, "has expired"),
        ({}, "is not verified"),
        ({"verified_at": ago(-1)}, "is not verified"),
    ],
)
def test_id_that_cannot_be_claimed(
    start: RigMaker, profile: str, entry: dict[str, Any], words: str
) -> None:
    given = {"id": ENTRY, "phone_number": f"+{PHONE}", **entry}
    rig = start(profile=profile, businesses=pool(given))
    response = claim(rig)
    assert refusal(response) == CLAIM_REFUSED[profile]
    jsonschema.validate(response.json(), ERROR)
    assert words in response.json()["error"]["message"]
    assert ENTRY in response.json()["error"]["error_user_msg"]
    assert rig.listed()["data"] == []


def test_claimed_id_cannot_be_claimed_again(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile, businesses=pool())
    number_id = claimed(rig)
    assert "was claimed" in claim(rig).json()["error"]["message"]
    assert refusal(claim(rig)) == CLAIM_REFUSED[profile]
    rig.control("POST", f"numbers/{number_id}", {"deleted": True})
    assert refusal(claim(rig)) == CLAIM_REFUSED[profile]


def test_temporary_id_is_gone_after_the_claim(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile, businesses=pool())
    claimed(rig)
    assert refusal(rig.graph("GET", ENTRY)) == GONE[profile]
    for edge in ("request_code", "verify_code", "register"):
        assert refusal(rig.graph("POST", f"{ENTRY}/{edge}")) == GONE[profile]


def test_number_that_is_on_the_waba_or_elsewhere_cannot_be_claimed(
    start: RigMaker, profile: str
) -> None:
    rig = start(profile=profile, businesses=pool())
    rig.control("POST", f"elsewhere/{PHONE}", {"use": "in_use"})
    taken = {"observed": (400, 200000, None), "documented": (409, 100, None)}
    assert refusal(claim(rig)) == taken[profile]
    rig.control("POST", f"elsewhere/{PHONE}", {"use": "free"})
    rig.create()
    twice = {"observed": (400, 100, 2388012), "documented": (409, 100, None)}
    assert refusal(claim(rig)) == twice[profile]


@pytest.mark.parametrize(
    ("waba", "app", "observed", "documented"),
    [
        ({"max_phone_numbers": 0}, {}, (400, 200, 1349175), (403, 200, 1349175)),
        ({"account_review_status": "RESTRICTED"}, {}, (403, 368, None), (403, 368, None)),
        ({}, {"solution_partner": False}, (400, 200000, 3095008), (403, 200, 1349174)),
    ],
)
def test_rules_of_every_create_hold(
    *,
    start: RigMaker,
    profile: str,
    waba: dict[str, Any],
    app: dict[str, Any],
    observed: Refused,
    documented: Refused,
) -> None:
    rig = start(profile=profile, businesses=pool(waba=waba), app=app)
    assert refusal(claim(rig)) == (observed if profile == "observed" else documented)
    assert entries(rig)[0]["claimed_at"] is None


def test_state_shows_the_pool(start: RigMaker) -> None:
    rig = start(businesses=pool())
    shown = entries(rig)[0]
    assert shown == {
        "id": ENTRY,
        "business_id": PARTNER,
        "digits": PHONE,
        "key": PHONE,
        "verified_at": "2026-11-02T09:00:00.000000Z",
        "claimed_at": None,
        "phone_number_id": None,
        "added_at": "2026-11-02T09:00:00.000000Z",
        "removed_at": None,
        "partner_ids": [],
        "code_verification_status": "VERIFIED",
        "verification_expiry_time": "2027-01-31T09:00:00.000000Z",
    }
    rig.advance(DAY)
    number_id = claimed(rig)
    rig.advance(90 * DAY)
    assert entries(rig)[0] == shown | {
        "claimed_at": "2026-11-03T09:00:00.000000Z",
        "phone_number_id": number_id,
        "code_verification_status": "NOT_VERIFIED",
    }


def test_entry_that_never_was_verified_has_no_expiry(start: RigMaker) -> None:
    rig = start(businesses=pool({"id": ENTRY, "phone_number": f"+{PHONE}"}))
    shown = entries(rig)[0]
    assert shown["verification_expiry_time"] is None
    assert shown["code_verification_status"] == "NOT_VERIFIED"


def test_log_and_faults_know_the_number_of_a_claim(start: RigMaker) -> None:
    fault = {"kind": "drop_after_effect", "endpoint": "create_number", "number": PHONE, "times": 1}
    rig = start(businesses=pool(), faults=[fault])
    with pytest.raises(httpx.RemoteProtocolError):
        claim(rig)
    call = rig.calls("create_number")[0]
    assert (call["number"], call["effect"], call["fault"]) == (PHONE, True, "drop_after_effect")
    assert call["params"]["preverified_id"] == ENTRY
    assert refusal(claim(rig)) == CLAIM_REFUSED["observed"]


def test_snapshot_keeps_the_pool_and_the_deadline(start: RigMaker) -> None:
    first, second = start(businesses=pool()), start(businesses=pool())
    number_id = claimed(first)
    second.control("POST", "snapshot", first.control("GET", "snapshot"))
    assert second.control("GET", "state") == first.control("GET", "state")
    assert refusal(claim(second)) == CLAIM_REFUSED["observed"]
    second.advance(90 * DAY)
    assert refusal(second.register(number_id)) == UNVERIFIED["observed"]


@pytest.mark.parametrize(
    ("businesses", "words"),
    [
        (pool({"id": ENTRY, "phone_number": "x"}), "not a phone number"),
        (
            pool(
                {"id": "1", "phone_number": "+5531984271278"},
                {"id": "2", "phone_number": "+553184271278"},
            ),
            "there twice",
        ),
        (pool({"id": WABA, "phone_number": f"+{PHONE}"}), f"given twice: {WABA}"),
    ],
)
def test_pool_that_cannot_be(businesses: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(ScenarioError, match=words), Simulator(scenario({"businesses": businesses})):
        pass
