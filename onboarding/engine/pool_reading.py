"""Reading pools: one list call per page tells about a hundred numbers at once.

A failed or slow read changes nothing. A list of the pool that fails puts no account on hold, but
for a dead token: what the pool's permission lacks is no trouble of the account's own numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from onboarding.core.numbers import number_key
from onboarding.core.pool.model import Pool, PoolNumber, PreverifiedNumber
from onboarding.core.pool.steps import observed
from onboarding.core.timing import HOUR, MINUTE, backoff
from onboarding.engine.account_changes import hold_account
from onboarding.engine.breakers import breakers_of
from onboarding.engine.context import Context
from onboarding.engine.purses import open_purse
from onboarding.engine.restoring import read_again_at
from onboarding.errors import GraphError
from onboarding.graph.calls import GraphCall, GraphResult
from onboarding.graph.pool_requests import list_partners, list_preverified
from onboarding.graph.pool_responses import parse_partners, parse_preverified_list
from onboarding.model import Account, Effect, Failure, RecoveryClass, Trouble
from onboarding.store import accounts, budgets, pool_claims, pools
from onboarding.store.database import again_if_unlucky, reading, writing
from onboarding.telemetry import log

#: How often a pool is read although nothing is expected of it: customers claim numbers unannounced.
_EVERY = 6 * HOUR

#: When a list is read again of which a part could not be read.
_UNSOUND_AGAIN = 15 * MINUTE

#: After so long without a word its reader counts as dead, and the list is due again.
_BUSY = 10 * MINUTE

#: No pool has so many pages; a list that does not end is not believed.
_MAX_PAGES = 200


def read_lists(ctx: Context, limit: int) -> int:
    """Read the lists of pools that are due; return how many there were."""
    claimed = again_if_unlucky(lambda: _claim(ctx, limit))
    for pool, account in claimed:
        _read(ctx, pool, account)
    return len(claimed)


def _claim(ctx: Context, limit: int) -> list[tuple[Pool, Account]]:
    now = ctx.clock.now()
    with writing(ctx.database) as conn:
        rested = now - ctx.policy.list_interval
        due = pools.claim_lists(conn, now, rested, now + _BUSY, limit)
        if not due:
            return []
        payers = sorted({pool.waba_id for pool in due})
        known = accounts.load_accounts(conn, payers, lock=True)
        purse = open_purse(ctx, conn, payers, now)
        claimed = []
        for pool in due:
            account = known[pool.waba_id]
            if account.hold is not None:
                pools.update_pool(conn, pool.business_id, observe_due_at=now + _UNSOUND_AGAIN)
            elif until := purse.take(account, read=True):
                pools.update_pool(conn, pool.business_id, observe_due_at=until)
            else:
                claimed.append((pool, account))
        budgets.spend(conn, purse.spent, now)
        return claimed


@dataclass
class _Listing:
    """The pages of one pool's list, as they come."""

    pool: Pool
    account: Account
    started: datetime
    numbers: list[PreverifiedNumber] = field(default_factory=list)
    after: str | None = None
    is_sound: bool = True

    def take(self, result: GraphResult) -> Failure | None:
        """Take one page; return why it cannot be used."""
        if result.failure is not None:
            return result.failure
        try:
            told = parse_preverified_list(result.payload)
        except GraphError as error:
            return _unreadable(str(error))
        self.numbers += told.numbers
        self.after, self.is_sound = told.after, self.is_sound and told.is_sound
        return None


def _read(ctx: Context, pool: Pool, account: Account) -> None:
    """Read all pages of a pool, and apply them together."""
    listing = _Listing(pool, account, ctx.clock.now())
    for page in range(_MAX_PAGES):
        if page and not _may_read_on(ctx, account):
            return
        result = ctx.graph.send_one(_page(ctx, pool, account, listing.after))
        failure = listing.take(result)
        if failure is None and listing.after is not None:
            continue
        if failure is None:
            again_if_unlucky(partial(_apply, ctx, listing, result))
        else:
            again_if_unlucky(partial(_failed, ctx, pool, failure, result))
        return
    log.warning("pool_list_does_not_end", business_id=pool.business_id)


def _page(ctx: Context, pool: Pool, account: Account, after: str | None) -> GraphCall:
    request = list_preverified(pool.business_id, account.waba_id, after=after)
    return GraphCall(request=request, token=ctx.token_of(account))


def _may_read_on(ctx: Context, account: Account) -> bool:
    """Take the call for a further page; if there is none left, the list is read anew later."""

    def take() -> bool:
        with writing(ctx.database) as conn:
            now = ctx.clock.now()
            purse = open_purse(ctx, conn, [account.waba_id], now)
            until = purse.take(account)
            budgets.spend(conn, purse.spent, now)
        return until is None

    return again_if_unlucky(take)


def _unreadable(message: str) -> Failure:
    return Failure(
        effect=Effect.REFUSED,
        recovery=RecoveryClass.TRANSIENT,
        message=message,
        remedy="read again by itself; if it stays, report it with the trace id",
    )


def _failed(ctx: Context, pool: Pool, failure: Failure, result: GraphResult) -> None:
    """Note a failed read: no number changes, and it is tried again later."""
    now = ctx.clock.now()
    wait = backoff(pool.failures + 1, (*ctx.policy.transient, HOUR))
    with writing(ctx.database) as conn:
        pools.update_pool(
            conn,
            pool.business_id,
            failures=pool.failures + 1,
            observe_due_at=now + wait,
            trouble=Trouble(operation="list_preverified", at=now, failure=failure),
        )
        if failure.recovery is RecoveryClass.REAUTH:
            text = f"list_preverified: {failure.message}"
            hold_account(ctx, conn, pool.waba_id, text=text, now=now)
        budgets.write_breakers(conn, breakers_of(ctx.vault, [result], now))
    log.warning(
        "pool_not_read",
        business_id=pool.business_id,
        recovery=failure.recovery.value,
        error_code=failure.code,
        fbtrace_id=failure.fbtrace_id,
        message=failure.message,
    )


def _apply(ctx: Context, listing: _Listing, result: GraphResult) -> None:
    """Store what a complete list says of every number, and have each looked at now."""
    pool, started = listing.pool, listing.started
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        rows = pools.load_live(conn, pool.business_id, lock=True)
        told = _match(rows, listing)
        pools.write_numbers(conn, [replace(row, next_due_at=now) for row in told])
        pools.update_pool(
            conn,
            pool.business_id,
            listed_at=started,
            observe_due_at=_next(rows, listing),
            failures=0,
            trouble=None,
        )
        if at := read_again_at(ctx, conn, started):
            pools.want_lists(conn, {pool.business_id: at})
        budgets.write_breakers(conn, breakers_of(ctx.vault, [result], now))


def _next(rows: Sequence[PoolNumber], listing: _Listing) -> datetime | None:
    if not listing.is_sound:
        return listing.started + _UNSOUND_AGAIN
    return listing.started + _EVERY if rows else None


def _match(rows: Sequence[PoolNumber], listing: _Listing) -> list[PoolNumber]:
    """Return the rows with what the list says of them; those that know better are left out."""
    started, numbers = listing.started, listing.numbers
    by_id = {number.id: number for number in numbers}
    by_key = {number_key(number.phone_number or ""): number for number in numbers}
    told = []
    for row in rows:
        number = by_id.get(row.preverified_id or "")
        if number is None and row.preverified_id is None:
            number = by_key.get(row.number_key)
        read_earlier = row.seen_at is not None and row.seen_at >= started
        since = row.added_at or row.created_at
        # Not in the list is not the same as absent: a part of it could not be read, or the number
        # came into the pool after the read began.
        unsure = number is None and (not listing.is_sound or since > started)
        if not read_earlier and not unsure:
            told.append(observed(row, number, started))
    return told


def read_partners(ctx: Context, row: PoolNumber, waba_id: str) -> None:
    """Read with whom a number is shared, which settles a call that was not answered."""
    started, ids, after = ctx.clock.now(), set[str](), None
    with_token = _account(ctx, waba_id)
    for _ in range(_MAX_PAGES):
        request = list_partners(row.preverified_id or "", waba_id, after=after)
        result = ctx.graph.send_one(GraphCall(request=request, token=ctx.token_of(with_token)))
        if result.failure is not None:
            log.warning("partners_not_read", pool_number=row.id, message=result.failure.message)
            return  # the number is due again after its settle time
        try:
            told, after = parse_partners(result.payload)
        except GraphError as error:
            log.warning("partners_not_read", pool_number=row.id, message=str(error))
            return
        ids |= set(told)
        if after is None:
            again_if_unlucky(partial(_apply_partners, ctx, row.id, ids, started))
            return
    log.warning("partners_do_not_end", pool_number=row.id)  # a list that is not believed


def _account(ctx: Context, waba_id: str) -> Account:
    with reading(ctx.database) as conn:
        return accounts.load_accounts(conn, [waba_id])[waba_id]


def _apply_partners(ctx: Context, id_: str, partners: set[str], started: datetime) -> None:
    with writing(ctx.database) as conn:
        rows = pools.load_numbers(conn, [id_], lock=True)
        shares = pool_claims.load_shares(conn, [id_]).get(id_, [])
        pool_claims.write_shares(
            conn,
            [
                replace(s, seen_at=started, seen_present=s.partner_business_id in partners)
                for s in shares
            ],
        )
        now = ctx.clock.now()
        pools.write_numbers(conn, [replace(row, next_due_at=now) for row in rows.values()])


def ask_for_list(ctx: Context, business_id: str) -> None:
    """Have a pool's list read at the next pass, whenever it would be due."""
    with writing(ctx.database) as conn:
        pools.update_pool(conn, business_id, observe_due_at=ctx.clock.now(), failures=0)
