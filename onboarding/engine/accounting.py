"""Accounts as people handle them: add, replace the token, list, check."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from onboarding.engine.account_changes import IN_ORDER, change_account
from onboarding.engine.context import Context
from onboarding.errors import ConflictError, GraphError, InputError, NotFoundError
from onboarding.graph import requests
from onboarding.graph.calls import GraphCall
from onboarding.graph.responses import Waba, parse_waba
from onboarding.graph.transport import is_usable_token
from onboarding.model import Account, Failure, Reason, RecoveryClass
from onboarding.store import accounts, onboardings
from onboarding.store.database import again_if_raced, reading, writing

_ID = re.compile(r"[0-9]{5,20}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCheck:
    """What a read of a WABA with the account's own token gave."""

    account: Account
    waba: Waba
    served_version: str | None


def require_waba_id(text: str) -> None:
    """Refuse what is not the id of a WABA.

    Raises:
        InputError: not an id.
    """
    if not _ID.fullmatch(text):
        raise InputError(
            f"'{text}' is not a WABA id", field="waba_id", hint="digits, from WhatsApp Manager"
        )


def add_account(
    ctx: Context, waba_id: str, token: str, *, name: str, business_id: str | None, actor: str
) -> Account:
    """Add a WABA with its token, or replace the token of one that is known.

    A replaced token ends the hold that a dead one caused, and wakes what waited for it.

    Raises:
        InputError: not an id, or not a token; the message does not repeat the token.
        ConflictError: the WABA is known with another business portfolio.
    """
    require_waba_id(waba_id)
    if not is_usable_token(token):
        raise InputError(
            "the token is empty or has characters that no token has", field="token", hint="paste it"
        )
    account = Account(
        waba_id=waba_id,
        business_id=business_id,
        name=name,
        token_sealed=ctx.vault.seal(token),
        added_by=actor,
        created_at=ctx.clock.now(),
    )
    return again_if_raced(lambda: _add(ctx, account, token, actor))


def _add(ctx: Context, account: Account, token: str, actor: str) -> Account:
    waba_id = account.waba_id
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        known = accounts.load_accounts(conn, [waba_id]).get(waba_id)
        if known is None:
            accounts.insert_account(conn, replace(account, created_at=now))
            note, reason, changes = "account_added", "added with a token", {}
        else:
            note, reason = "token_replaced", "a new token was given"
            changes = _replaced(ctx, known, token, account.name, account.business_id)
            changes |= {"observe_due_at": now}
            onboardings.wake_account(conn, waba_id, now, (Reason.ACCOUNT_HELD,))
        return change_account(
            ctx, conn, waba_id, note, reason=reason, actor=actor, now=now, changes=changes
        )


def _replaced(
    ctx: Context, known: Account, token: str, name: str, business_id: str | None
) -> dict[str, Any]:
    if business_id and known.business_id and business_id != known.business_id:
        raise ConflictError(
            f"WABA {known.waba_id} belongs to business {known.business_id} here",
            field="business_id",
            hint="leave the business out, or correct it",
        )
    return {
        "token_sealed": ctx.vault.seal(token),
        "name": name or known.name,
        "business_id": business_id or known.business_id,
        **IN_ORDER,
    }


def list_accounts(ctx: Context) -> list[Account]:
    """Return all accounts, by WABA id."""
    with reading(ctx.database) as conn:
        return list(accounts.load_accounts(conn).values())


def _mended_by(failure: Failure, waba_id: str) -> str:
    if failure.recovery is not RecoveryClass.REAUTH:
        return failure.remedy
    return f"{failure.remedy} Run: onboarding account add {waba_id}".lstrip()


def check_account(ctx: Context, waba_id: str, actor: str) -> AccountCheck:
    """Read the WABA with its token; a read that works ends a hold that a failed one caused.

    Raises:
        NotFoundError: no such account.
        GraphError: Meta refused, or could not be reached.
    """
    with reading(ctx.database) as conn:
        account = accounts.load_accounts(conn, [waba_id]).get(waba_id)
    if account is None:
        raise NotFoundError(
            f"the WABA '{waba_id}' is not known here", hint=f"run: onboarding account add {waba_id}"
        )
    call = GraphCall(
        request=requests.read_waba(waba_id), token=ctx.vault.open(account.token_sealed)
    )
    result = ctx.graph.send_one(call)
    if result.failure is not None:
        raise GraphError(
            result.failure.message,
            code=result.failure.code,
            subcode=result.failure.subcode,
            fbtrace_id=result.failure.fbtrace_id,
            hint=_mended_by(result.failure, waba_id),
        )
    return AccountCheck(
        waba=parse_waba(result.payload),
        account=_released(ctx, waba_id, actor),
        served_version=result.served_version,
    )


def _released(ctx: Context, waba_id: str, actor: str) -> Account:
    """End the hold of an account whose token works; return the account as it is now."""
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        checked = accounts.load_accounts(conn, [waba_id])[waba_id]
        if checked.hold is not None or checked.trouble is not None:
            checked = change_account(
                ctx,
                conn,
                waba_id,
                "account_released",
                reason="a read of the WABA with its token works",
                actor=actor,
                now=now,
                changes=IN_ORDER | {"observe_due_at": now},
            )
            onboardings.wake_account(conn, waba_id, now, (Reason.ACCOUNT_HELD,))
    return checked
