"""Signatures of webhook messages: made here, and checked by receivers with ``verify``.

The scheme is that of Standard Webhooks, for which there are libraries in most languages:
HMAC-SHA256 over ``ID.TIMESTAMP.BODY``, base64, in the headers ``webhook-id``,
``webhook-timestamp`` and ``webhook-signature``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from onboarding.errors import ConfigurationError, SignatureError

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"

#: How old, or how far ahead, a message may be: older ones may be replays.
REPLAY_WINDOW: Final = timedelta(minutes=5)

_VERSION = "v1"
_ENCODED = "whsec_"
_SHORTEST = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A message that is what was signed.

    Attributes:
        id: the idempotency key: drop a message whose id was seen before.
        sent_at: when it was signed.
        event: what happened, as ``docs/reference/events.md`` describes it.
    """

    id: str
    sent_at: datetime
    event: Mapping[str, Any]


def sign(body: bytes, message_id: str, sent_at: datetime, secrets: Sequence[str]) -> dict[str, str]:
    """Return the headers of a message; with several secrets it is signed with each.

    Raises:
        ConfigurationError: a secret cannot be used.
    """
    timestamp = str(int(sent_at.timestamp()))
    signatures = (_signature(body, message_id, timestamp, key_of(secret)) for secret in secrets)
    return {ID: message_id, TIMESTAMP: timestamp, SIGNATURE: " ".join(signatures)}


def verify(
    body: bytes,
    headers: Mapping[str, str],
    secrets: Sequence[str],
    *,
    now: datetime | None = None,
    replay_window: timedelta = REPLAY_WINDOW,
) -> Verified:
    """Check that a webhook message is what was signed, and of now.

    Args:
        body: the request's body, exactly as it came.
        headers: its headers; how their names are written does not matter.
        secrets: the secrets that count. To rotate one, give the old and the new until the sender
            uses the new one.
        now: real time; default: the present.
        replay_window: how old a message may be. A replay within it has the same ``id``.

    Returns:
        The message; act on each ``id`` once.

    Raises:
        SignatureError: do not act on it.
        ConfigurationError: no secret is given, or one cannot be used.
    """
    if not secrets:
        raise ConfigurationError("no secret is given", hint="give the channel's secret")
    given = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, timestamp, signatures = given[ID], given[TIMESTAMP], given[SIGNATURE]
        sent_at = datetime.fromtimestamp(int(timestamp), UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        raise SignatureError(
            "the message is not signed", hint=f"it needs {ID}, {TIMESTAMP} and {SIGNATURE}"
        ) from None
    keys = [key_of(secret) for secret in secrets]
    wanted = [_signature(body, message_id, timestamp, key) for key in keys]
    if not any(_same(each, other) for each in signatures.split() for other in wanted):
        raise SignatureError("the signature is not of this message", hint="is the secret the same?")
    if abs((now or datetime.now(UTC)) - sent_at) > replay_window:
        raise SignatureError(
            f"the message was signed at {sent_at:%Y-%m-%d %H:%M:%S} UTC, which is too long ago "
            "or ahead",
            hint="compare both clocks; an old message may be a replay",
        )
    return Verified(id=message_id, sent_at=sent_at, event=_event(body))


def key_of(secret: str) -> bytes:
    """Return the key of a secret: that of ``whsec_...`` is base64, any other is its own text.

    Raises:
        ConfigurationError: it is too short or not base64; the text does not repeat it.
    """
    secret = secret.strip()
    key = secret.encode()
    if secret.startswith(_ENCODED):
        try:
            key = base64.b64decode(secret.removeprefix(_ENCODED), validate=True)
        except binascii.Error:
            raise ConfigurationError(
                "the webhook secret begins with whsec_ and is not base64", hint="copy it again"
            ) from None
    if len(key) < _SHORTEST:
        raise ConfigurationError(
            f"the webhook secret is shorter than {_SHORTEST} bytes",
            hint="make one: openssl rand -base64 32",
        )
    return key


def _signature(body: bytes, message_id: str, timestamp: str, key: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"{_VERSION},{base64.b64encode(digest).decode()}"


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="replace"), other.encode())


def _event(body: bytes) -> Mapping[str, Any]:
    try:
        event = json.loads(body)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise SignatureError("the message is not a JSON object", hint="is the body as it came?")
    return event
