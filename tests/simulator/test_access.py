"""Tokens, proofs, scopes and reach."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from tests.simulator.conftest import RigMaker
from tests.simulator.harness import BUSINESS, WABA, Refused, Rig, refusal

OTHER_WABA = "202290129340398"
SECRET = "app-secret"


def prove(token: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("profile", "expected"), [("observed", (401, 190, 463)), ("documented", (401, 104, None))]
)
def test_absent_token(start: RigMaker, profile: str, expected: Refused) -> None:
    rig = start(profile=profile)
    assert refusal(rig.graph("GET", WABA, token=None)) == expected


def test_wrong_token(start: RigMaker, profile: str) -> None:
    response = start(profile=profile).graph("GET", WABA, token="EAAwrong")
    assert refusal(response) == (401, 190, 463)
    assert "WWW-Authenticate" in response.headers


def test_token_as_parameter(rig: Rig) -> None:
    token = rig.simulator.token
    assert rig.http.get(f"/v25.0/{WABA}", params={"access_token": token}).status_code == 200
    response = rig.http.post(f"/v25.0/{WABA}", data={"access_token": token, "name": "Lucky"})
    assert response.json() == {"success": True}
    assert rig.http.post(f"/v25.0/{WABA}", json={"access_token": token}).status_code == 200


def test_token_is_generated_for_the_seed(start: RigMaker) -> None:
    first, second, other = start(seed=5), start(seed=5), start(seed=6)
    assert first.simulator.token == second.simulator.token
    assert first.simulator.token != other.simulator.token


def test_dead_token_and_its_replacement(rig: Rig) -> None:
    token = rig.simulator.token
    rig.control("POST", "tokens", {"token": token, "dead": True, "subcode": 460})
    assert refusal(rig.graph("GET", WABA)) == (401, 190, 460)
    rig.control("POST", "tokens", {"token": token, "code": 102})
    assert refusal(rig.graph("GET", WABA)) == (401, 102, 463)
    rig.control("POST", "tokens", {"token": "EAAnew", "dead": False})
    assert rig.graph("GET", WABA, token="EAAnew").status_code == 200
    rig.control("POST", "tokens", {"token": token, "dead": False})
    assert rig.graph("GET", WABA).status_code == 200


@pytest.mark.parametrize(
    ("profile", "expected"),
    [("observed", (400, 100, 33)), ("documented", (403, 200, 1349174))],
)
def test_waba_beyond_the_reach_of_a_token(start: RigMaker, profile: str, expected: Refused) -> None:
    rig = start(
        profile=profile,
        businesses=[{"id": BUSINESS, "wabas": [{"id": WABA}, {"id": OTHER_WABA}]}],
        tokens=[{"value": "EAAone", "wabas": [WABA]}, {"value": "EAAother", "wabas": [OTHER_WABA]}],
    )
    number_id = rig.create()
    assert rig.graph("GET", number_id, token="EAAone").status_code == 200
    assert refusal(rig.graph("GET", number_id, token="EAAother")) == expected
    assert refusal(rig.graph("GET", f"{WABA}/phone_numbers", token="EAAother")) == expected


def test_missing_scope(start: RigMaker, profile: str) -> None:
    tokens = [
        {"value": "EAAmanage", "scopes": ["whatsapp_business_management"]},
        {"value": "EAAmessage", "scopes": ["whatsapp_business_messaging"]},
    ]
    rig = start(profile=profile, tokens=tokens)
    number_id = rig.verified()
    assert refusal(rig.graph("GET", WABA, token="EAAmessage")) == (403, 200, 1349176)
    assert refusal(rig.register(number_id)) == (403, 200, 1349176)
    assert refusal(rig.graph("POST", f"{number_id}/deregister")) == (403, 200, 1349176)


def test_proof_where_it_is_required(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile, app={"secret": SECRET, "require_proof": True})
    token = rig.simulator.token
    assert refusal(rig.graph("GET", WABA)) == (400, 100, None)
    missing = rig.graph("GET", WABA).json()["error"]["message"]
    assert missing == "API calls from the server require an appsecret_proof argument"
    wrong = rig.graph("GET", WABA, {"appsecret_proof": prove(token, "another")})
    assert wrong.json()["error"]["message"] == (
        "Invalid appsecret_proof provided in the API argument"
    )
    assert rig.graph("GET", WABA, {"appsecret_proof": prove(token)}).status_code == 200
    response = rig.graph("POST", WABA, {"appsecret_proof": prove(token), "name": "Lucky"})
    assert response.status_code == 200


def test_proof_that_is_not_required_must_still_be_right(start: RigMaker) -> None:
    rig = start(app={"secret": SECRET})
    assert rig.graph("GET", WABA).status_code == 200
    assert refusal(rig.graph("GET", WABA, {"appsecret_proof": "é"})) == (400, 100, None)
