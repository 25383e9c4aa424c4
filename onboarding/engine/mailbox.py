"""Codes that arrive in a mailbox: found, matched to the number that waits, handed in once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from onboarding.core.mail_texts import MailText, read_mail
from onboarding.core.pool.model import PoolNumber
from onboarding.core.timing import DAY
from onboarding.engine.code_intake import take_codes
from onboarding.engine.context import Context
from onboarding.engine.pool_codes import take_code
from onboarding.engine.sms_intake import code_in, load_waiting, require_of_now
from onboarding.errors import ConfigurationError, OnboardingError, SchemaError
from onboarding.mail.imap import RECENT, Address, Mailbox, Message, open_mailbox
from onboarding.settings import Settings
from onboarding.store import mail_read
from onboarding.store.database import again_if_unlucky, reading, writing
from onboarding.telemetry import log

#: How long it is remembered that a message was looked at; no older one is looked for.
_REMEMBERED = 30 * DAY

_TAKEN = "taken"
_LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRead:
    """What one look into a mailbox found: new messages, and codes among them that were taken."""

    looked_at: int
    taken: int


def address_of(settings: Settings) -> Address:
    """Return where the mailbox is that the settings name.

    Raises:
        ConfigurationError: they name none, or its password is missing or cannot be read.
    """
    host, user = settings.mailbox_host, settings.mailbox_user
    if host is None or user is None:
        raise ConfigurationError(
            "no mailbox is set up", hint="set ONBOARDING_MAILBOX_HOST, _USER and _PASSWORD_FILE"
        )
    if not settings.mailbox_folder.isascii():
        raise ConfigurationError(
            "ONBOARDING_MAILBOX_FOLDER is not ASCII", hint="give it as IMAP writes it (UTF-7)"
        )
    return Address(
        host=host,
        port=settings.mailbox_port,
        user=user,
        password=_password(settings),
        folder=settings.mailbox_folder,
        ca_file=_existing(settings.mailbox_ca_file),
    )


def _password(settings: Settings) -> str:
    if settings.mailbox_password is not None:
        return settings.mailbox_password.get_secret_value()
    if settings.mailbox_password_file is None:
        raise ConfigurationError(
            "the mailbox has no password", hint="set ONBOARDING_MAILBOX_PASSWORD_FILE"
        )
    try:
        return settings.mailbox_password_file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(
            f"the password file {settings.mailbox_password_file} cannot be read",
            hint="check ONBOARDING_MAILBOX_PASSWORD_FILE",
        ) from None


def _existing(path: Path | None) -> Path | None:
    if path is not None and not path.is_file():
        raise ConfigurationError(
            f"there is no file {path}", hint="check ONBOARDING_MAILBOX_CA_FILE"
        )
    return path


def read_mailbox(ctx: Context, address: Address) -> MailRead:
    """Look at what is new in a mailbox, once; take the codes of numbers that wait for one.

    A message whose code is taken is marked as read. Every other one is left as it is, and is not
    looked at again: one that nobody understands is for people. Each is looked at once, whoever
    else reads the mailbox, and after a crash.

    Raises:
        ConfigurationError: the mailbox cannot be used.
        StoreError: the database cannot be used.
    """
    taken = 0
    with open_mailbox(address) as mailbox:
        fresh = _fresh(ctx, address, mailbox)
        for uid in fresh:
            message = mailbox.fetch(uid)
            if message is not None and _take(ctx, address, mailbox.uidvalidity, message):
                mailbox.mark_seen(uid)
                taken += 1
    if fresh:
        with writing(ctx.database) as conn:
            mail_read.forget_mail(conn, ctx.clock.now() - _REMEMBERED)
    return MailRead(looked_at=len(fresh), taken=taken)


def _fresh(ctx: Context, address: Address, mailbox: Mailbox) -> list[int]:
    now = ctx.clock.now()
    uids = mailbox.new_uids(now - RECENT)
    with reading(ctx.database) as conn:
        known = mail_read.load_read(conn, address.name, mailbox.uidvalidity, uids)
    return [uid for uid in uids if uid not in known]


def _take(ctx: Context, address: Address, uidvalidity: int, message: Message) -> bool:
    """Take the code of a message, and note that it was looked at; both or neither."""
    mail = read_mail(message.raw)

    def take() -> bool:
        with writing(ctx.database) as conn:
            why = _hand_in(ctx, conn, address, message, mail)
            is_ours = mail_read.claim_mail(
                conn,
                address.name,
                uidvalidity,
                message.uid,
                now=ctx.clock.now(),
                result=_LEFT if why else _TAKEN,
            )
            if not is_ours:
                raise _NotOursError
        if why:
            log.info("mail_left", mailbox=address.name, uid=message.uid, why=why)
        return not why

    try:
        return again_if_unlucky(take)
    except _NotOursError:
        return False


class _NotOursError(Exception):
    """A message that is not to be noted: somebody else looked at it, or a newer release has to."""


def _hand_in(
    ctx: Context, conn: Connection, address: Address, message: Message, mail: MailText
) -> str:
    """Hand the code of a message in; return why not, empty if it was taken."""
    try:
        code = code_in(mail.text)
        row = load_waiting(ctx, conn, list(mail.numbers))
        require_of_now(row.code_sent_at, message.received_at)
        detail = {"mailbox": address.name, "uid": str(message.uid)}
        if isinstance(row, PoolNumber):
            take_code(ctx, conn, row, code, actor="mailbox", detail=detail)
            return ""
    except OnboardingError as error:
        return str(error)
    taken = take_codes(ctx, conn, {row.id: code}, "mailbox", detail)[row.id]
    if isinstance(taken, SchemaError):
        raise _NotOursError
    return str(taken) if isinstance(taken, OnboardingError) else ""
