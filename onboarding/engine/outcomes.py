"""The third transaction of a step: what came of calls, and what follows from it."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import chain, repeat

from sqlalchemy import Connection

from onboarding.core.plan import Plan
from onboarding.engine.account_changes import credential
from onboarding.engine.breakers import breakers_of
from onboarding.engine.context import Context
from onboarding.engine.crash_points import ANSWERED, APPLIED, OUTCOME_WRITTEN, reach
from onboarding.engine.intents import Sent
from onboarding.engine.looking import plan_each, snapshots
from onboarding.engine.sending import outcome_of, status_of
from onboarding.engine.slots import note_full
from onboarding.engine.writing import due_now, write_plans
from onboarding.errors import StoreError
from onboarding.graph.calls import GraphResult
from onboarding.model import Account, JournaledOperation, RecoveryClass, changed
from onboarding.store import budgets, journal, leases, onboardings
from onboarding.store.database import again_if_unlucky, writing
from onboarding.telemetry import log

#: Outcomes are committed in groups: at most so many, and none waits longer than this.
GROUP, GROUP_WAIT_S = 200, 0.05

#: Seconds between tries while the database cannot be used; the last one repeats.
_PAUSES_S = (0.1, 0.5, 2.0, 5.0)

Group = Sequence[tuple[Sent, GraphResult]]


def write_outcomes(ctx: Context, group: Group) -> None:
    """Write what came of a group of calls, in one transaction.

    While the database cannot be used the group is kept and tried again, until the calls are
    settled by probe anyway: an answer that is lost is a call that may be made twice.
    """
    names = [sent.operation.name for sent, _ in group]
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


def _write_split(ctx: Context, group: Group) -> None:
    """Write a group; one that is refused is split: a bad row must not take others with it.

    A single one that is refused stays journaled as pending, and is settled by probe.
    """
    try:
        again_if_unlucky(lambda: _write_group(ctx, group))
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - one machine must never stop the others
        if len(group) == 1:
            id_ = group[0][0].operation.id
            log.exception("outcome_not_written", operation=id_, error=type(error).__name__)
            return
    else:
        _log_troubles(group)
        return
    # Not while the error is handled: what it still refers to may hold a lock.
    half = len(group) // 2
    _write_split(ctx, group[:half])
    _write_split(ctx, group[half:])


def _write_group(ctx: Context, group: Group) -> None:
    with writing(ctx.database) as conn:
        _write(ctx, conn, group)


def _write(ctx: Context, conn: Connection, group: Group) -> None:
    now = ctx.clock.now()
    expected = {sent.row.id: sent.row.version for sent, _ in group}
    rows = onboardings.load_onboardings(conn, list(expected), lock=True)
    ours = [row for id_, row in rows.items() if row.version == expected[id_]]
    moved = {id_ for id_, row in rows.items() if row.version != expected[id_]}
    answered = _write_results(conn, group, moved, now)
    leases.wake(conn, sorted(moved), now, worker=ctx.worker)
    waba_ids = {sent.operation.id: sent.operation.waba_id for sent, _ in group}
    note_full(ctx, conn, (result for _, result in group), waba_ids)
    made = plan_each(ctx, snapshots(ctx, conn, ours, now, answered=answered), now)
    by_row = {sent.row.id: sent for sent, _ in group}
    plans = [_heeding(snap.account, each, by_row[snap.row.id], now) for snap, each in made]
    written = write_plans(ctx, conn, [due_now(each, now) for each in plans], now)
    # An answer that the rules failed on is not applied, and neither is one that lost its fence.
    applied = {op.id for each in plans if each.row.id in written for op in each.applied}
    left = [op.id for op in answered.values() if op.id not in applied]
    journal.mark_applied(conn, left, applied=False)
    budgets.write_breakers(conn, breakers_of(ctx.vault, (result for _, result in group), now))
    reach(OUTCOME_WRITTEN, (sent.operation.name for sent, _ in group))


def _heeding(account: Account, made: Plan, sent: Sent, now: datetime) -> Plan:
    """Return the plan; that a token was refused which was replaced since holds no account."""
    if made.account_hold is not None and credential(sent.account) != credential(account):
        made.account_hold = None
        made.row = changed(made.row, next_due_at=now)
    return made


def _write_results(
    conn: Connection, group: Group, moved: Collection[str], now: datetime
) -> dict[str, JournaledOperation]:
    """Write what came of the calls: as applied already where nobody moved the onboarding.

    Returns:
        Those operations as they stand now, by onboarding.
    """
    results = {
        sent.operation.id: _result(sent, result, now, applied=sent.row.id not in moved)
        for sent, result in group
    }
    open_ids = journal.write_results(conn, list(results.values()))
    journal.keep_late(conn, [result for id_, result in results.items() if id_ not in open_ids])
    return {
        sent.row.id: journal.answered(sent.operation, results[sent.operation.id])
        for sent, _ in group
        if sent.operation.id in open_ids and sent.row.id not in moved
    }


def _result(sent: Sent, result: GraphResult, now: datetime, *, applied: bool) -> journal.Result:
    outcome = outcome_of(result)
    return journal.Result(
        id=sent.operation.id,
        status=status_of(outcome),
        outcome=outcome,
        outcome_at=now,
        applied=applied,
        resolved_by="response",
    )


def _log_troubles(group: Group) -> None:
    for sent, result in group:
        failure = result.failure
        if failure is None:
            continue
        level = log.error if failure.recovery is RecoveryClass.BUG else log.warning
        level(
            "call_failed",
            operation=sent.operation.name.value,
            onboarding=sent.row.id,
            effect=failure.effect.value,
            recovery=failure.recovery.value,
            error_code=failure.code,
            error_subcode=failure.subcode,
            fbtrace_id=failure.fbtrace_id,
            message=failure.message,
        )
