"""What a person's word on a call changes, where neither an answer nor the WABA's list can tell.

A person looks in WhatsApp Manager. What they find there is as good as a probe. Before anything is
sent in the place of a call that they did not find, or gave up, the WABA's list is read after all.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from onboarding.core.effects import code_spent, effect_of, submission_of
from onboarding.core.lifecycle import FINAL
from onboarding.core.operations import ADDING
from onboarding.core.steps import Move
from onboarding.core.waits import ENGINE, NO_HOLD, NO_TROUBLE
from onboarding.model import (
    Effect,
    JournaledOperation,
    Onboarding,
    Operation,
    OperationStatus,
    Reason,
)


class Answer(StrEnum):
    """What a person says became of a call."""

    FOUND = "found"
    ABSENT = "absent"
    ABANDON = "abandon"


#: How an operation stands once a person has said so.
STATUS = {
    Answer.FOUND: OperationStatus.SUCCEEDED,
    Answer.ABSENT: OperationStatus.ABSENT,
    Answer.ABANDON: OperationStatus.ABANDONED,
}


def is_parked(row: Onboarding, operation: JournaledOperation) -> bool:
    """Whether the onboarding is held because this call, as others before it, was lost."""
    trouble = row.trouble
    if row.hold is not Reason.REFUSED or row.hold_by != ENGINE or trouble is None:
        return False
    is_lost = operation.status is OperationStatus.ABSENT and operation.cycle == row.cycle
    is_of_it = (trouble.operation, trouble.at) == (operation.name, operation.intent_at)
    return is_lost and is_of_it and trouble.failure.effect is Effect.UNKNOWN


def number_id_of(row: Onboarding, operation: JournaledOperation) -> str | None:
    """Return the id of the number that a call was made for; ``None`` if it puts one there."""
    if operation.name in ADDING:
        return None
    return operation.natural_key.partition("/")[0] or row.phone_number_id


def found(
    row: Onboarding, operation: JournaledOperation, phone_number_id: str, reason: str
) -> Move:
    """Return what follows from a person's word that a call took effect."""
    is_create = operation.name in ADDING
    # What a call of an earlier cycle did to the number says nothing about this one.
    counts = is_create or operation.cycle == row.cycle
    trigger, changes = effect_of(row, operation, phone_number_id) if counts else (None, {})
    return Move(
        trigger=trigger,
        note="" if trigger else f"{operation.name}_found",
        reason=f"{operation.name} took effect, as a person found: {reason}",
        changes={**changes, **_hold_ended(row, operation)},
        operation=operation,
        detail=submission_of(operation),
    )


def absent(row: Onboarding, operation: JournaledOperation, reason: str) -> Move:
    """Return what follows from a person's word that a call had no effect: it may be repeated."""
    changes = {
        **NO_TROUBLE,
        # A repair that was lost comes before the call that needs it.
        "retry_operation": operation.name if operation.cycle == row.cycle else None,
        **_code_used(row, operation),
        **_hold_ended(row, operation),
    }
    return Move(
        note=f"{operation.name}_absent",
        reason=f"{operation.name} had no effect, as a person found: {reason}",
        changes=changes,
        operation=operation,
    )


def abandoned(
    row: Onboarding, operation: JournaledOperation, reason: str, actor: str, now: datetime
) -> Move:
    """Return what follows from giving a call up: a person releases the onboarding, or nobody."""
    hold: dict[str, Any] = {
        "hold": Reason.HELD, "hold_text": reason, "hold_by": actor, "hold_since": now,
        "hold_until": None,
    }  # fmt: skip
    changes = {**_code_used(row, operation), **({} if row.state in FINAL else hold)}
    return Move(
        note=f"{operation.name}_abandoned",
        reason=f"nobody looks into {operation.name} any more: {reason}",
        changes=changes,
        operation=operation,
    )


def _code_used(row: Onboarding, operation: JournaledOperation) -> dict[str, Any]:
    return code_spent(row, operation) if operation.name is Operation.VERIFY_CODE else {}


def _hold_ended(row: Onboarding, operation: JournaledOperation) -> dict[str, Any]:
    return NO_HOLD if is_parked(row, operation) else {}
