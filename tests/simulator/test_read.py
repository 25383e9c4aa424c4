"""GET and POST of single nodes: numbers and WABAs, and subscribed_apps."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.answering import answering
from tests.simulator.conftest import RigMaker
from tests.simulator.harness import BUSINESS, START, WABA, Refused, Rig, business, refusal

CALLBACK = "https://partner.example/hook"
ALL_FIELDS = (
    "account_mode,certificate,code_verification_status,conversational_automation,country_code,"
    "country_dial_code,display_phone_number,eligibility_for_api_business_global_search,"
    "health_status,id,is_official_business_account,is_on_biz_app,is_pin_enabled,"
    "is_preverified_number,last_onboarded_time,messaging_limit_tier,name_status,"
    "new_certificate,new_display_name,new_name_status,official_business_account,platform_type,"
    "quality_rating,quality_score,search_visibility,status,throughput,username,verified_name,"
    "webhook_configuration,host_platform,unified_cert_status"
)


def subscribe(rig: Rig, method: str = "POST", **params: str) -> Any:
    return rig.graph(method, f"{WABA}/subscribed_apps", params)


def test_every_readable_field_is_known_and_what_has_no_value_is_left_out(rig: Rig) -> None:
    shown = rig.read(rig.create(), ALL_FIELDS)
    missing = set(ALL_FIELDS.split(",")) - set(shown)
    assert missing == {
        "conversational_automation",
        "last_onboarded_time",
        "new_certificate",
        "new_display_name",
        "new_name_status",
        "search_visibility",
        "username",
    }


def test_default_fields_of_a_node(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile)
    shown = rig.graph("GET", rig.create()).json()
    if profile == "observed":
        assert {"platform_type", "throughput", "code_verification_status"} < set(shown)
    else:
        assert set(shown) == {"id", "display_phone_number", "verified_name", "quality_rating"}


def test_embedded_signup_shows_when_it_ended(rig: Rig) -> None:
    shown = rig.read(rig.signed_up(), "last_onboarded_time", "code_verification_status")
    assert shown["last_onboarded_time"] == START.strftime("%Y-%m-%dT%H:%M:%S+0000")
    assert shown["code_verification_status"] == "VERIFIED"


def test_health_is_the_worst_of_the_nodes(rig: Rig) -> None:
    number_id = rig.registered()
    health = rig.read(number_id, "health_status")["health_status"]
    assert health["can_send_message"] == "LIMITED"
    assert [one["entity_type"] for one in health["entities"]] == [
        "PHONE_NUMBER",
        "WABA",
        "BUSINESS",
        "APP",
    ]
    rig.control("POST", f"numbers/{number_id}", {"name_status": "APPROVED"})
    assert rig.read(number_id, "health_status")["health_status"]["can_send_message"] == "AVAILABLE"
    rig.control("POST", f"numbers/{number_id}", {"status": "BANNED"})
    assert rig.read(number_id, "health_status")["health_status"]["can_send_message"] == "BLOCKED"


@pytest.mark.parametrize(
    ("profile", "expected"), [("observed", (400, 100, 33)), ("documented", (404, 803, None))]
)
def test_unknown_number(start: RigMaker, profile: str, expected: Refused) -> None:
    rig = start(profile=profile)
    assert refusal(rig.graph("GET", "123")) == expected
    assert refusal(rig.graph("POST", "123/register", {})) == expected


def test_unknown_object_is_told_in_metas_words(rig: Rig) -> None:
    error = rig.graph("GET", "123").json()["error"]
    assert error["type"] == "GraphMethodException"
    assert error["message"].startswith("Unsupported get request. Object with ID '123'")


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "{number}"), ("GET", "{number}/register"), ("POST", "{waba}/register")],
)
def test_operation_that_does_not_exist(rig: Rig, method: str, path: str) -> None:
    path = path.format(number=rig.create(), waba=WABA)
    assert refusal(rig.graph(method, path)) == (400, 100, 33)


def test_id_that_is_no_number(start: RigMaker, profile: str) -> None:
    expected = (404, 803, None) if profile == "observed" else (400, 100, None)
    assert refusal(start(profile=profile).graph("GET", "abc")) == expected


@pytest.mark.parametrize("version", ["25", "vX", "v25"])
def test_path_without_a_version(start: RigMaker, profile: str, version: str) -> None:
    response = start(profile=profile).graph("GET", WABA, version=version)
    assert refusal(response) == (400, 2500 if profile == "observed" else 100, None)


def test_path_that_is_too_long(rig: Rig) -> None:
    assert refusal(rig.graph("GET", f"{WABA}/phone_numbers/1"))[1] == 2500


@pytest.mark.parametrize(
    ("asked", "served"), [("v25.0", "v25.0"), ("v26.1", "v26.1"), ("v9.0", "v21.0")]
)
def test_version_that_is_gone_is_served_by_the_oldest_one(
    rig: Rig, asked: str, served: str
) -> None:
    response = rig.graph("GET", WABA, version=asked)
    assert response.headers["facebook-api-version"] == served


def test_every_answer_can_be_traced(rig: Rig) -> None:
    refused = rig.graph("GET", "123")
    again = rig.graph("GET", "123")
    for name in ("x-fb-request-id", "x-fb-trace-id", "x-fb-rev", "x-fb-debug"):
        assert refused.headers[name]
    assert refused.json()["error"]["fbtrace_id"] == refused.headers["x-fb-request-id"]
    assert refused.headers["x-fb-request-id"] != again.headers["x-fb-request-id"]


def test_waba_fields(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile)
    default = rig.graph("GET", WABA).json()
    fields = "business_verification_status,ownership_type,account_review_status,status"
    shown = rig.graph("GET", WABA, {"fields": f"{fields},owner_business_info{{id}}"}).json()
    observed = profile == "observed"
    assert ("timezone_id" in default) is observed
    assert shown == {
        "business_verification_status": "verified" if observed else "VERIFIED",
        "ownership_type": "CLIENT" if observed else "CLIENT_OWNED",
        "account_review_status": "APPROVED",
        "status": "ACTIVE",
        "owner_business_info": {"id": BUSINESS},
        "id": WABA,
    }


def test_unknown_waba_field(start: RigMaker, profile: str) -> None:
    response = start(profile=profile).graph("GET", WABA, {"fields": "shoe_size"})
    expected = (400, 100, None) if profile == "observed" else (422, 100, None)
    assert refusal(response) == expected


def test_waba_can_be_renamed(rig: Rig) -> None:
    assert rig.graph("POST", WABA, {"name": "Lucky", "timezone_id": "7"}).json()["success"] is True
    shown = rig.graph("GET", WABA, {"fields": "name,timezone_id"}).json()
    assert shown == {"name": "Lucky", "timezone_id": "7", "id": WABA}
    assert refusal(rig.graph("POST", WABA, {"name": ""})) == (400, 100, None)


def test_new_waba_has_no_subscribed_app(rig: Rig) -> None:
    assert subscribe(rig, "GET").json() == {"data": []}


def test_subscribing(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile)
    assert subscribe(rig).json() == {"success": True}
    assert [call["effect"] for call in rig.calls("subscribe_app")] == [True]
    shown = subscribe(rig, "GET").json()["data"][0]
    app = shown["whatsapp_business_api_data"] if profile == "observed" else shown
    assert app["id"] == rig.simulator.scenario.app.id
    assert subscribe(rig).json() == {"success": True}
    assert [call["effect"] for call in rig.calls("subscribe_app")] == [True, False]


def test_override_needs_a_subscription_and_a_plain_call_removes_it(rig: Rig) -> None:
    override = {"override_callback_uri": CALLBACK, "verify_token": "secret"}
    response = subscribe(rig, **override)
    assert refusal(response) == (400, 100, None)
    assert "Before override the current callback uri" in response.json()["error"]["message"]
    subscribe(rig)
    assert subscribe(rig, **override).json()["success"] is True
    assert subscribe(rig, "GET").json()["data"][0]["override_callback_uri"] == CALLBACK
    number_id = rig.create()
    shown = rig.read(number_id, "webhook_configuration")["webhook_configuration"]
    assert shown["whatsapp_business_account"] == CALLBACK
    subscribe(rig)
    assert "override_callback_uri" not in subscribe(rig, "GET").json()["data"][0]


@pytest.mark.parametrize("uri", ["partner.example/hook", "ftp://x/", f"https://x/{'y' * 200}"])
def test_callback_must_be_an_address(start: RigMaker, uri: str) -> None:
    rig = start(businesses=[business(subscribed=True)])
    response = subscribe(rig, override_callback_uri=uri, verify_token="secret")
    assert refusal(response) == (400, 100, None)


def test_override_needs_a_verify_token(start: RigMaker) -> None:
    rig = start(businesses=[business(subscribed=True)])
    assert refusal(subscribe(rig, override_callback_uri=CALLBACK)) == (400, 100, None)


def test_a_callback_is_taken_once_it_has_answered_the_handshake(start: RigMaker) -> None:
    rig = start(businesses=[business(subscribed=True)])
    with answering("secret") as callback:
        override = {"override_callback_uri": callback.uri, "verify_token": "secret"}
        assert subscribe(rig, **override).json()["success"] is True
        (asked,) = callback.asked
        assert (asked["hub.mode"], asked["hub.verify_token"]) == ("subscribe", "secret")
        assert asked["hub.challenge"].isdecimal()
        number_id = rig.create()
        body: dict[str, Any] = {"webhook_configuration": override}
        assert rig.graph("POST", number_id, body).json() == {"success": True}
        assert len(callback.asked) == 2


def refused_callback(rig: Rig, uri: str, words: str) -> None:
    response = subscribe(rig, override_callback_uri=uri, verify_token="secret")
    assert refusal(response) == (400, 2200, None)
    assert words in response.json()["error"]["message"]
    assert "override_callback_uri" not in subscribe(rig, "GET").json()["data"][0]


def test_a_callback_that_does_not_answer_the_handshake_is_refused(
    start: RigMaker, profile: str
) -> None:
    rig = start(profile=profile, businesses=[business(subscribed=True)])
    with answering("another") as callback:
        refused_callback(rig, callback.uri, "HTTP Status Code = 403")
    with answering("secret") as callback:
        callback.answers = False
        refused_callback(rig, callback.uri, "does not match the challenge")
    refused_callback(rig, callback.uri, "could not be reached")


def test_nobody_is_asked_before_the_app_is_subscribed(rig: Rig) -> None:
    with answering("secret") as callback:
        response = subscribe(rig, override_callback_uri=callback.uri, verify_token="secret")
        assert refusal(response) == (400, 100, None)
        assert callback.asked == []


def test_unsubscribing(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile, businesses=[business(subscribed=True)])
    assert subscribe(rig, "DELETE").json() == {"success": True}
    assert subscribe(rig, "GET").json() == {"data": []}
    again = subscribe(rig, "DELETE")
    if profile == "observed":
        assert again.json() == {"success": True}
    else:
        assert refusal(again) == (404, 803, None)


def test_callback_of_one_number(rig: Rig) -> None:
    number_id = rig.create()
    body: dict[str, Any] = {"webhook_configuration": {"override_callback_uri": CALLBACK}}
    assert rig.graph("POST", number_id, body).json() == {"success": True}
    shown = rig.read(number_id, "webhook_configuration")["webhook_configuration"]
    assert shown["phone_number"] == CALLBACK
    body = {"webhook_configuration": '{"override_callback_uri": ""}'}
    assert rig.graph("POST", number_id, body).json() == {"success": True}
    shown = rig.read(number_id, "webhook_configuration")["webhook_configuration"]
    assert "phone_number" not in shown
    assert refusal(rig.graph("POST", number_id, {"webhook_configuration": "x"}))[1] == 100


def test_search_visibility(rig: Rig) -> None:
    number_id = rig.create()
    assert rig.graph("POST", number_id, {"search_visibility": "HIDDEN"}).json()["success"] is True
    assert rig.read(number_id, "search_visibility")["search_visibility"] == "HIDDEN"
