"""How one onboarding stands: everything a person needs to know of it, gathered once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from onboarding.cli.onboardings import facts, has_deadline
from onboarding.cli.output import plain
from onboarding.core.deadlines import rungs_behind
from onboarding.core.policy import Policy
from onboarding.core.steps import Attempts
from onboarding.engine.facade import Engine
from onboarding.engine.looking import load_attempts
from onboarding.engine.restoring import restore_of
from onboarding.model import (
    Account,
    Deadline,
    JournaledOperation,
    Onboarding,
    Operation,
)
from onboarding.store.database import reading

#: The calls whose windows people are shown.
_BUDGETED = (Operation.REQUEST_CODE, Operation.REGISTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How many calls of a kind a number has left in its moving window.

    Attributes:
        operation: which call.
        limit: calls in any window: Meta's ten, less a reserve.
        left: how many are left now.
        next_at: when one is free again; ``None`` if one is free now.
    """

    operation: Operation
    limit: int
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
        now: when all this was so.
    """

    row: Onboarding
    account: Account
    deadline: Deadline | None
    rungs: tuple[str, ...]
    operations: list[JournaledOperation]
    budgets: list[Budget]
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
        budgets=[_budget(attempts, operation, policy, now) for operation in _BUDGETED],
        now=now,
    )


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
        left=max(0, limit - len(attempts.spent(operation, window, now))),
        next_at=attempts.free_at(operation, limit, window, now),
    )


def standing_facts(standing: Standing) -> dict[str, Any]:
    """Return all of it for programs; no secret is among it."""
    deadline = standing.deadline
    return facts(standing.row) | {
        "account_hold": standing.account.hold_text if standing.account.hold else None,
        "deadline": {**plain(deadline), "rungs_raised": list(standing.rungs)} if deadline else None,
        "operations": [operation_facts(op) for op in standing.operations],
        "budgets": plain(standing.budgets),
    }


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
