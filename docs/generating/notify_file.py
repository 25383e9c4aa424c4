"""The reference of the file that says who is told what: every key, from its shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from docs.generating.markdown import code, table
from onboarding.core.telling import APPROVAL, CANARY, NEEDS, PATIENCE, STOCK, TOKEN
from onboarding.notify import shapes

#: What each group of the file is, with its shape.
GROUPS: Mapping[str, tuple[str, type[BaseModel]]] = {
    '[channels.NAME] with kind = "log"': ("The log of the worker.", shapes.Log),
    '[channels.NAME] with kind = "webhook"': (
        "Every event as JSON, signed: see [receive webhooks](../howto/receive-events.md).",
        shapes.Webhook,
    ),
    '[channels.NAME] with kind = "chat"': (
        "A room of Slack, Teams or Mattermost, through its incoming webhook.",
        shapes.Chat,
    ),
    '[channels.NAME] with kind = "email"': ("Mail, one to all addressees.", shapes.Email),
    '[channels.NAME] with kind = "command"': (
        "A program of yours, with the message on its standard input.",
        shapes.Command,
    ),
    "[[ladder]]": (
        "A rung of the ladder of every deadline. The end is always one.",
        shapes.LadderRung,
    ),
    "[[overdue]]": ("How long something may wait for a person.", shapes.Patience),
    "[digest]": ("The weekly digest.", shapes.WeeklyDigest),
    "[templates.TYPE]": (
        "Words of your own for one [type of event](events.md); `${name}` stands for a field.",
        shapes.Words,
    ),
}

#: What each key means.
WORDS: Mapping[str, str] = {
    "kind": "which kind of channel",
    "events": 'types of events that it gets whatever else it is told of; `"*"` for all',
    "timeout": "one message in all, at most `25s`",
    "url": "where to",
    "url_env": "a variable that holds the address, where that is a secret itself",
    "url_file": "a file that holds it",
    "ca_file": "certificates to trust instead of the usual ones, as a PEM file",
    "proxy": "an HTTP proxy on the way",
    "secret_env": "a variable that holds the secret to sign with",
    "secret_file": "a file that holds it; with several lines, messages are signed with each. It "
    "is read for each message",
    "host": "the mail server",
    "port": "its port; default: 587 for `starttls`, 465 for `tls`, 25 for `none`",
    "security": "`starttls` (no mail without it), `tls` from the start, or `none`",
    "username": "the login, if there is one",
    "password_env": "a variable that holds its password",
    "password_file": "a file that holds it",
    "from": "the sender",
    "to": "the addressees",
    "argv": "the program and its arguments; no shell reads them",
    "stdin": "`text`, or `json` for the event",
    "name": "its name; raised rungs are known by it",
    "at": 'of a rung, its share of the window, like `"1/2"`; of the digest, the time of day',
    "left": 'or the time that is left, like `"3d"`',
    "channels": "who is told; default: the channels of the audience",
    "audience": "whom the message is written for: `partner` or `operator`",
    "then": "who is told if nobody has acknowledged it: one after the other, and again "
    "from the first, until somebody does or it is done",
    "after": "how long each has to acknowledge it, like `4h`",
    "needs": "[what](#needs) may wait",
    "longer_than": "for how long",
    "weekday": "the day, like `monday`",
    "timezone": "of which place the time is, like `Europe/Berlin`",
    "title": "one line",
    "body": "the text",
}

_NEED_WORDS = {
    "code": "a one-time code, or somebody who can read it",
    "display_name": "another display name",
    "embedded_signup": "Embedded Signup with this number on this WABA",
    "pin": "the two-step verification PIN",
    "release": "the release of a hold that a person made",
    "connection": "a registered number that Meta shows as connected no more: register it, or not",
    "support": "something that only an operator can mend: refused, stuck, not ours, banned",
    APPROVAL: "the word of a second person on what somebody asked for: `onboarding approval`",
    STOCK: "verified numbers of a country in a pool: one alert for the pool and the country",
    CANARY: "a decision on a batch whose canaries failed: one alert for the batch",
    TOKEN: "a token of an account on hold: one alert for the account and all its numbers",
}


def keys() -> str:
    """Return a section per group, with a row per key.

    Raises:
        KeyError: a key has no words here.
    """
    return "\n".join(_section(name, *group) for name, group in GROUPS.items())


def _section(name: str, text: str, shape: type[BaseModel]) -> str:
    rows = table(("key", "default", "meaning"), _rows(shape))
    return f"### `{name}`\n\n{text}\n\n{rows}"


def _rows(shape: type[BaseModel]) -> Iterator[tuple[str, str, str]]:
    fields = sorted(shape.model_fields.items(), key=lambda each: each[0] != "kind")
    for name, field in fields:
        key = field.alias or name
        default = "required" if field.is_required() else _told(field.default)
        yield code(key), default, WORDS[key]


def _told(default: Any) -> str:
    if default is None or default == ():
        return ""
    if hasattr(default, "total_seconds"):
        return code(f"{default.total_seconds():.0f}s")
    return code("monday" if default == 0 else str(default))


def needs() -> str:
    """Return a row per need: what it is, the reasons behind it, and how long it may wait."""
    rows = [
        (
            code(need),
            _NEED_WORDS[need],
            ", ".join(code(reason) for reason, of in NEEDS.items() if of == need)
            or (code("account_held") if need == TOKEN else ""),
            f"{span.total_seconds() / 3600:.0f} h",
        )
        for need, span in PATIENCE.items()
    ]
    return table(("need", "what is missing", "reasons", "told after"), rows)
