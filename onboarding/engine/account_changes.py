"""Changes of an account that its history tells of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onboarding.core.chain import Entry
from onboarding.model import Account, Reason
from onboarding.store import accounts, history

OPEN, HELD = "open", "held"

#: What an account looks like without a hold, and once something succeeded.
IN_ORDER: dict[str, Any] = {
    "hold": None, "hold_text": None, "hold_by": None, "hold_since": None, "trouble": None,
    "failures": 0,
}  # fmt: skip


def hold_account(
    conn: Connection, waba_id: str, text: str, now: datetime, changes: dict[str, Any] | None = None
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
        conn,
        waba_id,
        "account_held",
        reason=text,
        actor="engine",
        now=now,
        changes={**(changes or {}), **hold},
    )


def change_account(
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
    return after


def _standing(account: Account) -> str:
    return OPEN if account.hold is None else HELD
