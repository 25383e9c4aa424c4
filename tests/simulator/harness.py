"""A client with the moves that tests need; everything goes over real HTTP on loopback."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from onboarding.dispatch.control import open_control
from onboarding.simulator import Simulator

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
WABA = "102290129340398"
BUSINESS = "506914307656634"
VERSION = "v25.0"
PROFILES = ("observed", "documented")
PIN = "012345"
DAY = 86400.0
HOUR = 3600.0

Refused = tuple[int, int, int | None]
"""HTTP status, code and subcode."""


def business(**waba: Any) -> dict[str, Any]:
    """One verified business with one WABA."""
    return {"id": BUSINESS, "name": "Lucky Shrub", "wabas": [{"id": WABA, **waba}]}


def scenario(given: Mapping[str, Any]) -> dict[str, Any]:
    """Complete a scenario: frozen time, one WABA, everything arrives and connects at once."""
    base = {
        "clock": {"mode": "manual", "start": START.isoformat()},
        "businesses": [business()],
        "codes": {"delivery": "0s"},
        "registration": {"connected_after": "0s"},
    }
    return base | dict(given)


class Rig:
    """A running simulator with a client of its own."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.http = open_control(simulator.base_url)

    def graph(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        token: str | None = "",
        version: str = VERSION,
        **more: Any,
    ) -> httpx.Response:
        """Call the Graph API; an empty token stands for the simulator's own."""
        value = self.simulator.token if not token and token is not None else token
        headers = {} if value is None else {"Authorization": f"Bearer {value}"}
        url = f"/{version}/{path}"
        if method == "GET":
            return self.http.request(method, url, params=params, headers=headers, **more)
        return self.http.request(method, url, json=dict(params or {}), headers=headers, **more)

    def send_raw(self, method: str, path: str) -> socket.socket:
        """Send a Graph request without waiting for its answer; close the socket to give up."""
        url = httpx.URL(self.simulator.base_url)
        connection = socket.create_connection((url.host, url.port))
        lines = (
            f"{method} /{VERSION}/{path} HTTP/1.1",
            f"Host: {url.host}:{url.port}",
            f"Authorization: Bearer {self.simulator.token}",
        )
        connection.sendall("\r\n".join((*lines, "", "")).encode())
        return connection

    def await_call(self, endpoint: str) -> None:
        """Return once the log holds a call of an endpoint."""
        while not self.calls(endpoint):
            pass

    def control(self, method: str, path: str, body: Any = None, **params: Any) -> dict[str, Any]:
        """Call a control endpoint that must succeed."""
        response = self.http.request(method, f"/_sim/{path}", json=body, params=params)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def advance(self, seconds: float) -> dict[str, Any]:
        """Move the clock on."""
        return self.control("POST", "clock", {"advance_s": seconds})

    def create(
        self, phone: str = "14195551518", name: str = "Lucky Shrub", waba: str = WABA
    ) -> str:
        """Add a number and return its id."""
        params = {"phone_number": phone, "verified_name": name}
        response = self.graph("POST", f"{waba}/phone_numbers", params)
        assert response.status_code == 200, response.text
        number_id: str = response.json()["id"]
        return number_id

    def request_code(self, number_id: str, method: str = "SMS") -> httpx.Response:
        """Ask for a code."""
        params = {"code_method": method, "language": "en_US"}
        return self.graph("POST", f"{number_id}/request_code", params)

    def verify_code(self, number_id: str, code: str) -> httpx.Response:
        """Give a code."""
        return self.graph("POST", f"{number_id}/verify_code", {"code": code})

    def register(self, number_id: str, pin: str = PIN) -> httpx.Response:
        """Register a number."""
        params = {"messaging_product": "whatsapp", "pin": pin}
        return self.graph("POST", f"{number_id}/register", params)

    def last_code(self, phone: str = "14195551518") -> str:
        """Return the six digits of the last message that a phone got."""
        text = self.control("GET", f"inbox/{phone}")["messages"][-1]["text"]
        return "".join(character for character in text if character.isdigit())

    def verified(self, phone: str = "14195551518", name: str = "Lucky Shrub") -> str:
        """Add a number and prove its ownership."""
        number_id = self.create(phone, name)
        assert self.request_code(number_id).status_code == 200
        assert self.verify_code(number_id, self.last_code(phone)).status_code == 200
        return number_id

    def registered(self, phone: str = "14195551518", name: str = "Lucky Shrub") -> str:
        """Add a number, prove its ownership and register it."""
        number_id = self.verified(phone, name)
        assert self.register(number_id).status_code == 200
        return number_id

    def signed_up(self, phone: str = "14195551518", name: str = "Lucky Shrub") -> str:
        """Let a customer finish Embedded Signup."""
        body = {"waba_id": WABA, "phone_number": f"+{phone}", "verified_name": name}
        number_id: str = self.control("POST", "embedded_signup", body)["id"]
        return number_id

    def read(self, number_id: str, *fields: str) -> dict[str, Any]:
        """Return fields of a number."""
        response = self.graph("GET", number_id, {"fields": ",".join(fields)})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def listed(self, **params: Any) -> dict[str, Any]:
        """Return one page of the list."""
        response = self.graph("GET", f"{WABA}/phone_numbers", params)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def calls(self, endpoint: str | None = None) -> list[dict[str, Any]]:
        """Return the log, or one endpoint's part of it."""
        calls: list[dict[str, Any]] = self.control("GET", "calls")["calls"]
        return [call for call in calls if endpoint in (None, call["endpoint"])]

    def number(self, number_id: str) -> dict[str, Any]:
        """Return everything that the simulator knows of a number."""
        numbers = self.control("GET", "state")["numbers"]
        found: dict[str, Any] = next(one for one in numbers if one["id"] == number_id)
        return found


def refusal(response: httpx.Response) -> Refused:
    """Return what identifies a refusal."""
    error = response.json()["error"]
    return response.status_code, error["code"], error.get("error_subcode")
