"""A small IMAP server on loopback, with TLS: one user, one folder, and a script of its messages.

It speaks as much of RFC 9051 as a reader needs, and keeps what it was told.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

HOST = "127.0.0.1"


@dataclass
class Stored:
    """A message in the folder."""

    raw: bytes
    received_at: datetime
    seen: bool = False


@dataclass
class ImapServer:
    """Opened by ``serving``.

    Attributes:
        user: who may log in.
        password: with what.
        folder: the one folder.
        uidvalidity: of it.
        messages: by UID.
        takes_plain: whether AUTHENTICATE PLAIN is offered.
        hangs_up_on: a command at which it closes the connection.
        commands: every command that it got, but for what holds the password.
    """

    context: ssl.SSLContext
    user: str = "codes"
    password: str = "mail pass-w\u00f6rd"
    folder: str = "INBOX"
    uidvalidity: int = 7
    messages: dict[int, Stored] = field(default_factory=dict)
    takes_plain: bool = True
    hangs_up_on: str = ""
    commands: list[str] = field(default_factory=list)
    port: int = 0

    def put(self, text: str | bytes, received_at: datetime) -> int:
        """Let a message arrive; return its UID."""
        uid = max(self.messages, default=0) + 1
        raw = text.encode() if isinstance(text, str) else text
        self.messages[uid] = Stored(
            raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), received_at
        )
        return uid

    def serve(self, listener: socket.socket) -> None:
        """Take connections, one after another, until the listener is closed."""
        with suppress(OSError):
            while True:
                plain, _ = listener.accept()
                threading.Thread(target=self._converse, args=(plain,), daemon=True).start()

    def _converse(self, plain: socket.socket) -> None:
        with suppress(OSError, ValueError), plain:
            plain.settimeout(20)
            with self.context.wrap_socket(plain, server_side=True) as secure:
                self._talk(_Lines(secure))

    def _talk(self, lines: _Lines) -> None:
        lines.say(f"* OK [CAPABILITY {self._capabilities}] ready")
        while (line := lines.hear()) is not None:
            tag, _, rest = line.partition(" ")
            command = rest.upper()
            shown = rest if not command.startswith(("LOGIN", "AUTHENTICATE")) else command[:5]
            self.commands.append(shown)
            if self.hangs_up_on and command.startswith(self.hangs_up_on):
                return
            for answer in self._answers(rest, command, lines):
                lines.say(answer.replace("TAG", tag, 1) if isinstance(answer, str) else answer)
            if command.startswith("LOGOUT"):
                return

    @property
    def _capabilities(self) -> str:
        return "IMAP4rev1 AUTH=PLAIN" if self.takes_plain else "IMAP4rev1"

    def _answers(self, rest: str, command: str, lines: _Lines) -> Iterator[str | bytes]:
        match command.split()[:2]:
            case ["CAPABILITY", *_]:
                yield f"* CAPABILITY {self._capabilities}"
                yield "TAG OK done"
            case ["AUTHENTICATE", "PLAIN"]:
                lines.say("+ ")
                given = base64.b64decode(lines.hear() or "").decode().split("\0")[1:]
                yield self._logged_in(*given)
            case ["LOGIN", *_]:
                given = re.findall(r'"((?:[^"\\]|\\.)*)"', rest)
                yield self._logged_in(*(re.sub(r"\\(.)", r"\1", each) for each in given))
            case ["SELECT", *_]:
                yield from self._select(rest)
            case ["UID", "SEARCH"]:
                found = [uid for uid, each in sorted(self.messages.items()) if not each.seen]
                yield f"* SEARCH {' '.join(map(str, found))}".rstrip()
                yield "TAG OK done"
            case ["UID", "FETCH"]:
                yield from self._fetch(int(rest.split()[2]), command)
                yield "TAG OK done"
            case ["UID", "STORE"]:
                self.messages[int(rest.split()[2])].seen = True
                yield "TAG OK done"
            case ["LOGOUT", *_]:
                yield "* BYE"
                yield "TAG OK done"
            case _:
                yield "TAG BAD unknown"

    def _logged_in(self, user: str, password: str) -> str:
        if (user, password) == (self.user, self.password):
            return "TAG OK welcome"
        return f"TAG NO [AUTHENTICATIONFAILED] not with {password}"

    def _select(self, rest: str) -> Iterator[str]:
        if rest.split(" ", 1)[1].strip('"') != self.folder:
            yield "TAG NO no such folder"
            return
        yield f"* {len(self.messages)} EXISTS"
        yield f"* OK [UIDVALIDITY {self.uidvalidity}] valid"
        yield "TAG OK [READ-WRITE] selected"

    def _fetch(self, uid: int, command: str) -> Iterator[str | bytes]:
        each = self.messages.get(uid)
        if each is None:
            return
        if "BODY.PEEK[]" in command:
            head = f"* 1 FETCH (UID {uid} BODY[] {{{len(each.raw)}}}\r\n".encode()
            yield head + each.raw + b")\r\n"
            return
        date = each.received_at.astimezone(UTC).strftime("%d-%b-%Y %H:%M:%S +0000")
        yield f'* 1 FETCH (UID {uid} RFC822.SIZE {len(each.raw)} INTERNALDATE "{date}")'


class _Lines:
    """The lines of a conversation."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self._connection = connection
        self._file = connection.makefile("rb")

    def say(self, what: str | bytes) -> None:
        self._connection.sendall(what if isinstance(what, bytes) else f"{what}\r\n".encode())

    def hear(self) -> str | None:
        line = self._file.readline()
        return line.decode().rstrip("\r\n") if line else None


@contextmanager
def serving(server: ImapServer) -> Iterator[ImapServer]:
    """Serve on a free port of loopback."""
    with socket.create_server((HOST, 0)) as listener:
        server.port = listener.getsockname()[1]
        threading.Thread(target=server.serve, args=(listener,), daemon=True).start()
        yield server
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
