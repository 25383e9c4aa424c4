"""The purse of a pass: what may still be called, read in the transaction that spends it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.budgets import APP, Purse, waba_key
from onboarding.engine.breakers import load_breakers
from onboarding.engine.context import Context
from onboarding.store import budgets, purses


def open_purse(ctx: Context, conn: Connection, waba_ids: Iterable[str], now: datetime) -> Purse:
    """Return the purse of the app and of these accounts, which nobody else may open meanwhile.

    A batch is a worker's slice of them: it takes what it needs at once, and so rarely waits. The
    queries are the same however many accounts there are. Whoever locks accounts does so before.
    """
    wanted = sorted(set(waba_ids))
    keys = [APP, *map(waba_key, wanted)]
    budgets.lock(conn, keys)
    counts = purses.load_counts(
        conn,
        keys,
        now=now,
        codes_since=now - ctx.policy.code_validity,
        before=now + ctx.policy.urgent_within,
    )
    return Purse(
        counts.used,
        load_breakers(ctx, conn, wanted, now),
        ctx.policy,
        now,
        codes_out=_by_budget(counts.codes_out),
        urgent=_by_budget(counts.refused),
        waiting=counts.refused.keys(),
    )


def _by_budget(counts: Mapping[str, int]) -> dict[str, int]:
    """Return counts by account as counts by budget; the app's is that of all of them."""
    return {waba_key(waba_id): n for waba_id, n in counts.items()} | {APP: sum(counts.values())}
