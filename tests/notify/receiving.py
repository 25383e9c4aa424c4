"""Receivers on loopback: a program that verifies what it gets, and a mail server with TLS."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from onboarding.errors import SignatureError
from onboarding.notify import Verified, verify


@dataclass
class Receiver:
    """A program that takes webhook messages and verifies each.

    Attributes:
        secrets: what it verifies with.
        statuses: what it answers to the first messages; then 200.
        taken: what verified, in order, also if it came twice.
        forged: how many messages did not verify.
        bodies: every body as it came.
    """

    secrets: list[str]
    statuses: list[int] = field(default_factory=list)
    taken: list[Verified] = field(default_factory=list)
    forged: int = 0
    bodies: list[bytes] = field(default_factory=list)
    url: str = ""
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def events(self) -> list[dict[str, Any]]:
        """What was told, in order."""
        return [dict(each.event) for each in self.taken]

    @property
    def ids(self) -> list[str]:
        """The idempotency keys, in order."""
        return [each.id for each in self.taken]

    def take(self, body: bytes, headers: dict[str, str]) -> int:
        """Take one message; return the status to answer with."""
        self.bodies.append(body)
        self.headers.append(headers)
        try:
            verified = verify(body, headers, self.secrets)
        except SignatureError:
            self.forged += 1
            return 401
        status = self.statuses.pop(0) if self.statuses else 200
        self.taken.append(verified)
        return status


@contextmanager
def receiving(*secrets: str, statuses: Sequence[int] = ()) -> Iterator[Receiver]:
    """Serve a receiver on loopback."""
    receiver = Receiver(list(secrets), list(statuses))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(receiver.take(body, dict(self.headers.items())))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass
class MailServer:
    """A mail server, what it was given, and how it refuses: everybody, or some addresses."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    refusal: str | None = None
    refused: dict[str, str] = field(default_factory=dict)
    addressees: list[list[str]] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - the name that the library calls
        self, _server: object, _session: Session, envelope: Envelope, address: str, _: list[str]
    ) -> str:
        """Take an addressee, or refuse it."""
        if refusal := self.refusal or self.refused.get(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the same
        self, _server: object, _session: Session, envelope: Envelope
    ) -> str:
        """Take a mail."""
        content: Any = envelope.content
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.addressees.append(envelope.rcpt_tos)
        return "250 taken"

    def authenticate(
        self, _server: object, _session: object, _envelope: object, _kind: str, given: LoginPassword
    ) -> AuthResult:
        """Take the login of one password only."""
        name, password = given.login.decode(), given.password.decode()
        self.logins.append((name, password))
        return AuthResult(success=password == "mail-password-42", handled=False)


@contextmanager
def mail_server(tls: ssl.SSLContext | None, *, implicit: bool = False) -> Iterator[MailServer]:
    """Serve mail on loopback: with STARTTLS, with TLS from the start, or without either."""
    server = MailServer()
    starttls: dict[str, Any] = (
        {} if implicit or tls is None else {"tls_context": tls, "require_starttls": True}
    )
    controller = _Controller(
        server,
        hostname="127.0.0.1",
        port=0,
        ssl_context=tls if implicit else None,
        authenticator=server.authenticate,
        auth_require_tls=tls is not None and not implicit,
        **starttls,
    )
    controller.start()
    server.port = controller.given_port
    try:
        yield server
    finally:
        controller.stop()


class _Controller(Controller):
    """A controller that connects to the port which the system gave it."""

    given_port = 0

    def _trigger_server(self) -> None:
        listening: Any = self.server
        self.given_port = listening.sockets[0].getsockname()[1]
        socket.create_connection((self.hostname, self.given_port), timeout=5).close()


def as_event(**data: Any) -> dict[str, Any]:
    """Return an event as it is stored."""
    event: dict[str, Any] = json.loads(
        json.dumps(
            {
                "seq": 7, "id": "e1", "type": "test", "version": 1, "audience": "operator",
                "at": "2026-03-02T09:00:00.000000Z", "onboarding": None, "account": None,
                "data": {"channel": "ops", "by": "ada", **data},
            }
        )
    )  # fmt: skip
    return event
