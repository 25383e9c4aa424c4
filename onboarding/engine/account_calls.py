"""Calls about an account alone whose worker died: nothing waits for their answers any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from onboarding.engine.code_exchange import note_lost
from onboarding.engine.context import Context
from onboarding.model import Account, Operation
from onboarding.store import accounts, journal


def settle_account_calls(
    ctx: Context, conn: Connection, claimed: Sequence[Account], now: datetime
) -> set[str]:
    """Give up the calls of these accounts that can be on their way no more.

    Those that still can be are looked at again when they cannot.

    Returns:
        The accounts that are on hold since: a code was lost, and there is no token.
    """
    if not claimed:
        return set()
    left = journal.load_open_of_accounts(conn, [account.waba_id for account in claimed])
    accounts.want(conn, {}, {op.waba_id: op.settle_at for op in left if op.settle_at > now})
    gone = journal.abandon(conn, [op.id for op in left if op.settle_at <= now], now)
    codes = [op for op in left if op.id in gone and op.name is Operation.EXCHANGE_CODE]
    note_lost(ctx, conn, codes, now)
    after = accounts.load_accounts(conn, [op.waba_id for op in codes])
    return {waba_id for waba_id, account in after.items() if account.hold is not None}
