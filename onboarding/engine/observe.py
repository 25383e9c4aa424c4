"""Reading Meta cheaply: which lists and subscriptions are due, as far as the budgets allow.

One list call per WABA page tells about all its machines at once; see ``listing``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.policy import Policy
from onboarding.engine.account_calls import settle_account_calls
from onboarding.engine.context import Context
from onboarding.engine.listing import read_lists
from onboarding.engine.migration_reads import narrow_refusals
from onboarding.engine.portfolio_reads import asks_for_portfolio, read_portfolios
from onboarding.engine.purses import open_purse
from onboarding.engine.restoring import notice
from onboarding.engine.subscription import check_subscriptions
from onboarding.engine.token_changes import look_at_sources
from onboarding.engine.token_checks import may_ask
from onboarding.model import Account
from onboarding.store import accounts, budgets, slots
from onboarding.store.database import again_if_unlucky, writing

#: Lists read at once: their pages wait in memory until the database takes them.
_MOST_LISTS = 25


def ask_for_list(ctx: Context, waba_id: str) -> None:
    """Have a WABA's list read at the next pass, whenever it would be due."""
    with writing(ctx.database) as conn:
        accounts.want(conn, {waba_id: ctx.clock.now()}, {})


def observe_due(ctx: Context, limit: int) -> int:
    """Read the lists and subscriptions that are due; return how many accounts there were.

    And migrations that Meta refused: why is looked into here, as by reads alone it can be.
    """
    claimed, to_check, to_read, to_ask = again_if_unlucky(lambda: _claim(ctx, limit))
    if claimed:
        notice(ctx)
    look_at_sources(ctx, [account for account in claimed if account.hold is not None])
    read_portfolios(ctx, to_ask)
    read_next = {account.waba_id for account in to_read}
    failed = check_subscriptions(ctx, to_check, read_next)
    read_lists(ctx, [account for account in to_read if account.waba_id not in failed])
    # A refusal makes its list due, so that a pass with nothing to do need not ask for it.
    return len(claimed) + (narrow_refusals(ctx) if claimed else 0)


def _claim(
    ctx: Context, limit: int
) -> tuple[list[Account], list[Account], list[Account], list[Account]]:
    """Return the accounts that are due, those to check, to read, and to ask for portfolios."""
    now = ctx.clock.now()
    with writing(ctx.database) as conn:
        real_now = ctx.real_now(conn)
        claimed = accounts.claim_accounts(
            conn,
            now=now,
            read_before=now - ctx.policy.list_interval,
            watched_before=now - ctx.policy.watch_interval,
            real_now=real_now,
            lease_until=real_now + ctx.policy.lease,
            limit=min(limit, _MOST_LISTS),
        )
        held = settle_account_calls(ctx, conn, claimed, now)
        going_on = [a for a in claimed if a.hold is None and a.waba_id not in held]
        return claimed, *_within_budget(ctx, conn, going_on, now)


def _is_due(at: datetime | None, now: datetime) -> bool:
    return at is not None and at <= now


def _is_to_be_read(account: Account, now: datetime, policy: Policy) -> bool:
    if account.active and account.observe_due_at is None:
        return _is_due(account.listed_at, now - policy.watch_interval)
    is_rested = account.listed_at is None or account.listed_at <= now - policy.list_interval
    return _is_due(account.observe_due_at, now) and is_rested


def _within_budget(
    ctx: Context, conn: Connection, claimed: Sequence[Account], now: datetime
) -> tuple[list[Account], list[Account], list[Account]]:
    """Return the accounts to check, to read, and to ask for portfolios, as the budgets allow.

    Others are put off.
    """
    to_check: list[Account] = []
    to_read: list[Account] = []
    to_ask: list[Account] = []
    if not claimed:
        return to_check, to_read, to_ask
    queued = slots.count_queued(conn)
    purse = open_purse(ctx, conn, (account.waba_id for account in claimed), now)
    for account in claimed:
        is_abandoned = account.lease_until is not None
        checks = is_abandoned or _is_due(account.check_due_at, now)
        reads = is_abandoned or _is_to_be_read(account, now, ctx.policy)
        # A look at the subscription may lead to the call that makes it; the token is looked at too.
        extra = may_ask(ctx) + (account.override_callback_uri is not None)
        asks = (checks or reads) and asks_for_portfolio(ctx, account, queued)
        calls = (2 + extra) * checks + reads + asks
        if refusals := [at for _ in range(calls) if (at := purse.take(account, read=True))]:
            _put_off(conn, account, max(refusals), checks=checks, reads=reads)
            continue
        to_check += [account] * checks
        to_read += [account] * reads
        to_ask += [account] * asks
    budgets.spend(conn, purse.spent, now)
    return to_check, to_read, to_ask


def _put_off(
    conn: Connection, account: Account, until: datetime, *, checks: bool, reads: bool
) -> None:
    put_off = {"check_due_at": until} if checks else {}
    if reads:
        put_off["observe_due_at"] = until
    accounts.update_account(conn, account.waba_id, lease_until=None, **put_off)
