"""Changes of an account that its history tells of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onboarding.core.chain import Entry
from onboarding.core.events import account_due, account_event
from onboarding.core.telling import TOKEN
from onboarding.engine.announcing import announce
from onboarding.engine.context import Context
from onboarding.model import Account, AlertKind, EventType, Reason
from onboarding.store import accounts, alerts, history, outbox
from onboarding.store.alerts import Alert

OPEN, HELD = "open", "held"

#: What an account looks like without a hold, and once something succeeded.
IN_ORDER: dict[str, Any] = {
    "hold": None, "hold_text": None, "hold_by": None, "hold_since": None, "trouble": None,
    "failures": 0,
}  # fmt: skip


def hold_account(
    ctx: Context,
    conn: Connection,
    waba_id: str,
    *,
    text: str,
    now: datetime,
    changes: dict[str, Any] | None = None,
) -> None:
    """Put an account on hold until a person mends it, once however many numbers find it dead."""
    if accounts.load_accounts(conn, [waba_id], lock=True)[waba_id].hold is not None:
        if changes:
            accounts.update_account(conn, waba_id, **changes)
        return
    hold = {
        "hold": Reason.ACCOUNT_HELD, "hold_text": text, "hold_by": "engine", "hold_since": now,
    }  # fmt: skip
    change_account(
        ctx,
        conn,
        waba_id,
        "account_held",
        reason=text,
        actor="engine",
        now=now,
        changes={**(changes or {}), **hold},
    )


def change_account(
    ctx: Context,
    conn: Connection,
    waba_id: str,
    note: str,
    *,
    reason: str,
    actor: str,
    now: datetime,
    changes: dict[str, Any],
) -> Account:
    """Write an account's changes together with the entry that tells of them.

    Args:
        ctx: the engine's parts.
        conn: an open transaction.
        waba_id: which account.
        note: what happened, as the history names it.
        reason: why, in words; never a token.
        actor: who asked, or ``engine``.
        now: business time.
        changes: fields of the account.

    Returns:
        The account as it is now.
    """
    before = accounts.load_accounts(conn, [waba_id], lock=True)[waba_id]
    accounts.update_account(conn, waba_id, **changes)
    after = accounts.load_accounts(conn, [waba_id])[waba_id]
    entry = Entry(
        at=now,
        trigger=note,
        source=_standing(before) if before.history_seq else "",
        dest=_standing(after),
        actor=actor,
        reason=reason,
    )
    heads = {waba_id: (before.history_seq, before.head_hash)}
    history.append(conn, {waba_id: [entry]}, heads, history.ACCOUNTS)
    _tell(ctx, conn, before, after, entry)
    return after


def _tell(ctx: Context, conn: Connection, before: Account, after: Account, entry: Entry) -> None:
    """Tell of a hold that begins or ends: one alert for an account, however many numbers it has."""
    waba_id, now = after.waba_id, entry.at
    if before.hold is None and after.hold is not None:
        told = account_event(EventType.ACCOUNT_HELD, after, account_due(after), now)
        announce(ctx, conn, [told])
        alerts.open_alerts(conn, list(held(ctx, [after])))
    elif before.hold is not None and after.hold is None:
        facts = {"reason": entry.reason, "by": entry.actor}
        announce(ctx, conn, [account_event(EventType.ACCOUNT_RELEASED, after, facts, now)])
        alerts.close_alerts(conn, [waba_id], [AlertKind.ACCOUNT], now)
        outbox.cancel(conn, [(waba_id, AlertKind.ACCOUNT)], "the account goes on")


def held(ctx: Context, of: Iterable[Account]) -> Iterator[Alert]:
    """Yield the alert of each account that is on hold."""
    rule = ctx.rules.overdue.get(TOKEN)
    for account in of:
        if account.hold is not None and account.hold_since is not None and rule is not None:
            yield Alert(
                kind=AlertKind.ACCOUNT,
                subject=account.waba_id,
                what=TOKEN,
                since=account.hold_since,
                next_at=account.hold_since + rule.longer_than,
            )


def _standing(account: Account) -> str:
    return OPEN if account.hold is None else HELD
