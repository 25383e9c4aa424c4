"""The purse of a pass: what may still be called, read in the transaction that spends it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.budgets import APP, Purse, waba_key
from onboarding.engine.context import Context
from onboarding.store import budgets, onboardings


def open_purse(ctx: Context, conn: Connection, waba_ids: Iterable[str], now: datetime) -> Purse:
    """Return the purse of the app and of these accounts; four queries however many there are."""
    wanted = sorted(set(waba_ids))
    keys = [APP, *map(waba_key, wanted)]
    used, told = budgets.load_used(conn, keys, now), budgets.load_breakers(conn, keys)
    out = onboardings.count_codes_out(conn, wanted, now - ctx.policy.code_validity)
    urgent = onboardings.count_urgent(conn, now + ctx.policy.urgent_within)
    return Purse(used, told, ctx.policy, now, codes_out=_by_budget(out), urgent=_by_budget(urgent))


def _by_budget(counts: Mapping[str, int]) -> dict[str, int]:
    """Return counts by account as counts by budget; the app's is that of all of them."""
    return {waba_key(waba_id): n for waba_id, n in counts.items()} | {APP: sum(counts.values())}
