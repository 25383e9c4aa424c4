"""The lists of WABAs: read page by page, and applied to all their machines at once.

A failed or slow read changes nothing. A complete one is applied in one transaction; machines in
the middle of a call only store what was seen and are woken, so that the call's own outcome, or
the probe, decides with it; those that a newer release wrote as well, for a newer worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from queue import SimpleQueue

from sqlalchemy import Connection

from onboarding.core.listed import lay_beside
from onboarding.core.seen import is_connected, is_gone
from onboarding.engine.account_trouble import account_failed
from onboarding.engine.breakers import breakers_of
from onboarding.engine.callbacks import is_refused
from onboarding.engine.context import Context
from onboarding.engine.definition import is_newer
from onboarding.engine.looking import plan_each, snapshots
from onboarding.engine.purses import open_purse
from onboarding.engine.restoring import want_certainty
from onboarding.engine.signup_results import complete_signups
from onboarding.engine.slots import look_again
from onboarding.engine.token_changes import prove_next, refuse_next
from onboarding.engine.writing import due_now, write_plans
from onboarding.errors import GraphError, StoreError
from onboarding.graph import requests
from onboarding.graph.calls import GraphCall, GraphResult
from onboarding.graph.responses import parse_number_list
from onboarding.model import Account, Effect, Entry, Failure, PhoneNumber, RecoveryClass, State
from onboarding.store import accounts, budgets, finding, leases, onboardings
from onboarding.store.database import again_if_unlucky, writing
from onboarding.telemetry import log

#: When a list is read again of which a part could not be read.
_UNSOUND_AGAIN = timedelta(minutes=15)

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


def read_lists(ctx: Context, due: Sequence[Account]) -> None:
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
        accounts.update_account(conn, account.waba_id, lease_until=None, observe_due_at=until)
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
        told = lay_beside(
            rows.values(), listing.numbers, listing.read_started_at, is_sound=listing.is_sound
        )
        _note_read(ctx, conn, listing, now)
        counts = any(row.state is State.REQUESTED and row.entry is Entry.NEW for row in told)
        if counts:  # slots are, by what the list shows
            onboardings.write_seen(conn, told)
        resting = [row for row in told if row.lease_owner is None]
        snaps = snapshots(ctx, conn, resting, now)
        left = [s.row.id for s in snaps if s.open_operation is not None or is_newer(s.row)]
        leases.wake(conn, left, now, worker=ctx.worker)
        made = plan_each(ctx, [snap for snap in snaps if snap.row.id not in left], now)
        plans = [due_now(each, now) for _, each in made]
        written = write_plans(ctx, conn, plans, now, read=rows)
        if not counts:
            onboardings.write_seen(conn, [row for row in told if row.id not in written])
        prove_next(ctx, conn, listing.account, now)
        want_certainty(ctx, conn, listing.account.waba_id, listing.read_started_at)
        budgets.write_breakers(conn, breakers_of(ctx.vault, [result], now))


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
