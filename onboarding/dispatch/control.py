"""The way to a simulator's control endpoints."""

from __future__ import annotations

import ssl

import httpx


def open_control(url: httpx.URL | str, *, timeout_s: float = 10.0) -> httpx.Client:
    """Return a client of a simulator's control endpoints, for the caller to close.

    Certificates are loaded only if the address asks for TLS: it takes a hundred times as long as
    all the rest, and a simulator speaks plain HTTP.
    """
    verify = httpx.URL(url).scheme == "https" or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.Client(base_url=url, timeout=timeout_s, trust_env=False, verify=verify)
