"""One pass over the numbers of pools that are due: decide, intent, send, outcome.

The same three-part step as that of an onboarding, with fewer parts: pools are small, so that the
decision and its intent are one transaction that holds the row's lock, and no lease is needed.
From the intent on the row's wake-up is the end of the settle window: a crash cannot hide a call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.pool.model import PoolNumber
from onboarding.core.pool.plan import PoolPlan, parked
from onboarding.core.pool.steps import LookAtPartners, PoolSnapshot
from onboarding.core.steps import Call, Wait
from onboarding.core.timing import MINUTE
from onboarding.engine.context import Context, Ids
from onboarding.engine.crash_points import CLAIMED, INTENDED, INTENT_WRITTEN, reach
from onboarding.engine.pool_looking import plan_each, pool_snapshots
from onboarding.engine.pool_outcomes import write_outcomes
from onboarding.engine.pool_reading import read_lists, read_partners
from onboarding.engine.pool_sending import request_of
from onboarding.engine.pool_writing import write_plans
from onboarding.engine.purses import open_purse
from onboarding.errors import OnboardingError, StoreError
from onboarding.graph.calls import GraphCall
from onboarding.model import (
    Account,
    CodeMethod,
    JournaledOperation,
    Operation,
    OperationStatus,
    Owner,
    Reason,
)
from onboarding.store import budgets, journal, pools
from onboarding.store.database import again_if_unlucky, reading, writing
from onboarding.telemetry import log

#: When a number is looked at again that the database refused.
_REFUSED_AGAIN = 15 * MINUTE

#: Outcomes are committed in groups, as they arrive.
_GROUP, _GROUP_WAIT_S = 100, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One call that was journaled and may be sent, or one look at a number's partners."""

    operation: JournaledOperation | None
    row: PoolNumber
    waba_id: str
    call: GraphCall | None = None
    account: Account | None = None


def pool_due(ctx: Context, limit: int) -> int:
    """Read the lists of pools and take their numbers on; return how many there were."""
    with reading(ctx.database) as conn:
        now = ctx.clock.now()
        if not pools.is_anything_due(conn, now, now - ctx.policy.list_interval):
            return 0
    read = read_lists(ctx, limit)
    return read + _step(ctx, lambda conn, now: pools.claim_due(conn, now, limit))


def step_these(ctx: Context, ids: Sequence[str]) -> int:
    """Take certain numbers one step further now."""

    def load(conn: Connection, _: datetime) -> list[PoolNumber]:
        return list(pools.load_numbers(conn, ids, lock=True).values())

    return _step(ctx, load)


Load = Callable[[Connection, datetime], list[PoolNumber]]


def _step(ctx: Context, load: Load) -> int:
    found, sent = _intend(ctx, load)
    calls = {s.operation.id: s for s in sent if s.operation is not None and s.call is not None}
    # A token may take a while to read, so it is read while no transaction is open.
    results = ctx.graph.send([_with_token(ctx, s.call, s.account) for s in calls.values()])
    while group := results.take(most=_GROUP, within_s=_GROUP_WAIT_S):
        write_outcomes(
            ctx, [(calls[r.call.tag].row, calls[r.call.tag].operation, r) for r in group]
        )
    for look in sent:
        if look.operation is None:
            read_partners(ctx, look.row, look.waba_id)
    return found


def _intend(ctx: Context, load: Load) -> tuple[int, list[Sent]]:
    """Decide and journal; if the database refuses a batch, its numbers are taken one by one."""
    ids: list[str] = []

    def loading(conn: Connection, now: datetime) -> list[PoolNumber]:
        rows = load(conn, now)
        ids[:] = [row.id for row in rows]
        return rows

    try:
        return again_if_unlucky(lambda: _write_intents(ctx, loading))
    except StoreError:
        raise
    except Exception:  # noqa: BLE001 - one machine must never stop the others
        log.exception("pool_intents_not_written", numbers=len(ids))
    return len(ids), [sent for id_ in list(ids) for sent in _intend_one(ctx, id_)]


def _intend_one(ctx: Context, id_: str) -> list[Sent]:
    def load(conn: Connection, _: datetime) -> list[PoolNumber]:
        return list(pools.load_numbers(conn, [id_], lock=True).values())

    try:
        return again_if_unlucky(lambda: _write_intents(ctx, load))[1]
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - the same
        log.exception("pool_intent_not_written", pool_number=id_, error=type(error).__name__)
    with writing(ctx.database) as conn:
        later = ctx.clock.now() + _REFUSED_AGAIN
        rows = pools.load_numbers(conn, [id_], lock=True).values()
        pools.write_numbers(conn, [replace(row, next_due_at=later) for row in rows])
    return []


def _write_intents(ctx: Context, load: Load) -> tuple[int, list[Sent]]:
    send_before = ctx.send_before()
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        rows = load(conn, now)
        planned = plan_each(ctx, pool_snapshots(ctx, conn, rows, now), now)
        planned = [_sendable(ctx, snap, made, now) for snap, made in planned]
        spent = _within_budget(ctx, conn, planned, now)
        reach(CLAIMED, _names(planned))
        for _, made in planned:
            if not isinstance(made.step, Wait):
                made.row = _settling(ctx, made.row, now)
        write_plans(ctx, conn, planned, now)
        sent = _journal(ctx, conn, planned, now=now, send_before=send_before)
        budgets.spend(conn, spent, now)
        reach(INTENT_WRITTEN, _names(planned))
    reach(INTENDED, _names(planned))
    return len(rows), sent


Planned = Sequence[tuple[PoolSnapshot, PoolPlan]]


def _names(planned: Planned) -> list[Operation]:
    return [made.step.operation for _, made in planned if isinstance(made.step, Call)]


def _sendable(
    ctx: Context, snap: PoolSnapshot, made: PoolPlan, now: datetime
) -> tuple[PoolSnapshot, PoolPlan]:
    """Park a number whose request cannot be made: its code does not open with our key."""
    if isinstance(made.step, Call):
        try:
            request_of(made.step, made.row, snap.account.waba_id, ctx.vault)
        except OnboardingError as error:
            return snap, parked(snap, now, f"{made.step.operation}: {error}")
    return snap, made


def _within_budget(
    ctx: Context, conn: Connection, planned: Planned, now: datetime
) -> dict[str, int]:
    """Let those wait whose call fits no budget; return what the others spend."""
    calling = [(snap, made) for snap, made in planned if not isinstance(made.step, Wait)]
    if not calling:
        return {}
    purse = open_purse(ctx, conn, {snap.account.waba_id for snap, _ in calling}, now)
    for snap, made in calling:
        is_read = isinstance(made.step, LookAtPartners)
        operation = made.step.operation if isinstance(made.step, Call) else None
        if until := purse.take(snap.account, operation, read=is_read):
            made.step = Wait(reason=Reason.BUDGET, until=until)
            made.row = replace(made.row, next_due_at=until, waiting=Reason.BUDGET)
    return dict(purse.spent)


def _settling(ctx: Context, row: PoolNumber, now: datetime) -> PoolNumber:
    return replace(
        row,
        next_due_at=now + ctx.policy.settle,
        waiting=Reason.SETTLING,
        waiting_for=Owner.ENGINE,
        waiting_since=now,
    )


def _journal(
    ctx: Context, conn: Connection, planned: Planned, *, now: datetime, send_before: float
) -> list[Sent]:
    """Write the intents; what an index refuses is not sent."""
    ids = Ids(now)
    calls = {ids.next(): (s, made) for s, made in planned if isinstance(made.step, Call)}
    intents = {id_: _operation(ctx, s, made, id_, now) for id_, (s, made) in calls.items()}
    journaled = journal.insert_intents(conn, list(intents.values()), ctx.worker)
    sent = [
        Sent(
            operation=intents[id_],
            row=made.row,
            waba_id=snap.account.waba_id,
            call=_graph_call(ctx, snap, made, id_, send_before),
            account=snap.account,
        )
        for id_, (snap, made) in calls.items()
        if id_ in journaled
    ]
    looks = [
        Sent(operation=None, row=made.row, waba_id=snap.account.waba_id)
        for snap, made in planned
        if isinstance(made.step, LookAtPartners)
    ]
    return sent + looks


def _graph_call(
    ctx: Context, snap: PoolSnapshot, made: PoolPlan, id_: str, send_before: float
) -> GraphCall:
    assert isinstance(made.step, Call), "only for calls"  # noqa: S101 - for types
    return GraphCall(
        request=request_of(made.step, made.row, snap.account.waba_id, ctx.vault),
        token="",
        tag=id_,
        send_before=send_before,
    )


def _with_token(ctx: Context, call: GraphCall | None, account: Account | None) -> GraphCall:
    assert call is not None, "only for calls"  # noqa: S101 - for types
    assert account is not None, "only for calls"  # noqa: S101 - for types
    return replace(call, token=ctx.token_of(account))


def _operation(
    ctx: Context, snap: PoolSnapshot, made: PoolPlan, id_: str, now: datetime
) -> JournaledOperation:
    assert isinstance(made.step, Call), "only for calls"  # noqa: S101 - for types
    call, row = made.step, made.row
    earlier = [
        op for op in snap.attempts.made if op.name is call.operation and op.pool_number_id == row.id
    ]
    return JournaledOperation(
        id=id_,
        onboarding_id=None,
        waba_id=snap.account.waba_id,
        number_key=row.number_key,
        cycle=1,
        name=call.operation,
        natural_key=call.natural_key,
        attempt=len(earlier) + 1,
        status=OperationStatus.PENDING,
        intent_at=now,
        settle_at=now + ctx.policy.settle,
        code_method=CodeMethod(by) if (by := call.params.get("code_method")) else None,
        pool_number_id=row.id,
    )
