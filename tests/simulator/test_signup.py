"""Embedded Signup in the browser: session event, code, and the token that comes for it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.simulator.conftest import RigMaker
from tests.simulator.harness import BUSINESS, WABA, Rig, refusal

SECRET = "app-secret"
PHONE = "+14195551518"


@pytest.fixture
def app(start: RigMaker) -> Rig:
    return start(app={"secret": SECRET})


def finish(rig: Rig, **given: Any) -> dict[str, Any]:
    body = {"waba_id": WABA, "phone_number": PHONE, "verified_name": "Lucky Shrub", **given}
    return rig.control("POST", "embedded_signup/session", body)


def exchange(rig: Rig, code: str, **given: Any) -> httpx.Response:
    app = {"client_id": rig.simulator.scenario.app.id, "client_secret": SECRET}
    return rig.graph("GET", "oauth/access_token", {**app, "code": code, **given}, token=None)


def test_a_finished_session_names_the_number_and_has_a_code(app: Rig) -> None:
    done = finish(app)
    number_id = app.listed()["data"][0]["id"]
    assert done["event"] == {
        "type": "WA_EMBEDDED_SIGNUP",
        "event": "FINISH",
        "version": 3,
        "data": {"phone_number_id": number_id, "waba_id": WABA, "business_id": BUSINESS},
    }
    assert app.read(number_id, "code_verification_status")["code_verification_status"] == "VERIFIED"
    assert done["code"].startswith("AQ")


def test_the_other_ends_of_a_session(app: Rig) -> None:
    only = finish(app, event="FINISH_ONLY_WABA")
    assert only["event"]["data"] == {"waba_id": WABA, "business_id": BUSINESS}
    assert app.listed()["data"] == []
    left = finish(app, event="CANCEL", current_step="PERMISSIONS")
    assert (left["event"]["data"], left["code"]) == ({"current_step": "PERMISSIONS"}, None)
    failed = finish(app, event="ERROR", error_message="no")
    assert (failed["event"]["data"], failed["code"]) == ({"error_message": "no"}, None)
    lives = finish(app, event="FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING", with_phone_number_id=False)
    assert "phone_number_id" not in lives["event"]["data"]
    assert app.number(app.listed()["data"][0]["id"])["is_on_biz_app"]


def test_a_code_is_exchanged_once_and_within_thirty_seconds(app: Rig) -> None:
    code = finish(app)["code"]
    app.advance(29)
    token = exchange(app, code).json()["access_token"]
    assert app.graph("GET", WABA, token=token).status_code == 200
    assert refusal(exchange(app, code)) == (400, 100, None)
    late = finish(app)["code"]
    app.advance(30)
    assert "expired" in exchange(app, late).json()["error"]["message"]


@pytest.mark.parametrize(
    ("given", "code"),
    [({"client_id": "1"}, 101), ({"client_secret": "x"}, 1), ({"client_id": ""}, 101)],
)
def test_a_wrong_exchange_uses_no_code_up(app: Rig, given: dict[str, str], code: int) -> None:
    signed = finish(app)["code"]
    assert exchange(app, signed, **given).json()["error"]["code"] == code
    assert exchange(app, signed).status_code == 200


def test_a_token_ends_when_its_time_is_over(start: RigMaker) -> None:
    rig = start(app={"secret": SECRET}, signup={"token_lifetime": "1d", "scopes": ["one"]})
    body = exchange(rig, finish(rig)["code"]).json()
    assert body["expires_in"] == 86400
    asked = {"input_token": body["access_token"]}
    as_app = f"{rig.simulator.scenario.app.id}|{SECRET}"
    told = rig.graph("GET", "debug_token", asked, token=as_app).json()["data"]
    assert (told["is_valid"], told["scopes"]) == (True, ["one"])
    assert told["expires_at"] - told["issued_at"] == 86400
    assert told["granular_scopes"] == [{"scope": "one", "target_ids": [WABA]}]
    rig.advance(86400)
    assert not rig.graph("GET", "debug_token", asked, token=as_app).json()["data"]["is_valid"]
    assert refusal(rig.graph("GET", WABA, token=body["access_token"])) == (401, 190, 463)


def test_neither_code_nor_secret_nor_token_is_in_the_log(app: Rig) -> None:
    code = finish(app)["code"]
    token = exchange(app, code).json()["access_token"]
    app.graph("GET", "debug_token", {"input_token": token})
    told = str(app.control("GET", "calls"))
    assert "exchange_code" in told
    assert "debug_token" in told
    assert not [each for each in (code, SECRET, token) if each in told]
