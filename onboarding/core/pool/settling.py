"""What the lists say about a call of the pool that was not answered.

The same as for onboardings: a call stays open until its settle time is over and a read that
began after that tells; evidence that it took effect is taken at any time.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from onboarding.core.operations import POLICIES, OnSilence
from onboarding.core.policy import Policy
from onboarding.core.pool.effects import code_sent, effect_of
from onboarding.core.pool.lifecycle import PoolState
from onboarding.core.pool.steps import (
    NO_CODE,
    LookAtPartners,
    PoolMove,
    PoolSnapshot,
    PoolStep,
    seen_after,
    share_of,
    shown,
    wait_for_list,
)
from onboarding.core.steps import Wait
from onboarding.core.timing import HOUR, backoff
from onboarding.model import (
    CodeVerificationStatus,
    Effect,
    Failure,
    JournaledOperation,
    Operation,
    OperationStatus,
    Reason,
    RecoveryClass,
    Trouble,
)

_SHARING = (Operation.SHARE_PREVERIFIED, Operation.UNSHARE_PREVERIFIED)

_NO_ANSWER = Failure(
    effect=Effect.UNKNOWN,
    recovery=RecoveryClass.TRANSIENT,
    message="no answer was received",
    remedy="Nothing to do: it is tried again by itself.",
)


def settle(snap: PoolSnapshot, now: datetime, policy: Policy) -> PoolStep:
    """Settle the open call of a number, or wait until it can be settled."""
    operation = snap.open_operation
    assert operation is not None, "only called with an open operation"  # noqa: S101 - for types
    if _took_effect(snap, operation, policy):
        move = effect_of(snap, operation, _id_shown(snap), policy)
        reason = f"{operation.name} was not answered; the list shows that it took effect"
        return replace(move, reason=reason, settles=(OperationStatus.SUCCEEDED, "probe"))
    if now < operation.settle_at:
        return Wait(reason=Reason.SETTLING, until=operation.settle_at)
    if POLICIES[operation.name].on_silence is OnSilence.COUNT_AS_DONE:
        move = code_sent(snap.row, operation)
        reason = f"{operation.name} was not answered; the code counts as sent"
        return replace(move, reason=reason, settles=(OperationStatus.SUCCEEDED, "policy"))
    if operation.name in _SHARING:
        share = share_of(snap, operation)
        if share is not None and (share.seen_at is None or share.seen_at < operation.settle_at):
            return LookAtPartners()
    elif not seen_after(snap.row, operation.settle_at):
        return wait_for_list(now, Reason.SETTLING)
    return _absent(snap, operation, now, policy)


def _id_shown(snap: PoolSnapshot) -> str | None:
    seen = shown(snap.row)
    return seen.id if seen else None


def _took_effect(snap: PoolSnapshot, operation: JournaledOperation, policy: Policy) -> bool:
    """Return whether a read that began after the call shows its effect."""
    if operation.name in _SHARING:
        return _is_shared_so(snap, operation)
    row, seen = snap.row, shown(snap.row)
    if not seen_after(row, operation.intent_at):
        return False
    match operation.name:
        case Operation.ADD_PREVERIFIED:
            return seen is not None
        case Operation.VERIFY_PREVERIFIED:
            return _is_proven(snap, policy)
        case Operation.DELETE_PREVERIFIED:
            return seen is None and seen_after(row, operation.settle_at)
        case _:
            return False


def _is_proven(snap: PoolSnapshot, policy: Policy) -> bool:
    """Whether the list shows a verification that only the code that was sent can have brought.

    A number that was verified before is still shown so; its end tells whether it is a new one.
    """
    row, seen = snap.row, shown(snap.row)
    if seen is None or seen.code_verification_status != CodeVerificationStatus.VERIFIED:
        return False
    if row.state is not PoolState.VERIFIED:
        return True
    ends = seen.verification_expiry_time
    if row.verified_at is None or ends is None:
        return False
    return ends > row.verified_at + policy.preverified_validity + HOUR


def _is_shared_so(snap: PoolSnapshot, operation: JournaledOperation) -> bool:
    share = share_of(snap, operation)
    if share is None or share.seen_at is None or share.seen_at < operation.intent_at:
        return False
    wanted = operation.name is Operation.SHARE_PREVERIFIED
    # That a partner is not there counts only once the call can no longer arrive.
    is_late = share.seen_at >= operation.settle_at
    return share.seen_present is wanted and (wanted or is_late)


def _absent(
    snap: PoolSnapshot, operation: JournaledOperation, now: datetime, policy: Policy
) -> PoolMove:
    """A lost call is repeated after a pause that grows with every loss."""
    row = snap.row
    told = (operation.outcome and operation.outcome.failure) or _NO_ANSWER
    failure = replace(told, effect=Effect.UNKNOWN, recovery=RecoveryClass.TRANSIENT)
    last = row.trouble
    is_same = last is not None and last.operation == operation.name
    tries = row.tries + 1 if is_same else 1
    changes = {
        "tries": tries,
        "retry_at": now + backoff(tries, policy.lost),
        "retry_operation": operation.name,
        "trouble": Trouble(operation=operation.name.value, at=operation.intent_at, failure=failure),
        **(NO_CODE if operation.name is Operation.VERIFY_PREVERIFIED else {}),
    }
    return PoolMove(
        note=f"{operation.name}_absent",
        reason=f"{operation.name} was not answered; the list shows no effect of it",
        changes=changes,
        operation=operation,
        settles=(OperationStatus.ABSENT, "probe"),
    )
