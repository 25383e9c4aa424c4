"""What people do: a step is checked, planned on, and written in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.lifecycle import Trigger, allowed_triggers
from onboarding.core.plan import plan
from onboarding.core.steps import Move, entry_of, moved
from onboarding.engine.context import Context
from onboarding.engine.definition import require_known
from onboarding.engine.looking import snapshots
from onboarding.engine.writing import due_now, write_plans
from onboarding.errors import InputError, NotFoundError, TransitionRefusedError
from onboarding.model import Onboarding
from onboarding.store import onboardings
from onboarding.store.database import again_if_raced, writing

#: Says what a person's step is, from the onboarding as it stands in the transaction.
Make = Callable[[Onboarding, datetime, Connection], Move]

#: What a person calls the moves of the lifecycle that people make.
_COMMANDS = {
    Trigger.CANCELLED: "cancel",
    Trigger.RESTARTED: "restart",
    Trigger.RENAME_REQUESTED: "rename",
}


def change(ctx: Context, onboarding_id: str, actor: str, make: Make) -> Onboarding:
    """Apply a person's step to one onboarding, in one transaction.

    A call that is in flight for it keeps its outcome; the next look applies it to what is then.

    Raises:
        NotFoundError: no such onboarding.
        InputError: no reason is given.
    """
    return again_if_raced(lambda: _change(ctx, onboarding_id, actor, make))


def _change(ctx: Context, onboarding_id: str, actor: str, make: Make) -> Onboarding:
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        row = onboardings.load_onboardings(conn, [onboarding_id], lock=True).get(onboarding_id)
        if row is None:
            raise no_onboarding(onboarding_id)
        step = make(row, now, conn)
        if not step.reason.strip():
            raise InputError("a reason is needed", field="reason", hint='--reason "handing over"')
        return write_moves(ctx, conn, [(row, step)], actor, now)[row.id]


def no_onboarding(reference: str) -> NotFoundError:
    """Return what is raised where an onboarding is not known."""
    return NotFoundError(f"there is no onboarding '{reference}'", hint="see: onboarding list")


def write_moves(
    ctx: Context,
    conn: Connection,
    steps: Sequence[tuple[Onboarding, Move]],
    actor: str,
    now: datetime,
) -> dict[str, Onboarding]:
    """Write steps of locked onboardings, and what follows from them; calls are left to a pass.

    Returns:
        The rows as written, by id.

    Raises:
        TransitionRefusedError: the lifecycle has no room for a step; nothing was written.
        SchemaError: a newer release wrote one of the rows; nothing was written.
    """
    if not steps:
        return {}
    require_known(row for row, _ in steps)
    after = [require_move(row, step, now) for row, step in steps]
    plans = []
    for (row, step), snap in zip(steps, snapshots(ctx, conn, after, now), strict=True):
        made = due_now(plan(snap, now, ctx.policy), now)
        made.before = made.found = row
        made.entries.insert(0, entry_of(row, snap.row, step, now, actor))
        if step.deadline:
            made.deadlines.insert(0, step.deadline)
        plans.append(made)
    return write_plans(ctx, conn, plans, now)


def require_move(row: Onboarding, step: Move, now: datetime) -> Onboarding:
    """Return the row as a person's step leaves it.

    Raises:
        TransitionRefusedError: the lifecycle has no room for it; the text says what is possible.
    """
    try:
        return moved(row, step, now)
    except TransitionRefusedError:
        asked = _COMMANDS.get(step.trigger, "this") if step.trigger else "this"
        possible = [name for t, name in _COMMANDS.items() if t in allowed_triggers(row.state)]
        also = f"possible now: {', '.join(possible)}; " if possible else ""
        raise TransitionRefusedError(
            f"{asked} is not possible while the onboarding is '{row.state}'",
            hint=f"{also}see: onboarding show {row.id}",
        ) from None
