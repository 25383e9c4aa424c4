"""register and deregister."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.simulator.conftest import RigMaker
from tests.simulator.harness import DAY, HOUR, PIN, WABA, Refused, Rig, business, refusal

STATE = (422, 100, None)
RATE = (429, 4, 2446079)
UNVERIFIED = {"observed": (400, 133006, None), "documented": STATE}
NAME = {"observed": (400, 100, 2388001), "documented": STATE}
WINDOW = {"observed": (400, 133016, None), "documented": RATE}
MISMATCH = {"observed": (400, 133005, None), "documented": STATE}
GUESSES = {"observed": (400, 133008, None), "documented": RATE}
TOO_FAST = {"observed": (400, 133009, None), "documented": RATE}


def deregister(rig: Rig, number_id: str) -> httpx.Response:
    return rig.graph("POST", f"{number_id}/deregister")


def details(response: httpx.Response) -> str:
    text: str = response.json()["error"]["error_data"]["details"]
    return text


def with_name(**rule: Any) -> dict[str, Any]:
    return {"default": rule}


def test_register_connects_a_little_later_and_tells_by_webhook(start: RigMaker) -> None:
    rig = start(registration={"connected_after": "90s"}, businesses=[business(subscribed=True)])
    number_id = rig.verified()
    assert rig.register(number_id).json() == {"success": True}
    fields = ("status", "platform_type", "throughput", "is_pin_enabled")
    assert rig.read(number_id, *fields) == {
        "status": "PENDING",
        "platform_type": "NOT_APPLICABLE",
        "throughput": {"level": "NOT_APPLICABLE"},
        "is_pin_enabled": True,
        "id": number_id,
    }
    clock = rig.control("GET", "clock")
    assert clock["next_event_at"] is not None
    rig.advance(90)
    assert rig.read(number_id, *fields) == {
        "status": "CONNECTED",
        "platform_type": "CLOUD_API",
        "throughput": {"level": "STANDARD"},
        "is_pin_enabled": True,
        "id": number_id,
    }
    payload = rig.control("GET", "webhooks")["webhooks"][0]["payload"]
    change = payload["entry"][0]["changes"][0]
    assert (payload["object"], payload["entry"][0]["id"]) == ("whatsapp_business_account", WABA)
    assert change["field"] == "phone_number_quality_update"
    assert change["value"]["event"] == "ONBOARDING"
    assert change["value"]["display_phone_number"] == "14195551518"


@pytest.mark.parametrize(
    "params",
    [
        {"pin": PIN},
        {"messaging_product": "whatsapp"},
        {"messaging_product": "telegram", "pin": PIN},
        {"messaging_product": "whatsapp", "pin": "12345"},
        {"messaging_product": "whatsapp", "pin": "abcdef"},
    ],
)
def test_malformed_call(start: RigMaker, profile: str, params: dict[str, str]) -> None:
    rig = start(profile=profile)
    number_id = rig.verified()
    assert refusal(rig.graph("POST", f"{number_id}/register", params)) == (400, 100, None)


def test_unverified_number(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile)
    assert refusal(rig.register(rig.create())) == UNVERIFIED[profile]


def test_expired_verification_matters_before_registration_only(
    start: RigMaker, profile: str
) -> None:
    rig = start(profile=profile)
    number_id = rig.verified()
    expired = {"code_verification_status": "EXPIRED"}
    rig.control("POST", f"numbers/{number_id}", expired)
    assert refusal(rig.register(number_id)) == UNVERIFIED[profile]
    rig.control("POST", f"numbers/{number_id}", {"code_verification_status": "VERIFIED"})
    assert rig.register(number_id).status_code == 200
    rig.control("POST", f"numbers/{number_id}", expired)
    assert rig.register(number_id).status_code == 200


@pytest.mark.parametrize("first", ["NONE", "PENDING_REVIEW", "DECLINED", "EXPIRED"])
def test_name_that_cannot_be_used(start: RigMaker, profile: str, first: str) -> None:
    rig = start(profile=profile, reviewer=with_name(first=first, decision="never"))
    assert refusal(rig.register(rig.verified())) == NAME[profile]


def test_cannot_create_certificate_in_metas_words(start: RigMaker) -> None:
    rig = start(reviewer=with_name(first="PENDING_REVIEW"))
    error = rig.register(rig.verified()).json()["error"]
    assert error["error_user_title"] == "Cannot Create Certificate"


@pytest.mark.parametrize("first", ["APPROVED", "AVAILABLE_WITHOUT_REVIEW"])
def test_name_that_can_be_used(start: RigMaker, first: str) -> None:
    rig = start(reviewer=with_name(first=first))
    assert rig.register(rig.verified()).status_code == 200


def test_rule_may_let_a_name_register_in_review(start: RigMaker) -> None:
    rules = [{"name": "Lucky*", "first": "PENDING_REVIEW", "registers_in_review": True}]
    rig = start(reviewer={"rules": rules, "default": {"first": "PENDING_REVIEW"}})
    assert rig.register(rig.verified()).status_code == 200
    other = rig.verified("14195551519", "Unlucky Shrub")
    assert refusal(rig.register(other)) == NAME["observed"]


def test_name_that_is_approved_registers(start: RigMaker) -> None:
    rig = start(reviewer=with_name(first="PENDING_REVIEW", after="2d"))
    number_id = rig.verified()
    assert refusal(rig.register(number_id)) == NAME["observed"]
    rig.advance(2 * DAY)
    assert rig.read(number_id, "name_status")["name_status"] == "APPROVED"
    assert rig.register(number_id).status_code == 200


def test_wrong_pin_then_too_fast_then_too_many(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile, limits={"register_attempts": 100})
    number_id = rig.verified()
    rig.control("POST", f"numbers/{number_id}", {"pin": "999999"})
    assert refusal(rig.register(number_id)) == MISMATCH[profile]
    rig.advance(9)
    assert refusal(rig.register(number_id, "999999")) == TOO_FAST[profile]
    for _ in range(3):
        rig.advance(10)
        assert refusal(rig.register(number_id)) == MISMATCH[profile]
    rig.advance(10)
    assert refusal(rig.register(number_id)) == GUESSES[profile]
    rig.advance(HOUR)
    assert refusal(rig.register(number_id, "999999")) == GUESSES[profile]
    rig.advance(23 * HOUR)
    assert rig.register(number_id, "999999").status_code == 200


def test_waits_are_told_in_the_details(start: RigMaker) -> None:
    rig = start(limits={"register_attempts": 100})
    number_id = rig.verified()
    rig.control("POST", f"numbers/{number_id}", {"pin": "999999"})
    rig.register(number_id)
    rig.advance(4)
    assert details(rig.register(number_id)) == "PIN entered too quickly. Try again in 6 seconds."
    for _ in range(4):
        rig.advance(10)
        response = rig.register(number_id)
    assert "24 hours" in details(response)
    rig.advance(23.5 * HOUR)
    assert "30 minutes" in details(rig.register(number_id))


def test_pin_can_be_set_without_the_old_one(start: RigMaker) -> None:
    rig = start(businesses=[business(subscribed=True)])
    number_id = rig.verified()
    rig.control("POST", f"numbers/{number_id}", {"pin": "999999"})
    assert refusal(rig.register(number_id)) == MISMATCH["observed"]
    assert rig.graph("POST", number_id, {"pin": PIN}).json() == {"success": True}
    assert rig.register(number_id).status_code == 200
    changes = [
        one["payload"]["entry"][0]["changes"][0]["value"]["event"]
        for one in rig.control("GET", "webhooks")["webhooks"]
    ]
    assert changes == ["PIN_CHANGED", "PIN_CHANGED", "ONBOARDING"]
    assert refusal(rig.graph("POST", number_id, {"pin": "12"})) == (400, 100, None)


def test_pin_keeps_its_leading_zero(rig: Rig) -> None:
    number_id = rig.registered()
    assert refusal(rig.register(number_id, "912345")) == MISMATCH["observed"]
    rig.advance(10)
    assert rig.register(number_id, "012345").status_code == 200


def test_eleventh_attempt_locks_for_72_hours_from_the_refusal(
    start: RigMaker, profile: str
) -> None:
    rig = start(profile=profile)
    number_id = rig.create()
    for _ in range(10):
        assert refusal(rig.register(number_id)) == UNVERIFIED[profile]
        rig.advance(HOUR)
    rig.advance(20 * HOUR)
    response = rig.register(number_id)
    assert refusal(response) == WINDOW[profile]
    rig.advance(72 * HOUR - 1)
    assert refusal(rig.register(number_id)) == WINDOW[profile]
    rig.advance(1)
    assert refusal(rig.register(number_id)) == UNVERIFIED[profile]


def test_attempts_older_than_the_window_do_not_count(rig: Rig) -> None:
    number_id = rig.create()
    for _ in range(10):
        rig.register(number_id)
    rig.advance(72 * HOUR)
    assert refusal(rig.register(number_id)) == UNVERIFIED["observed"]


def test_successes_count_too_and_deregister_has_a_counter_of_its_own(
    start: RigMaker, profile: str
) -> None:
    rig = start(profile=profile)
    number_id = rig.verified()
    for _ in range(10):
        assert rig.register(number_id).status_code == 200
        assert deregister(rig, number_id).status_code == 200
    assert refusal(rig.register(number_id)) == WINDOW[profile]
    assert refusal(deregister(rig, number_id)) == WINDOW[profile]


def test_lock_tells_how_long(rig: Rig) -> None:
    number_id = rig.create()
    for _ in range(11):
        response = rig.register(number_id)
    assert "72 hours" in details(response)


def test_signup_window_closes_after_14_days(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile)
    number_id = rig.signed_up()
    rig.advance(14 * DAY + 1)
    assert refusal(rig.register(number_id)) == UNVERIFIED[profile]
    assert rig.number(number_id)["needs_signup"] is True
    assert rig.signed_up() == number_id
    assert rig.number(number_id)["needs_signup"] is False
    assert rig.register(number_id).status_code == 200


def test_signup_window_is_open_to_its_last_instant(rig: Rig) -> None:
    number_id = rig.signed_up()
    rig.advance(14 * DAY)
    assert rig.register(number_id).status_code == 200


def test_answer_after_the_window_can_be_chosen(start: RigMaker) -> None:
    registration = {"after_window_code": 100, "after_window_subcode": 2388001}
    rig = start(registration=registration)
    number_id = rig.signed_up()
    rig.advance(15 * DAY)
    response = rig.register(number_id)
    assert refusal(response) == (400, 100, 2388001)
    assert response.json()["error"]["message"].startswith("(#100)")


def test_window_does_not_bind_a_registered_number_or_one_made_by_call(rig: Rig) -> None:
    signed_up, made = rig.signed_up(), rig.verified("14195551519")
    assert rig.register(signed_up).status_code == 200
    rig.advance(20 * DAY)
    assert rig.register(signed_up).status_code == 200
    assert deregister(rig, signed_up).status_code == 200
    assert rig.register(signed_up).status_code == 200
    assert rig.register(made).status_code == 200


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("register", "Register endpoint is not available for SMB businesses."),
        (
            "deregister",
            "Deregister endpoint is not available for API solution for SMB businesses.",
        ),
    ],
)
def test_number_of_the_business_app(start: RigMaker, profile: str, path: str, text: str) -> None:
    numbers = [{"phone_number": "+14195551518", "verified_name": "Lucky", "is_on_biz_app": True}]
    rig = start(profile=profile, businesses=[business(numbers=numbers)])
    number_id = rig.listed()["data"][0]["id"]
    sent = {"messaging_product": "whatsapp", "pin": PIN}
    response = rig.graph("POST", f"{number_id}/{path}", sent)
    assert refusal(response) == (400, 100, None)
    assert response.json()["error"]["message"] == text


@pytest.mark.parametrize(
    ("edit", "observed", "documented"),
    [
        ({"platform_type": "ON_PREMISE"}, (400, 100, None), STATE),
        ({"status": "BANNED"}, (403, 131031, None), STATE),
        ({"has_unfinished_deregister": True}, (500, 133000, None), (500, 2, None)),
    ],
)
def test_other_states_in_which_register_is_refused(
    start: RigMaker, profile: str, edit: dict[str, Any], observed: Refused, documented: Refused
) -> None:
    rig = start(profile=profile)
    number_id = rig.verified()
    rig.control("POST", f"numbers/{number_id}", edit)
    expected = observed if profile == "observed" else documented
    assert refusal(rig.register(number_id)) == expected


def test_unfinished_deregister_is_finished_by_another(rig: Rig) -> None:
    number_id = rig.verified()
    rig.control("POST", f"numbers/{number_id}", {"has_unfinished_deregister": True})
    assert deregister(rig, number_id).status_code == 200
    assert rig.register(number_id).status_code == 200


def test_deleted_number(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile)
    number_id = rig.verified()
    rig.control("POST", f"numbers/{number_id}", {"deleted": True})
    gone = (400, 100, 33) if profile == "observed" else (404, 803, None)
    recent = (400, 133015, None) if profile == "observed" else STATE
    assert refusal(rig.register(number_id)) == recent
    assert refusal(rig.graph("GET", number_id)) == gone
    rig.advance(300)
    assert refusal(rig.register(number_id)) == gone


def test_register_again_changes_nothing_and_keeps_the_pin(rig: Rig) -> None:
    number_id = rig.registered()
    assert rig.register(number_id).json() == {"success": True}
    assert [call["effect"] for call in rig.calls("register")] == [True, False]


def test_register_while_connecting_does_not_start_over(start: RigMaker) -> None:
    rig = start(registration={"connected_after": "100s"})
    number_id = rig.registered()
    rig.advance(60)
    assert rig.register(number_id).status_code == 200
    rig.advance(40)
    assert rig.number(number_id)["status"] == "CONNECTED"


def test_deregister(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile)
    number_id = rig.registered()
    assert deregister(rig, number_id).json() == {"success": True}
    shown = rig.number(number_id)
    assert shown["status"] == "DISCONNECTED"
    assert shown["platform_type"] == shown["throughput"] == "NOT_APPLICABLE"
    assert shown["has_pin"] is True
    assert refusal(deregister(rig, number_id)) == (400, 100, 2207051)
    assert rig.register(number_id).status_code == 200


def test_deregister_overtakes_a_number_that_is_connecting(start: RigMaker) -> None:
    rig = start(registration={"connected_after": "100s"})
    number_id = rig.registered()
    assert deregister(rig, number_id).status_code == 200
    rig.advance(200)
    assert rig.number(number_id)["status"] == "DISCONNECTED"
