"""What the answer to a call means for the onboarding that made it.

The answer was classified on (endpoint, code, subcode) already; here the operation's own rules
come first and the recovery class decides what is left (``core/refusals.py``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from onboarding.core.code_desk import PROVEN
from onboarding.core.effects import (
    code_counts_as_sent,
    code_sent,
    deregistered,
    name_submitted,
    register_accepted,
    sent_how,
    submission_of,
)
from onboarding.core.lifecycle import Trigger
from onboarding.core.operations import ADDING, POLICIES, OnSilence
from onboarding.core.policy import Policy
from onboarding.core.refusal import Refusal
from onboarding.core.refusals import apply_refusal
from onboarding.core.steps import Attempts, Move
from onboarding.core.waits import NO_TROUBLE
from onboarding.model import (
    Effect,
    Failure,
    JournaledOperation,
    Onboarding,
    Operation,
    OperationStatus,
    State,
)

#: How a call stands that was settled before its answer came.
_CLOSED = (OperationStatus.ABSENT, OperationStatus.ABANDONED)


def apply_outcome(
    row: Onboarding,
    operation: JournaledOperation,
    attempts: Attempts,
    now: datetime,
    policy: Policy,
) -> Move | None:
    """Return how an answered call changes its onboarding.

    Args:
        row: the onboarding, as it stands now (it may have moved on since the call).
        operation: the call, with its outcome.
        attempts: calls of this number so far.
        now: business time.
        policy: waits and limits.

    Returns:
        The step to take, or ``None`` if the outcome changes nothing any more.
    """
    outcome = operation.outcome
    if outcome is None or operation.cycle != row.cycle:
        return None
    is_without_id = operation.name in ADDING and outcome.phone_number_id is None
    if outcome.effect is Effect.DONE and not is_without_id:
        return _done(row, operation)
    if outcome.failure is None or operation.status in _CLOSED:
        return None  # a call that was settled as absent did nothing: a late refusal is no news
    if outcome.effect is Effect.UNKNOWN:
        return _silent(row, operation, outcome.failure)
    return apply_refusal(
        Refusal(
            row=row,
            operation=operation,
            failure=outcome.failure,
            attempts=attempts,
            now=now,
            policy=policy,
        )
    )


def _done(row: Onboarding, operation: JournaledOperation) -> Move | None:
    outcome = operation.outcome
    match operation.name:
        case Operation.CREATE_NUMBER | Operation.MIGRATE_NUMBER:
            return _created(row, operation, outcome.phone_number_id if outcome else None)
        case Operation.REQUEST_CODE if row.state in (State.CREATED, State.OTP_PENDING):
            return code_sent(row, operation, sent_how(row, operation))
        case Operation.VERIFY_CODE if row.state is State.OTP_PENDING:
            return Move(
                trigger=Trigger.CODE_VERIFIED,
                reason="Meta accepted the code",
                changes=PROVEN,
                operation=operation,
            )
        case Operation.REGISTER:
            return _noted(operation, "register_accepted", register_accepted(row, operation))
        case Operation.DEREGISTER:
            return _deregistered(row, operation)
        case Operation.SET_PIN:
            return _noted(operation, "pin_set", NO_TROUBLE)
        case Operation.SET_DISPLAY_NAME:
            return _noted(operation, "name_submitted", name_submitted(row, operation))
        case _:
            return None


#: What Meta did for a call that put a number onto a WABA.
_ADDED = {
    Operation.CREATE_NUMBER: "Meta created the number",
    Operation.MIGRATE_NUMBER: "Meta began to migrate the number; it works where it was meanwhile",
}


def _deregistered(row: Onboarding, operation: JournaledOperation) -> Move:
    trigger, changes = deregistered(row)
    if trigger is None:
        return _noted(operation, "deregister_accepted", changes)
    reason = "Meta took the number off the Cloud API, as was asked for"
    return Move(trigger=trigger, reason=reason, changes=changes, operation=operation)


def _created(row: Onboarding, operation: JournaledOperation, id_: str | None) -> Move | None:
    if row.state is State.REQUESTED:
        return Move(
            trigger=Trigger.NUMBER_CREATED,
            reason=_ADDED[operation.name],
            changes={"phone_number_id": id_, **NO_TROUBLE},
            operation=operation,
        )
    if id_ == row.phone_number_id:
        return None
    reason = f"{operation.name} was answered late, with id {id_}"
    return Move(note="late_answer", reason=reason, operation=operation)


def _noted(operation: JournaledOperation, note: str, changes: dict[str, Any]) -> Move:
    return Move(
        note=note,
        reason=f"Meta accepted {operation.name}",
        changes=changes,
        operation=operation,
        detail=submission_of(operation),
    )


def _silent(row: Onboarding, operation: JournaledOperation, failure: Failure) -> Move | None:
    """Note the silence; the call stays open and ``core/probe.py`` settles it."""
    if POLICIES[operation.name].on_silence is OnSilence.COUNT_AS_DONE:
        return code_counts_as_sent(row, operation)
    return Move(
        note="call_unanswered",
        reason=f"{operation.name}: {failure.message}; looked into before anything is repeated",
        operation=operation,
    )
