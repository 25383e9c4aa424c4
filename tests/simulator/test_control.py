"""Control endpoints: signup, edits, tokens, inbox, log, webhooks, state."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.simulator.conftest import RigMaker
from tests.simulator.harness import DAY, PIN, START, VERSION, WABA, Rig, business


def failed(response: httpx.Response, status: int, *words: str) -> bool:
    told = response.json()["error"]
    return response.status_code == status and all(word in told for word in words)


def test_health(rig: Rig) -> None:
    assert rig.control("GET", "health") == {"status": "ok", "profile": "observed"}


@pytest.mark.parametrize("path", ["nothing", "inbox/1/2", "numbers/1/x"])
def test_unknown_control_path(rig: Rig, path: str) -> None:
    assert failed(rig.http.get(f"/_sim/{path}"), 404, "there is no")


def test_body_that_is_not_json(rig: Rig) -> None:
    assert rig.http.post("/_sim/clock", content=b"{").status_code == 400


def test_signup_makes_a_verified_number(rig: Rig) -> None:
    number_id = rig.signed_up()
    shown = rig.number(number_id)
    assert shown["code_verification_status"] == "VERIFIED"
    assert shown["last_onboarded_time"] == shown["created_at"] == "2026-11-02T09:00:00.000000Z"
    assert rig.register(number_id).status_code == 200


def test_signup_may_have_ended_in_the_past_but_not_in_the_future(rig: Rig) -> None:
    body = {
        "waba_id": WABA,
        "phone_number": "+14195551518",
        "verified_name": "Lucky",
        "at": (START - timedelta(days=13)).isoformat(),
    }
    number_id = rig.control("POST", "embedded_signup", body)["id"]
    rig.advance(2 * DAY)
    assert rig.register(number_id).status_code == 400
    body["at"] = (START + timedelta(days=30)).isoformat()
    assert failed(rig.http.post("/_sim/embedded_signup", json=body), 404, "future")


@pytest.mark.parametrize(
    ("change", "status", "word"),
    [
        ({"waba_id": "1"}, 404, "no WABA"),
        ({"phone_number": "+14195551520"}, 409, "number_cap"),
        ({"phone_number": "x"}, 400, "x"),
        ({"colour": "red"}, 400, "colour"),
    ],
)
def test_signup_that_cannot_be(
    start: RigMaker, change: dict[str, str], status: int, word: str
) -> None:
    rig = start(businesses=[business(max_phone_numbers=1)])
    rig.signed_up()
    body = {"waba_id": WABA, "phone_number": "+14195551518", "verified_name": "Lucky", **change}
    assert failed(rig.http.post("/_sim/embedded_signup", json=body), status, word)


def test_edited_fields_are_seen_by_the_api(rig: Rig) -> None:
    number_id = rig.create()
    edit = {
        "status": "RESTRICTED",
        "name_status": "APPROVED",
        "is_on_biz_app": True,
        "platform_type": "CLOUD_API",
        "quality_rating": "GREEN",
    }
    rig.control("POST", f"numbers/{number_id}", edit)
    assert rig.read(number_id, *edit) == edit | {"id": number_id}


def test_edited_signup_time_moves_the_window(rig: Rig) -> None:
    number_id = rig.signed_up()
    past = (START - timedelta(days=20)).isoformat()
    rig.control("POST", f"numbers/{number_id}", {"last_onboarded_time": past})
    assert rig.register(number_id).status_code == 400


def test_emptied_pin_switches_two_step_verification_off(rig: Rig) -> None:
    number_id = rig.registered()
    rig.control("POST", f"numbers/{number_id}", {"pin": None})
    assert rig.read(number_id, "is_pin_enabled")["is_pin_enabled"] is False
    assert rig.register(number_id, "654321").status_code == 200


@pytest.mark.parametrize(
    ("number", "edit", "status"),
    [
        ("1", {"status": "BANNED"}, 404),
        (None, {"status": None}, 404),
        (None, {"pin": "1"}, 400),
        (None, {"name_status": "MAYBE"}, 400),
        (None, {"colour": "red"}, 400),
    ],
)
def test_edit_that_makes_no_sense(
    rig: Rig, number: str | None, edit: dict[str, Any], status: int
) -> None:
    number_id = number or rig.create()
    response = rig.http.post(f"/_sim/numbers/{number_id}", json=edit)
    assert response.status_code == status
    assert response.json()["error"]


def test_every_change_by_hand_starts_a_new_epoch(rig: Rig) -> None:
    number_id = rig.signed_up()
    epochs = [rig.control("GET", "clock")["epoch"]]
    for path, body in (
        (f"numbers/{number_id}", {"status": "BANNED"}),
        (f"names/{number_id}", {"decision": "APPROVED"}),
        ("tokens", {"token": "EAAx", "dead": False}),
        ("elsewhere/14195551599", {"use": "banned"}),
        ("faults", {"kind": "html_502", "endpoint": "register"}),
    ):
        rig.control("POST", path, body)
        epochs.append(rig.control("GET", "clock")["epoch"])
    assert epochs == list(range(epochs[0], epochs[0] + 6))


def test_inbox_by_number_in_any_shape_and_for_all(rig: Rig) -> None:
    for phone in ("5531984271278", "14195551518"):
        rig.request_code(rig.create(phone))
    for shape in ("5531984271278", "553184271278", "+55 31 8427-1278"):
        messages = rig.control("GET", f"inbox/{shape}")["messages"]
        assert [one["to"] for one in messages] == ["5531984271278"]
    everything = rig.control("GET", "inbox")["messages"]
    assert [one["seq"] for one in everything] == [1, 2]
    assert rig.control("GET", "inbox", after=1)["messages"] == everything[1:]
    assert rig.control("GET", "inbox/14195551518", after=2)["messages"] == []


def test_log_tells_what_was_asked_and_what_it_did(rig: Rig) -> None:
    number_id = rig.registered()
    rig.advance(5)
    rig.register(number_id, "999999")
    call = rig.calls("register")[1]
    assert call["real_at"].endswith("Z")
    assert call | {"real_at": "", "params": {}} == {
        "seq": 5,
        "at": "2026-11-02T09:00:05.000000Z",
        "real_at": "",
        "endpoint": "register",
        "method": "POST",
        "path": f"/{VERSION}/{number_id}/register",
        "waba_id": WABA,
        "phone_number_id": number_id,
        "number": "14195551518",
        "attempt": 2,
        "params": {},
        "http_status": 400,
        "code": 133005,
        "subcode": None,
        "effect": False,
        "fault": None,
    }
    assert [one["seq"] for one in rig.control("GET", "calls", after=3)["calls"]] == [4, 5]
    assert rig.control("GET", "calls", after=99)["calls"] == []


def test_log_and_state_keep_no_secret_but_secrets_can_be_compared(rig: Rig) -> None:
    number_id = rig.verified()
    code = rig.last_code()
    for pin in (PIN, PIN, "999999"):
        rig.register(number_id, pin)
    nested = {
        "webhook_configuration": {
            "override_callback_uri": "https://x.example",
            "verify_token": "hush",
        },
        "access_token": rig.simulator.token,
        "backup": {"data": "x", "password": "hush"},
    }
    rig.graph("POST", number_id, nested)
    calls = rig.calls()
    digests = [one["params"]["pin_digest"] for one in rig.calls("register")]
    assert digests[0] == digests[1] != digests[2]
    assert rig.number(number_id)["pin_digest"] == digests[0]
    assert "code_digest" in rig.calls("verify_code")[0]["params"]
    told = f"{calls}{rig.control('GET', 'state')}"
    for secret in (code, f'"{PIN}"', f"'{PIN}'", rig.simulator.token, "hush"):
        assert secret not in told


def test_log_forgets_the_oldest_when_it_is_full(start: RigMaker) -> None:
    rig = start(limits={"call_log": 3})
    for _ in range(5):
        rig.graph("GET", WABA)
    assert [one["seq"] for one in rig.calls()] == [3, 4, 5]
    assert [one["seq"] for one in rig.control("GET", "calls", after=4)["calls"]] == [5]


def test_webhooks_after_a_number(start: RigMaker) -> None:
    rig = start(businesses=[business(subscribed=True)])
    rig.registered("14195550001")
    rig.registered("14195550002")
    hooks = rig.control("GET", "webhooks")["webhooks"]
    assert [one["seq"] for one in hooks] == [1, 2]
    assert rig.control("GET", "webhooks", after=1)["webhooks"] == hooks[1:]
    assert hooks[0]["payload"]["entry"][0]["time"] == int(START.timestamp())


def test_state_shows_wabas_and_deleted_numbers(rig: Rig) -> None:
    kept, gone = rig.create("14195550001"), rig.create("14195550002")
    rig.control("POST", f"numbers/{gone}", {"deleted": True})
    state = rig.control("GET", "state")
    assert state["wabas"][0]["phone_number_ids"] == [kept]
    assert state["wabas"][0]["budget"] == 200
    assert state["wabas"][0]["calls_in_window"] == 2
    deleted = rig.number(gone)
    assert (deleted["status"], deleted["deleted_at"]) == ("DELETED", "2026-11-02T09:00:00.000000Z")
