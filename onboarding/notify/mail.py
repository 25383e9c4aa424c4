"""E-mail: SMTP with STARTTLS or TLS."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from typing import Literal

from onboarding.errors import ChannelError
from onboarding.notify.message import Message

_PERMANENT = 500
_MOST_KEPT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """Where mail goes out, and to whom.

    Attributes:
        security: ``starttls`` (and no mail without it), ``tls``, or ``none``.
        password: returns it anew for each message; ``None`` without a login.
    """

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    username: str | None
    password: Callable[[], str] | None
    sender: str
    to: tuple[str, ...]
    timeout_s: float
    ca_file: Path | None = None


class MailChannel:
    """Sends each message to all addressees; its ``Message-ID`` is made of the idempotency key.

    If the server takes it for some of them only, the next try is for the others. That is kept in
    this process: another one may send it to all again, with the same ``Message-ID``.
    """

    def __init__(self, mailbox: Mailbox) -> None:
        self._box = mailbox
        self._left: dict[str, tuple[str, ...]] = {}

    def send(self, message: Message) -> None:
        """Hand the mail to the server.

        Raises:
            ChannelError: the server did not take it for every addressee.
        """
        to = self._left.get(message.id, self._box.to)
        try:
            with _connected(self._box) as server:
                refused = server.send_message(_mail(message, self._box), to_addrs=to)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise _told(error) from None
        if refused:
            self._keep(message.id, tuple(refused))
            codes = {code for code, _ in refused.values()}
            raise ChannelError(
                f"the server took it, but not for {len(refused)} of {len(self._box.to)} addressees "
                f"({', '.join(map(str, sorted(codes)))})",
                is_permanent=min(codes) >= _PERMANENT,
                hint="check the addresses in: to",
            )
        self._left.pop(message.id, None)

    def _keep(self, message_id: str, left: tuple[str, ...]) -> None:
        """Keep who has not got a message; of many, the latest."""
        self._left[message_id] = left
        if len(self._left) > _MOST_KEPT:
            self._left.pop(next(iter(self._left)), None)


@contextmanager
def _connected(box: Mailbox) -> Iterator[smtplib.SMTP]:
    """Open a session that ends when its total time is over, however slowly it goes on."""
    trusted = ssl.create_default_context(cafile=str(box.ca_file) if box.ca_file else None)
    server = (
        smtplib.SMTP_SSL(timeout=box.timeout_s, context=trusted)
        if box.security == "tls"
        else smtplib.SMTP(timeout=box.timeout_s)
    )
    server._host = box.host  # type: ignore[attr-defined] # noqa: SLF001 - what SNI needs; set by the constructor only if it connects
    timer = threading.Timer(box.timeout_s, lambda: _shut(server))
    timer.daemon = True
    timer.start()
    try:
        server.connect(box.host, box.port)
        if box.security == "starttls":
            server.starttls(context=trusted)
        if box.username is not None and box.password is not None:
            server.login(box.username, box.password())
        yield server
        with suppress(smtplib.SMTPException, OSError):  # the mail is taken already
            server.quit()
    finally:
        timer.cancel()
        server.close()


def _shut(server: smtplib.SMTP) -> None:
    with suppress(OSError, AttributeError):
        if server.sock is not None:
            server.sock.shutdown(socket.SHUT_RDWR)


def _mail(message: Message, box: Mailbox) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = message.title
    mail["From"] = box.sender
    mail["To"] = ", ".join(box.to)
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<{message.id}@{box.sender.rpartition('@')[2].strip('> ')}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    return mail


def _told(error: Exception) -> ChannelError:
    """Return what went wrong, without the server's own words, which may repeat what was sent."""
    match error:
        case smtplib.SMTPAuthenticationError():
            return ChannelError(
                f"the server refused the login ({error.smtp_code})",
                hint="check username and password",
            )
        case smtplib.SMTPNotSupportedError():
            return ChannelError(
                "the server offers no STARTTLS or no login, and nothing was sent",
                hint='set security = "tls", or ask who runs the server',
            )
        case smtplib.SMTPRecipientsRefused():
            codes = {code for code, _ in error.recipients.values()}
            return ChannelError(
                f"the server refused every addressee ({', '.join(map(str, sorted(codes)))})",
                is_permanent=min(codes) >= _PERMANENT,
                hint="check the addresses in: to",
            )
        case smtplib.SMTPResponseException():
            return ChannelError(
                f"the server answered {error.smtp_code}",
                is_permanent=error.smtp_code >= _PERMANENT,
            )
        case ssl.SSLCertVerificationError():
            return ChannelError(
                "the server's certificate cannot be verified", hint="give its ca_file"
            )
        case _:
            return ChannelError(f"the server cannot be reached: {type(error).__name__}")
