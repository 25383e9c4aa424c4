"""One HTTP exchange with Graph: the client's settings, its requests, and what its errors mean.

No retries, no redirects, no cookies; a proxy or certificates only if settings name them. aiohttp
repeats a read once if a kept connection turns out to be dead; it never repeats a write.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from onboarding.errors import ConfigurationError
from onboarding.graph.calls import GraphCall
from onboarding.graph.errors import scrub
from onboarding.graph.requests import GraphRequest
from onboarding.model import Effect, Failure, RecoveryClass

_KEEP_ALIVE_S = 4.0  # shorter than servers' usual 5 s: else a POST meets a closing connection
_PROOF = "appsecret_proof"
_VERSION = re.compile(r"v[0-9]+\.[0-9]+")
_TOKEN = re.compile(r"[!-~]+")
_SECRET_PARAMS = ("pin", "code", "verify_token", "client_secret")
_MAX_MESSAGE = 200

TRANSPORT_ERRORS = (httpx.HTTPError, httpx.StreamError, aiohttp.ClientError, OSError)
"""What an exchange raises when it fails below HTTP; ``TimeoutError`` is an ``OSError``."""

_NOT_CONNECTED = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,  # CONNECT was refused: there never was a way to Graph
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """How requests are put on the wire.

    Attributes:
        base_url: scheme and host, ``https://graph.facebook.com`` or a simulator's.
        version: as ``v25.0``.
        timeout_s: of one attempt, from leaving to the end of the answer.
        connect_timeout_s: of name, connection and TLS together; shorter than ``timeout_s``,
            for only then does a dead host count as unsent.
        max_in_flight: calls and connections at once; the others wait for a slot.
        app_secret: when given, every call carries an ``appsecret_proof``.
        user_agent: as sent.
        proxy: an HTTP proxy on the way; not part of ``repr()``, it may hold a password.
        ca_file: certificates to trust instead of the usual ones, in PEM.

    Raises:
        ConfigurationError: the address, the version or the proxy has not the right form.
    """

    base_url: str
    version: str
    timeout_s: float = 30.0
    connect_timeout_s: float = 10.0
    max_in_flight: int = 512
    app_secret: str | None = field(default=None, repr=False)
    user_agent: str = "onboarding"
    proxy: str | None = field(default=None, repr=False)
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in {"http", "https"} or not _is_host(parts.hostname) or parts.query:
            raise ConfigurationError(
                "The address of Graph is not usable.", hint="Use https://graph.facebook.com."
            )
        if not _VERSION.fullmatch(self.version):
            raise ConfigurationError("The version of Graph is not usable.", hint="Use v25.0.")
        if self.proxy is not None and not _is_proxy(self.proxy):
            raise ConfigurationError(
                "The address of the proxy is not usable.",
                hint="Give ONBOARDING_GRAPH_PROXY an address like http://proxy.example:3128.",
            )

    @property
    def root(self) -> str:
        """Host and version, for example ``https://graph.facebook.com/v25.0``."""
        return f"{self.base_url.rstrip('/')}/{self.version}"


def _is_host(name: str | None) -> bool:
    try:
        return bool(name) and bool(str(name).encode("idna"))
    except UnicodeError:  # two dots in a row, or more than a name may have between two
        return False


def _is_proxy(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def open_transport(wire: Wire, *, repeats: bool = True) -> AiohttpTransport:
    """Return the HTTP transport; its session is made on first use, in the loop that runs it.

    aiohttp repeats what HTTP calls idempotent if a kept connection turns out to be dead: reads,
    which does no harm, and deletions, which are calls like any other here. Those go by a transport
    that does not (``repeats=False``).

    It is used without httpx's client around it, which would add cookies, redirects and a log line
    with the whole address to each call, none of which may be.
    """
    named = None if wire.ca_file is None else _trusting(wire.ca_file)

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=wire.max_in_flight,
            keepalive_timeout=_KEEP_ALIVE_S,
            ssl=named or _trusting_the_usual(),
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


def _trusting(ca_file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except OSError as error:
        raise ConfigurationError(
            f"The certificates in {ca_file} cannot be read ({error.strerror or 'not PEM'}).",
            hint="Give ONBOARDING_GRAPH_CA_FILE a PEM file.",
        ) from None


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


def is_usable_token(token: str) -> bool:
    """Return whether the token can be put into a header at all."""
    return _TOKEN.fullmatch(token) is not None


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
