"""Where messages are posted to, and how; what does it is loaded with the first message."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

from onboarding.errors import ChannelError


class Poster:
    """Posts to one address.

    Args:
        timeout_s: one request in all, from the connection to the end of the answer.
        ca_file: certificates to trust instead of the usual ones, as a PEM file.
        proxy: an HTTP proxy on the way.
    """

    def __init__(self, *, timeout_s: float, ca_file: Path | None, proxy: str | None) -> None:
        self._timeout_s, self._proxy, self._ca_file = timeout_s, proxy, ca_file
        self._trusted: ssl.SSLContext | None = None

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> str:
        """Send a request; return the beginning of the answer.

        Raises:
            ChannelError: it was refused or not answered. The text names neither the path of the
                address, which may be a secret, nor anything that was sent.
        """
        # Every command reads who is told what, and most tell nobody.
        from onboarding.notify.http_exchange import exchange  # noqa: PLC0415

        if self._trusted is None:
            self._trusted = _context(self._ca_file)
        return exchange(
            url,
            body,
            headers,
            timeout_s=self._timeout_s,
            trusted=self._trusted,
            proxy=self._proxy,
        )


def _context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError):
        raise ChannelError(
            f"the certificates of {ca_file} cannot be read", hint="give a PEM file as ca_file"
        ) from None
