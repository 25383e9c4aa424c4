"""One HTTP exchange with Graph: its requests, and what its errors mean.

No retries, no redirects, no cookies; a proxy or certificates only if settings name them. aiohttp
repeats a read once if a kept connection turns out to be dead; it never repeats a write.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
from collections.abc import Iterator, Mapping
from functools import cache
from urllib.parse import urlencode

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from onboarding.graph.calls import GraphCall
from onboarding.graph.errors import scrub
from onboarding.graph.requests import GraphRequest
from onboarding.graph.wire import Wire
from onboarding.model import Effect, Failure, RecoveryClass

_KEEP_ALIVE_S = 4.0  # shorter than servers' usual 5 s: else a POST meets a closing connection
_PROOF = "appsecret_proof"
_SECRET_PARAMS = ("pin", "code", "verify_token", "client_secret")
_MAX_MESSAGE = 200

TRANSPORT_ERRORS = (httpx.HTTPError, httpx.StreamError, aiohttp.ClientError, OSError)
"""What an exchange raises when it fails below HTTP; ``TimeoutError`` is an ``OSError``."""

_NOT_CONNECTED = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,  # CONNECT was refused: there never was a way to Graph
)


def open_transport(
    wire: Wire, trusted: ssl.SSLContext | None, *, repeats: bool = True
) -> AiohttpTransport:
    """Return the HTTP transport; its session is made on first use, in the loop that runs it.

    aiohttp repeats what HTTP calls idempotent if a kept connection turns out to be dead: reads,
    which does no harm, and deletions, which are calls like any other here. Those go by a transport
    that does not (``repeats=False``).

    It is used without httpx's client around it, which would add cookies, redirects and a log line
    with the whole address to each call, none of which may be.
    """

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=wire.max_in_flight,
            keepalive_timeout=_KEEP_ALIVE_S,
            ssl=trusted or _trusting_the_usual(),
        )
        made = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), proxy=wire.proxy
        )
        made._retry_connection = repeats  # noqa: SLF001 - there is no public name for it
        return made

    # The session has its own certificates: this context trusts nobody, and is never asked.
    return AiohttpTransport(
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False, client=session
    )


async def exchange(transport: AiohttpTransport, request: httpx.Request) -> httpx.Response:
    """Send a request and return the whole answer.

    Raises:
        TRANSPORT_ERRORS: there was none, or not all of it.
    """
    response = await transport.handle_async_request(request)
    try:
        await response.aread()
    finally:
        await response.aclose()
    return response


@cache
def _trusting_the_usual() -> ssl.SSLContext:
    """Read the usual certificates, once and only if there is a call: most commands make none."""
    return httpx.create_ssl_context(trust_env=False)


def build_http_request(wire: Wire, request: GraphRequest, token: str) -> httpx.Request:
    """Return the request as HTTP; the token is in a header, secrets are in the body.

    But for the few that Meta takes in the query only.
    """
    params = {**request.params, **request.secret_params}
    body = None if request.body is None else dict(request.body)
    if wire.app_secret is not None and request.takes_token:
        proof = make_proof(wire.app_secret, token)
        if request.method != "POST":
            params[_PROOF] = proof
        else:
            body = {**(body or {}), _PROOF: proof}
    headers = {
        **({"Authorization": f"Bearer {token}"} if request.takes_token else {}),
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
        "User-Agent": wire.user_agent,
    }
    content = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        content = json.dumps(body).encode()
    query = f"?{urlencode(params)}" if params else ""
    timeout = {"connect": wire.connect_timeout_s, "pool": wire.connect_timeout_s}
    return httpx.Request(
        request.method,
        f"{wire.root}{request.path}{query}",
        headers=headers,
        content=content,
        extensions={"timeout": timeout},
    )


def make_proof(app_secret: str, token: str) -> str:
    """Return ``appsecret_proof``: the hexadecimal HMAC-SHA256 of the token."""
    return hmac.new(app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def secrets_of(call: GraphCall) -> tuple[str, ...]:
    """Return what this call carries that no text may repeat."""
    body: Mapping[str, object] = call.request.body or {}
    return (
        call.token,
        *(str(body[name]) for name in _SECRET_PARAMS if name in body),
        *call.request.secret_params.values(),
    )


def explain(error: Exception, secrets: tuple[str, ...]) -> Failure:
    """Return what a transport error means for the call.

    Only a connection that never came about, or a proxy that made none, proves that nothing was
    sent; every other error, a timeout included, leaves open whether Meta acted.
    """
    unsent = any(isinstance(cause, _NOT_CONNECTED) for cause in _chain(error))
    return Failure(
        effect=Effect.UNSENT if unsent else Effect.UNKNOWN,
        recovery=RecoveryClass.TRANSIENT,
        message=_message(error, secrets, is_unsent=unsent),
        remedy="Nothing to do: it is tried again once the connection stands."
        if unsent
        else "Nothing to do: what holds at Meta is read before anything is repeated.",
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _message(error: Exception, secrets: tuple[str, ...], *, is_unsent: bool) -> str:
    """Return a short text; never an address with a query, never what the call carried."""
    chain = list(_chain(error))
    # A timeout is raised from the cancellation that it caused, which would tell nothing.
    root = next((each for each in chain if isinstance(each, TimeoutError)), chain[-1])
    name = type(root).__name__
    system = getattr(root, "strerror", None)
    if not is_unsent:
        told = f"No complete answer ({name})"
    else:
        told = f"Graph could not be reached ({name})"
    text = f"{told}: {system}" if isinstance(system, str) and system else told
    return scrub(text, secrets)[:_MAX_MESSAGE]
