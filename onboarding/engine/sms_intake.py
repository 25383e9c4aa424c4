"""Codes that an SMS gateway received: checked, matched to the number that waits, and taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Connection

from onboarding.core.code_ledger import CODE_STATES
from onboarding.core.codes import is_metas, parse_code
from onboarding.core.numbers import number_key
from onboarding.core.pool.model import PoolNumber
from onboarding.core.sms_gateways import Gateway, Sms, SmsRequest, parse_sms
from onboarding.core.sms_signatures import check_twilio, check_vonage
from onboarding.core.timing import MINUTE
from onboarding.engine import pool_codes
from onboarding.engine.code_intake import take_codes
from onboarding.engine.context import Context
from onboarding.errors import (
    ConfigurationError,
    ConflictError,
    InputError,
    NotFoundError,
    OnboardingError,
    TransitionRefusedError,
)
from onboarding.model import Onboarding
from onboarding.store import finding, onboardings, pools
from onboarding.store.database import again_if_unlucky, writing

#: How far a gateway's or a mail server's clock may be behind ours.
_SKEW = 2 * MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsTaken:
    """What came of a message.

    Attributes:
        onboarding: whose code it was; ``None`` if it was that of a number of a pool.
        pool_number: the number of a pool whose code it was.
        result: ``taken``, or ``known`` because its code was handed in before.
    """

    onboarding: Onboarding | None = None
    pool_number: PoolNumber | None = None
    result: str

    @property
    def row(self) -> Onboarding | PoolNumber:
        """The machine whose code it was."""
        row = self.onboarding or self.pool_number
        assert row is not None, "it is of one of the two"  # noqa: S101 - for types
        return row


def ingest_sms(
    ctx: Context, request: SmsRequest, gateway: Gateway, actor: str | None, *, is_checked: bool
) -> SmsTaken:
    """Take the code of a text message that a gateway received for one of our numbers.

    Args:
        ctx: the engine's parts.
        request: the gateway's request, as it came.
        gateway: whose it is.
        actor: who is named in the history; by default the gateway.
        is_checked: whoever hands it over knows already that the gateway sent it.

    Raises:
        ConfigurationError: there is no secret to check its signature with.
        InputError: the signature does not fit; it is no message; or it holds no code of WhatsApp.
        NotFoundError: the number is not one of ours.
        TransitionRefusedError: no code is expected for it, or the message is of before.
        SchemaError: a newer release wrote its onboarding; nothing was taken.
    """
    if not is_checked:
        _check(ctx, request, gateway)
    sms = parse_sms(request, gateway)
    code = code_in(sms.text)
    return again_if_unlucky(lambda: _ingest(ctx, sms, code, gateway, actor))


def code_in(text: str) -> str:
    """Return the code of a text that nobody read.

    Raises:
        InputError: it does not say that it is WhatsApp's, holds no code, or more than one.
    """
    if not is_metas(text):
        raise InputError(
            "the text does not say that its code is WhatsApp's",
            field="text",
            hint="if it is, a person may hand it in: onboarding code NUMBER",
        )
    return parse_code(text)


def _check(ctx: Context, request: SmsRequest, gateway: Gateway) -> None:
    match gateway:
        case Gateway.TWILIO:
            check_twilio(request, _secret(ctx.settings.twilio_auth_token, "TWILIO_AUTH_TOKEN"))
        case Gateway.VONAGE:
            secret = _secret(ctx.settings.vonage_signature_secret, "VONAGE_SIGNATURE_SECRET")
            check_vonage(request, secret, ctx.clock.now())
        case Gateway.GENERIC:
            pass  # there is no signature of all gateways; who may send is for the server to say


def _secret(secret: SecretStr | None, name: str) -> str:
    if secret is None or not secret.get_secret_value():
        raise ConfigurationError(
            f"there is no ONBOARDING_{name} to check the request's signature with",
            hint="set it; or, where the signature was checked already, say so: --unsigned",
        )
    return secret.get_secret_value()


def _ingest(ctx: Context, sms: Sms, code: str, gateway: Gateway, actor: str | None) -> SmsTaken:
    with writing(ctx.database) as conn:
        row = load_waiting(ctx, conn, [sms.recipient])
        require_of_now(row.code_sent_at, sms.sent_at)
        detail, by = {"gateway": gateway.value}, actor or gateway.value
        if isinstance(row, PoolNumber):
            return _ingest_for_pool(ctx, conn, row, code, actor=by, detail=detail)
        if row.code_mac == ctx.vault.mac(row.phone_number_id or "", code):
            return SmsTaken(onboarding=row, result="known")
        taken = take_codes(ctx, conn, {row.id: code}, by, detail)[row.id]
        if isinstance(taken, ConflictError):  # gateways repeat what was not answered in time
            return SmsTaken(onboarding=row, result="known")
        if isinstance(taken, OnboardingError):
            raise taken
        return SmsTaken(onboarding=taken, result="taken")


def _ingest_for_pool(
    ctx: Context, conn: Connection, row: PoolNumber, code: str, **by: Any
) -> SmsTaken:
    if row.code_mac == ctx.vault.mac(row.preverified_id or "", code):
        return SmsTaken(pool_number=row, result="known")
    try:
        taken = pool_codes.take_code(ctx, conn, row, code, **by)
    except ConflictError:  # the same
        return SmsTaken(pool_number=row, result="known")
    return SmsTaken(pool_number=taken, result="taken")


def load_waiting(ctx: Context, conn: Connection, numbers: list[str]) -> Onboarding | PoolNumber:
    """Return the one onboarding, or number of a pool, of these that needs a code, locked.

    Raises:
        NotFoundError: none is, or more than one.
    """
    keys = sorted({key for number in numbers if (key := number_key(number))})
    found: list[Onboarding | PoolNumber] = [
        row
        for rows in finding.load_by_number(conn, keys).values()
        for row in rows
        if row.state in CODE_STATES
    ]
    found += pool_codes.load_waiting(ctx, conn, keys, ctx.clock.now())
    if len(found) != 1:
        several = "more than one of these numbers waits" if found else "no number of it waits"
        raise NotFoundError(f"{several} for a code", hint="see: onboarding code list")
    (row,) = found
    if isinstance(row, PoolNumber):
        return pools.load_numbers(conn, [row.id], lock=True)[row.id]
    return onboardings.load_onboardings(conn, [row.id], lock=True)[row.id]


def require_of_now(code_sent_at: datetime | None, sent_at: datetime | None) -> None:
    """Refuse a message that was sent before the present code was asked for.

    Raises:
        TransitionRefusedError: its code is an earlier one, which Meta takes no more.
    """
    if sent_at is not None and code_sent_at is not None and sent_at + _SKEW < code_sent_at:
        raise TransitionRefusedError(
            f"the message is of {sent_at:%Y-%m-%d %H:%M} UTC, before the code was asked for",
            hint="its own code is void by now; the newest message counts",
        )
