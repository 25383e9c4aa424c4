"""What the list says about a call that was not answered.

Silence is not an answer. A call stays open until its settle time is over (the request can no
longer arrive, and the list has caught up) and a read of the list that began after that tells
whether it took effect. Evidence that it did is taken at any time; its absence only after.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from onboarding.core.lifecycle import Trigger
from onboarding.core.operations import POLICIES, OnSilence
from onboarding.core.policy import Policy
from onboarding.core.seen import is_connected, is_gone, is_verified, seen_after
from onboarding.core.steps import Move, Snapshot, Step, Wait
from onboarding.core.waits import NO_TROUBLE, wait_for_list
from onboarding.model import (
    JournaledOperation,
    NameStatus,
    Onboarding,
    Operation,
    OperationStatus,
    PlatformType,
    Reason,
    State,
)

_WIPED = {"code_sealed": None, "code_mac": None}


def judge(snap: Snapshot, now: datetime, policy: Policy) -> Step:
    """Settle the open call of a snapshot, or wait until it can be settled."""
    del policy
    operation = snap.open_operation
    assert operation is not None, "only called with an open operation"  # noqa: S101 - for types
    row = snap.row
    if found := _found(row, operation):
        return found
    if now < operation.settle_at:
        return Wait(reason=Reason.SETTLING, until=operation.settle_at)
    match POLICIES[operation.name].on_silence:
        case OnSilence.COUNT_AS_DONE:
            return _counted(operation)
        case OnSilence.REPEAT:
            return _absent(operation, "policy", "repeating it changes nothing")
        case OnSilence.PROBE:
            if not seen_after(row, operation.settle_at):
                return wait_for_list(now, Reason.SETTLING)
            return _absent(operation, "probe", "the WABA's list shows no effect of it")


def _found(row: Onboarding, operation: JournaledOperation) -> Move | None:
    """Return what follows if the list shows that the call took effect."""
    seen = row.seen
    if seen is None or not row.seen_present or not seen_after(row, operation.intent_at):
        return None
    match operation.name:
        case Operation.CREATE_NUMBER if not is_gone(seen):
            trigger = Trigger.NUMBER_CREATED if row.state is State.REQUESTED else None
            return _succeeded(operation, trigger, {"phone_number_id": seen.id, **NO_TROUBLE})
        case Operation.VERIFY_CODE if is_verified(seen):
            trigger = Trigger.CODE_VERIFIED if row.state is State.OTP_PENDING else None
            return _succeeded(operation, trigger, {**_WIPED, **NO_TROUBLE})
        case Operation.REGISTER if is_connected(seen) and not row.renaming:
            return _succeeded(operation, None, {"register_accepted_at": operation.intent_at})
        case Operation.DEREGISTER if seen.platform_type == PlatformType.NOT_APPLICABLE:
            return _succeeded(operation, None, {"retry_operation": None, "retry_at": None})
        case Operation.SET_DISPLAY_NAME if (
            seen.new_display_name == row.new_display_name
            and seen.new_name_status in (NameStatus.PENDING_REVIEW, NameStatus.APPROVED)
        ):
            return _succeeded(operation, None, {"name_submitted_at": operation.intent_at})
        case _:
            return None


def _succeeded(
    operation: JournaledOperation, trigger: Trigger | None, changes: dict[str, Any]
) -> Move:
    return Move(
        trigger=trigger,
        note="" if trigger else f"{operation.name}_found",
        reason=f"{operation.name} was not answered; the WABA's list shows that it took effect",
        changes=changes,
        operation=operation,
        settles=(OperationStatus.SUCCEEDED, "probe"),
    )


def _counted(operation: JournaledOperation) -> Move:
    """A code that may have been sent counts as sent: a second one would void it."""
    return Move(
        trigger=Trigger.CODE_REQUESTED,
        reason="request_code was not answered; the code counts as sent",
        changes={"code_sent_at": operation.intent_at, "code_ready": False},
        operation=operation,
        settles=(OperationStatus.SUCCEEDED, "policy"),
    )


def _absent(operation: JournaledOperation, resolved_by: str, why: str) -> Move:
    changes = dict(_WIPED) if operation.name is Operation.VERIFY_CODE else {}
    return Move(
        note=f"{operation.name}_absent",
        reason=f"{operation.name} was not answered; {why}",
        changes=changes,
        operation=operation,
        settles=(OperationStatus.ABSENT, resolved_by),
    )
