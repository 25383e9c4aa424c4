"""How requests to Graph are put on the wire; nothing here loads what sends them."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from onboarding.errors import ConfigurationError

_VERSION = re.compile(r"v[0-9]+\.[0-9]+")
_TOKEN = re.compile(r"[!-~]+")


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

    def trusted(self) -> ssl.SSLContext | None:
        """Return the certificates to trust; ``None``: the usual ones.

        Raises:
            ConfigurationError: the file cannot be read.
        """
        if self.ca_file is None:
            return None
        try:
            return ssl.create_default_context(cafile=str(self.ca_file))
        except OSError as error:
            raise ConfigurationError(
                f"The certificates in {self.ca_file} cannot be read "
                f"({error.strerror or 'not PEM'}).",
                hint="Give ONBOARDING_GRAPH_CA_FILE a PEM file.",
            ) from None

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


def is_usable_token(token: str) -> bool:
    """Return whether the token can be put into a header at all."""
    return _TOKEN.fullmatch(token) is not None
