"""What only a person can settle: operations that neither an answer nor the WABA's list ended."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.operations import ADDING
from onboarding.core.resolving import (
    STATUS,
    Answer,
    abandoned,
    absent,
    found,
    is_parked,
    number_id_of,
)
from onboarding.core.seen import seen_after
from onboarding.core.steps import Move
from onboarding.engine import pool_settling
from onboarding.engine.changing import change
from onboarding.engine.context import Context
from onboarding.engine.open_operation import (
    OpenOperation,
    find_started,
    require_id,
    require_reason,
    waits_before_any_read,
)
from onboarding.errors import ConflictError, NotFoundError, TransitionRefusedError
from onboarding.model import (
    Account,
    JournaledOperation,
    Onboarding,
    OperationStatus,
    Owner,
)
from onboarding.store import accounts, onboardings, unsettled
from onboarding.store.database import reading


def open_operations(ctx: Context) -> list[OpenOperation]:
    """Return the operations that are open, and those that wait for a person; oldest first."""
    with reading(ctx.database) as conn:
        of_pools = pool_settling.open_operations(ctx, conn)
        operations = unsettled.load_unsettled(conn)
        rows = onboardings.load_onboardings(conn, [op.onboarding_id or "" for op in operations])
        known = accounts.load_accounts(conn, sorted({row.waba_id for row in rows.values()}))
        real_now, now = ctx.real_now(conn), ctx.clock.now()
    pairs = [(op, rows[op.onboarding_id or ""]) for op in operations]
    of_onboardings = [
        _standing(op, row, known[row.waba_id], now, real_now)
        for op, row in pairs
        if op.is_open or is_parked(row, op)
    ]
    both = [*of_onboardings, *of_pools]
    return sorted(both, key=lambda each: (each.operation.intent_at, each.operation.id))


def find_operation(ctx: Context, reference: str) -> OpenOperation:
    """Return how an operation stands, open or not.

    Raises:
        NotFoundError: there is none, more than one, or it is of no number.
    """
    with reading(ctx.database) as conn:
        operation = find_started(conn, reference)
        if operation.pool_number_id is not None:
            return pool_settling.standing_of(ctx, conn, operation)
        id_ = operation.onboarding_id or ""
        row = onboardings.load_onboardings(conn, [id_])[id_]
        account = accounts.load_accounts(conn, [row.waba_id])[row.waba_id]
        return _standing(operation, row, account, ctx.clock.now(), ctx.real_now(conn))


def _standing(
    operation: JournaledOperation,
    row: Onboarding,
    account: Account,
    now: datetime,
    real_now: datetime,
) -> OpenOperation:
    refused = _why_not(operation, row, now, real_now)
    owner, waits_for = _waits_for(operation, row, account, now)
    return OpenOperation(
        operation=operation,
        onboarding=row,
        waits_for=waits_for,
        waiting_for=owner,
        is_resolvable=refused is None,
    )


def _waits_for(
    operation: JournaledOperation, row: Onboarding, account: Account, now: datetime
) -> tuple[Owner, str]:
    before = waits_before_any_read(operation, now, is_parked=is_parked(row, operation))
    if before is not None:
        return before
    if account.hold is not None:
        return Owner.OPERATOR, "a person: the account is on hold, so that its list is not read"
    if seen_after(row, operation.settle_at):
        return Owner.ENGINE, "the WABA's list, which does not tell so far"
    return Owner.ENGINE, "a read of the WABA's list"


def _why_not(
    operation: JournaledOperation, row: Onboarding, now: datetime, real_now: datetime
) -> str | None:
    """Return why a person's word is not taken now; ``None`` if it is."""
    name = operation.name
    if not operation.is_open and not is_parked(row, operation):
        by = f", by {operation.resolved_by}" if operation.resolved_by else ""
        return f"{name} is settled already: {operation.status}{by}"
    if now < operation.settle_at:
        return (
            f"{name} may still be on its way: its settle time ends at "
            f"{operation.settle_at:%Y-%m-%d %H:%M:%S} UTC"
        )
    is_held = row.lease_until is not None and row.lease_until > real_now
    if operation.status is OperationStatus.PENDING and is_held:
        return f"{name} is in the hands of worker {row.lease_owner}, which may still settle it"
    return None


def resolve(
    ctx: Context,
    reference: str,
    answer: Answer,
    *,
    phone_number_id: str | None,
    reason: str,
    actor: str,
) -> Onboarding:
    """Settle an operation on a person's word, in one transaction.

    Whoever comes first wins, a worker or a person: the other one finds it settled.

    Raises:
        NotFoundError: no such operation.
        InputError: no reason; or an id that is none, or not the number's.
        ConflictError: the id belongs to another number.
        TransitionRefusedError: it is settled, or may still be on its way.
    """
    require_reason(reason)
    with reading(ctx.database) as conn:
        known = find_started(conn, reference)
    if known.pool_number_id is not None:
        raise NotFoundError(
            f"{known.name} is a call of a pool",
            hint="onboarding op resolve, or Engine.pool.resolve",
        )

    def make(row: Onboarding, now: datetime, conn: Connection) -> Move:
        operation = find_started(conn, known.id)
        _require_unsettled(ctx, conn, operation, row, now)
        if answer is Answer.FOUND:
            _require_its_id(conn, operation, row, phone_number_id or "")
        if not unsettled.close(conn, operation, STATUS[answer], now, "operator"):
            raise TransitionRefusedError(
                f"{operation.name} was settled meanwhile",
                hint=f"see: onboarding op show {known.id}",
            )
        match answer:
            case Answer.FOUND:
                return found(row, operation, phone_number_id or "", reason)
            case Answer.ABSENT:
                return absent(row, operation, reason)
            case Answer.ABANDON:
                return abandoned(row, operation, reason, actor, now)

    return change(ctx, known.onboarding_id or "", actor, make)


def _require_unsettled(
    ctx: Context, conn: Connection, operation: JournaledOperation, row: Onboarding, now: datetime
) -> None:
    if why := _why_not(operation, row, now, ctx.real_now(conn)):
        settled = not operation.is_open
        hint = f"onboarding {'show ' + row.id if settled else 'op show ' + operation.id}"
        raise TransitionRefusedError(why, hint=f"see: {hint}")


def _require_its_id(
    conn: Connection, operation: JournaledOperation, row: Onboarding, phone_number_id: str
) -> None:
    """Take an id only if nothing speaks against its being the number's: we would act on it."""
    require_id(operation, number_id_of(row, operation), phone_number_id)
    if operation.name not in ADDING:
        return
    if row.seen is not None and row.seen_present and row.seen.id != phone_number_id:
        raise ConflictError(
            f"the WABA's list shows the number with id {row.seen.id}",
            field="found",
            hint="compare with WhatsApp Manager",
        )
    if other := unsettled.other_with_number_id(conn, phone_number_id, row.id):
        raise ConflictError(
            f"{phone_number_id} is the id of another number, that of {other}",
            field="found",
            hint=f"see: onboarding show {other}",
        )
