"""How Embedded Signup ends, as the browser tells it, and which number came with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from onboarding.core.seen import is_gone
from onboarding.errors import InputError
from onboarding.model import PhoneNumber

FINISH = "FINISH"
ONLY_WABA = "FINISH_ONLY_WABA"
#: The number stays in the WhatsApp Business app: it must never be registered.
COEXISTENCE = "FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING"

_TYPE = "WA_EMBEDDED_SIGNUP"
_GIVE = "give the message that the browser got, with type, event and data"

#: A number that was brought so long before the event counts as brought by it: clocks differ.
_SLACK = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEvent:
    """A session of Embedded Signup that was finished.

    Attributes:
        event: how; what Meta adds to the three known ways counts by what it names.
        waba_id: the WABA that the customer chose or made.
        phone_number_id: the number, where the event names one.
        business_id: the customer's business portfolio.
        code: what can be exchanged for a token within 30 seconds, if it was handed over too.
    """

    event: str
    waba_id: str
    phone_number_id: str | None = None
    business_id: str | None = None
    code: str | None = field(default=None, repr=False)

    @property
    def brings_number(self) -> bool:
        """Whether a number came with it that is to be registered."""
        if self.event == COEXISTENCE:
            return False
        return self.event == FINISH or self.phone_number_id is not None


def parse_session_event(given: object) -> SessionEvent:
    """Return a finished session from the browser's message, as JSON or decoded.

    The message may stand alone, or as ``event`` beside the ``code``.

    Raises:
        InputError: the session was cancelled or failed, or this is no such message.
    """
    document = _decoded(given)
    inner = document.get("event")
    message = inner if isinstance(inner, Mapping) else document
    if message.get("type") not in (None, _TYPE) or not isinstance(message.get("event"), str):
        raise InputError("this is no event of Embedded Signup", field="event", hint=_GIVE)
    raw = message.get("data")
    data: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
    event = str(message["event"])
    if not event.startswith(FINISH):
        raise _unfinished(event, data)
    waba_id = _id(data, "waba_id")
    if waba_id is None:
        raise InputError("the event names no WABA", field="data.waba_id", hint=_GIVE)
    return SessionEvent(
        event=event,
        waba_id=waba_id,
        phone_number_id=_id(data, "phone_number_id"),
        business_id=_id(data, "business_id"),
        code=_text(document.get("code")) or _text(message.get("code")),
    )


def _decoded(given: object) -> Mapping[str, Any]:
    document = given
    if isinstance(given, str | bytes):
        try:
            document = json.loads(given)
        except ValueError:
            raise InputError("the event is not JSON", field="event", hint=_GIVE) from None
    if not isinstance(document, Mapping):
        raise InputError("this is no event of Embedded Signup", field="event", hint=_GIVE)
    return document


def _unfinished(event: str, data: Mapping[str, Any]) -> InputError:
    again = "nothing was handed over; let the customer begin again"
    said, step = _text(data.get("error_message")), _text(data.get("current_step"))
    if said is not None:
        return InputError(f"Embedded Signup failed: {said}", field="event", hint=again)
    if event != "CANCEL":
        return InputError(f"Embedded Signup ended with {event}", field="event", hint=again)
    at = f" at {step}" if step else ""
    return InputError(f"the customer left Embedded Signup{at}", field="event", hint=again)


def _id(data: Mapping[str, Any], name: str) -> str | None:
    text = _text(data.get(name))
    if text is not None and not (text.isascii() and text.isdecimal()):
        raise InputError("an id is digits, as Meta gives it", field=f"data.{name}", hint=_GIVE)
    return text


def _text(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return " ".join(str(value).split()) or None


def brought(
    session: SessionEvent, onboarded_at: datetime, listed: Sequence[PhoneNumber]
) -> tuple[PhoneNumber, ...]:
    """Return the numbers of a WABA's list that a session brought; none: not shown yet.

    Args:
        session: brings a number.
        onboarded_at: when it was finished.
        listed: all numbers of the WABA.
    """
    living = [number for number in listed if not is_gone(number)]
    if session.phone_number_id is not None:
        return tuple(number for number in living if number.id == session.phone_number_id)
    since = onboarded_at - _SLACK
    fresh = [n for n in living if n.last_onboarded_time and n.last_onboarded_time >= since]
    if fresh:
        return tuple(fresh)
    is_told = any(number.last_onboarded_time for number in living)
    return tuple(living) if len(living) == 1 and not is_told else ()
