"""request_code and verify_code."""

from __future__ import annotations

import pytest

from tests.simulator.conftest import RigMaker
from tests.simulator.harness import HOUR, Refused, Rig, refusal

WRONG = {"observed": (400, 136025, 2388093), "documented": (422, 100, None)}
TOO_SOON = {"observed": (400, 136024, 2388091), "documented": (422, 100, None)}
VOLUME = {"observed": (400, 136024, 2388367), "documented": (429, 4, 2446079)}
LOCKED = {"observed": (400, 136025, None), "documented": (429, 4, 2446079)}


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_code_arrives_after_a_while_and_verifies(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile, codes={"delivery": "30s"})
    number_id = rig.create()
    assert rig.request_code(number_id).json() == {"success": True}
    assert rig.control("GET", "inbox/14195551518") == {"messages": []}
    rig.advance(30)
    answer = rig.verify_code(number_id, rig.last_code()).json()
    assert answer == {"success": True} | ({"id": number_id} if profile == "documented" else {})
    shown = rig.read(number_id, "code_verification_status", "status")
    assert (shown["code_verification_status"], shown["status"]) == ("VERIFIED", "PENDING")


@pytest.mark.parametrize(
    ("method", "opening"), [("SMS", "WhatsApp code "), ("voice", "Verification code is ")]
)
def test_text_of_the_message(rig: Rig, method: str, opening: str) -> None:
    number_id = rig.create()
    assert rig.request_code(number_id, method).status_code == 200
    message = rig.control("GET", "inbox/14195551518")["messages"][0]
    assert message["text"].startswith(opening)
    assert (message["to"], message["method"]) == ("14195551518", method.upper())
    assert ("-" in message["text"]) is (method == "SMS")


@pytest.mark.parametrize(
    "params",
    [
        {"language": "en_US"},
        {"code_method": "SMS"},
        {"code_method": "FAX", "language": "en_US"},
        {"code_method": "SMS", "language": "english"},
    ],
)
def test_malformed_request(start: RigMaker, profile: str, params: dict[str, str]) -> None:
    rig = start(profile=profile)
    number_id = rig.create()
    assert refusal(rig.graph("POST", f"{number_id}/request_code", params)) == (400, 100, None)


@pytest.mark.parametrize("language", ["en", "pt_BR"])
def test_both_forms_of_a_language(rig: Rig, language: str) -> None:
    params = {"code_method": "SMS", "language": language}
    assert rig.graph("POST", f"{rig.create()}/request_code", params).status_code == 200


def test_second_request_within_a_minute(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile)
    number_id = rig.create()
    rig.request_code(number_id)
    rig.advance(59)
    assert refusal(rig.request_code(number_id)) == TOO_SOON[profile]
    rig.advance(1)
    assert rig.request_code(number_id).status_code == 200


def test_new_code_invalidates_the_old_one(rig: Rig) -> None:
    number_id = rig.create()
    rig.request_code(number_id)
    old = rig.last_code()
    rig.advance(60)
    rig.request_code(number_id)
    assert refusal(rig.verify_code(number_id, old)) == WRONG["observed"]
    assert rig.verify_code(number_id, rig.last_code()).status_code == 200


def test_eleventh_request_in_72_hours(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile)
    number_id = rig.create()
    for _ in range(10):
        assert rig.request_code(number_id).status_code == 200
        rig.advance(HOUR)
    assert refusal(rig.request_code(number_id)) == VOLUME[profile]
    rig.advance(61 * HOUR)
    assert refusal(rig.request_code(number_id)) == VOLUME[profile]
    rig.advance(11 * HOUR)
    assert rig.request_code(number_id).status_code == 200


def test_refused_requests_count_and_keep_the_window_rolling(rig: Rig) -> None:
    number_id = rig.create()
    for _ in range(10):
        rig.request_code(number_id)
    rig.advance(71 * HOUR)
    assert refusal(rig.request_code(number_id)) == VOLUME["observed"]
    rig.advance(2 * HOUR)
    assert rig.request_code(number_id).status_code == 200


@pytest.mark.parametrize(
    ("profile", "codes", "expected"),
    [
        ("observed", {}, (400, 136024, None)),
        ("observed", {"already_verified_subcode": 2388091}, (400, 136024, 2388091)),
        ("documented", {"already_verified_subcode": 2388091}, (422, 100, None)),
    ],
)
def test_verified_number_gets_no_code(
    start: RigMaker, profile: str, codes: dict[str, int], expected: Refused
) -> None:
    rig = start(profile=profile, codes={"delivery": "0s", **codes})
    number_id = rig.verified()
    rig.advance(60)
    response = rig.request_code(number_id)
    assert refusal(response) == expected
    assert "verified" in str(response.json())


def test_app_linked_number_never_gets_a_code(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile)
    number_id = rig.create()
    rig.control("POST", f"numbers/{number_id}", {"platform_type": "ON_PREMISE"})
    assert refusal(rig.request_code(number_id)) == TOO_SOON[profile]
    rig.advance(25 * HOUR)
    assert refusal(rig.request_code(number_id)) == TOO_SOON[profile]


@pytest.mark.parametrize("code", ["", "12345", "1234567", "123-830", "abcdef"])
def test_malformed_code(start: RigMaker, profile: str, code: str) -> None:
    rig = start(profile=profile)
    number_id = rig.create()
    assert refusal(rig.verify_code(number_id, code)) == (400, 100, None)


def test_code_is_accepted_as_a_json_number(rig: Rig) -> None:
    number_id = rig.create()
    rig.request_code(number_id)
    code = rig.last_code()
    sent = int(code) if not code.startswith("0") else code
    response = rig.graph("POST", f"{number_id}/verify_code", {"code": sent})
    assert response.json() == {"success": True}


def test_wrong_code(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile)
    number_id = rig.create()
    assert refusal(rig.verify_code(number_id, "123456")) == WRONG[profile]
    rig.request_code(number_id)
    assert refusal(rig.verify_code(number_id, other_than(rig.last_code()))) == WRONG[profile]
    assert rig.verify_code(number_id, rig.last_code()).status_code == 200


def test_code_lives_ten_minutes(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile)
    number_id = rig.create()
    rig.request_code(number_id)
    rig.advance(601)
    assert refusal(rig.verify_code(number_id, rig.last_code())) == WRONG[profile]
    rig.request_code(number_id)
    rig.advance(600)
    assert rig.verify_code(number_id, rig.last_code()).status_code == 200


def test_code_works_once(rig: Rig) -> None:
    number_id = rig.verified()
    assert refusal(rig.verify_code(number_id, rig.last_code())) == WRONG["observed"]
    assert rig.number(number_id)["code_verification_status"] == "VERIFIED"


def test_sixth_wrong_code_starts_a_wait_of_12_hours(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile)
    number_id = rig.create()
    rig.request_code(number_id)
    code = rig.last_code()
    for _ in range(5):
        assert refusal(rig.verify_code(number_id, other_than(code))) == WRONG[profile]
    assert refusal(rig.verify_code(number_id, other_than(code))) == LOCKED[profile]
    assert refusal(rig.verify_code(number_id, code)) == LOCKED[profile]
    rig.advance(12 * HOUR - 1)
    rig.request_code(number_id)
    assert refusal(rig.verify_code(number_id, rig.last_code())) == LOCKED[profile]
    rig.advance(1)
    assert rig.verify_code(number_id, rig.last_code()).status_code == 200


def test_expired_verification_can_be_renewed(rig: Rig) -> None:
    number_id = rig.verified()
    rig.control("POST", f"numbers/{number_id}", {"code_verification_status": "EXPIRED"})
    rig.advance(60)
    assert rig.request_code(number_id).status_code == 200
    assert rig.verify_code(number_id, rig.last_code()).status_code == 200
    assert rig.number(number_id)["code_verification_status"] == "VERIFIED"
