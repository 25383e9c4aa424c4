"""Reading a WABA's list at once, because a person asks; within the budgets, as ever."""

from __future__ import annotations

from onboarding.engine.account_trouble import account_failed
from onboarding.engine.context import Context
from onboarding.engine.listing import (
    MAX_PAGES,
    Listing,
    apply_list,
    page_of,
    take_call,
    unreadable,
)
from onboarding.engine.restoring import notice
from onboarding.engine.token_changes import refuse_next
from onboarding.errors import GraphError, NotFoundError, TransitionRefusedError
from onboarding.graph.calls import GraphResult
from onboarding.graph.responses import parse_number_list
from onboarding.model import Account, Failure
from onboarding.store import accounts
from onboarding.store.database import again_if_unlucky, reading


def require_accounts(ctx: Context, waba_ids: list[str] | None) -> list[Account]:
    """Return these accounts, or all of them.

    Raises:
        NotFoundError: one of them is not known.
    """
    with reading(ctx.database) as conn:
        known = accounts.load_accounts(conn)
    for waba_id in waba_ids or ():
        if waba_id not in known:
            raise NotFoundError(
                f"the WABA '{waba_id}' is not known here",
                hint=f"run: onboarding account add {waba_id}",
            )
    return [known[waba_id] for waba_id in dict.fromkeys(waba_ids or known)]


def read_now(ctx: Context, account: Account) -> Listing:
    """Read an account's list to its end and apply it to its onboardings; return what it says.

    Raises:
        GraphError: Meta refused, or could not be reached; nothing changed.
        TransitionRefusedError: the account is on hold, or its budget of calls is spent.
    """
    if account.hold is not None:
        raise TransitionRefusedError(
            f"WABA {account.waba_id} is on hold: {account.hold_text}",
            hint=f"run: onboarding account check {account.waba_id}",
        )
    notice(ctx)
    listing = Listing(account, ctx.clock.now())
    after: str | None = None
    while True:
        result = _call(ctx, account, after)
        after = _take(ctx, listing, result)
        if after is None:
            break
    again_if_unlucky(lambda: apply_list(ctx, listing, result))
    return listing


def _call(ctx: Context, account: Account, after: str | None) -> GraphResult:
    until = again_if_unlucky(lambda: take_call(ctx, account))
    if until is not None:
        raise TransitionRefusedError(
            f"the calls of WABA {account.waba_id} are used up until {until:%Y-%m-%d %H:%M} UTC",
            hint="try again then; a worker reads the list by itself",
        )
    result = ctx.graph.send_one(page_of(ctx, account, after))
    if result.failure is not None:
        raise _failed(ctx, account, result, result.failure)
    return result


def _take(ctx: Context, listing: Listing, result: GraphResult) -> str | None:
    """Take one page; return the cursor of the next."""
    try:
        page = parse_number_list(result.payload)
    except GraphError as error:
        raise _failed(ctx, listing.account, result, unreadable(str(error))) from None
    listing.numbers.extend(page.numbers)
    listing.pages += 1
    listing.is_sound = listing.is_sound and page.is_sound
    if listing.pages >= MAX_PAGES and page.after is not None:
        failure = unreadable("the list does not end")
        raise _failed(ctx, listing.account, result, failure)
    return page.after


def _failed(ctx: Context, account: Account, result: GraphResult, failure: Failure) -> GraphError:
    if not refuse_next(ctx, account, result, failure):
        account_failed(ctx, account, "list_numbers", result, failure)
    return GraphError(
        f"WABA {account.waba_id}: {failure.message}",
        code=failure.code,
        subcode=failure.subcode,
        fbtrace_id=failure.fbtrace_id,
        hint=failure.remedy,
    )
