"""Changes of an account that its history tells of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from onboarding.core.account_events import account_due, account_event
from onboarding.core.chain import Entry
from onboarding.core.telling import TOKEN
from onboarding.engine.announcing import announce
from onboarding.engine.context import Context
from onboarding.model import Account, AlertKind, EventType, Reason
from onboarding.store import accounts, alerts, history, leases, outbox
from onboarding.store.alerts import Alert

OPEN, HELD = "open", "held"

#: What an account looks like without a hold, and once something succeeded.
IN_ORDER: dict[str, Any] = {
    "hold": None, "hold_text": None, "hold_by": None, "hold_since": None, "trouble": None,
    "failures": 0,
}  # fmt: skip


#: What is forgotten of the token before.
FRESH: dict[str, Any] = {**IN_ORDER, "dead_token_mac": None, "token_facts": None}

#: What an account looks like when no other token waits to be proven.
NO_NEXT: dict[str, Any] = {"next_token_sealed": None, "next_token_source": None}

#: A source that gave a dead token is looked at again: soon at first, then every ten minutes.
_SOON, _LATER = timedelta(minutes=1), timedelta(minutes=10)


def source_due_at(held_since: datetime, now: datetime) -> datetime:
    """Return when the source of a held account's token is to be looked at again."""
    return now + (_SOON if now - held_since < timedelta(hours=1) else _LATER)


def next_takes_over(
    ctx: Context, conn: Connection, known: Account, *, reason: str, now: datetime, **more: Any
) -> Account:
    """Let the token that waited take the place of the one before, and everything go on."""
    leases.wake_account(conn, known.waba_id, now, (Reason.ACCOUNT_HELD,))
    taken = {
        "token_sealed": known.next_token_sealed or "",
        "token_source": known.next_token_source,
    }
    return change_account(
        ctx,
        conn,
        known.waba_id,
        "token_replaced",
        reason=reason,
        actor="engine",
        now=now,
        changes={**more, **taken, **NO_NEXT, **FRESH},
    )


def credential(account: Account) -> tuple[str, str | None]:
    """Return what tells one token of an account from the next, without opening it."""
    return account.token_sealed, account.token_source


def hold_account(
    ctx: Context,
    conn: Connection,
    waba_id: str,
    *,
    text: str,
    now: datetime,
    changes: dict[str, Any] | None = None,
    used: Account | None = None,
) -> None:
    """Put an account on hold until a person mends it, once however many numbers find it dead.

    Another token that waits to be proven is tried first; a place that the token is read from is
    looked at again, as it may give another one. That a token was refused which was replaced since
    says nothing of the present one: ``used`` is the account as the call was made for it.
    """
    known = accounts.load_accounts(conn, [waba_id], lock=True)[waba_id]
    is_old_news = used is not None and credential(used) != credential(known)
    if known.hold is not None or is_old_news:
        if changes:
            accounts.update_account(conn, waba_id, **changes)
        return
    if known.has_next_token:
        more = {**(changes or {}), "observe_due_at": now}
        reason = f"the one before was refused: {text}"
        next_takes_over(ctx, conn, known, reason=reason, now=now, **more)
        return
    hold = {
        "hold": Reason.ACCOUNT_HELD, "hold_text": text, "hold_by": "engine", "hold_since": now,
    }  # fmt: skip
    if (source := known.token_source) is not None:
        dead = ctx.sources.kept(source)
        hold["hold_text"] = ctx.sources.problem(source) or text
        hold["dead_token_mac"] = ctx.vault.mac("token", dead) if dead else None
        hold["observe_due_at"] = source_due_at(now, now)
    change_account(
        ctx,
        conn,
        waba_id,
        "account_held",
        reason=text,
        actor="engine",
        now=now,
        # What failed before is not why it is held; whoever knows why says so.
        changes={"trouble": None, **(changes or {}), **hold},
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
    if before.token_facts is not None and after.token_facts is None:
        close_expiry(conn, waba_id, now)
    if before.hold is None and after.hold is not None:
        told = account_event(EventType.ACCOUNT_HELD, after, account_due(after), now)
        announce(ctx, conn, [told])
        alerts.open_alerts(conn, list(held(ctx, [after])))
    elif before.hold is not None and after.hold is None:
        facts = {"reason": entry.reason, "by": entry.actor}
        announce(ctx, conn, [account_event(EventType.ACCOUNT_RELEASED, after, facts, now)])
        alerts.close_alerts(conn, [waba_id], [AlertKind.ACCOUNT], now)
        outbox.cancel(conn, [(waba_id, AlertKind.ACCOUNT)], "the account goes on")


def close_expiry(conn: Connection, waba_id: str, now: datetime) -> None:
    """Tell nobody any more that a token comes to its end."""
    alerts.close_alerts(conn, [waba_id], [AlertKind.TOKEN_EXPIRY], now)
    outbox.cancel(conn, [(waba_id, AlertKind.TOKEN_EXPIRY)], "the token was replaced")


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
