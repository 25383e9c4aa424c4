"""One pass over what is due: claim, decide, intent, send, outcome.

Three short transactions, and none of them is open while a request is on its way:

1. claim: the machines are this worker's for the length of a lease;
2. decide and intent: what will be sent is journaled, its budget is spent, and the machine's
   wake-up is set to the end of the settle window. From here on a crash cannot hide a call;
3. outcome: by operation id, so that the fact of a call is kept whatever else happened, then the
   machine itself under its fence.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from onboarding.core.plan import Plan, parked, waiting
from onboarding.core.steps import Call, Snapshot, Wait
from onboarding.engine.context import DEFINITION, Context, Ids
from onboarding.engine.looking import plan_each, snapshots
from onboarding.engine.purses import open_purse
from onboarding.engine.sending import breakers_of, outcome_of, request_of, status_of
from onboarding.engine.vault import new_pin
from onboarding.engine.writing import due_now, write_plans
from onboarding.errors import ConfigurationError, OnboardingError
from onboarding.graph.calls import GraphCall, GraphResult
from onboarding.model import (
    Account,
    JournaledOperation,
    Onboarding,
    Operation,
    OperationStatus,
    Reason,
    RecoveryClass,
)
from onboarding.store import budgets, journal, onboardings
from onboarding.store.database import writing
from onboarding.telemetry import log

#: Outcomes are committed in groups: at most so many, and none waits longer than this.
GROUP, GROUP_WAIT_S = 100, 0.05

#: Calls that carry the PIN.
_TAKES_PIN = (Operation.REGISTER, Operation.SET_PIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One call that was journaled and may be sent."""

    operation: JournaledOperation
    row: Onboarding
    call: GraphCall


def claim_due(ctx: Context, limit: int) -> list[Onboarding]:
    """Take the machines that are due, for the length of a lease."""
    now = ctx.clock.now()
    with writing(ctx.database) as conn:
        real_now = ctx.real_now(conn)
        return onboardings.claim_due(
            conn,
            worker=ctx.worker,
            now=now,
            real_now=real_now,
            lease_until=real_now + ctx.policy.lease,
            wake_at=now + ctx.policy.lease,
            definition=DEFINITION,
            limit=limit,
        )


def advance_due(ctx: Context, limit: int) -> int:
    """Take the machines that are due one step further; return how many there were."""
    claimed = claim_due(ctx, limit)
    _step(ctx, claimed)
    return len(claimed)


def advance_these(ctx: Context, ids: Sequence[str]) -> int:
    """Take certain machines one step further now, waits of our own making skipped.

    Machines in another worker's hands are left to it. Budgets and Meta's own waits hold.
    """
    now = ctx.clock.now()
    with writing(ctx.database) as conn:
        real_now = ctx.real_now(conn)
        claimed = onboardings.claim_these(
            conn,
            ids,
            worker=ctx.worker,
            real_now=real_now,
            lease_until=real_now + ctx.policy.lease,
            wake_at=now + ctx.policy.lease,
            definition=DEFINITION,
        )
    _step(ctx, claimed, forced=ids)
    return len(claimed)


def _step(ctx: Context, claimed: Sequence[Onboarding], forced: Collection[str] = ()) -> None:
    if not claimed:
        return
    sent = {each.operation.id: each for each in write_intents(ctx, claimed, forced)}
    results = ctx.graph.send([each.call for each in sent.values()])
    while group := results.take(most=GROUP, within_s=GROUP_WAIT_S):
        write_outcomes(ctx, [(sent[result.call.tag], result) for result in group])


def write_intents(
    ctx: Context, claimed: Sequence[Onboarding], forced: Collection[str] = ()
) -> list[Sent]:
    """Decide for claimed machines and journal what is to be sent, in one transaction.

    What it returns may be sent, each call once and only until its ``send_before``.
    """
    started = time.monotonic()
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        pairs = plan_each(ctx, snapshots(ctx, conn, claimed, now, forced), now)
        calling = _within_budget(ctx, conn, pairs, now)
        lease = ctx.real_now(conn) + ctx.policy.settle
        for _, made, _call in calling:
            made.row = _with_intent(ctx, made, now, lease)
        shut = _shut(ctx, calling, now)
        written = write_plans(ctx, conn, [shut.get(s.row.id, made) for s, made in pairs], now)
        open_ = [each for each in calling if each[0].row.id not in shut]
        return _journal(ctx, conn, open_, written, now=now, started=started)


def _shut(
    ctx: Context, calling: Sequence[tuple[Snapshot, Plan, Call]], now: datetime
) -> dict[str, Plan]:
    """Return who is parked instead, by id: a PIN or code of theirs does not open with our key."""
    shut: dict[str, Plan] = {}
    for snap, made, call in calling:
        try:
            request_of(call, made.row, ctx.vault)
        except ConfigurationError as error:
            shut[snap.row.id] = parked(snap, now, f"{call.operation}: {error}")
    return shut


def _within_budget(
    ctx: Context, conn: Connection, pairs: Sequence[tuple[Snapshot, Plan]], now: datetime
) -> list[tuple[Snapshot, Plan, Call]]:
    """Return the plans whose call fits the budgets, urgent ones first; the others wait."""
    calling = [(s, p, p.step) for s, p in pairs if isinstance(p.step, Call)]
    if not calling:
        return []
    purse = open_purse(ctx, conn, {snap.row.waba_id for snap, _, _ in calling}, now)
    far = now + timedelta(days=3650)
    allowed = []
    for snap, made, call in sorted(calling, key=lambda each: each[1].row.register_by or far):
        if refused_until := purse.take(snap.account, call.operation):
            made.step = Wait(reason=Reason.BUDGET, until=refused_until)
            made.row = waiting(made.row, made.step, now)
        else:
            allowed.append((snap, made, call))
    budgets.spend(conn, purse.spent, now)
    return allowed


def _with_intent(ctx: Context, made: Plan, now: datetime, lease_until: datetime) -> Onboarding:
    """Return the row as it stands while its call is on its way."""
    row = made.row
    operation = made.step.operation if isinstance(made.step, Call) else None
    if operation in _TAKES_PIN and row.pin_sealed is None and row.pin_pending_sealed is None:
        # Stored before the call: the call sets it at Meta even if its answer is lost.
        row = replace(row, pin_sealed=ctx.vault.seal(new_pin()))
    return replace(
        row,
        next_due_at=now + ctx.policy.settle,
        waiting=Reason.SETTLING,
        waiting_since=now,
        lease_until=lease_until,
    )


def _journal(
    ctx: Context,
    conn: Connection,
    calling: Sequence[tuple[Snapshot, Plan, Call]],
    written: dict[str, Onboarding],
    *,
    now: datetime,
    started: float,
) -> list[Sent]:
    ids = Ids(now)
    planned = [
        (snap, call, written[made.row.id], _operation(ctx, snap, call, ids.next(), now))
        for snap, made, call in calling
        if made.row.id in written
    ]
    journaled = journal.insert_intents(conn, [op for _, _, _, op in planned], ctx.worker)
    send_before = started + ctx.policy.send_within.total_seconds()
    return [
        Sent(
            operation=operation,
            row=row,
            call=_graph_call(
                ctx, snap.account, call, row, operation_id=operation.id, send_before=send_before
            ),
        )
        for snap, call, row, operation in planned
        if operation.id in journaled
    ]


def _graph_call(
    ctx: Context,
    account: Account,
    call: Call,
    row: Onboarding,
    *,
    operation_id: str,
    send_before: float,
) -> GraphCall:
    return GraphCall(
        request=request_of(call, row, ctx.vault),
        token=ctx.token_of(account),
        tag=operation_id,
        send_before=send_before,
    )


def _operation(
    ctx: Context, snap: Snapshot, call: Call, operation_id: str, now: datetime
) -> JournaledOperation:
    row = snap.row
    earlier = [
        op for op in snap.attempts.made if op.name is call.operation and op.cycle == row.cycle
    ]
    return JournaledOperation(
        id=operation_id,
        onboarding_id=row.id,
        waba_id=row.waba_id,
        number_key=row.number_key,
        cycle=row.cycle,
        name=call.operation,
        natural_key=call.natural_key,
        attempt=len(earlier) + 1,
        status=OperationStatus.PENDING,
        intent_at=now,
        settle_at=now + ctx.policy.settle,
    )


def write_outcomes(ctx: Context, group: Sequence[tuple[Sent, GraphResult]]) -> None:
    """Write what came of a group of calls, in one transaction.

    If the database refuses the group, it is split: one bad row must not take others with it. A
    single one that is refused stays journaled as pending, and is settled by probe.
    """
    try:
        with writing(ctx.database) as conn:
            _write_group(ctx, conn, group)
    except (OnboardingError, DBAPIError) as error:
        if len(group) == 1:
            log.error("outcome_not_written", operation=group[0][0].operation.id, error=str(error))
            return
        half = len(group) // 2
        write_outcomes(ctx, group[:half])
        write_outcomes(ctx, group[half:])


def _write_group(ctx: Context, conn: Connection, group: Sequence[tuple[Sent, GraphResult]]) -> None:
    now = ctx.clock.now()
    results = {sent.operation.id: _result(sent, result, now) for sent, result in group}
    open_ids = journal.write_results(conn, list(results.values()))
    late = [result for id_, result in results.items() if id_ not in open_ids]
    journal.keep_late(conn, late)
    budgets.write_breakers(conn, breakers_of((result for _, result in group), now))
    expected = {sent.row.id: sent.row.version for sent, _ in group}
    rows = onboardings.load_onboardings(conn, list(expected), lock=True)
    ours = [row for id_, row in rows.items() if row.version == expected[id_]]
    onboardings.wake(
        conn, [id_ for id_, row in rows.items() if row not in ours], now, worker=ctx.worker
    )
    made = plan_each(ctx, snapshots(ctx, conn, ours, now), now)
    write_plans(ctx, conn, [due_now(each, now) for _, each in made], now)
    _log_troubles(group)


def _result(sent: Sent, result: GraphResult, now: datetime) -> journal.Result:
    outcome = outcome_of(result)
    return journal.Result(
        id=sent.operation.id,
        status=status_of(outcome),
        outcome=outcome,
        outcome_at=now,
        applied=False,
        resolved_by="response",
    )


def _log_troubles(group: Sequence[tuple[Sent, GraphResult]]) -> None:
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
