"""One mailbox over IMAP with TLS: what is new in it, and what was handed in is marked as read.

Messages are fetched without being marked (``BODY.PEEK``), so that whatever is not handed in stays
new for people. A message is known by the mailbox's UIDVALIDITY and its UID (RFC 9051, 2.3.1.1).
"""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from onboarding.errors import ConfigurationError

#: A text message as mail is a few kilobytes; larger ones are left alone.
MOST_BYTES = 200_000

#: Mail of earlier days holds no code that counts.
RECENT = timedelta(days=1)

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_DATE = re.compile(rb'INTERNALDATE "([^"]+)"')
_HINT = "check ONBOARDING_MAILBOX_HOST, _PORT, _USER, _PASSWORD and _FOLDER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a mailbox is.

    Attributes:
        host: of the server.
        port: 993, as a rule: TLS from the first byte.
        user: who logs in.
        password: with what.
        folder: which of the user's folders.
        ca_file: certificates to trust instead of the usual ones.
        timeout_s: for each answer of the server.
    """

    host: str
    port: int = 993
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    ca_file: Path | None = None
    timeout_s: float = 30.0

    @property
    def name(self) -> str:
        """What the mailbox is called in the database, in histories and in the log."""
        return f"{self.user}@{self.host}/{self.folder}"[:200]


@dataclass(frozen=True, slots=True)
class Message:
    """A message, and when the server got it; no bytes if it is too large to look at."""

    uid: int
    received_at: datetime | None
    raw: bytes = field(repr=False)


class Mailbox:
    """An open mailbox; ``open_mailbox`` makes one."""

    def __init__(self, connection: imaplib.IMAP4, uidvalidity: int) -> None:
        self._connection = connection
        self.uidvalidity = uidvalidity

    def new_uids(self, since: datetime) -> list[int]:
        """Return the messages that nobody has read and that came on this day or later."""
        day = f"{since.day:02}-{_MONTHS[since.month - 1]}-{since.year}"
        (found,) = self._ask("SEARCH", "UNSEEN", "SINCE", day)[:1] or (b"",)
        return sorted(int(uid) for uid in (found or b"").split())

    def fetch(self, uid: int) -> Message | None:
        """Return a message without marking it; ``None`` if it is gone."""
        facts = b" ".join(_heads(self._ask("FETCH", str(uid), "(RFC822.SIZE INTERNALDATE)")))
        if not facts:
            return None
        size = _SIZE.search(facts)
        if size is None or int(size[1]) > MOST_BYTES:
            return Message(uid, _received_at(facts), b"")
        answer = self._ask("FETCH", str(uid), "(BODY.PEEK[])")
        raw = next((part[1] for part in answer if isinstance(part, tuple)), b"")
        return Message(uid, _received_at(facts), raw)

    def mark_seen(self, uid: int) -> None:
        """Mark a message as read."""
        self._ask("STORE", str(uid), "+FLAGS.SILENT", r"(\Seen)")

    def _ask(self, command: str, *args: str) -> list[Any]:
        status, answer = self._connection.uid(command, *args)
        if status != "OK":
            raise imaplib.IMAP4.error(f"{command} was refused")
        return [part for part in answer if part is not None]


def _heads(answer: list[Any]) -> Iterator[bytes]:
    """Yield what an answer says, without the literals in it."""
    for part in answer:
        yield part[0] if isinstance(part, tuple) else part


def _received_at(facts: bytes) -> datetime | None:
    """Return when the server got a message: ``02-Mar-2026 09:00:00 +0000``, whatever the locale."""
    match = _DATE.search(facts)
    try:
        day, clock, zone = (match[1] if match else b"").decode().split()
        date, month, year = day.strip().split("-")
        named = f"{year}-{_MONTHS.index(month) + 1:02}-{int(date):02}T{clock}"
        return datetime.fromisoformat(f"{named}{zone[:3]}:{zone[3:]}").astimezone(UTC)
    except ValueError:
        return None


@contextmanager
def open_mailbox(address: Address) -> Iterator[Mailbox]:
    """Open a mailbox, and log out in the end.

    Raises:
        ConfigurationError: it cannot be reached, is not trusted, or refuses the login. What the
            server says to a login is not repeated: it may hold the password.
    """
    connection = _connect(address)
    try:
        yield _log_in(connection, address)
    except (imaplib.IMAP4.error, OSError) as error:
        raise ConfigurationError(
            f"the mailbox {address.name} failed: {_said(error)}", hint=_HINT
        ) from None
    finally:
        _log_out(connection)


def _connect(address: Address) -> imaplib.IMAP4_SSL:
    try:
        return imaplib.IMAP4_SSL(
            address.host,
            address.port,
            ssl_context=ssl.create_default_context(cafile=address.ca_file),
            timeout=address.timeout_s,
        )
    except (imaplib.IMAP4.error, OSError) as error:  # TLS errors are of the second kind
        raise ConfigurationError(
            f"the mailbox {address.name} cannot be reached: {_said(error)}", hint=_HINT
        ) from None


def _log_in(connection: imaplib.IMAP4, address: Address) -> Mailbox:
    try:
        _authenticate(connection, address)
    except imaplib.IMAP4.abort:
        raise
    except (imaplib.IMAP4.error, UnicodeEncodeError):
        raise ConfigurationError(
            f"the mailbox {address.name} refuses the login", hint=_HINT
        ) from None
    status, _ = connection.select(_quoted(address.folder))
    if status != "OK":
        raise ConfigurationError(f"there is no folder '{address.folder}'", hint=_HINT)
    _, told = connection.response("UIDVALIDITY")
    validity = next((int(each) for each in told if each), 0)
    return Mailbox(connection, validity)


def _authenticate(connection: imaplib.IMAP4, address: Address) -> None:
    """Log in by the way that takes any character, where the server offers it."""
    if "AUTH=PLAIN" in connection.capabilities:
        plain = f"\0{address.user}\0{address.password}".encode()
        connection.authenticate("PLAIN", lambda _: plain)
    else:
        connection.login(_quoted(address.user), address.password)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _log_out(connection: imaplib.IMAP4) -> None:
    try:
        connection.logout()
    except (imaplib.IMAP4.error, OSError):
        connection.shutdown()


def _said(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
