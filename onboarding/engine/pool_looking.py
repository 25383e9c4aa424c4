"""From rows of the pool to snapshots, with a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.lifecycle import FINAL
from onboarding.core.pool.model import Claim, PoolNumber
from onboarding.core.pool.plan import PoolPlan, parked, plan
from onboarding.core.pool.steps import PoolSnapshot
from onboarding.core.steps import Attempts
from onboarding.engine.context import Context
from onboarding.engine.restoring import restore_of
from onboarding.model import JournaledOperation, Onboarding
from onboarding.store import accounts, journal, pool_claims, pools
from onboarding.telemetry import log


def pool_snapshots(
    ctx: Context, conn: Connection, rows: Sequence[PoolNumber], now: datetime
) -> list[PoolSnapshot]:
    """Return a snapshot of each row, in the same order.

    The accounts are locked: what follows may change them, and budgets are locked after accounts.
    """
    if not rows:
        return []
    ids = [row.id for row in rows]
    payers = {id_: pool.waba_id for id_, pool in pools.load_pools(conn).items()}
    known = accounts.load_accounts(conn, sorted(set(payers.values())), lock=True)
    shares, claims = pool_claims.load_shares(conn, ids), pool_claims.load_live_claims(conn, ids)
    found = pools.claimants(conn, rows)
    pressing: dict[str, list[JournaledOperation]] = {}
    for operation in journal.load_pressing_of_pool(conn, ids):
        pressing.setdefault(operation.pool_number_id or "", []).append(operation)
    restore = restore_of(conn, now)
    reach = max(window for _, window in ctx.policy.windows.values())
    made = journal.load_attempts(conn, sorted({row.number_key for row in rows}), now - reach)
    forgotten = (restore.at, ctx.policy.forgotten) if restore else ()
    return [
        PoolSnapshot(
            row=row,
            account=known[payers[row.business_id]],
            shares=tuple(shares.get(row.id, ())),
            claim=claims.get(row.id),
            claimant=_claimant(claims.get(row.id), found.get(row.number_key, ())),
            open_operation=next((op for op in pressing.get(row.id, ()) if op.is_open), None),
            unapplied=tuple(
                op for op in pressing.get(row.id, ()) if not op.applied and op.outcome is not None
            ),
            attempts=Attempts(made.get(row.number_key, ()), *forgotten),
            intake_answers=_answers(ctx, row),
            restore=restore,
        )
        for row in rows
    ]


def _claimant(claim: Claim | None, found: Iterable[Onboarding]) -> Onboarding | None:
    """Return the onboarding that has claimed a number, or that the number seems to have gone to."""
    if claim is not None and claim.onboarding_id is not None:
        return next((row for row in found if row.id == claim.onboarding_id), None)
    return next((row for row in found if row.state not in FINAL), None)


def _answers(ctx: Context, row: PoolNumber) -> bool:
    """Whether an intake reads codes for numbers of the pool; only one that says so does."""
    for intake in ctx.intakes:
        asked = getattr(intake, "answers_pool", None)
        try:
            if asked is not None and asked(row):
                return True
        except Exception:  # noqa: BLE001 - code of others; one machine must never stop the others
            log.exception("intake_failed", pool_number=row.id, intake=type(intake).__name__)
    return False


def plan_each(
    ctx: Context, snaps: Iterable[PoolSnapshot], now: datetime
) -> list[tuple[PoolSnapshot, PoolPlan]]:
    """Plan numbers; one that the rules fail on is put on hold and stops no other."""
    made = []
    for snap in snaps:
        try:
            made.append((snap, plan(snap, now, ctx.policy)))
        except Exception as error:  # noqa: BLE001 - one machine must never stop the others
            log.exception("plan_failed", pool_number=snap.row.id, state=snap.row.state.value)
            why = f"the rules fail on it ({type(error).__name__}); this is a fault of ours"
            made.append((snap, parked(snap, now, why)))
    return made
