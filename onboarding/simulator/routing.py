"""Which operation a Graph path means, and on which node."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from onboarding.simulator.params import Params
from onboarding.simulator.refusals import Reason, Refusal
from onboarding.simulator.state import Business, Number, Preverified, Waba
from onboarding.simulator.world import World

Endpoint = Literal[
    "list_numbers",
    "create_number",
    "read_number",
    "set_pin",
    "set_display_name",
    "update_number",
    "request_code",
    "verify_code",
    "register",
    "deregister",
    "read_waba",
    "update_waba",
    "list_subscribed_apps",
    "subscribe_app",
    "unsubscribe_app",
    "exchange_code",
    "debug_token",
    "list_preverified",
    "add_preverified",
    "share_preverified",
    "unshare_preverified",
    "read_preverified",
    "delete_preverified",
    "list_preverified_partners",
    "request_preverified_code",
    "verify_preverified",
    "unknown",
]

_VERSION = re.compile(r"^v([0-9]+)\.([0-9]+)$")
_WITH_EDGE, _WITHOUT_EDGE = 3, 2
_ON_WABA: dict[tuple[str, str], Endpoint] = {
    ("GET", ""): "read_waba",
    ("POST", ""): "update_waba",
    ("GET", "phone_numbers"): "list_numbers",
    ("POST", "phone_numbers"): "create_number",
    ("GET", "subscribed_apps"): "list_subscribed_apps",
    ("POST", "subscribed_apps"): "subscribe_app",
    ("DELETE", "subscribed_apps"): "unsubscribe_app",
}
_ON_NUMBER: dict[tuple[str, str], Endpoint] = {
    ("GET", ""): "read_number",
    ("POST", ""): "update_number",
    ("POST", "request_code"): "request_code",
    ("POST", "verify_code"): "verify_code",
    ("POST", "register"): "register",
    ("POST", "deregister"): "deregister",
}
_ON_BUSINESS: dict[tuple[str, str], Endpoint] = {
    ("GET", "preverified_numbers"): "list_preverified",
    ("POST", "add_phone_numbers"): "add_preverified",
    ("POST", "share_preverified_numbers"): "share_preverified",
    ("DELETE", "share_preverified_numbers"): "unshare_preverified",
}
_ON_PREVERIFIED: dict[tuple[str, str], Endpoint] = {
    ("GET", ""): "read_preverified",
    ("DELETE", ""): "delete_preverified",
    ("GET", "partners"): "list_preverified_partners",
    ("POST", "request_code"): "request_preverified_code",
    ("POST", "verify_code"): "verify_preverified",
}
#: Calls that are about no node at all.
_ON_NOTHING: dict[str, tuple[tuple[str, ...], Endpoint]] = {
    "oauth/access_token": (("GET", "POST"), "exchange_code"),
    "debug_token": (("GET",), "debug_token"),
}
_ONLY_ON_WABA = _ON_WABA.keys() - _ON_NUMBER.keys()


@dataclass(slots=True)
class Request:
    """A Graph request, decoded; ``refusal`` is set if its body could not be.

    ``unverified`` is set if the callback that it sets did not answer the handshake.
    """

    method: str
    path: str
    params: dict[str, Any]
    token: str | None
    origin: str
    refusal: Refusal | None = None
    unverified: Refusal | None = None


@dataclass(slots=True)
class Route:
    """What a request means; ``refusal`` is set if it means nothing that exists."""

    endpoint: Endpoint = "unknown"
    version: tuple[int, int] = (0, 0)
    waba: Waba | None = None
    number: Number | None = None
    refusal: Refusal | None = None
    business: Business | None = None
    preverified: Preverified | None = None


def find_route(world: World, request: Request, now: datetime) -> Route:
    """Return the operation and the node that a request's path names."""
    parts = request.path.strip("/").split("/")
    if len(parts) not in (_WITH_EDGE, _WITHOUT_EDGE):
        return Route(refusal=Refusal(Reason.PATH, path="/".join(parts)))
    version = _VERSION.match(parts[0])
    if version is None:
        return Route(refusal=Refusal(Reason.VERSION, path="/".join(parts)))
    route = Route(version=(int(version[1]), int(version[2])))
    methods, endpoint = _ON_NOTHING.get("/".join(parts[1:]), ((), "unknown"))
    if request.method in methods:
        route.endpoint = endpoint
        return route
    edge = parts[2] if len(parts) == _WITH_EDGE else ""
    if not _find_in_pool(world, request, route, parts[1], edge):
        _find_node(world, request, route, parts[1], edge)
    if route.number is not None and route.number.deleted_at is not None:
        route.refusal = _refuse_deleted(world, request, route, now)
    return route


def _find_in_pool(world: World, request: Request, route: Route, node: str, edge: str) -> bool:
    """Find the operation on a business or a pre-verified number; return whether it is one.

    A temporary id that was claimed or removed is unknown, as any other that never was; what is
    asked of it is still named, for faults and the log.
    """
    asked, entry = (request.method, edge), world.state.preverified.get(node)
    if entry is not None:
        route.endpoint = _ON_PREVERIFIED.get(asked, "unknown")
        route.business = world.state.businesses[entry.business_id]
        route.preverified = entry
        if route.endpoint == "unknown":
            route.refusal = Refusal(Reason.NUMBER_UNKNOWN, id=node, verb=request.method.lower())
        return True
    if asked not in _ON_BUSINESS:
        return False
    route.endpoint = _ON_BUSINESS[asked]
    route.business = world.state.businesses.get(node)
    if route.business is None:
        route.refusal = Refusal(Reason.WABA_UNKNOWN, id=node, verb=request.method.lower())
    return True


def _find_node(world: World, request: Request, route: Route, node: str, edge: str) -> None:
    route.number = world.state.numbers.get(node)
    owner = route.number.waba_id if route.number is not None else node
    route.waba = world.state.wabas.get(owner)
    is_waba_edge = route.number is None and (
        route.waba is not None or (request.method, edge) in _ONLY_ON_WABA
    )
    table = _ON_WABA if is_waba_edge else _ON_NUMBER
    route.endpoint = table.get((request.method, edge), "unknown")
    if route.endpoint == "update_number":
        route.endpoint = _name_update(request.params)
    if not (node.isascii() and node.isdecimal()):
        route.refusal = Refusal(Reason.NOT_NUMERIC, id=node)
    elif route.waba is None or route.endpoint == "unknown":
        reason = Reason.WABA_UNKNOWN if is_waba_edge else Reason.NUMBER_UNKNOWN
        route.refusal = Refusal(reason, id=node, verb=request.method.lower())


def _name_update(params: Params) -> Endpoint:
    if "pin" in params:
        return "set_pin"
    return "set_display_name" if "new_display_name" in params else "update_number"


def _refuse_deleted(world: World, request: Request, route: Route, now: datetime) -> Refusal:
    """Return 133015 for a while, then what any unknown number gets."""
    number = route.number
    is_recent = (
        number is not None
        and number.deleted_at is not None
        and now < number.deleted_at + world.scenario.limits.deletion
    )
    if is_recent and route.endpoint in ("register", "deregister"):
        return Refusal(Reason.RECENTLY_DELETED)
    node = "" if number is None else number.id
    return Refusal(Reason.NUMBER_UNKNOWN, id=node, verb=request.method.lower())
