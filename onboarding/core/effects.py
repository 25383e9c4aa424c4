"""What a call that took effect changes in its row, however we came to know of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from onboarding.core.code_desk import NO_CODE, PROVEN
from onboarding.core.lifecycle import Trigger
from onboarding.core.operations import natural_key
from onboarding.core.pins import pin_proven
from onboarding.core.steps import Move
from onboarding.core.waits import NO_HOLD, NO_TROUBLE
from onboarding.model import (
    CodeMethod,
    JournaledOperation,
    Onboarding,
    Operation,
    OperationStatus,
    State,
)

#: What a row looks like whose number was deregistered because it is to leave.
LEFT: dict[str, Any] = {**NO_HOLD, **NO_TROUBLE, **NO_CODE, "register_accepted_at": None}


def code_sent(row: Onboarding, operation: JournaledOperation, reason: str) -> Move:
    """Return the move of a code that is, or must count as, on its way."""
    return Move(
        trigger=Trigger.CODE_REQUESTED,
        reason=reason,
        changes={
            "code_sent_at": operation.intent_at,
            "code_sends": row.code_sends + 1,
            "code_ready": False,
            **NO_TROUBLE,
        },
        operation=operation,
    )


def sent_how(row: Onboarding, operation: JournaledOperation) -> str:
    """Return in words how a code is sent, and why so if it is not the number's usual way."""
    method = operation.code_method or row.code_method
    is_fallback = method is CodeMethod.VOICE and row.code_method is CodeMethod.SMS
    why = ", as no code came by SMS" if is_fallback and row.code_sends else ""
    return f"Meta sends a code by {method}{why}"


def effect_of(
    row: Onboarding, operation: JournaledOperation, phone_number_id: str | None
) -> tuple[Trigger | None, dict[str, Any]]:
    """Return the trigger and the changes of an unanswered call that took effect.

    Args:
        row: the onboarding, as it stands now.
        operation: the call.
        phone_number_id: the id that the number has at Meta.
    """
    match operation.name:
        case Operation.CREATE_NUMBER | Operation.MIGRATE_NUMBER:
            trigger = Trigger.NUMBER_CREATED if row.state is State.REQUESTED else None
            return trigger, {"phone_number_id": phone_number_id, **NO_TROUBLE}
        case Operation.REQUEST_CODE:
            expected = row.state in (State.CREATED, State.OTP_PENDING)
            sent = code_sent(row, operation, "")
            return (sent.trigger, dict(sent.changes)) if expected else (None, {})
        case Operation.VERIFY_CODE:
            trigger = Trigger.CODE_VERIFIED if row.state is State.OTP_PENDING else None
            return trigger, PROVEN
        case Operation.REGISTER:
            return None, register_accepted(row, operation)
        case Operation.DEREGISTER:
            return deregistered(row)
        case Operation.SET_DISPLAY_NAME:
            return None, name_submitted(row, operation)
        case _:
            return None, NO_TROUBLE


def code_counts_as_sent(row: Onboarding, operation: JournaledOperation) -> Move:
    """Return the move of a code that may be on its way: a second one would void it."""
    sent = code_sent(row, operation, "request_code was not answered; the code counts as sent")
    return replace(sent, settles=(OperationStatus.SUCCEEDED, "policy"))


def register_accepted(row: Onboarding, operation: JournaledOperation) -> dict[str, Any]:
    """Return the changes of an accepted register call; the PIN it was made with is the PIN now."""
    accepted_at = max(operation.intent_at, row.register_accepted_at or operation.intent_at)
    return {**NO_TROUBLE, "register_accepted_at": accepted_at, **pin_proven(row, operation)}


def deregister_accepted() -> dict[str, Any]:
    """Return the changes of a number that is off the Cloud API; it is to be registered next."""
    return {**NO_TROUBLE, "register_accepted_at": None}


def deregistered(row: Onboarding) -> tuple[Trigger | None, dict[str, Any]]:
    """Return the trigger and the changes of a number that is off the Cloud API.

    Where that was asked for it has left; anywhere else it is to be registered next.
    """
    is_leaving = row.offboard_at is not None and row.state is State.REGISTERED
    if not is_leaving:
        return None, deregister_accepted()
    return Trigger.NUMBER_LEFT, LEFT


def name_submitted(row: Onboarding, operation: JournaledOperation) -> dict[str, Any]:
    """Return the changes of a name that is in review; another was given since if it differs."""
    if operation.natural_key != natural_key(Operation.SET_DISPLAY_NAME, row):
        return NO_TROUBLE
    return {
        **NO_TROUBLE,
        "name_submitted_at": operation.intent_at,
        "name_unapproved_at": None,
        "name_decided_at": None,
        "rejection_reason": None,
    }


def submission_of(operation: JournaledOperation) -> dict[str, str]:
    """Return what the history tells of a call that submits a name: which one; else nothing."""
    if operation.name is not Operation.SET_DISPLAY_NAME:
        return {}
    return {"display_name": operation.natural_key.partition("/")[2]}


def code_spent(row: Onboarding, operation: JournaledOperation) -> dict[str, Any]:
    """Return the changes of a code that was sent to Meta; one that came since is kept."""
    if operation.natural_key != natural_key(Operation.VERIFY_CODE, row):
        return {}
    return NO_CODE
