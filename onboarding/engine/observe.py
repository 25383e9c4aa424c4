"""Reading Meta cheaply: one list call per WABA page tells about all its machines at once.

A failed or slow read changes nothing. A complete one is applied in one transaction; machines in
the middle of a call only store what was seen and are woken, so that the call's own outcome, or
the probe, decides with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from queue import SimpleQueue

from sqlalchemy import Connection

from onboarding.core.numbers import number_key
from onboarding.core.policy import Policy
from onboarding.core.seen import is_connected, is_gone, remembering
from onboarding.engine.account_calls import settle_account_calls
from onboarding.engine.account_trouble import account_failed
from onboarding.engine.callbacks import is_refused
from onboarding.engine.context import Context
from onboarding.engine.looking import plan_each, snapshots
from onboarding.engine.migration_reads import narrow_refusals
from onboarding.engine.portfolio_reads import asks_for_portfolio, read_portfolios
from onboarding.engine.purses import open_purse
from onboarding.engine.restoring import notice, want_certainty
from onboarding.engine.sending import breakers_of
from onboarding.engine.signup_results import complete_signups
from onboarding.engine.slots import look_again
from onboarding.engine.subscription import check_subscriptions
from onboarding.engine.token_changes import look_at_sources, prove_next, refuse_next
from onboarding.engine.token_checks import may_ask
from onboarding.engine.writing import due_now, write_plans
from onboarding.errors import GraphError, StoreError
from onboarding.graph import requests
from onboarding.graph.calls import GraphCall, GraphResult
from onboarding.graph.responses import parse_number_list
from onboarding.model import (
    Account,
    Effect,
    Entry,
    Failure,
    Onboarding,
    PhoneNumber,
    RecoveryClass,
    State,
    changed,
)
from onboarding.store import accounts, budgets, finding, onboardings, slots
from onboarding.store.database import again_if_unlucky, writing
from onboarding.telemetry import log

#: When a list is read again of which a part could not be read.
_UNSOUND_AGAIN = timedelta(minutes=15)

#: Lists read at once: their pages wait in memory until the database takes them.
_MOST_LISTS = 25

#: No WABA has so many pages; a list that does not end is not believed.
MAX_PAGES = 200


@dataclass
class Listing:
    """The pages of one WABA's list, as they come."""

    account: Account
    read_started_at: datetime
    numbers: list[PhoneNumber] = field(default_factory=list)
    pages: int = 0
    is_sound: bool = True


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
    _read_lists(ctx, [account for account in to_read if account.waba_id not in failed])
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


def _read_lists(ctx: Context, due: Sequence[Account]) -> None:
    """Read all pages of all lists; each account is applied as soon as its own list is complete."""
    if not due:
        return
    now = ctx.clock.now()
    listings = {account.waba_id: Listing(account, now) for account in due}
    arrived: SimpleQueue[GraphResult] = SimpleQueue()
    ctx.graph.send([page_of(ctx, account, None) for account in due], into=arrived)
    pending = len(due)
    while pending:
        result = arrived.get()
        pending -= 1
        listing = listings[result.call.tag]
        after = _take_page(ctx, listing, result)
        if after is not None and _may_read_on(ctx, listing.account):
            ctx.graph.send([page_of(ctx, listing.account, after)], into=arrived)
            pending += 1


def _may_read_on(ctx: Context, account: Account) -> bool:
    """Take the call for a further page; if there is none left, the list is read anew later.

    A list that was begun may use what reads otherwise leave to writes: half a list tells nothing.
    """
    until = again_if_unlucky(lambda: take_call(ctx, account))
    if until is None:
        return True
    log.warning("list_too_long", waba_id=account.waba_id, again_at=until.isoformat())
    with writing(ctx.database) as conn:
        _put_off(conn, account, until, checks=False, reads=True)
    return False


def take_call(ctx: Context, account: Account) -> datetime | None:
    """Take one call from the budgets; return when there is one again, if there is none left."""
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        purse = open_purse(ctx, conn, [account.waba_id], now)
        until = purse.take(account)
        budgets.spend(conn, purse.spent, now)
    return until


def page_of(ctx: Context, account: Account, after: str | None) -> GraphCall:
    """Return the call that reads one page of an account's list."""
    return GraphCall(
        request=requests.list_numbers(account.waba_id, after=after),
        token=ctx.newest_token_of(account),
        tag=account.waba_id,
    )


def _take_page(ctx: Context, listing: Listing, result: GraphResult) -> str | None:
    """Take one page; return the cursor of the next, or finish the account and return ``None``."""
    failure = result.failure
    if failure is None:
        try:
            page = parse_number_list(result.payload)
        except GraphError as error:
            failure = unreadable(str(error))
    if failure is not None:
        if not refuse_next(ctx, listing.account, result, failure):
            account_failed(ctx, listing.account, "list_numbers", result, failure)
        return None
    if result.dropped_fields:
        waba_id, fields = listing.account.waba_id, ", ".join(result.dropped_fields)
        log.warning("fields_not_told", waba_id=waba_id, fields=fields)
    listing.numbers.extend(page.numbers)
    listing.pages += 1
    listing.is_sound = listing.is_sound and page.is_sound
    if page.after is None:
        _finish(ctx, listing, result)
        return None
    if listing.pages >= MAX_PAGES:
        failure = unreadable("the list does not end")
        account_failed(ctx, listing.account, "list_numbers", result, failure)
        return None
    return page.after


def _finish(ctx: Context, listing: Listing, result: GraphResult) -> None:
    """Apply a list; one that cannot be applied must not keep those of other accounts from it."""
    try:
        again_if_unlucky(lambda: apply_list(ctx, listing, result))
        complete_signups(ctx, listing.account, listing.numbers)
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - one account must never stop the others
        log.exception("list_not_applied", waba_id=listing.account.waba_id)
        failure = unreadable(f"what the list says cannot be stored ({type(error).__name__})")
        account_failed(ctx, listing.account, "list_numbers", result, failure)


def unreadable(message: str) -> Failure:
    """Return the failure of a list that cannot be used."""
    return Failure(
        effect=Effect.REFUSED,
        recovery=RecoveryClass.TRANSIENT,
        message=message,
        remedy="read again by itself; if it stays, report it with the trace id",
    )


def apply_list(ctx: Context, listing: Listing, result: GraphResult) -> None:
    """Apply a complete list to every machine of the account, in one transaction."""
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        rows = {row.id: row for row in finding.load_observable(conn, listing.account.waba_id)}
        told = _match(rows.values(), listing)
        _note_read(ctx, conn, listing, now)
        counts = any(row.state is State.REQUESTED and row.entry is Entry.NEW for row in told)
        if counts:  # slots are, by what the list shows
            onboardings.write_seen(conn, told)
        resting = [row for row in told if row.lease_owner is None]
        snaps = snapshots(ctx, conn, resting, now)
        busy = [snap.row.id for snap in snaps if snap.open_operation is not None]
        onboardings.wake(conn, busy, now, worker=ctx.worker)
        made = plan_each(ctx, [snap for snap in snaps if snap.row.id not in busy], now)
        plans = [due_now(each, now) for _, each in made]
        written = write_plans(ctx, conn, plans, now, read=rows)
        if not counts:
            onboardings.write_seen(conn, [row for row in told if row.id not in written])
        prove_next(ctx, conn, listing.account, now)
        want_certainty(ctx, conn, listing.account.waba_id, listing.read_started_at)
        budgets.write_breakers(conn, breakers_of([result], now))


def _note_read(ctx: Context, conn: Connection, listing: Listing, now: datetime) -> None:
    waba_id, started = listing.account.waba_id, listing.read_started_at
    checked = listing.account.subscribed_at
    if checked is not None and started - checked >= ctx.policy.subscription_check:
        # Whoever unsubscribes the app tells nobody: for as long as lists are read, so is this.
        accounts.want(conn, {}, {waba_id: started})
    there = sum(not is_gone(number) for number in listing.numbers)
    counted = {"numbers_listed": there} if listing.is_sound else {}
    # A callback that was refused since, or before, is not mended by a list.
    mended = listing.account.trouble is not None and not is_refused(listing.account)
    accounts.update_account(
        conn,
        waba_id,
        listed_at=started,
        active=any(is_connected(number) for number in listing.numbers),
        failures=0,
        lease_until=None,
        **counted,
        **({"trouble": None} if mended else {}),
    )
    if there < (listing.account.numbers_listed or 0):
        look_again(conn, now, {waba_id})
    if not listing.is_sound:
        accounts.want(conn, {waba_id: started + _UNSOUND_AGAIN}, {})


def _match(rows: Iterable[Onboarding], listing: Listing) -> list[Onboarding]:
    """Return the rows with what the list says of them; those that know better are left out."""
    started = listing.read_started_at
    by_id = {number.id: number for number in listing.numbers}
    by_key = newest_by_key(listing.numbers)
    told = []
    for row in rows:
        number = by_id.get(row.phone_number_id or "") or by_key.get(row.number_key)
        read_earlier = row.seen_at is not None and row.seen_at >= started
        # Not in the list is not the same as absent: a part of it could not be read, or the
        # number came to be after the read began.
        unsure = number is None and (not listing.is_sound or row.state_since > started)
        if not read_earlier and not unsure:
            told.append(_seen(row, number, started))
    return told


def newest_by_key(numbers: Sequence[PhoneNumber]) -> dict[str, PhoneNumber]:
    """Return the listed numbers by their keys: of one that left and came back, the living one.

    Of two that live it is the one of the later Embedded Signup.
    """
    found: dict[str, PhoneNumber] = {}
    for number in numbers:
        key = number_key(number.display_phone_number or "")
        if key not in found or _is_newer(number, found[key]):
            found[key] = number
    return found


def _is_newer(number: PhoneNumber, other: PhoneNumber) -> bool:
    if is_gone(number) or is_gone(other):
        return is_gone(other) and not is_gone(number)
    ended = number.last_onboarded_time, other.last_onboarded_time
    return ended[0] is not None and (ended[1] is None or ended[0] > ended[1])


def _seen(row: Onboarding, number: PhoneNumber | None, started: datetime) -> Onboarding:
    if number is None:
        absent_since = row.absent_since or started
        return changed(row, seen_at=started, seen_present=False, absent_since=absent_since)
    seen = remembering(row.seen, number)
    return changed(row, seen=seen, seen_at=started, seen_present=True, absent_since=None)
