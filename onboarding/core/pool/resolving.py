"""What a person's word on a call of the pool changes, where no list can tell.

Before a number is added in the place of a call that a person did not find, or gave up, the pool's
list is read after all.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from onboarding.core.policy import Policy
from onboarding.core.pool.effects import effect_of
from onboarding.core.pool.lifecycle import FINAL
from onboarding.core.pool.model import PoolNumber
from onboarding.core.pool.steps import NO_CODE, NO_HOLD, NO_TROUBLE, PoolMove, PoolSnapshot
from onboarding.core.resolving import STATUS, Answer
from onboarding.core.waits import ENGINE
from onboarding.model import Effect, JournaledOperation, Operation, OperationStatus, Reason

_OPERATOR = "operator"

#: What a row looks like whose list must be read anew.
_UNSEEN: dict[str, Any] = {"seen_at": None, "seen_present": None, "absent_since": None}


def is_parked(row: PoolNumber, operation: JournaledOperation) -> bool:
    """Whether the number is held because this call, as others before it, was lost."""
    trouble = row.trouble
    if row.hold is not Reason.REFUSED or row.hold_by != ENGINE or trouble is None:
        return False
    is_of_it = (trouble.operation, trouble.at) == (operation.name, operation.intent_at)
    is_lost = operation.status is OperationStatus.ABSENT
    return is_lost and is_of_it and trouble.failure.effect is Effect.UNKNOWN


def found(
    snap: PoolSnapshot, operation: JournaledOperation, id_: str, reason: str, policy: Policy
) -> PoolMove:
    """Return what follows from a person's word that a call took effect."""
    move = effect_of(snap, operation, id_, policy)
    told = f"{operation.name} took effect, as a person found: {reason}"
    unseen = _UNSEEN if operation.name is Operation.ADD_PREVERIFIED else {}
    changes = {**move.changes, **unseen, **_hold_ended(snap.row, operation)}
    return replace(move, reason=told, changes=changes, settles=(STATUS[Answer.FOUND], _OPERATOR))


def absent(snap: PoolSnapshot, operation: JournaledOperation, reason: str) -> PoolMove:
    """Return what follows from a person's word that a call had no effect: it may be repeated."""
    return PoolMove(
        note=f"{operation.name}_absent",
        reason=f"{operation.name} had no effect, as a person found: {reason}",
        changes={**NO_TROUBLE, **_given_back(operation), **_hold_ended(snap.row, operation)},
        operation=operation,
        settles=(STATUS[Answer.ABSENT], _OPERATOR),
    )


def abandoned(
    snap: PoolSnapshot, operation: JournaledOperation, reason: str, actor: str, now: datetime
) -> PoolMove:
    """Return what follows from giving a call up: a person releases the number, or nobody."""
    hold: dict[str, Any] = {
        "hold": Reason.HELD, "hold_text": reason, "hold_by": actor, "hold_since": now,
    }  # fmt: skip
    changes = {**NO_TROUBLE, **_given_back(operation)}
    return PoolMove(
        note=f"{operation.name}_abandoned",
        reason=f"nobody looks into {operation.name} any more: {reason}",
        changes={**changes, **({} if snap.row.state in FINAL else hold)},
        operation=operation,
        settles=(STATUS[Answer.ABANDON], _OPERATOR),
    )


def _given_back(operation: JournaledOperation) -> dict[str, Any]:
    """No code is sent twice, and no number is added that was not looked for."""
    match operation.name:
        case Operation.VERIFY_PREVERIFIED:
            return NO_CODE
        case Operation.ADD_PREVERIFIED:
            return _UNSEEN
        case _:
            return {}


def _hold_ended(row: PoolNumber, operation: JournaledOperation) -> dict[str, Any]:
    return NO_HOLD if is_parked(row, operation) else {}
