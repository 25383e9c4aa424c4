"""The HTTP server: decodes requests, lets the gateway answer, and plays faulty networks.

It binds to loopback unless told otherwise; Graph API and control endpoints share one port.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from onboarding.simulator.control import Control
from onboarding.simulator.gateway import Answer, answer_request
from onboarding.simulator.handshake import shake_hands
from onboarding.simulator.params import decode_params, read_text
from onboarding.simulator.refusals import Refusal
from onboarding.simulator.routing import Request
from onboarding.simulator.timekeeper import Timekeeper

CONTROL_PREFIX = "/_sim"
_SHUTDOWN_S = 0.2
_KEEP_ALIVE_S = 75.0
_BACKLOG = 1024


class Server:
    """One simulation on one port; must be used within one event loop."""

    def __init__(self, timekeeper: Timekeeper) -> None:
        self._timekeeper = timekeeper
        self._control = Control(timekeeper)
        server = web.Server(
            self._handle,
            handler_cancellation=True,
            access_log=None,
            keepalive_timeout=_KEEP_ALIVE_S,
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_S)

    async def start(self, host: str, port: int) -> str:
        """Listen, and return the base URL; port 0 takes a free one."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, backlog=_BACKLOG)
        await site.start()
        self._timekeeper.tick()
        bound = self._runner.addresses[0]
        return f"http://{f'[{bound[0]}]' if ':' in bound[0] else bound[0]}:{bound[1]}"

    async def stop(self) -> None:
        """Let waiting participants go and close every connection."""
        self._timekeeper.close()
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith(CONTROL_PREFIX):
            return await self._control.handle(request, request.path.removeprefix(CONTROL_PREFIX))
        self._timekeeper.requests_in_flight += 1
        try:
            decoded = await _decode(request)
            await shake_hands(self._timekeeper.world, decoded, self._timekeeper.now())
            answer = answer_request(self._timekeeper.world, decoded, self._timekeeper.now())
            return await _send(request, answer)
        finally:
            self._timekeeper.requests_in_flight -= 1
            self._timekeeper.note_request_end()


async def _decode(request: web.BaseRequest) -> Request:
    decoded = Request(
        method=request.method,
        path=request.path,
        params={},
        token=None,
        origin=f"{request.scheme}://{request.host}",
    )
    try:
        decoded.params = await decode_params(request)
    except Refusal as refusal:
        decoded.refusal = refusal
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    is_bearer = kind.lower() in ("bearer", "oauth") and value.strip()
    decoded.token = value.strip() if is_bearer else read_text(decoded.params, "access_token")
    return decoded


async def _send(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    """Send an answer whole, in half or not at all, when its time has come."""
    manner = answer.manner
    if manner.latency_s + manner.hold_s > 0:
        await asyncio.sleep(manner.latency_s + manner.hold_s)
    if manner.cut == "all":
        _hang_up(request)
    elif manner.cut == "half":
        return await _send_half(request, answer)
    return web.Response(
        status=answer.status,
        body=answer.body,
        headers=answer.headers,
        content_type=answer.content_type,
        charset="UTF-8",
    )


async def _send_half(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_type = answer.content_type
    response.content_length = len(answer.body)
    await response.prepare(request)
    await response.write(answer.body[: len(answer.body) // 2])
    _hang_up(request)
    return response


def _hang_up(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.close()
