"""What only a person can settle of pools: calls that neither an answer nor a list ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.pool.model import Pool, PoolNumber
from onboarding.core.pool.resolving import abandoned, absent, found, is_parked
from onboarding.core.pool.steps import PoolMove, PoolSnapshot, seen_after
from onboarding.core.resolving import STATUS, Answer
from onboarding.engine.context import Context
from onboarding.engine.open_operation import (
    OpenOperation,
    find_started,
    require_id,
    require_reason,
    waits_before_any_read,
)
from onboarding.engine.pool_changes import change_locked
from onboarding.errors import ConflictError, NotFoundError, TransitionRefusedError
from onboarding.model import Account, JournaledOperation, Operation, Owner
from onboarding.store import accounts, pools, unsettled
from onboarding.store.database import again_if_raced, reading, writing

_SHARING = (Operation.SHARE_PREVERIFIED, Operation.UNSHARE_PREVERIFIED)


def open_operations(ctx: Context, conn: Connection) -> list[OpenOperation]:
    """Return the calls of pools that are open, and those that wait for a person."""
    operations = unsettled.load_unsettled_of_pools(conn)
    return [
        each
        for each in _standing(ctx, conn, operations)
        if each.operation.is_open or each.waiting_for is Owner.OPERATOR
    ]


def standing_of(ctx: Context, conn: Connection, operation: JournaledOperation) -> OpenOperation:
    """Return how a call of a pool stands, open or not."""
    return _standing(ctx, conn, [operation])[0]


def _standing(
    ctx: Context, conn: Connection, operations: Sequence[JournaledOperation]
) -> list[OpenOperation]:
    if not operations:
        return []
    rows = pools.load_numbers(conn, [op.pool_number_id or "" for op in operations])
    known = pools.load_pools(conn)
    payers = accounts.load_accounts(conn, sorted({pool.waba_id for pool in known.values()}))
    now, standing = ctx.clock.now(), []
    for operation in operations:
        row = rows[operation.pool_number_id or ""]
        pool = known[row.business_id]
        owner, waits_for = _waits_for(operation, row, pool, payers[pool.waba_id], now)
        standing.append(
            OpenOperation(
                operation=operation,
                pool_number=row,
                waits_for=waits_for,
                waiting_for=owner,
                is_resolvable=_why_not(operation, row, now) is None,
            )
        )
    return standing


def _waits_for(
    operation: JournaledOperation, row: PoolNumber, pool: Pool, account: Account, now: datetime
) -> tuple[Owner, str]:
    before = waits_before_any_read(operation, now, is_parked=is_parked(row, operation))
    if before is not None:
        return before
    if account.hold is not None:
        return Owner.OPERATOR, "a person: the account is on hold, so that no list is read"
    if operation.name in _SHARING:
        return Owner.ENGINE, "a read of the number's partners"
    if pool.trouble is not None:
        why = pool.trouble.failure.message
        return Owner.OPERATOR, f"a person: the pool's list cannot be read ({why})"
    if seen_after(row, operation.settle_at):
        return Owner.ENGINE, "the pool's list, which does not tell so far"
    return Owner.ENGINE, "a read of the pool's list"


def _why_not(operation: JournaledOperation, row: PoolNumber, now: datetime) -> str | None:
    """Return why a person's word is not taken now; ``None`` if it is."""
    if not operation.is_open and not is_parked(row, operation):
        by = f", by {operation.resolved_by}" if operation.resolved_by else ""
        return f"{operation.name} is settled already: {operation.status}{by}"
    if now < operation.settle_at:
        return (
            f"{operation.name} may still be on its way: its settle time ends at "
            f"{operation.settle_at:%Y-%m-%d %H:%M:%S} UTC"
        )
    return None


def resolve(
    ctx: Context,
    reference: str,
    answer: Answer,
    *,
    preverified_id: str | None,
    reason: str,
    actor: str,
) -> PoolNumber:
    """Settle a call of a pool on a person's word, in one transaction; see ``settling.resolve``."""
    require_reason(reason)
    with reading(ctx.database) as conn:
        known = find_started(conn, reference)
    if known.pool_number_id is None:
        raise NotFoundError(
            f"{known.name} is a call of no pool",
            hint="onboarding op resolve, or Engine.resolve_operation",
        )

    def settle() -> PoolNumber:
        with writing(ctx.database) as conn:

            def make(snap: PoolSnapshot, now: datetime) -> PoolMove:
                operation = unsettled.load_by_start(conn, known.id, limit=1)[0]
                _require_unsettled(operation, snap.row, now)
                if answer is Answer.FOUND:
                    _require_its_id(conn, operation, snap.row, preverified_id or "")
                if not operation.is_open:  # a lost one; an open one is settled with the step
                    unsettled.close(conn, operation, STATUS[answer], now, "operator")
                match answer:
                    case Answer.FOUND:
                        return found(snap, operation, preverified_id or "", reason, ctx.policy)
                    case Answer.ABSENT:
                        return absent(snap, operation, reason)
                    case Answer.ABANDON:
                        return abandoned(snap, operation, reason, actor, now)

            return change_locked(ctx, conn, known.pool_number_id or "", actor, make)

    return again_if_raced(settle)


def _require_unsettled(operation: JournaledOperation, row: PoolNumber, now: datetime) -> None:
    if why := _why_not(operation, row, now):
        hint = f"op show {operation.id}" if operation.is_open else f"pool show {row.id}"
        raise TransitionRefusedError(why, hint=f"see: onboarding {hint}")


def _require_its_id(
    conn: Connection, operation: JournaledOperation, row: PoolNumber, given: str
) -> None:
    require_id(operation, id_of(row, operation), given)
    if other := unsettled.other_with_preverified_id(conn, given, row.id):
        raise ConflictError(
            f"{given} is the temporary id of another number of a pool",
            field="found",
            hint=f"see: onboarding pool show {other}",
        )


def id_of(row: PoolNumber, operation: JournaledOperation) -> str | None:
    """Return the temporary id that a call was made for; ``None`` if it brings one about."""
    return None if operation.name is Operation.ADD_PREVERIFIED else row.preverified_id
