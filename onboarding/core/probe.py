"""What the list says about a call that was not answered.

Silence is not an answer. A call stays open until its settle time is over (the request can no
longer arrive, and the list has caught up) and a read of the list that began after that tells
whether it took effect. Evidence that it did is taken at any time; its absence only after.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from onboarding.core.code_desk import is_contradicted
from onboarding.core.effects import code_counts_as_sent, code_spent, effect_of, submission_of
from onboarding.core.operations import POLICIES, OnSilence
from onboarding.core.policy import Policy
from onboarding.core.seen import (
    USABLE_NAME,
    is_gone,
    is_verified,
    seen_after,
    shown,
    shows_connected,
)
from onboarding.core.steps import Move, Snapshot, Step, Wait
from onboarding.core.timing import backoff, in_time, next_poll
from onboarding.core.waits import failures_in_a_row, wait_for_list
from onboarding.model import (
    Effect,
    Failure,
    JournaledOperation,
    NameStatus,
    Onboarding,
    Operation,
    OperationStatus,
    PhoneNumber,
    PlatformType,
    Reason,
    RecoveryClass,
    Trouble,
)

_NO_ANSWER = Failure(
    effect=Effect.UNKNOWN,
    recovery=RecoveryClass.TRANSIENT,
    message="no answer was received",
    remedy="Nothing to do: it is tried again by itself.",
)


def judge(snap: Snapshot, now: datetime, policy: Policy) -> Step:
    """Settle the open call of a snapshot, or wait until it can be settled."""
    operation = snap.open_operation
    assert operation is not None, "only called with an open operation"  # noqa: S101 - for types
    took_effect = _took_effect(snap, operation)
    if took_effect:
        return _found(snap.row, operation)
    if now < operation.settle_at:
        return Wait(reason=Reason.SETTLING, until=operation.settle_at)
    match POLICIES[operation.name].on_silence:
        case OnSilence.COUNT_AS_DONE:
            return code_counts_as_sent(snap.row, operation)
        case OnSilence.REPEAT:
            how = ("policy", "repeating it changes nothing")
            return _absent(snap.row, operation, now, policy, how)
        case OnSilence.PROBE if not seen_after(snap.row, operation.settle_at):
            return wait_for_list(now, Reason.SETTLING)
        case OnSilence.PROBE if took_effect is None and now < _patience(operation, policy):
            row = snap.row
            poll = next_poll(operation.settle_at, now, policy.poll_connecting, row.waba_id)
            return Wait(reason=Reason.SETTLING, observe_at=poll)
        case OnSilence.PROBE:
            how = ("probe", "the WABA's list shows no effect of it")
            return _absent(snap.row, operation, now, policy, how)


def _patience(operation: JournaledOperation, policy: Policy) -> datetime:
    """Return until when a list that does not tell is read again before it counts as a no."""
    return operation.settle_at + policy.reregister_after


def _took_effect(snap: Snapshot, operation: JournaledOperation) -> bool | None:
    """Return whether a read that began after the call shows its effect; ``None``: not told."""
    row, seen = snap.row, shown(snap.row)
    if seen is None or not seen_after(row, operation.intent_at):
        return False
    match operation.name:
        case Operation.CREATE_NUMBER | Operation.MIGRATE_NUMBER:
            return not is_gone(seen)
        case Operation.VERIFY_CODE:
            return False if is_contradicted(snap) else is_verified(seen)
        case Operation.REGISTER:
            return False if row.renaming else shows_connected(seen)
        case Operation.DEREGISTER if seen.platform_type is None:
            return None
        case Operation.DEREGISTER:
            return seen.platform_type == PlatformType.NOT_APPLICABLE
        case Operation.SET_DISPLAY_NAME:
            return shows_name(row, seen)
        case _:
            return False


def _found(row: Onboarding, operation: JournaledOperation) -> Move:
    """Return what follows from a call that took effect."""
    trigger, changes = effect_of(row, operation, row.seen.id if row.seen else None)
    return Move(
        trigger=trigger,
        note="" if trigger else f"{operation.name}_found",
        reason=f"{operation.name} was not answered; the WABA's list shows that it took effect",
        changes=changes,
        operation=operation,
        detail=submission_of(operation),
        settles=(OperationStatus.SUCCEEDED, "probe"),
    )


def shows_name(row: Onboarding, seen: PhoneNumber) -> bool:
    """Whether Meta shows that the new name was submitted."""
    if row.new_display_name is None:
        return False
    if seen.new_display_name == row.new_display_name:
        return seen.new_name_status in (NameStatus.PENDING_REVIEW, *USABLE_NAME)
    return seen.verified_name == row.new_display_name and seen.name_status in USABLE_NAME


def _absent(
    row: Onboarding,
    operation: JournaledOperation,
    now: datetime,
    policy: Policy,
    how: tuple[str, str],
) -> Move:
    """A lost call is repeated after a pause that grows with every loss."""
    resolved_by, why = how
    told = (operation.outcome and operation.outcome.failure) or _NO_ANSWER
    # The class of the answer never overrides what the operation's own policy says of silence.
    failure = replace(told, effect=Effect.UNKNOWN, recovery=RecoveryClass.TRANSIENT)
    tries = failures_in_a_row(row, operation, failure)
    changes: dict[str, Any] = {
        "tries": tries,
        "retry_at": in_time(
            now + backoff(tries, policy.lost),
            row.register_by,
            policy.last_try,
            not_before=now + policy.lost[0],
        ),
        "retry_operation": operation.name,
        "trouble": Trouble(operation=operation.name.value, at=operation.intent_at, failure=failure),
    }
    if operation.name is Operation.VERIFY_CODE:
        changes |= code_spent(row, operation)
    return Move(
        note=f"{operation.name}_absent",
        reason=f"{operation.name} was not answered; {why}",
        changes=changes,
        operation=operation,
        settles=(OperationStatus.ABSENT, resolved_by),
    )
