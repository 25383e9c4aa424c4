"""The second transaction of a step: decide, and journal what is to be sent before it is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from onboarding.core.creation import slot_wait
from onboarding.core.pins import TAKES_PIN, carried_pin
from onboarding.core.plan import Plan, parked, waiting
from onboarding.core.steps import Call, Snapshot, Wait
from onboarding.engine.context import Context, Ids
from onboarding.engine.crash_points import CLAIMED, INTENDED, INTENT_WRITTEN, reach
from onboarding.engine.looking import plan_each, snapshots
from onboarding.engine.purses import open_purse
from onboarding.engine.sending import request_of
from onboarding.engine.slots import open_slots
from onboarding.engine.vault import new_pin
from onboarding.engine.writing import write_plans
from onboarding.errors import OnboardingError, StoreError
from onboarding.graph.calls import GraphCall
from onboarding.model import (
    Account,
    CodeMethod,
    JournaledOperation,
    Onboarding,
    Operation,
    OperationStatus,
    Owner,
    Reason,
    changed,
)
from onboarding.store import budgets, journal, onboardings
from onboarding.store.database import again_if_unlucky, writing
from onboarding.store.leases import Claimed
from onboarding.telemetry import log

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One call that was journaled and may be sent."""

    operation: JournaledOperation
    row: Onboarding
    call: GraphCall
    account: Account


def write_intents(
    ctx: Context, claimed: Sequence[Claimed], forced: Collection[str] = ()
) -> list[Sent]:
    """Decide for claimed machines and journal what is to be sent, in one transaction.

    If that fails for a reason of one of them, the batch is split: the others go on, and the one
    stays leased; after some such leases it is parked as stuck.

    Returns:
        What may be sent, each call once and only until its ``send_before``.

    Raises:
        StoreError: the database cannot be used; all stay leased.
    """
    if not claimed:
        return []
    try:
        sent = again_if_unlucky(lambda: _write_intents(ctx, claimed, forced))
        return [_with_token(ctx, each) for each in sent]
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - one machine must never stop the others
        if len(claimed) == 1:
            log.exception("intent_not_written", onboarding=claimed[0].id, error=str(error))
            return []
    half = len(claimed) // 2
    return [
        *write_intents(ctx, claimed[:half], forced),
        *write_intents(ctx, claimed[half:], forced),
    ]


def _write_intents(ctx: Context, claimed: Sequence[Claimed], forced: Collection[str]) -> list[Sent]:
    send_before = ctx.send_before()
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        # A list may have been read since the claim: what it showed counts.
        rows = onboardings.load_onboardings(conn, [row.id for row in claimed], lock=True)
        ours = [rows[row.id] for row in claimed if rows[row.id].version == row.version]
        pairs = plan_each(ctx, snapshots(ctx, conn, ours, now, forced), now)
        calling, spent = _within_budget(ctx, conn, pairs, now)
        reach(CLAIMED, (call.operation for _, _, call in calling))
        lease = ctx.real_now(conn) + ctx.policy.settle
        for _, made, _call in calling:
            made.row = _with_intent(ctx, made, now, lease)
        shut = _shut(ctx, calling, now)
        written = write_plans(ctx, conn, [shut.get(s.row.id, made) for s, made in pairs], now)
        open_ = [each for each in calling if each[0].row.id not in shut]
        sent = _journal(ctx, conn, open_, written, now=now, send_before=send_before)
        budgets.spend(conn, spent, now)
        reach(INTENT_WRITTEN, _names(sent))
    reach(INTENDED, _names(sent))
    return sent


def _names(sent: Sequence[Sent]) -> Iterator[Operation]:
    return (each.operation.name for each in sent)


def _shut(
    ctx: Context, calling: Sequence[tuple[Snapshot, Plan, Call]], now: datetime
) -> dict[str, Plan]:
    """Return who is parked instead, by id: their request cannot be made.

    A PIN or code of theirs does not open with our key, or Meta gave an id that is none.
    """
    shut: dict[str, Plan] = {}
    for snap, made, call in calling:
        try:
            request_of(call, made.row, ctx.vault)
        except OnboardingError as error:
            shut[snap.row.id] = parked(snap, now, f"{call.operation}: {error}")
    return shut


def _within_budget(
    ctx: Context, conn: Connection, pairs: Sequence[tuple[Snapshot, Plan]], now: datetime
) -> tuple[list[tuple[Snapshot, Plan, Call]], Mapping[str, int]]:
    """Return the plans whose call fits the budgets, urgent ones first, and what they spend.

    The others wait.
    """
    calling = [(s, p, p.step) for s, p in pairs if isinstance(p.step, Call)]
    if not calling:
        return [], {}
    purse = open_purse(ctx, conn, {snap.row.waba_id for snap, _, _ in calling}, now)
    soon = now + ctx.policy.urgent_within
    creating = {s.row.waba_id for s, _, c in calling if c.operation is Operation.CREATE_NUMBER}
    # The purse is locked: what is counted now holds until this is written.
    slots = open_slots(ctx, conn, creating, now) if creating else None
    allowed: list[tuple[Snapshot, Plan, Call]] = []
    for snap, made, call in sorted(calling, key=_deadline_then_age):
        urgent = (made.row.register_by or _NEVER) < soon
        is_create = call.operation is Operation.CREATE_NUMBER
        if slots is not None and is_create and slots.left(snap.row.waba_id) == 0:
            made.step = slot_wait(made.row, now, ctx.policy)
            made.row = waiting(made.row, made.step, now)
        elif refused_until := purse.take(snap.account, call.operation, urgent=urgent):
            made.step = Wait(reason=Reason.BUDGET, until=refused_until)
            made.row = waiting(made.row, made.step, now)
        else:
            allowed.append((snap, made, call))
            if slots is not None and is_create:
                slots.take(snap.row.waba_id)
    return allowed, purse.spent


def _deadline_then_age(each: tuple[Snapshot, Plan, Call]) -> tuple[datetime, str]:
    row = each[1].row
    return row.register_by or _NEVER, row.id  # ids sort by when they were made


def _with_intent(ctx: Context, made: Plan, now: datetime, lease_until: datetime) -> Onboarding:
    """Return the row as it stands while its call is on its way."""
    row = made.row
    operation = made.step.operation if isinstance(made.step, Call) else None
    if operation in TAKES_PIN and row.pin_sealed is None and row.pin_pending_sealed is None:
        # Stored before the call: the call sets it at Meta even if its answer is lost.
        row = changed(row, pin_sealed=ctx.vault.seal(new_pin()))
    return changed(
        row,
        next_due_at=now + ctx.policy.settle,
        waiting=Reason.SETTLING,
        waiting_for=Owner.ENGINE,
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
    send_before: float,
) -> list[Sent]:
    ids = Ids(now)
    planned = [
        (
            snap,
            call,
            written[made.row.id],
            _operation(ctx, changed(snap, row=made.row), call, ids.next(), now),
        )
        for snap, made, call in calling
        if made.row.id in written
    ]
    journaled = journal.insert_intents(conn, [op for _, _, _, op in planned], ctx.worker)
    return [
        Sent(
            operation=operation,
            row=row,
            call=_graph_call(ctx, call, row, operation_id=operation.id, send_before=send_before),
            account=snap.account,
        )
        for snap, call, row, operation in planned
        if operation.id in journaled
    ]


def _graph_call(
    ctx: Context, call: Call, row: Onboarding, *, operation_id: str, send_before: float
) -> GraphCall:
    request = request_of(call, row, ctx.vault)
    return GraphCall(request=request, token="", tag=operation_id, send_before=send_before)


def _with_token(ctx: Context, sent: Sent) -> Sent:
    """Return a call with its token, which may take a while to read: no transaction is open."""
    return replace(sent, call=replace(sent.call, token=ctx.token_of(sent.account)))


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
        code_method=CodeMethod(by) if (by := call.params.get("code_method")) else None,
        pin_sealed=carried_pin(row) if call.operation in TAKES_PIN else None,
    )
