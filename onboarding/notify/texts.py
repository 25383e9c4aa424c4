"""Plain words for every event: what is due, from whom, by when, and the command that gives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from string import Template
from typing import Any

from onboarding.core.timing import parse_iso
from onboarding.errors import InputError
from onboarding.model import EventType


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """The words of one type of event; ``${name}`` stands for a field of it."""

    title: str
    body: str


_DUE = """\
What is due: ${why}
From whom:   ${from}, since ${since}
By when:     ${due_by} (${left})
How:         ${command}
"""
_NUMBER = 'Number: ${phone_number} "${display_name}" on WABA ${waba_id}, state ${state}\n'
_TAKE_ON = "I take it on: onboarding ack ${subject} --until 1d\n"

#: The words of each type; ``[templates.TYPE]`` of the file replaces them.
TEXTS = {
    EventType.TRANSITION: Text(
        title="${phone_number}: ${to}",
        body=_NUMBER + "It went from '${from_state}' to '${to}': ${reason}\n",
    ),
    EventType.REQUIREMENT: Text(
        title="${phone_number} waits for the ${from}: ${what}", body=_NUMBER + _DUE
    ),
    EventType.ESCALATION: Text(
        title="[${rung}] ${phone_number}: ${left}, waits for ${from}",
        body="To be registered by ${deadline_at} (${left}).\n" + _NUMBER + _DUE + _TAKE_ON,
    ),
    EventType.OVERDUE: Text(
        title="[overdue] ${about}: ${what} for more than ${longer_than}",
        body=_NUMBER + _DUE + _TAKE_ON,
    ),
    EventType.UNACKNOWLEDGED: Text(
        title="[nobody answered for ${after}] ${about}: ${what}",
        body="Told before, and not acknowledged: ${told}.\n" + _NUMBER + _DUE + _TAKE_ON,
    ),
    EventType.ACKNOWLEDGED: Text(
        title="${about}: ${by} takes it on until ${until}",
        body="${by} takes it on until ${until}: ${reason}\n",
    ),
    EventType.SNOOZED: Text(
        title="${about}: snoozed by ${by} until ${until}",
        body="${by} put further rungs off until ${until}: ${reason}\n"
        "The deadline stays at ${due_by}.\n",
    ),
    EventType.ACCOUNT_HELD: Text(
        title="WABA ${waba_id} is on hold",
        body="No number of WABA ${waba_id} ${name} goes on: ${why}\nHow: ${command}\n",
    ),
    EventType.ACCOUNT_RELEASED: Text(
        title="WABA ${waba_id} goes on", body="WABA ${waba_id} ${name} goes on: ${reason}\n"
    ),
    EventType.TOKEN_EXPIRING: Text(
        title="The token of WABA ${waba_id} ends: ${left}",
        body="The token of WABA ${waba_id} ${name} ends at ${due_by} (${left}).\n"
        "How:         ${command}\n",
    ),
    EventType.DIGEST: Text(
        title="Onboarding: ${due_soon} due within a week, ${in_progress} in progress",
        body="In progress: ${in_progress} (${states})\nWaiting for:  ${waiting}\n"
        "Due within a week: ${due_soon}\n${list}",
    ),
    EventType.LOW_STOCK: Text(
        title="[low stock] ${country}: ${verified} of ${at_least} verified numbers in the pool",
        body="Pool of business ${business_id}: ${why}.\nOn their way: ${pending}\n"
        "Since:        ${since}\nHow:          ${command}\n",
    ),
    EventType.BATCH_STOPPED: Text(
        title="[canary failed] the batch ${batch} stands still: ${why}",
        body="The batch ${batch} is paused since ${since}: ${why}.\n"
        "Numbers that wait for a decision: ${numbers}\n"
        "How:          ${command}\n",
    ),
    EventType.TEST: Text(
        title="A test message of onboarding",
        body="This is a test of the channel '${channel}', asked for by ${by}. Nothing is due.\n",
    ),
}

#: An account has no number and no deadline.
_ACCOUNT = Text(
    title="",
    body="WABA ${waba_id} ${name}: ${numbers} numbers stand still.\n"
    "What is due: ${why}\nFrom whom:   ${from}, since ${since}\nHow:         ${command}\n"
    + _TAKE_ON,
)

_ONBOARDING = (
    "id", "key", "phone_number", "waba_id", "display_name", "state", "cycle", "waiting",
    "waiting_for", "waiting_since", "register_by", "register_by_reason", "left",
)  # fmt: skip
_OF_DUE = ("what", "from", "since", "due_by", "why", "command")
_ALWAYS = ("at", "audience", "type", "subject", "about", "event_id")
_OF_ACCOUNT = ("waba_id", "name", "business_id")

#: The fields that the words of each type may use.
FIELDS: Mapping[EventType, tuple[str, ...]] = {
    EventType.TRANSITION: (*_ONBOARDING, "trigger", "from_state", "to", "reason", "actor"),
    EventType.REQUIREMENT: (*_ONBOARDING, *_OF_DUE),
    EventType.ESCALATION: (
        *_ONBOARDING, *_OF_DUE, "rung", "collapsed", "deadline", "deadline_at",
    ),
    EventType.OVERDUE: (*_ONBOARDING, *_OF_ACCOUNT, *_OF_DUE, "longer_than", "numbers"),
    EventType.UNACKNOWLEDGED: (
        *_ONBOARDING, *_OF_ACCOUNT, *_OF_DUE, "of", "rung", "told", "after", "numbers",
    ),
    EventType.ACKNOWLEDGED: (*_ONBOARDING, *_OF_ACCOUNT, "by", "until", "reason", "due_by"),
    EventType.SNOOZED: (*_ONBOARDING, "by", "until", "reason", "due_by"),
    EventType.ACCOUNT_HELD: (*_OF_ACCOUNT, *_OF_DUE),
    EventType.ACCOUNT_RELEASED: (*_OF_ACCOUNT, "reason", "by"),
    EventType.TOKEN_EXPIRING: (*_OF_ACCOUNT, *_OF_DUE, "left"),
    EventType.DIGEST: ("states", "waiting", "in_progress", "due_soon", "list"),
    EventType.LOW_STOCK: (
        *_OF_DUE, "business_id", "country", "verified", "pending", "at_least", "longer_than",
        "told",
    ),
    EventType.BATCH_STOPPED: (*_OF_DUE, "batch", "numbers", "longer_than", "told"),
    EventType.TEST: ("channel", "by"),
}  # fmt: skip


def require_fields(type_: EventType, text: str) -> None:
    """Refuse words with a field that events of this type do not have.

    Raises:
        InputError: which one, and which there are.
    """
    template, known = Template(text), {*FIELDS[type_], *_ALWAYS}
    if not template.is_valid():
        raise InputError("a $ that begins no field", hint="write $$ for a dollar sign")
    if unknown := sorted(set(template.get_identifiers()) - known):
        raise InputError(
            f"events of type '{type_}' have no field '{unknown[0]}'",
            hint=f"there are: {', '.join(sorted(known))}",
        )


def render(event: Mapping[str, Any], texts: Mapping[EventType, Text]) -> tuple[str, str]:
    """Return title and text of an event, in the words given for its type or in ours.

    Args:
        event: as it is stored.
        texts: words that replace ours.
    """
    type_ = EventType(event["type"])
    text, fields = texts.get(type_) or TEXTS[type_], _fields(event, type_)
    body = text.body
    if text is TEXTS[type_] and event["onboarding"] is None and type_ in _OF_ACCOUNTS:
        body = _ACCOUNT.body
    return _one_line(_filled(text.title, fields)), _filled(body, fields)


_OF_ACCOUNTS = (EventType.OVERDUE, EventType.UNACKNOWLEDGED)


def _filled(text: str, fields: Mapping[str, str]) -> str:
    return Template(text).safe_substitute(fields)


def _one_line(text: str) -> str:
    """Return a title without anything that would end a header or forge a second line."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))


def _fields(event: Mapping[str, Any], type_: EventType) -> dict[str, str]:
    data = dict(event["data"])
    if type_ is EventType.TRANSITION:
        data["from_state"] = data.get("from")
    known = {**(event["onboarding"] or {}), **(event["account"] or {}), **data}
    known |= {"at": event["at"], "audience": event["audience"], "type": event["type"]}
    known |= {"event_id": event["id"], **_about(event)}
    told = {name: _told(value) for name, value in known.items()}
    by = known.get("deadline_at") or known.get("due_by") or known.get("register_by")
    told["left"] = left(parse_iso(by) - parse_iso(event["at"])) if by else "no deadline"
    return dict.fromkeys((*FIELDS[type_], *_ALWAYS), "-") | told


def _about(event: Mapping[str, Any]) -> dict[str, str]:
    onboarding, account = event["onboarding"], event["account"]
    if onboarding is not None:
        return {"subject": onboarding["id"], "about": onboarding["phone_number"]}
    if account is not None:
        return {"subject": account["waba_id"], "about": f"WABA {account['waba_id']}"}
    return {"subject": "-", "about": "onboarding"}


def _told(value: Any) -> str:
    """Return a value as people read it; an instant loses its fraction and its T."""
    match value:
        case None | "" | []:
            return "-"
        case dict():
            return ", ".join(f"{_told(n)} {name}" for name, n in value.items())
        case list():
            return ", ".join(_told(each) for each in value)
        case str() if _is_instant(value):
            return f"{parse_iso(value):%Y-%m-%d %H:%M} UTC"
        case _:
            return str(value)


def _is_instant(text: str) -> bool:
    if len(text) != len("2026-03-02T09:00:00.000000Z") or not text.endswith("Z"):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


_NOW = timedelta(minutes=1)


def left(span: timedelta) -> str:
    """Return how much time is left, in words."""
    seconds = abs(span.total_seconds())
    for unit, size in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            amount = f"{seconds / size:.1f} {unit}"
            break
    else:
        amount = f"{seconds:.0f} seconds"
    if span > timedelta(0):
        return f"{amount} left"
    return f"over for {amount}" if span < -_NOW else "over"
