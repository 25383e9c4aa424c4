"""A tour through the simulator that sees every endpoint succeed and be refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from tests.simulator.harness import BUSINESS, PIN, WABA, Rig

PARTNER = "606914307656634"

FIELDS = (
    "id,display_phone_number,verified_name,status,code_verification_status,name_status,"
    "new_name_status,new_display_name,platform_type,throughput,account_mode,is_on_biz_app,"
    "is_official_business_account,quality_rating,last_onboarded_time,health_status,certificate,"
    "unified_cert_status,messaging_limit_tier,host_platform,country_code,country_dial_code"
)
WABA_FIELDS = (
    "id,name,account_review_status,business_verification_status,ownership_type,country,currency,"
    "timezone_id,health_status,owner_business_info,is_enabled_for_insights"
)

APP_SECRET = "app-secret"


@dataclass(frozen=True)
class Seen:
    """One answer and the path template of the operation that gave it."""

    method: str
    template: str
    endpoint: str
    response: httpx.Response


def take_tour(rig: Rig) -> list[Seen]:
    """Call every endpoint in good and bad ways; return all answers."""
    seen: list[Seen] = []

    def call(method: str, path: str, params: Any = None, token: str | None = "") -> httpx.Response:
        response = rig.graph(method, path, params, token=token)
        endpoint = rig.calls()[-1]["endpoint"]
        seen.append(Seen(method, _template(path), endpoint, response))
        return response

    number_id = _onboard(rig, call)
    _read(rig, call, number_id)
    _pool(rig, call)
    _refuse(rig, call, number_id)
    return seen


def _template(path: str) -> str:
    node, _, edge = path.partition("/")
    thing = "WABA-ID" if node == WABA or edge in ("phone_numbers", "subscribed_apps") else ""
    name = f"/{{Version}}/{{{thing or 'Phone-Number-ID'}}}"
    return f"{name}/{edge}" if edge else name


Call = Callable[..., httpx.Response]


def _onboard(rig: Rig, call: Call) -> str:
    call("POST", f"{WABA}/subscribed_apps")
    call("GET", f"{WABA}/subscribed_apps")
    override = {"override_callback_uri": "https://x.example/hook", "verify_token": "t"}
    call("POST", f"{WABA}/subscribed_apps", override)
    params = {"cc": "1", "phone_number": "4195551518", "verified_name": "Lucky Shrub"}
    number_id: str = call("POST", f"{WABA}/phone_numbers", params).json()["id"]
    call("GET", number_id, {"fields": FIELDS})
    call("POST", f"{number_id}/request_code", {"code_method": "SMS", "language": "en_US"})
    call("POST", f"{number_id}/verify_code", {"code": rig.last_code()})
    call("POST", f"{number_id}/register", {"messaging_product": "whatsapp", "pin": PIN})
    call("POST", number_id, {"pin": PIN})
    call("POST", number_id, {"search_visibility": "VISIBLE"})
    call("POST", number_id, {"new_display_name": "Lucky Bush"})
    return number_id


def _pool(rig: Rig, call: Call) -> None:
    added = call("POST", f"{BUSINESS}/add_phone_numbers", {"phone_number": "14195551600"})
    entry = added.json()["id"]
    call("POST", f"{entry}/request_code", {"code_method": "SMS", "language": "en_US"})
    call("POST", f"{entry}/verify_code", {"code": rig.last_code("14195551600")})
    call("POST", f"{entry}/verify_code", {"code": "000000"})
    shared = {"preverified_id": entry, "partner_business_id": PARTNER}
    call("POST", f"{BUSINESS}/share_preverified_numbers", shared)
    call("POST", f"{BUSINESS}/share_preverified_numbers", shared)
    call("GET", f"{BUSINESS}/preverified_numbers", {"limit": 1})
    call("GET", entry)
    call("GET", f"{entry}/partners")
    call("DELETE", f"{BUSINESS}/share_preverified_numbers", shared)
    call("DELETE", entry)
    call("GET", entry)


def _read(rig: Rig, call: Call, number_id: str) -> None:
    rig.signed_up("5531984271278", "Loja Feliz")
    rig.create("4915123456789", "Glückspilz")
    for params in ({}, {"fields": FIELDS}, {"limit": 2, "summary": "total_count"}):
        call("GET", f"{WABA}/phone_numbers", params)
    call("GET", number_id)
    call("GET", number_id, {"fields": FIELDS})
    call("GET", WABA)
    call("GET", WABA, {"fields": WABA_FIELDS})
    call("POST", WABA, {"name": "Lucky"})
    call("GET", f"{WABA}/subscribed_apps")
    _tokens(rig, call)


def _tokens(rig: Rig, call: Call) -> None:
    ended = {"waba_id": WABA, "event": "FINISH_ONLY_WABA"}
    code = rig.control("POST", "embedded_signup/session", ended)["code"]
    app = {"client_id": rig.simulator.scenario.app.id, "client_secret": APP_SECRET}
    for given in ({"client_secret": "x"}, {"client_id": "1"}, {"code": "x"}, {}, {}):
        call("GET", "oauth/access_token", {**app, "code": code, **given}, token=None)
    call("GET", "debug_token", {"input_token": rig.simulator.token})


def _refuse(rig: Rig, call: Call, number_id: str) -> None:
    for method, path in _operations(number_id):
        call(method, path, token=None)
        call(method, path, token="EAAwrong")
    for path in ("1", "1/register", "1/deregister", "1/request_code", "1/verify_code"):
        call("GET" if path == "1" else "POST", path)
    for params in ({"fields": "nope"}, {"filtering": "{"}, {"limit": 0}, {"after": "x"}):
        call("GET", f"{WABA}/phone_numbers", params)
    call("GET", number_id, {"fields": "nope"})
    call("GET", WABA, {"fields": "nope"})
    call("POST", WABA, {"name": ""})
    call("POST", number_id, {"pin": "1"})
    call("POST", number_id, {"new_display_name": "Lucky Tree"})
    call("POST", f"{WABA}/phone_numbers", {"phone_number": "x", "verified_name": "Lucky"})
    call("POST", f"{WABA}/phone_numbers", {"phone_number": "1419", "verified_name": "Lucky"})
    taken = {"phone_number": "14195551518", "verified_name": "Lucky"}
    call("POST", f"{WABA}/phone_numbers", taken)
    free = {"phone_number": "14195551599", "verified_name": "Lucky"}
    call("POST", f"{WABA}/phone_numbers", free)
    _refuse_codes(rig, call, number_id)
    _refuse_registration(rig, call, number_id)


def _operations(number_id: str) -> list[tuple[str, str]]:
    edges = ("request_code", "verify_code", "register", "deregister")
    return [
        *((method, path) for path in (WABA, number_id) for method in ("GET", "POST")),
        *((method, f"{WABA}/phone_numbers") for method in ("GET", "POST")),
        *((method, f"{WABA}/subscribed_apps") for method in ("GET", "POST", "DELETE")),
        *(("POST", f"{number_id}/{edge}") for edge in edges),
    ]


def _refuse_codes(rig: Rig, call: Call, number_id: str) -> None:
    sms = {"code_method": "SMS", "language": "en_US"}
    other = rig.create("4915123456780", "Other")
    call("POST", f"{number_id}/request_code", sms)
    call("POST", f"{other}/request_code", {"code_method": "FAX", "language": "en_US"})
    for _ in range(11):
        call("POST", f"{other}/request_code", sms)
    call("POST", f"{other}/verify_code", {"code": "1"})
    for _ in range(7):
        call("POST", f"{other}/verify_code", {"code": "000000"})
    call("POST", f"{other}/register", {"messaging_product": "whatsapp", "pin": PIN})
    call("POST", f"{other}/deregister")


def _refuse_registration(rig: Rig, call: Call, number_id: str) -> None:
    call("POST", f"{number_id}/register", {"messaging_product": "whatsapp", "pin": "1"})
    for wait in (0, 1, 10, 10, 10, 10, 10, 10, 10, 10):
        rig.advance(wait)
        call("POST", f"{number_id}/register", {"messaging_product": "whatsapp", "pin": "999999"})
    for _ in range(11):
        call("POST", f"{number_id}/deregister")
    rig.control("POST", f"numbers/{number_id}", {"is_on_biz_app": True})
    rig.advance(4 * 86400)
    call("POST", f"{number_id}/register", {"messaging_product": "whatsapp", "pin": PIN})
    call("POST", f"{number_id}/deregister")
    call("DELETE", f"{WABA}/subscribed_apps")
    call("DELETE", f"{WABA}/subscribed_apps")
    rig.control("POST", "faults", {"kind": "error_500_transient"})
    for method, path in _operations(number_id):
        call(method, path)
    rig.control("DELETE", "faults")
    for scope in ("waba", "app"):
        rig.control("POST", "faults", {"kind": "throttle", "scope": scope})
        for method, path in _operations(number_id):
            call(method, path)
        rig.control("DELETE", "faults")
