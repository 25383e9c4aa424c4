"""Plans of the pool become rows, history, claims and wake-ups, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.pool.model import Claim
from onboarding.core.pool.plan import PoolPlan
from onboarding.core.pool.steps import PoolSnapshot
from onboarding.core.steps import Wait
from onboarding.engine.account_changes import hold_account
from onboarding.engine.context import Context, Ids
from onboarding.engine.pool_stock import watch_stock
from onboarding.store import history, journal, pool_claims, pools

Planned = Sequence[tuple[PoolSnapshot, PoolPlan]]


def write_plans(ctx: Context, conn: Connection, planned: Planned, now: datetime) -> None:
    """Write what plans lead to; their rows were locked in this transaction."""
    if not planned:
        return
    plans = [made for _, made in planned]
    _settle_operations(conn, plans, now)
    pools.write_numbers(conn, [made.row for made in plans])
    heads = {made.row.id: (made.row.history_seq, made.row.head_hash) for made in plans}
    entries = {made.row.id: made.entries for made in plans}
    history.append(conn, entries, heads, history.POOL_NUMBERS)
    pool_claims.write_shares(conn, [share for made in plans for share in made.shares])
    pool_claims.write_claims(conn, list(_claims(plans, now)))
    held = {s.account.waba_id: text for s, made in planned if (text := made.account_hold)}
    for waba_id, text in held.items():
        hold_account(ctx, conn, waba_id, text=text, now=now)
    pools.want_lists(conn, _wanted(plans))
    watch_stock(ctx, conn, _moved(plans), now)


def _claims(plans: Sequence[PoolPlan], now: datetime) -> Iterator[Claim]:
    """Yield each claim as it stands at the end of its plan, new ones with an id."""
    ids = Ids(now)
    for made in plans:
        for claim in {claim.id: claim for claim in made.claims}.values():
            yield claim if claim.id else replace(claim, id=ids.next())


def _moved(plans: Sequence[PoolPlan]) -> set[tuple[str, str]]:
    """Return the pools and countries in which a number changed its state."""
    return {
        (made.row.business_id, made.row.region)
        for made in plans
        if made.row.state is not made.before.state
    }


def _settle_operations(conn: Connection, plans: Sequence[PoolPlan], now: datetime) -> None:
    journal.write_results(
        conn,
        [
            journal.Result(
                id=operation.id,
                status=status,
                outcome=operation.outcome,
                outcome_at=now,
                applied=True,
                resolved_by=resolved_by,
            )
            for made in plans
            for operation, status, resolved_by in made.settled
        ],
    )
    journal.mark_applied(conn, [op.id for made in plans for op in made.applied])


def _wanted(plans: Sequence[PoolPlan]) -> dict[str, datetime]:
    wanted: dict[str, datetime] = {}
    for made in plans:
        step, business_id = made.step, made.row.business_id
        if isinstance(step, Wait) and (at := step.observe_at) is not None:
            wanted[business_id] = min(at, wanted.get(business_id, at))
    return wanted
