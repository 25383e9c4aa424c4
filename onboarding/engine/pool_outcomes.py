"""What came of the calls of pools, and what follows from it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import chain, repeat

from sqlalchemy import Connection

from onboarding.core.pool.model import PoolNumber
from onboarding.engine.breakers import breakers_of
from onboarding.engine.context import Context
from onboarding.engine.crash_points import ANSWERED, APPLIED, OUTCOME_WRITTEN, reach
from onboarding.engine.pool_looking import plan_each, pool_snapshots
from onboarding.engine.pool_writing import write_plans
from onboarding.engine.sending import outcome_of, status_of
from onboarding.errors import StoreError
from onboarding.graph.calls import GraphResult
from onboarding.model import JournaledOperation
from onboarding.store import budgets, journal, pools
from onboarding.store.database import again_if_unlucky, writing
from onboarding.telemetry import log

#: Seconds between tries while the database cannot be used; the last one repeats.
_PAUSES_S = (0.1, 0.5, 2.0, 5.0)

Answered = tuple[PoolNumber, JournaledOperation | None, GraphResult]


def write_outcomes(ctx: Context, group: Sequence[Answered]) -> None:
    """Write what came of a group of calls, in one transaction.

    While the database cannot be used the group is kept and tried again, until the calls are
    settled by probe anyway.
    """
    names = [operation.name for _, operation, _ in group if operation is not None]
    reach(ANSWERED, names)
    give_up_at = time.monotonic() + ctx.policy.settle.total_seconds()
    for pause in chain(_PAUSES_S, repeat(_PAUSES_S[-1])):
        try:
            _write_split(ctx, group)
        except StoreError as error:
            if time.monotonic() + pause > give_up_at:
                log.error("outcomes_not_written", calls=len(group), error=str(error))
                return
            log.warning("outcomes_delayed", calls=len(group), error=str(error))
            time.sleep(pause)
        else:
            reach(APPLIED, names)
            return


def _write_split(ctx: Context, group: Sequence[Answered]) -> None:
    """Write a group; one that is refused is split: a bad row must not take others with it."""
    try:
        again_if_unlucky(lambda: _write(ctx, group))
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - one machine must never stop the others
        if len(group) == 1:
            id_ = group[0][2].call.tag
            log.exception("outcome_not_written", operation=id_, error=type(error).__name__)
            return
        half = len(group) // 2
        _write_split(ctx, group[:half])
        _write_split(ctx, group[half:])
    else:
        _log_troubles(group)


def _write(ctx: Context, group: Sequence[Answered]) -> None:
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        rows = pools.load_numbers(conn, sorted({row.id for row, _, _ in group}), lock=True)
        results = {result.call.tag: _result(ctx, result) for _, _, result in group}
        open_ids = journal.write_results(conn, list(results.values()))
        journal.keep_late(conn, [r for id_, r in results.items() if id_ not in open_ids])
        _plan(ctx, conn, list(rows.values()))
        budgets.write_breakers(
            conn, breakers_of(ctx.vault, (result for _, _, result in group), now)
        )
        reach(OUTCOME_WRITTEN, (op.name for _, op, _ in group if op is not None))


def _plan(ctx: Context, conn: Connection, rows: Sequence[PoolNumber]) -> None:
    now = ctx.clock.now()
    planned = plan_each(ctx, pool_snapshots(ctx, conn, rows, now), now)
    write_plans(ctx, conn, planned, now)


def _result(ctx: Context, result: GraphResult) -> journal.Result:
    outcome = outcome_of(result)
    return journal.Result(
        id=result.call.tag,
        status=status_of(outcome),
        outcome=outcome,
        outcome_at=ctx.clock.now(),
        applied=False,
        resolved_by="response",
    )


def _log_troubles(group: Sequence[Answered]) -> None:
    for row, operation, result in group:
        failure = result.failure
        if failure is not None and operation is not None:
            log.warning(
                "call_failed",
                operation=operation.name.value,
                pool_number=row.id,
                effect=failure.effect.value,
                recovery=failure.recovery.value,
                error_code=failure.code,
                error_subcode=failure.subcode,
                fbtrace_id=failure.fbtrace_id,
                message=failure.message,
            )
