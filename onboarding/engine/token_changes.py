"""Tokens that take the place of others: given, proven, refused, and read anew from their place.

A token that still works goes on until a list was read with the one that is to follow it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onboarding.engine.account_changes import (
    FRESH,
    NO_NEXT,
    change_account,
    next_takes_over,
    source_due_at,
)
from onboarding.engine.breakers import breakers_of
from onboarding.engine.context import Context
from onboarding.errors import ConfigurationError
from onboarding.graph.calls import GraphResult
from onboarding.model import THROTTLES, Account, Failure, Reason, RecoveryClass
from onboarding.store import accounts, budgets, leases
from onboarding.store.database import again_if_unlucky, writing
from onboarding.telemetry import log

#: Failures that say nothing about the token.
_PASSES = (RecoveryClass.TRANSIENT, RecoveryClass.WAIT, *THROTTLES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A token as it is given to an account: itself, encrypted, or the place that it is read from.

    Attributes:
        sealed: the ciphertext; empty if there is a place.
        source: the place.
        business_id: the business whose token it is, if the account takes that of a business.
        words: what the history says was given.
    """

    sealed: str = ""
    source: str | None = None
    business_id: str | None = None
    words: str = "a new token was given"


def words_of(source: str | None, business_id: str | None = None) -> str:
    """Return what the history says of a token that is given."""
    if business_id is not None:
        return f"the token of business {business_id}"
    return f"a token that is read from {source}" if source else "a new token was given"


def give_token(
    ctx: Context, conn: Connection, known: Account, given: Given, *, actor: str, **more: Any
) -> Account:
    """Give a known account another token.

    It takes over at once if the one before does not work, or is the same one. Else it waits until
    a list was read with it.

    Args:
        ctx: the engine's parts.
        conn: an open transaction.
        known: the account, locked.
        given: the token.
        actor: who gives it.
        more: further fields of the account that change.
    """
    now = ctx.clock.now()
    more |= {"observe_due_at": now, "token_business_id": given.business_id}
    if known.hold is None and known.has_token and not _is_same(ctx, known, given):
        waiting = {"next_token_sealed": given.sealed or None, "next_token_source": given.source}
        note = "token_added"
        reason = f"{given.words}; the one before goes on until a list was read with it"
        changes = {**more, **waiting}
    else:
        leases.wake_account(conn, known.waba_id, now, (Reason.ACCOUNT_HELD,))
        taken = {"token_sealed": given.sealed, "token_source": given.source}
        note, reason = "token_replaced", given.words
        changes = {**more, **taken, **NO_NEXT, **FRESH}
    return change_account(
        ctx, conn, known.waba_id, note, reason=reason, actor=actor, now=now, changes=changes
    )


def _is_same(ctx: Context, known: Account, given: Given) -> bool:
    if given.source is not None or known.token_source is not None:
        return given.source == known.token_source
    try:
        return ctx.vault.open(known.token_sealed) == ctx.vault.open(given.sealed)
    except ConfigurationError:
        return True  # the one before is of another key, and of no use


def _is_still_next(conn: Connection, account: Account) -> Account | None:
    """Return the account, locked, if the token that was read with still waits to take over."""
    known = accounts.load_accounts(conn, [account.waba_id], lock=True)[account.waba_id]
    was = account.next_token_sealed, account.next_token_source
    return known if was == (known.next_token_sealed, known.next_token_source) else None


def prove_next(ctx: Context, conn: Connection, account: Account, now: datetime) -> None:
    """Let the token take over that a whole list was read with, if it waited for that."""
    if account.has_next_token and (known := _is_still_next(conn, account)) is not None:
        next_takes_over(
            ctx, conn, known, reason="a list was read with the new one", now=now, check_due_at=now
        )
        log.info("token_replaced", waba_id=account.waba_id)


def refuse_next(ctx: Context, account: Account, result: GraphResult, failure: Failure) -> bool:
    """Drop a waiting token that a list could not be read with; the one before goes on.

    Returns:
        Whether it was such a token; ``False`` for a failure of any other kind.
    """
    if not account.has_next_token or failure.recovery in _PASSES:
        return False
    again_if_unlucky(lambda: _refuse_next(ctx, account, result, failure))
    log.error(
        "token_refused",
        waba_id=account.waba_id,
        error_code=failure.code,
        fbtrace_id=failure.fbtrace_id,
        message=failure.message,
    )
    return True


def _refuse_next(ctx: Context, account: Account, result: GraphResult, failure: Failure) -> None:
    problem = ctx.sources.problem(account.next_token_source) if account.next_token_source else ""
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        known = _is_still_next(conn, account)
        again = {"observe_due_at": now, "lease_until": None}
        if known is None:
            accounts.update_account(conn, account.waba_id, **again)
            return
        change_account(
            ctx,
            conn,
            account.waba_id,
            "token_refused",
            reason=f"the new token does not work, the one before goes on: "
            f"{problem or failure.message}",
            actor="engine",
            now=now,
            changes={**again, **NO_NEXT},
        )
        budgets.write_breakers(conn, breakers_of(ctx.vault, [result], now))


def look_at_sources(ctx: Context, held: Sequence[Account]) -> None:
    """Look whether the places that held accounts' tokens are read from give others by now.

    An account whose place does goes on; the others are looked at again.
    """
    for account in held:
        token = ctx.sources.fresh(account.token_source or "")
        is_other = bool(token) and ctx.vault.mac("token", token) != account.dead_token_mac
        again_if_unlucky(lambda a=account, o=is_other: _looked(ctx, a, is_other=o))  # type: ignore[misc] # each its own


def _looked(ctx: Context, account: Account, *, is_other: bool) -> None:
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        known = accounts.load_accounts(conn, [account.waba_id], lock=True)[account.waba_id]
        if known.hold is None or known.token_source != account.token_source:
            accounts.update_account(conn, account.waba_id, lease_until=None, observe_due_at=now)
            return
        if not is_other:
            at = source_due_at(known.hold_since or now, now)
            accounts.update_account(conn, account.waba_id, lease_until=None, observe_due_at=at)
            return
        leases.wake_account(conn, account.waba_id, now, (Reason.ACCOUNT_HELD,))
        change_account(
            ctx,
            conn,
            account.waba_id,
            "token_replaced",
            reason=f"{known.token_source} gives another token",
            actor="engine",
            now=now,
            changes={**FRESH, "observe_due_at": now, "lease_until": None},
        )
