"""What a message of a mailbox says: which numbers it may be about, and its text.

Gateways that turn an SMS or a voicemail into mail name the number in the address that they send
to, in the subject or in the text, each in its own way. So every number that is written out is a
candidate; which of them waits for a code is for the engine to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser

from onboarding.core.numbers import number_key

#: Headers that say for whom a message is; who sent it is somebody else.
_FOR_WHOM = ("To", "Delivered-To", "X-Original-To", "Cc", "Subject")

#: Digits as people write a number with its country code. A date may look like one: only a number
#: that waits for a code counts in the end.
_NUMBER = re.compile(r"(?<![\w.])(?:\+|00)?\d(?:[ \u00a0\u202f()./-]{0,2}\d){7,14}(?!\d)")

#: No text that carries a code is longer.
_MOST = 20_000


@dataclass(frozen=True, slots=True)
class MailText:
    """What a message says.

    Attributes:
        numbers: the keys of all numbers in it, see ``number_key``.
        text: subject and text, without markup.
    """

    numbers: tuple[str, ...]
    text: str = field(repr=False)


def read_mail(raw: bytes) -> MailText:
    """Return what a message says; one that cannot be read says nothing."""
    try:
        message = message_from_bytes(raw, policy=policy.default)
        headers = {name: _header(message, name) for name in _FOR_WHOM}
        body = _body(message)
    except Exception:  # noqa: BLE001 - whatever a stranger sends, it must not stop the mail after it
        return MailText((), "")
    everything = "\n".join((*headers.values(), body))
    keys = {number_key(match[0]) for match in _NUMBER.finditer(everything)}
    return MailText(tuple(sorted(keys)), f"{headers['Subject']}\n{body}")


def _header(message: EmailMessage, name: str) -> str:
    return " ".join(str(value) for value in message.get_all(name, []))[:_MOST]


def _body(message: EmailMessage) -> str:
    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    text = str(part.get_content())[:_MOST]
    return _shown(text) if part.get_content_subtype() == "html" else text


class _Text(HTMLParser):
    """Keeps what a page shows: a line for each piece, nothing of scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Hide what is within scripts and styles."""
        del attrs
        self._hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        """End what is hidden."""
        self._hidden -= tag in ("script", "style") and self._hidden > 0

    def handle_data(self, data: str) -> None:
        """Keep what is shown."""
        if not self._hidden:
            self.lines.append(data)


def _shown(html: str) -> str:
    parser = _Text()
    parser.feed(html)
    parser.close()
    return "\n".join(_pieces(parser.lines))


def _pieces(lines: list[str]) -> Iterator[str]:
    return (line.strip() for line in lines if line.strip())
