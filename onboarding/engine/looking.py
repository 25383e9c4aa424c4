"""From rows to snapshots: all that the rules look at, read with a fixed number of queries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onboarding.core.batches import Batch
from onboarding.core.lifecycle import IN_PROGRESS
from onboarding.core.plan import Plan, parked, plan
from onboarding.core.slots import is_unread
from onboarding.core.steps import Attempts, Restore, Snapshot
from onboarding.engine.context import CodeIntake, Context, reads_at_any_hour, takes_calls
from onboarding.engine.restoring import restore_of
from onboarding.engine.slots import open_slots
from onboarding.model import Account, JournaledOperation, Onboarding, Reason, State
from onboarding.store import accounts, batches, journal
from onboarding.telemetry import log


def snapshots(
    ctx: Context,
    conn: Connection,
    rows: Sequence[Onboarding],
    now: datetime,
    forced: Collection[str] = (),
    *,
    answered: Mapping[str, JournaledOperation] | None = None,
) -> list[Snapshot]:
    """Return a snapshot of each row, in the same order; three queries however many there are.

    And one for batches, two for slots, where there are numbers that depend on them.

    The accounts are locked: what follows may change them, and budgets are locked after accounts.

    Args:
        ctx: the engine's parts.
        conn: an open transaction.
        rows: onboardings, locked if they are to be written.
        now: business time.
        forced: those whose waits of our own making are skipped.
        answered: calls whose answers are journaled as applied, and are yet to be, by onboarding.
    """
    answered = answered or {}
    known = accounts.load_accounts(conn, sorted({row.waba_id for row in rows}), lock=True)
    restore = restore_of(conn, now)
    calls = journal.load_calls(conn, {row.id: row.number_key for row in rows}, _since(ctx, now))
    pressing: dict[str, list[JournaledOperation]] = {}
    for operation in calls.pressing:
        pressing.setdefault(operation.onboarding_id or "", []).append(operation)
    attempts = _attempts(ctx, {row.number_key for row in rows}, calls.attempts, restore)
    of = batches.load_batches(conn, sorted({row.batch_id for row in rows if row.batch_id}))
    free = _slots(ctx, conn, rows, now)
    return [
        _snapshot(
            ctx,
            row,
            known[row.waba_id],
            pressing.get(row.id, []),
            attempts[row.number_key],
            answered=answered.get(row.id),
            restore=restore,
            forced=row.id in forced,
            batch=of.get(row.batch_id or ""),
            slots=free.get(row.waba_id),
        )
        for row in rows
    ]


def _slots(
    ctx: Context, conn: Connection, rows: Iterable[Onboarding], now: datetime
) -> dict[str, int | None]:
    """Return how many numbers each WABA takes on which one of the rows waits for a slot.

    The others find out when their create takes one, with the budgets locked.
    """
    wanted = {row.waba_id for row in rows if row.waiting is Reason.SLOT}
    if not wanted:
        return {}
    opened = open_slots(ctx, conn, wanted, now)
    return {waba_id: opened.left(waba_id) for waba_id in wanted}


def load_attempts(
    ctx: Context,
    conn: Connection,
    rows: Iterable[Onboarding],
    now: datetime,
    restore: Restore | None,
) -> dict[str, Attempts]:
    """Return the calls made for the rows' numbers, by number key, as far back as windows reach."""
    numbers = {row.number_key for row in rows}
    made = journal.load_attempts(conn, sorted(numbers), _since(ctx, now))
    return _attempts(ctx, numbers, made, restore)


def _since(ctx: Context, now: datetime) -> datetime:
    """Return from when on calls count for the windows."""
    return now - max(window for _, window in ctx.policy.windows.values())


def _attempts(
    ctx: Context,
    numbers: Collection[str],
    made: Mapping[str, Sequence[JournaledOperation]],
    restore: Restore | None,
) -> dict[str, Attempts]:
    forgotten = (restore.at, ctx.policy.forgotten) if restore else ()
    return {number: Attempts(made.get(number, ()), *forgotten) for number in numbers}


def _snapshot(
    ctx: Context,
    row: Onboarding,
    account: Account,
    pressing: list[JournaledOperation],
    attempts: Attempts,
    *,
    answered: JournaledOperation | None,
    restore: Restore | None,
    forced: bool,
    batch: Batch | None,
    slots: int | None,
) -> Snapshot:
    unapplied = [op for op in pressing if not op.applied and op.outcome is not None]
    return Snapshot(
        row=row,
        account=account,
        open_operation=next((op for op in pressing if op.is_open), None),
        unapplied=(*unapplied, answered) if answered else tuple(unapplied),
        attempts=attempts,
        forced=forced,
        restore=restore,
        batch=batch,
        slots=slots,
        portfolio_unread=row.state is State.REQUESTED and is_unread(account, ctx.policy),
        **read_by_intakes(ctx, row),
    )


def read_by_intakes(ctx: Context, row: Onboarding) -> dict[str, Any]:
    """Return what intakes would read of a number's code now, as fields of a ``Snapshot``."""
    # One look may take a number from any state to the one that asks for a code.
    asked = ctx.intakes if row.state in IN_PROGRESS else ()
    answering = [intake for intake in asked if _answers(intake, row)]
    return {
        "intake_answers": bool(answering),
        "intake_at_any_hour": any(map(reads_at_any_hour, answering)),
        "intake_takes_calls": not answering or any(map(takes_calls, answering)),
    }


def _answers(intake: CodeIntake, row: Onboarding) -> bool:
    try:
        return intake.answers(row)
    except Exception:  # noqa: BLE001 - code of others; one machine must never stop the others
        log.exception("intake_failed", onboarding=row.id, intake=type(intake).__name__)
        return False


def plan_each(
    ctx: Context, snaps: Iterable[Snapshot], now: datetime
) -> list[tuple[Snapshot, Plan]]:
    """Plan machines; a fault of the rules is logged and stops no machine but its own.

    A machine that was claimed stays leased, and after some such leases it is parked as stuck.
    """
    made = []
    for snap in snaps:
        try:
            made.append((snap, plan(snap, now, ctx.policy)))
        except Exception as error:  # noqa: BLE001 - one machine must never stop the others
            log.exception("plan_failed", onboarding=snap.row.id, state=snap.row.state.value)
            if snap.row.reclaims >= ctx.policy.max_reclaims:
                why = f"the rules fail on it ({type(error).__name__}); this is a fault of ours"
                made.append((snap, parked(snap, now, why)))
    return made
