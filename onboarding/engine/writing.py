"""Plans become rows, history and wake-ups, in the transaction of whoever made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from onboarding.core.attribution import turn_taken
from onboarding.core.deadlines import deadline_of
from onboarding.core.lifecycle import FINAL
from onboarding.core.plan import Plan
from onboarding.core.steps import Call, Wait
from onboarding.engine.account_changes import hold_account
from onboarding.engine.announcing import announce_plans
from onboarding.engine.context import Context
from onboarding.engine.definition import DEFINITION
from onboarding.engine.escalate import raise_rungs
from onboarding.engine.migration_ends import follow
from onboarding.model import (
    AlertKind,
    Deadline,
    DeadlineReason,
    Onboarding,
    Owner,
    Reason,
    State,
    changed,
)
from onboarding.store import (
    accounts,
    alerts,
    deadlines,
    history,
    journal,
    leases,
    onboardings,
    outbox,
    pools,
    turns,
)

#: How a deadline ended whose time ran out.
MISSED: Final = "expired"


def write_plans(
    ctx: Context,
    conn: Connection,
    plans: Sequence[Plan],
    now: datetime,
    read: Mapping[str, Onboarding] | None = None,
) -> dict[str, Onboarding]:
    """Write what the plans lead to, for every row whose version is still the one that was read.

    The fenced update comes first, and everything else is written only for the rows that it
    returns. A row that lost its fence is made due now: its outcome is kept with the operation,
    and the next look takes it from there.

    Args:
        ctx: the engine's parts.
        conn: an open transaction, in which the rows were read under lock.
        plans: what to write.
        now: business time.
        read: the rows as they were read, where the plans were made from others.

    Returns:
        The rows as written, by id.
    """
    moving = [plan for plan in plans if plan.changes_row]
    growth = history.grown(
        {plan.row.id: plan.entries for plan in moving},
        {plan.row.id: (plan.row.history_seq, plan.row.head_hash) for plan in moving},
    )
    written = onboardings.write_step(
        conn,
        [changed(plan.row, definition=max(plan.row.definition, DEFINITION)) for plan in moving],
        read=_as_read(moving, read or {}),
        heads=growth.heads,
    )
    history.insert(conn, growth, written)
    held = [plan for plan in moving if plan.row.id in written]
    lost = [plan.row.id for plan in moving if plan.row.id not in written]
    if lost:
        leases.wake(conn, lost, now, worker=ctx.worker)
    taken = (turn_taken(plan.before, written[plan.row.id], now) for plan in held)
    turns.append(conn, [turn for turn in taken if turn is not None])
    _settle_operations(conn, held, now)
    _write_deadlines(ctx, conn, held, written, now)
    announce_plans(ctx, conn, held, written, now)
    follow(ctx, conn, held, written, now=now, write=write_plans)
    _hold_accounts(ctx, conn, held, now)
    pools.wake_claimed(conn, _claiming(held), now)
    _want_reads(conn, [plan for plan in plans if plan.row.id not in lost], now)
    if ctx.waker is not None:
        due = {id_: at for id_, row in written.items() if (at := row.next_due_at) is not None}
        ctx.waker.wake(conn, due | dict.fromkeys(lost, now))
    return written


def _as_read(plans: Sequence[Plan], read: Mapping[str, Onboarding]) -> dict[str, Onboarding] | None:
    """Return each plan's row as it was read; ``None`` if that is not known of all of them."""
    found = {plan.row.id: read.get(plan.row.id) or plan.found or plan.before for plan in plans}
    known = {id_: row for id_, row in found.items() if row is not None}
    return known if len(known) == len(found) else None


def _claiming(plans: Sequence[Plan]) -> list[str]:
    """Return the onboardings with a number of the pool that changed their state."""
    return [
        plan.row.id
        for plan in plans
        if plan.row.preverified_id is not None and any(e.source != e.dest for e in plan.entries)
    ]


def due_now(plan: Plan, now: datetime) -> Plan:
    """Return the plan with its row free and due: the call it ends in is made by the next claim."""
    if isinstance(plan.step, Call):
        plan.row = changed(
            plan.row,
            next_due_at=now,
            waiting=Reason.DUE,
            waiting_for=Owner.ENGINE,
            waiting_since=now,
            lease_owner=None,
            lease_until=None,
            reclaims=0,
        )
    return plan


def _settle_operations(conn: Connection, plans: Sequence[Plan], now: datetime) -> None:
    settled = [
        journal.Result(
            id=operation.id,
            status=status,
            outcome=operation.outcome,
            outcome_at=now,
            applied=True,
            resolved_by=resolved_by,
        )
        for plan in plans
        for operation, status, resolved_by in plan.settled
    ]
    journal.write_results(conn, settled)
    applied = [op.id for plan in plans for op in plan.applied if not op.applied]
    journal.mark_applied(conn, applied)


def _write_deadlines(
    ctx: Context,
    conn: Connection,
    plans: Sequence[Plan],
    written: dict[str, Onboarding],
    now: datetime,
) -> None:
    replaced: list[str] = []
    if set_by := [plan for plan in plans if plan.deadlines]:
        stored = {
            (d.onboarding_id, d.cycle, d.reason): d
            for d in deadlines.load_deadlines(conn, [plan.row.id for plan in set_by])
        }
        made = [d for plan in set_by for d in _dated(ctx, plan, stored)]
        deadlines.set_deadlines(conn, made)
        replaced = deadlines.replace_deadlines(conn, made, now)
    ended = {plan.row.id: how for plan in plans if (how := _ending(plan, now)) is not None}
    if missed := [id_ for id_, how in ended.items() if how == MISSED]:
        raise_rungs(ctx, conn, missed, written, now)  # before nobody looks at them any more
    deadlines.close_deadlines(conn, ended, now)
    _end_alerts(conn, dict.fromkeys(replaced, "replaced") | ended, now)


def _dated(
    ctx: Context, plan: Plan, stored: Mapping[tuple[str, int, DeadlineReason], Deadline]
) -> list[Deadline]:
    """Return the plan's deadlines, the last one of each reason."""
    row, ladder = plan.row, ctx.policy.ladder
    result = {
        change.reason: deadline_of(
            row, change, ladder, stored.get((row.id, row.cycle, change.reason))
        )
        for change in plan.deadlines
    }
    return list(result.values())


def _ending(plan: Plan, now: datetime) -> str | None:
    """Return how the deadlines of a plan's row ended with it, if they did."""
    if not any(entry.source != entry.dest for entry in plan.entries):
        return None
    if plan.row.state is State.REGISTERED:
        return "met"
    if plan.row.state in FINAL:
        return MISSED if plan.row.state is State.EXPIRED else "over"
    if plan.row.register_by is not None:
        return None
    # A new name that is no longer approved has no deadline; the next approval sets one.
    found = plan.before or plan.found
    had = found.register_by if found is not None else None
    return MISSED if had is not None and had <= now else "over"


def _end_alerts(conn: Connection, ended: Mapping[str, str], now: datetime) -> None:
    """Tell nobody any more of deadlines that are met; that one has expired is still told."""
    alerts.close_alerts(conn, list(ended), [AlertKind.RUNG], now)
    done = [(id_, AlertKind.RUNG) for id_, how in ended.items() if how != MISSED]
    outbox.cancel(conn, done, "the deadline was met, or counts no more")


def _hold_accounts(ctx: Context, conn: Connection, plans: Sequence[Plan], now: datetime) -> None:
    for waba_id, text in {p.row.waba_id: p.account_hold for p in plans if p.account_hold}.items():
        hold_account(ctx, conn, waba_id, text=text or "", now=now)


def _want_reads(conn: Connection, plans: Sequence[Plan], now: datetime) -> None:
    observe: dict[str, datetime] = {}
    check: dict[str, datetime] = {}
    for plan in plans:
        if not isinstance(plan.step, Wait):
            continue
        waba_id, at = plan.row.waba_id, plan.step.observe_at
        if at is not None:
            observe[waba_id] = min(at, observe.get(waba_id, at))
        if plan.step.check_subscription:
            check[waba_id] = now
    accounts.want(conn, observe, check)
