"""Codes that an SMS gateway received: checked, matched to the number that waits, and taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import SecretStr
from sqlalchemy import Connection

from onboarding.core.code_ledger import CODE_STATES
from onboarding.core.codes import is_metas, parse_code
from onboarding.core.numbers import number_key
from onboarding.core.sms_gateways import Gateway, Sms, SmsRequest, parse_sms
from onboarding.core.sms_signatures import check_twilio, check_vonage
from onboarding.core.timing import MINUTE
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
from onboarding.store import finding, onboardings
from onboarding.store.database import again_if_unlucky, writing

#: How far a gateway's or a mail server's clock may be behind ours.
_SKEW = 2 * MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsTaken:
    """What came of a message: ``taken``, or ``known`` because its code was handed in before."""

    onboarding: Onboarding
    result: str


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
        row = load_waiting(conn, [sms.recipient])
        require_of_now(row, sms.sent_at)
        if row.code_mac == ctx.vault.mac(row.phone_number_id or "", code):
            return SmsTaken(onboarding=row, result="known")
        detail = {"gateway": gateway.value}
        taken = take_codes(ctx, conn, {row.id: code}, actor or gateway.value, detail)[row.id]
        if isinstance(taken, ConflictError):  # gateways repeat what was not answered in time
            return SmsTaken(onboarding=row, result="known")
        if isinstance(taken, OnboardingError):
            raise taken
        return SmsTaken(onboarding=taken, result="taken")


def load_waiting(conn: Connection, numbers: list[str]) -> Onboarding:
    """Return the one onboarding of these numbers that needs a code, locked.

    Raises:
        NotFoundError: none is, or more than one.
    """
    keys = sorted({key for number in numbers if (key := number_key(number))})
    found = [
        row
        for rows in finding.load_by_number(conn, keys).values()
        for row in rows
        if row.state in CODE_STATES
    ]
    if len(found) != 1:
        several = "more than one of these numbers waits" if found else "no number of it waits"
        raise NotFoundError(f"{several} for a code", hint="see: onboarding code list")
    return onboardings.load_onboardings(conn, [found[0].id], lock=True)[found[0].id]


def require_of_now(row: Onboarding, sent_at: datetime | None) -> None:
    """Refuse a message that was sent before the present code was asked for.

    Raises:
        TransitionRefusedError: its code is an earlier one, which Meta takes no more.
    """
    if sent_at is not None and row.code_sent_at is not None and sent_at + _SKEW < row.code_sent_at:
        raise TransitionRefusedError(
            f"the message is of {sent_at:%Y-%m-%d %H:%M} UTC, before the code was asked for",
            hint="its own code is void by now; the newest message counts",
        )
