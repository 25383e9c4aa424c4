"""The handshake with a callback: Meta asks an address for its challenge before it takes it.

Only addresses on loopback are asked, and their certificates are not looked at: nothing leaves this
machine. Any other address counts as one that answered.
"""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import aiohttp

from onboarding.simulator.chance import pick_integer
from onboarding.simulator.params import read_object, read_text
from onboarding.simulator.refusals import Reason, Refusal
from onboarding.simulator.routing import Request, find_route
from onboarding.simulator.world import World

_PATIENCE = aiohttp.ClientTimeout(total=5)
_MOST = 1024
_OK = 200


async def shake_hands(world: World, request: Request, now: datetime) -> None:
    """Ask the callback that a request sets, and note on the request if it does not answer."""
    uri, verify_token = _callback_of(world, request, now)
    if uri is None or not _is_on_loopback(uri):
        return
    challenge = str(pick_integer(world.scenario.seed, "handshake", world.state.calls_seen) % 10**10)
    if problem := await _ask(uri, verify_token or "", challenge):
        request.unverified = Refusal(Reason.CALLBACK_UNVERIFIED, why=problem)


def _callback_of(world: World, request: Request, now: datetime) -> tuple[str | None, str | None]:
    """Return the address that a request sets and its verify token, if it gets that far."""
    if request.method != "POST" or request.refusal is not None:
        return None, None
    given = request.params
    if "webhook_configuration" in given:
        try:
            given = read_object(given, "webhook_configuration")
        except Refusal:
            return None, None
    uri, verify_token = (
        read_text(given, name) for name in ("override_callback_uri", "verify_token")
    )
    if uri is None or verify_token is None:
        return None, None
    route = find_route(world, request, now)
    if route.waba is None or route.refusal is not None:
        return None, None
    is_first = route.endpoint == "subscribe_app" and not route.waba.is_subscribed
    return (None, None) if is_first else (uri, verify_token)


def _is_on_loopback(uri: str) -> bool:
    try:
        host = urlsplit(uri).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


async def _ask(uri: str, verify_token: str, challenge: str) -> str:
    """Return what is wrong with the answer; nothing if it is the challenge."""
    asked = {
        "hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token,
    }  # fmt: skip
    try:
        async with (
            aiohttp.ClientSession(timeout=_PATIENCE) as session,
            session.get(uri, params=asked, ssl=False, allow_redirects=False) as response,
        ):
            said = (await response.content.read(_MOST)).decode(errors="replace")
    except (aiohttp.ClientError, OSError, ValueError):
        return "the address could not be reached"
    if response.status != _OK:
        return f"HTTP Status Code = {response.status}; HTTP Message = {response.reason}"
    return "" if said == challenge else "the response does not match the challenge"
