"""Accounts as people handle them: add, replace the token, list, check."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from onboarding.engine.account_changes import IN_ORDER, change_account
from onboarding.engine.callbacks import is_refused
from onboarding.engine.context import Context
from onboarding.engine.portfolio_reads import note_portfolio
from onboarding.engine.token_changes import Given, give_token, prove_next, refuse_next
from onboarding.engine.token_checks import check_token
from onboarding.errors import (
    ConfigurationError,
    ConflictError,
    GraphError,
    InputError,
    NotFoundError,
    OnboardingError,
)
from onboarding.graph import requests
from onboarding.graph.calls import GraphCall, GraphResult
from onboarding.graph.responses import Waba, parse_waba
from onboarding.graph.wire import is_usable_token
from onboarding.model import Account, Failure, Reason, RecoveryClass
from onboarding.store import accounts, leases
from onboarding.store.database import again_if_raced, reading, writing

_FIELDS = tuple(dict.fromkeys((*requests.WABA_FIELDS, *requests.PORTFOLIO_FIELDS)))
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
    """Add a WABA with its token, or give a known one another.

    A token that replaces a dead one ends the hold that this caused, and wakes what waited for it.
    One that replaces a living one takes over once a list was read with it.

    Raises:
        InputError: not an id, or not a token; the message does not repeat the token.
        ConflictError: the WABA is known with another business portfolio.
    """
    require_waba_id(waba_id)
    given = Given(sealed=sealed_token(ctx, token))
    return put_account(ctx, waba_id, given, name=name, business_id=business_id, actor=actor)


def sealed_token(ctx: Context, token: str) -> str:
    """Return the ciphertext of a token.

    Raises:
        InputError: it is none; the message does not repeat it.
    """
    if not is_usable_token(token):
        raise InputError(
            "the token is empty or has characters that no token has", field="token", hint="paste it"
        )
    return ctx.vault.seal(token)


def put_account(
    ctx: Context, waba_id: str, given: Given, *, name: str, business_id: str | None, actor: str
) -> Account:
    """Add a WABA with a token as it is given, or give a known one another token."""
    account = Account(
        waba_id=waba_id,
        business_id=business_id,
        name=name,
        token_sealed=given.sealed,
        token_source=given.source,
        token_business_id=given.business_id,
        added_by=actor,
        created_at=ctx.clock.now(),
    )
    return again_if_raced(lambda: _put(ctx, account, given, actor))


def _put(ctx: Context, account: Account, given: Given, actor: str) -> Account:
    waba_id = account.waba_id
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        known = accounts.load_accounts(conn, [waba_id], lock=True).get(waba_id)
        if known is not None:
            kept = _kept(known, account.name, account.business_id)
            return give_token(ctx, conn, known, given, actor=actor, **kept)
        accounts.insert_account(conn, replace(account, created_at=now))
        return change_account(
            ctx,
            conn,
            waba_id,
            "account_added",
            reason=f"added with {given.words}",
            actor=actor,
            now=now,
            changes={},
        )


def _kept(known: Account, name: str, business_id: str | None) -> dict[str, Any]:
    if business_id and known.business_id and business_id != known.business_id:
        raise ConflictError(
            f"WABA {known.waba_id} belongs to business {known.business_id} here",
            field="business_id",
            hint="leave the business out, or correct it",
        )
    return {"name": name or known.name, "business_id": business_id or known.business_id}


def list_accounts(ctx: Context) -> list[Account]:
    """Return all accounts, by WABA id."""
    with reading(ctx.database) as conn:
        return list(accounts.load_accounts(conn).values())


def _mended_by(failure: Failure, waba_id: str) -> str:
    if failure.recovery is not RecoveryClass.REAUTH:
        return failure.remedy
    return f"{failure.remedy} Run: onboarding account add {waba_id}".lstrip()


def load_account(ctx: Context, waba_id: str) -> Account:
    """Return an account.

    Raises:
        NotFoundError: no such account.
    """
    with reading(ctx.database) as conn:
        account = accounts.load_accounts(conn, [waba_id]).get(waba_id)
    if account is None:
        raise NotFoundError(
            f"the WABA '{waba_id}' is not known here", hint=f"run: onboarding account add {waba_id}"
        )
    return account


def check_account(ctx: Context, waba_id: str, actor: str) -> AccountCheck:
    """Read the WABA with its token; a read that works ends a hold that a failed one caused.

    A token that waits to take over is read with, and does so, or is dropped. Then Meta is asked
    what the token may do and until when.

    Raises:
        NotFoundError: no such account.
        ConfigurationError: the token is of another key, or cannot be read from its place.
        GraphError: Meta refused, or could not be reached.
    """
    account = load_account(ctx, waba_id)
    call = GraphCall(
        request=requests.read_waba(waba_id, fields=_FIELDS), token=_token_now(ctx, account)
    )
    result = ctx.graph.send_one(call)
    if result.failure is not None:
        raise _refusal(ctx, account, result, result.failure)
    waba = parse_waba(result.payload)
    after = _released(ctx, account, waba, actor)
    check_token(ctx, after, actor)
    return AccountCheck(
        waba=waba,
        account=load_account(ctx, waba_id),
        served_version=result.served_version,
    )


def _token_now(ctx: Context, account: Account) -> str:
    """Return the newest token as it is now, not as it was read a moment ago."""
    source = account.next_token_source if account.has_next_token else account.token_source
    if source is None:
        return ctx.vault.open(account.next_token_sealed or account.token_sealed)
    token = ctx.sources.fresh(source)
    if not token:
        raise ConfigurationError(
            f"WABA {account.waba_id} has no token: {ctx.sources.problem(source)}",
            hint=f"mend it, or run: onboarding account add {account.waba_id}",
        )
    return token


def _refusal(
    ctx: Context, account: Account, result: GraphResult, failure: Failure
) -> OnboardingError:
    is_new = refuse_next(ctx, account, result, failure)
    return GraphError(
        f"the new token does not work, the one before goes on: {failure.message}"
        if is_new
        else failure.message,
        code=failure.code,
        subcode=failure.subcode,
        fbtrace_id=failure.fbtrace_id,
        hint=_mended_by(failure, account.waba_id),
    )


def _released(ctx: Context, account: Account, waba: Waba, actor: str) -> Account:
    """Keep what a read told, end the hold of an account whose token works, and return it."""
    waba_id = account.waba_id
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        prove_next(ctx, conn, account, now)
        checked = accounts.load_accounts(conn, [waba_id], lock=True)[waba_id]
        is_in_trouble = checked.trouble is not None and not is_refused(checked)
        if checked.hold is not None or is_in_trouble:
            change_account(
                ctx,
                conn,
                waba_id,
                "account_released",
                reason="a read of the WABA with its token works",
                actor=actor,
                now=now,
                changes=IN_ORDER | {"observe_due_at": now},
            )
            leases.wake_account(conn, waba_id, now, (Reason.ACCOUNT_HELD,))
        note_portfolio(ctx, conn, waba_id, waba, now)
        return accounts.load_accounts(conn, [waba_id])[waba_id]
