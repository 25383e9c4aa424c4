"""One HTTP POST of a message: within a total time, following no redirect, keeping secrets."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping
from typing import Any, Self

import httpx

from onboarding.errors import ChannelError

#: Answers that are about this very message, or say that nobody will ever listen there. Any other,
#: like 401 or 404, may be mended at either end, so that the message waits and is tried again.
_FOR_GOOD = frozenset({400, 410, 413, 415, 422})
_REDIRECTS = range(300, 400)
_DONE = range(200, 300)

#: So much of an answer is read, and no more.
_MOST_BYTES = 4096


def exchange(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    timeout_s: float,
    trusted: ssl.SSLContext,
    proxy: str | None,
) -> str:
    """Send a request; return the beginning of the answer.

    httpx's client is not around it: that would follow redirects if asked, and log the whole
    address, which may be a secret. Settings of the process, like a proxy or a .netrc with
    passwords, are not for us.

    Raises:
        ChannelError: as ``Poster.post``.
    """
    clock = _Watch(timeout_s)
    timeout = httpx.Timeout(timeout_s).as_dict()
    extensions = {"trace": clock.trace, "timeout": timeout}
    try:
        request = httpx.Request("POST", url, content=body, headers=headers, extensions=extensions)
        if request.url.userinfo:
            login = httpx.BasicAuth(request.url.username, request.url.password)
            request = next(login.auth_flow(request))
        opened = httpx.HTTPTransport(verify=trusted, trust_env=False, proxy=proxy)
        with opened as transport, clock:
            answer = transport.handle_request(request)
            try:
                return _require_taken(answer)
            finally:
                answer.close()
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        if clock.is_over or isinstance(error, httpx.TimeoutException):
            raise ChannelError(f"no answer within {timeout_s:g} s") from None
        raise ChannelError(f"cannot be reached: {_reason(error)}") from None


class _Watch:
    """Ends a request when its total time is over, however slowly it goes on.

    The client's own timeouts are per read: a server that sends a byte now and then would hold a
    channel for ever. So the connection is shut when the time is over.
    """

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._shut: Callable[[], None] | None = None
        self.is_over = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def trace(self, name: str, info: Mapping[str, Any]) -> None:
        """Take note of the connection as soon as there is one."""
        if name not in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            return
        raw = info["return_value"].get_extra_info("socket")
        with self._lock:
            self._shut = lambda: raw.shutdown(2)
            if self.is_over:
                self._end_connection()

    def _end(self) -> None:
        with self._lock:
            self.is_over = True
            self._end_connection()

    def _end_connection(self) -> None:
        if self._shut is not None:
            try:
                self._shut()
            except OSError:
                return  # it is closed already


def _require_taken(answer: httpx.Response) -> str:
    status = answer.status_code
    if status in _REDIRECTS:
        raise ChannelError(
            f"answered with a redirect ({status}), which is never followed",
            hint="set url to where the redirect leads",
        )
    if status not in _DONE:
        raise ChannelError(f"answered {status}", is_permanent=status in _FOR_GOOD)
    read = b""
    for part in answer.iter_raw():
        read += part
        if len(read) >= _MOST_BYTES:
            break
    return read[:_MOST_BYTES].decode(errors="replace")


def _reason(error: Exception) -> str:
    """Return why, in a word: the texts of the library may hold the address."""
    return type(error).__name__
