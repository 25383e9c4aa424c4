"""The webhooks of SMS gateways: from the request that came in to who got which text.

Pure: no request is served here. Whoever serves one hands over its body, headers and URL, as they
came. Twilio sends a form (``To``, ``From``, ``Body``); Vonage a form, a query or JSON, of its SMS
API (``to``, ``msisdn``, ``text``) or its Messages API (``to``, ``from``, ``text``). For any other
gateway there is a JSON object or a form with ``to``, ``from`` and ``text``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from onboarding.core.timing import parse_iso
from onboarding.errors import InputError

#: A text message is a few hundred bytes; a request is not much more.
MOST_BYTES = 100_000


class Gateway(StrEnum):
    """Whose webhooks they are."""

    TWILIO = "twilio"
    VONAGE = "vonage"
    GENERIC = "generic"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsRequest:
    """The request of a gateway, as it came in.

    Attributes:
        body: its bytes; nothing of a GET.
        headers: by name, in any case.
        url: where it was sent, whole, as the gateway knows it: it is part of some signatures.
    """

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    url: str = ""

    def header(self, name: str) -> str:
        """Return a header; empty if there is none."""
        found = (value for key, value in self.headers.items() if key.lower() == name.lower())
        return next(found, "")

    @property
    def query(self) -> dict[str, str]:
        """The fields in the URL.

        Raises:
            InputError: it is no URL.
        """
        try:
            return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))
        except ValueError:
            raise InputError(
                "the URL of the request is none",
                field="url",
                hint="give it whole, as the gateway called it",
            ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sms:
    """A text message, or the transcript of a call.

    Attributes:
        sender: who sent it: a number or a name; empty if it is not told.
        recipient: the number that got it.
        text: all of it.
        sent_at: when, if the gateway says so.
    """

    sender: str
    recipient: str
    text: str = field(repr=False)
    sent_at: datetime | None = None


#: Under which names each gateway sends the three, in the order of preference.
_NAMES: dict[Gateway, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    Gateway.TWILIO: (("From",), ("To", "Called"), ("Body", "TranscriptionText")),
    Gateway.VONAGE: (("msisdn", "from"), ("to",), ("text",)),
    Gateway.GENERIC: (
        ("from", "sender", "source"),
        ("to", "recipient", "destination"),
        ("text", "body", "message"),
    ),
}
_TIMES = {
    Gateway.TWILIO: (),
    Gateway.VONAGE: ("message-timestamp", "timestamp"),
    Gateway.GENERIC: ("sent_at", "received_at"),
}


def parse_sms(request: SmsRequest, gateway: Gateway) -> Sms:
    """Return the message of a gateway's request.

    Raises:
        InputError: it is not a message of this gateway; the text is never repeated.
    """
    given = fields_of(request)
    senders, recipients, texts = _NAMES[gateway]
    sender = next((text for name in senders if (text := _plain(given.get(name)))), "")
    return Sms(
        sender=sender,
        recipient=_needed(given, recipients, gateway),
        text=_needed(given, texts, gateway),
        sent_at=_time(given, _TIMES[gateway]),
    )


def fields_of(request: SmsRequest) -> dict[str, Any]:
    """Return the fields of a request: of its URL's query, and of its body, JSON or a form.

    Raises:
        InputError: the body is neither, or far too long.
    """
    if len(request.body) > MOST_BYTES:
        raise InputError("the request is too long for a text message", field="body")
    return {**request.query, **_body_fields(request)}


def _body_fields(request: SmsRequest) -> dict[str, Any]:
    try:
        text = request.body.decode()
        if "json" not in request.header("Content-Type") and not text.lstrip().startswith("{"):
            return dict(parse_qsl(text.strip(), keep_blank_values=True))
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InputError(
            "the body is neither a form nor a JSON object",
            field="body",
            hint="give the body as the gateway sent it",
        )
    return found


def _needed(given: Mapping[str, Any], names: tuple[str, ...], gateway: Gateway) -> str:
    for name in names:
        if text := _plain(given.get(name)):
            return text
    raise InputError(
        f"the request has no '{names[0]}', so it is not a message of {gateway}",
        field=names[0],
        hint="name the gateway that sent it: --gateway",
    )


def _plain(value: object) -> str:
    """Return a value as text; of Vonage's older ``{"number": ...}`` the number."""
    if isinstance(value, Mapping):
        value = value.get("number")
    return str(value).strip() if isinstance(value, str | int) else ""


def _time(given: Mapping[str, Any], names: tuple[str, ...]) -> datetime | None:
    """Return when the message was sent; ``None`` where that is not told, or not understood."""
    for name in names:
        text = _plain(given.get(name))
        try:
            if text.isdecimal():
                return datetime.fromtimestamp(int(text), UTC)
            if text:
                return parse_iso(text if "T" in text else f"{text}+00:00")
        except (ValueError, OverflowError, OSError):
            continue
    return None
