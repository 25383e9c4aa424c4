"""The purse of a pass: what may still be called, read in the transaction that spends it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.budgets import APP, Purse, waba_key
from onboarding.engine.context import Context
from onboarding.store import budgets, onboardings


def open_purse(ctx: Context, conn: Connection, waba_ids: Iterable[str], now: datetime) -> Purse:
    """Return the purse of the app and of these accounts; three queries however many there are."""
    wanted = sorted(set(waba_ids))
    keys = [APP, *map(waba_key, wanted)]
    used, told = budgets.load_used(conn, keys, now), budgets.load_breakers(conn, keys)
    out = onboardings.count_codes_out(conn, wanted, now - ctx.policy.code_validity)
    codes_out = {waba_key(waba_id): count for waba_id, count in out.items()}
    return Purse(used, told, ctx.policy, now, codes_out | {APP: sum(out.values())})
