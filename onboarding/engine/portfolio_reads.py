"""What a WABA tells of its portfolio: which one it is, and whether Meta takes more numbers in it.

It is asked where no setting and no word of Meta's says the bound: once before the first number is
created, and again whenever numbers wait for a slot that the larger bound would give them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onboarding.core.slots import RAISED, is_raised, is_unread
from onboarding.engine.account_changes import change_account
from onboarding.engine.context import Context
from onboarding.engine.slots import look_again
from onboarding.errors import GraphError
from onboarding.graph import requests
from onboarding.graph.calls import GraphCall, GraphResult
from onboarding.graph.responses import Waba, parse_waba
from onboarding.model import Account, Reason
from onboarding.store import accounts, leases
from onboarding.store.database import writing
from onboarding.telemetry import log


def asks_for_portfolio(ctx: Context, account: Account, queued: Mapping[str, int]) -> bool:
    """Whether a read of the WABA may tell of a bound that nothing else tells of."""
    is_said = (
        ctx.policy.numbers_per_business is not None or account.numbers_per_business is not None
    )
    waits = account.portfolio_raised is False and queued.get(account.waba_id, 0) > 0
    return is_unread(account, ctx.policy) or (waits and not is_said)


def read_portfolios(ctx: Context, asked: Sequence[Account]) -> None:
    """Ask these WABAs for their portfolios; one that does not tell leaves the smaller bound."""
    calls = [
        GraphCall(
            request=requests.read_waba(account.waba_id, fields=requests.PORTFOLIO_FIELDS),
            token=ctx.newest_token_of(account),
            tag=account.waba_id,
        )
        for account in asked
    ]
    for result in ctx.graph.send(calls) if calls else ():
        now, waba_id = ctx.clock.now(), result.call.tag
        with writing(ctx.database) as conn:
            leases.wake_account(conn, waba_id, now, (Reason.SUBSCRIBING,))
            note_portfolio(ctx, conn, waba_id, _waba(result), now)


def _waba(result: GraphResult) -> Waba:
    """Return what was told; where nothing was, the number that waits for a slot asks again."""
    waba_id = result.call.tag
    try:
        if result.failure is None:
            return parse_waba(result.payload)
    except GraphError:
        pass
    log.warning("portfolio_not_told", waba_id=waba_id)
    return Waba(id=waba_id)


def note_portfolio(ctx: Context, conn: Connection, waba_id: str, waba: Waba, now: datetime) -> None:
    """Keep what a read of a WABA told of its portfolio; the history tells what is new of it."""
    account = accounts.load_accounts(conn, [waba_id], lock=True)[waba_id]
    raised = is_raised(waba.business_verification_status, waba.messaging_limit)
    changes: dict[str, Any] = {"portfolio_raised": raised}
    words = []
    if account.business_id is None and waba.owner_business_id is not None:
        changes["business_id"] = waba.owner_business_id
        words.append(f"it belongs to business {waba.owner_business_id}")
    if raised and not account.portfolio_raised:
        words.append(f"its portfolio takes {RAISED} numbers")
    if not words:
        if account.portfolio_raised is not raised:
            accounts.update_account(conn, waba_id, **changes)
        return
    change_account(
        ctx,
        conn,
        waba_id,
        "portfolio_read",
        reason=", and ".join(words),
        actor="meta",
        now=now,
        changes=changes,
    )
    look_again(conn, now, {waba_id})
