"""How one onboarding stands: everything a person needs to know of it, gathered once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from onboarding.cli.onboardings import facts, has_deadline, how_to
from onboarding.cli.output import plain
from onboarding.core.approvals import Approval
from onboarding.core.attribution import Attribution
from onboarding.core.deadlines import rungs_behind
from onboarding.core.migrations import Migration
from onboarding.core.next_look import NextLook
from onboarding.core.policy import Policy
from onboarding.core.quiet_hours import zones_of
from onboarding.core.requirements import Requirement
from onboarding.core.steps import Attempts
from onboarding.engine.facade import Engine
from onboarding.engine.looking import load_attempts
from onboarding.engine.restoring import restore_of
from onboarding.engine.whose_turn import next_looks
from onboarding.model import (
    Account,
    Deadline,
    JournaledOperation,
    Onboarding,
    Operation,
)
from onboarding.store.database import reading

#: The calls whose windows people are shown.
_BUDGETED = (Operation.REQUEST_CODE, Operation.REGISTER, Operation.SET_DISPLAY_NAME)

#: Windows from here on are told in days.
_LONG = timedelta(days=7)

#: Time zones of a number that are named; some numbers may be in dozens.
_ZONES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How many calls of a kind a number has left in its moving window.

    Attributes:
        operation: which call.
        limit: calls in any window: Meta's ten, less a reserve.
        window: how long the window is, like ``72 h`` or ``30 d``.
        left: how many are left now.
        next_at: when one is free again; ``None`` if one is free now.
    """

    operation: Operation
    limit: int
    window: str
    left: int
    next_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An onboarding with all that belongs to it.

    Attributes:
        row: the onboarding.
        account: its account.
        deadline: the deadline that runs, with its anchor; ``None`` if none does.
        rungs: names of the ladder's rungs that are behind it.
        operations: the calls made for it, oldest first.
        budgets: what is left of the windows.
        requirements: what is required, from whom; the first says whose turn it is.
        migration: the migration under way that it is a side of.
        approvals: what waits for a second person.
        next_look: when the engine looks at it next by itself; ``None`` if only an event helps.
        attribution: for whom it waited so far.
        code_choice: how its codes go out, and why so.
        quiet_hours: when none is sent, and in which zones; empty: there are no such hours.
        now: when all this was so.
    """

    row: Onboarding
    account: Account
    deadline: Deadline | None
    rungs: tuple[str, ...]
    operations: list[JournaledOperation]
    budgets: list[Budget]
    requirements: tuple[Requirement, ...]
    migration: Migration | None
    approvals: tuple[Approval, ...]
    next_look: NextLook | None
    attribution: Attribution
    code_choice: str
    quiet_hours: str
    now: datetime


def load_standing(engine: Engine, reference: str) -> Standing:
    """Return how an onboarding stands.

    Raises:
        NotFoundError: no such onboarding.
    """
    row = engine.get(reference)
    policy, now = engine.context.policy, engine.context.clock.now()
    deadline = next((d for d in engine.deadlines(row.id) if _runs(d, row)), None)
    attempts = _attempts(engine, row, now)
    return Standing(
        row=row,
        account=next(a for a in engine.accounts() if a.waba_id == row.waba_id),
        deadline=deadline,
        rungs=rungs_behind(deadline, policy.ladder) if deadline else (),
        operations=engine.operations(row.id),
        budgets=[_budget(attempts, operation, policy, now) for operation in _budgeted(row)],
        requirements=engine.requirements(row.id),
        migration=engine.migrations.of(row),
        approvals=tuple(engine.approvals.list(row.id)),
        next_look=next_looks(engine.context, [row])[row.id],
        attribution=engine.attribution(row.id),
        code_choice=_code_choice(engine, row),
        quiet_hours=_quiet_hours(policy, row),
        now=now,
    )


def _budgeted(row: Onboarding) -> tuple[Operation, ...]:
    leaving = (Operation.DEREGISTER,) if row.offboard_at is not None else ()
    return (*_BUDGETED, *leaving)


def _code_choice(engine: Engine, row: Onboarding) -> str:
    """Return what the history said last; of an earlier release's request, what is stored."""
    told = (entry.detail.get("code_choice") for _, entry in reversed(engine.history(row.id)))
    return next(filter(None, told), f"{row.code_method}; {row.code_language}")


def _quiet_hours(policy: Policy, row: Onboarding) -> str:
    zones = zones_of(row.phone_number)
    if policy.quiet_hours is None or row.code_window is not None or not zones:
        return ""
    more = f" and {len(zones) - _ZONES} zones more" if len(zones) > _ZONES else ""
    return f"{policy.quiet_hours} in {', '.join(zones[:_ZONES])}{more}"


def _runs(deadline: Deadline, row: Onboarding) -> bool:
    is_current = (deadline.cycle, deadline.reason) == (row.cycle, row.register_by_reason)
    return has_deadline(row) and is_current


def _attempts(engine: Engine, row: Onboarding, now: datetime) -> Attempts:
    """Return the calls of the number: Meta counts them, whichever onboarding made them."""
    with reading(engine.context.database) as conn:
        restore = restore_of(conn, now)
        return load_attempts(engine.context, conn, [row], now, restore)[row.number_key]


def _budget(attempts: Attempts, operation: Operation, policy: Policy, now: datetime) -> Budget:
    limit, window = policy.windows[operation]
    return Budget(
        operation=operation,
        limit=limit,
        window=_window(window),
        left=max(0, limit - len(attempts.spent(operation, window, now))),
        next_at=attempts.free_at(operation, limit, window, now),
    )


def _window(window: timedelta) -> str:
    return f"{window.days} d" if window > _LONG else f"{window // timedelta(hours=1)} h"


def standing_facts(standing: Standing) -> dict[str, Any]:
    """Return all of it for programs; no secret is among it."""
    deadline = standing.deadline
    waited = standing.attribution
    return facts(standing.row) | {
        **_turn(standing),
        "requirements": plain(standing.requirements),
        "migration": plain(standing.migration),
        "approvals": plain(standing.approvals),
        "next_look": plain(standing.next_look),
        "waited_seconds": {
            **{owner.value: span.total_seconds() for owner, span in waited.waited.items()},
            "at_rest": waited.rested.total_seconds(),
        },
        "account_hold": standing.account.hold_text if standing.account.hold else None,
        "deadline": {**plain(deadline), "rungs_raised": list(standing.rungs)} if deadline else None,
        "operations": [operation_facts(op) for op in standing.operations],
        "budgets": plain(standing.budgets),
        "code_choice": standing.code_choice,
        "quiet_hours": standing.quiet_hours,
    }


def _turn(standing: Standing) -> dict[str, Any]:
    """Return whose turn it is now, where that is more than the row itself can know."""
    first = next(iter(standing.requirements), None)
    if first is None:
        return {}
    do = how_to(standing.row, first)
    return {"whose_turn": first.from_whom, "why": first.why, "remedy": do}


def operation_facts(operation: JournaledOperation) -> dict[str, Any]:
    """Return a call for programs."""
    failure = operation.outcome.failure if operation.outcome else None
    return {
        "id": operation.id,
        "name": operation.name,
        "cycle": operation.cycle,
        "attempt": operation.attempt,
        "status": operation.status,
        "intent_at": operation.intent_at,
        "outcome_at": operation.outcome_at,
        "resolved_by": operation.resolved_by,
        "code": failure.code if failure else None,
        "subcode": failure.subcode if failure else None,
        "message": failure.message if failure else None,
        "fbtrace_id": operation.outcome.fbtrace_id if operation.outcome else None,
    }
