"""What an answered call of the pool changes, however we came to know of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from onboarding.core.policy import Policy
from onboarding.core.pool.lifecycle import UNPROVEN, PoolState, PoolTrigger
from onboarding.core.pool.model import PoolNumber, Share, ShareState
from onboarding.core.pool.steps import (
    NO_CODE,
    NO_TROUBLE,
    PoolMove,
    PoolSnapshot,
    hold_step,
    share_of,
)
from onboarding.core.timing import DAY, HOUR, backoff, jitter
from onboarding.model import (
    THROTTLES,
    Effect,
    Failure,
    JournaledOperation,
    Operation,
    OperationStatus,
    RecoveryClass,
    Trouble,
)

#: Codes that say that a call's object is gone, or is not to be seen.
_GONE = (33, 803)
_CODE_WRONG, _INVALID_PARAMETER = 136025, 100
_SHARING = (Operation.SHARE_PREVERIFIED, Operation.UNSHARE_PREVERIFIED)

#: How a call stands that was settled before its answer came.
_CLOSED = (OperationStatus.ABSENT, OperationStatus.ABANDONED)


def apply_outcome(
    snap: PoolSnapshot, operation: JournaledOperation, now: datetime, policy: Policy
) -> PoolMove | None:
    """Return how an answered call changes its number; ``None`` if it changes nothing any more."""
    outcome = operation.outcome
    if outcome is None:
        return None
    if outcome.effect is Effect.DONE:
        return effect_of(snap, operation, outcome.phone_number_id, policy)
    if outcome.failure is None or operation.status in _CLOSED:
        return None
    if outcome.effect is Effect.UNKNOWN:
        return _silent(snap.row, operation, outcome.failure)
    return _Refused(snap, operation, outcome.failure, now, policy).step()


def effect_of(
    snap: PoolSnapshot, operation: JournaledOperation, id_: str | None, policy: Policy
) -> PoolMove:
    """Return the step of a call that took effect.

    Args:
        snap: the number, as it stands now.
        operation: the call.
        id_: the temporary id, as an add call answered it or the list shows it.
        policy: how long a verification lasts.
    """
    row = snap.row
    match operation.name:
        case Operation.ADD_PREVERIFIED:
            return _added(row, operation, id_)
        case Operation.REQUEST_PREVERIFIED_CODE:
            return code_sent(row, operation)
        case Operation.VERIFY_PREVERIFIED:
            return _verified(row, operation, policy.preverified_validity)
        case Operation.DELETE_PREVERIFIED:
            is_there = row.state not in (PoolState.CLAIMED, PoolState.REPLACED, PoolState.REMOVED)
            return _accepted(operation, trigger=PoolTrigger.REMOVED if is_there else None)
        case _:
            return _shared(snap, operation)


def _accepted(
    operation: JournaledOperation,
    changes: dict[str, Any] | None = None,
    trigger: PoolTrigger | None = None,
    share: Share | None = None,
) -> PoolMove:
    return PoolMove(
        trigger=trigger,
        note="" if trigger else f"{operation.name}_accepted",
        reason=f"Meta accepted {operation.name}",
        changes={**NO_TROUBLE, **(changes or {})},
        operation=operation,
        share=share,
    )


def _added(row: PoolNumber, operation: JournaledOperation, id_: str | None) -> PoolMove:
    if row.state is not PoolState.REQUESTED:
        return _accepted(operation)
    changes: dict[str, Any] = {"preverified_id": id_, "added_at": operation.intent_at}
    if operation.outcome is not None and operation.outcome.effect is Effect.DONE:
        # The list that was read before the call says nothing about the number any more.
        changes |= {"seen_present": None, "absent_since": None}
    return _accepted(operation, changes, PoolTrigger.ADDED)


def code_sent(row: PoolNumber, operation: JournaledOperation) -> PoolMove:
    """Return the step of a code that is, or must count as, on its way.

    A number that is verified stays so: it is only to be proven anew before that lapses.
    """
    changes = {
        "code_sent_at": operation.intent_at,
        "code_sends": row.code_sends + 1,
        "code_ready": False,
    }
    trigger = PoolTrigger.CODE_REQUESTED if row.state in UNPROVEN else None
    return _accepted(operation, changes, trigger)


def _verified(row: PoolNumber, operation: JournaledOperation, validity: timedelta) -> PoolMove:
    proven = operation.intent_at
    changes = {
        **PROVEN,
        "verified_at": proven,
        "expires_at": max(row.expires_at or proven, proven + validity),
    }
    trigger = PoolTrigger.VERIFIED if row.state in UNPROVEN else None
    return _accepted(operation, changes, trigger)


#: What a row looks like once ownership is proven.
PROVEN: dict[str, Any] = {
    **NO_CODE, **NO_TROUBLE, "code_ready": False, "code_sends": 0, "code_tries": 0,
}  # fmt: skip


def _shared(snap: PoolSnapshot, operation: JournaledOperation) -> PoolMove:
    share = share_of(snap, operation)
    if share is None:
        return _accepted(operation)
    is_shared = operation.name is Operation.SHARE_PREVERIFIED
    # What a person asked for since the call is still to be done.
    asked = ShareState.WANTED if is_shared else ShareState.UNWANTED
    done = ShareState.SHARED if is_shared else ShareState.ENDED
    after = replace(
        share,
        state=done if share.state is asked else share.state,
        why=None,
        changed_at=operation.intent_at,
    )
    move = _accepted(operation, share=after)
    return replace(move, detail={"partner_business_id": share.partner_business_id})


def _silent(row: PoolNumber, operation: JournaledOperation, failure: Failure) -> PoolMove:
    """Note the silence; a code counts as sent, anything else is settled by a probe."""
    if operation.name is Operation.REQUEST_PREVERIFIED_CODE:
        return replace(
            code_sent(row, operation),
            reason=f"{operation.name} was not answered; the code counts as sent",
            settles=(OperationStatus.SUCCEEDED, "policy"),
        )
    return PoolMove(
        note="call_unanswered",
        reason=f"{operation.name}: {failure.message}; looked into before anything is repeated",
        operation=operation,
    )


class _Refused:
    """A refused or unsent call, with all that its meaning depends on."""

    def __init__(
        self,
        snap: PoolSnapshot,
        operation: JournaledOperation,
        failure: Failure,
        now: datetime,
        policy: Policy,
    ) -> None:
        if failure.code in _GONE or failure.subcode in _GONE:
            failure = replace(failure, recovery=RecoveryClass.RECONCILE)
        self._snap, self._operation, self._failure = snap, operation, failure
        self._now, self._policy = now, policy

    @property
    def _tries(self) -> int:
        last, failure = self._snap.row.trouble, self._failure
        is_same = last is not None and (
            last.operation == self._operation.name
            and last.failure.effect is failure.effect
            and last.failure.recovery is failure.recovery
        )
        return self._snap.row.tries + 1 if is_same else 1

    def step(self) -> PoolMove:
        """Return the step that the refusal leads to."""
        failure, policy = self._failure, self._policy
        told = timedelta(seconds=failure.wait_s or 0)
        if failure.recovery is RecoveryClass.REAUTH:
            return self._again(None, account_hold=failure.message)
        if failure.effect is Effect.UNSENT:
            return self._again(backoff(self._tries, policy.transient))
        if self._is_wrong_code():
            tries = self._snap.row.code_tries + 1
            return self._again(None, {**NO_CODE, "code_tries": tries})
        match failure.recovery:
            case RecoveryClass.TRANSIENT if self._tries < policy.transient_tries:
                return self._again(max(told, backoff(self._tries, policy.transient)))
            case RecoveryClass.WAIT:
                wait = max(told or HOUR, backoff(self._tries, policy.code_refused))
                return self._again(wait)
            case _ if failure.recovery in THROTTLES:
                return self._again(told or HOUR)
            case RecoveryClass.RECONCILE if self._tries == 1:
                # Once the list was read again; a verified number is asked about a day later.
                is_warm = self._snap.row.state is PoolState.VERIFIED
                return self._again(DAY if is_warm else None)
            case _:
                return self._given_up()

    def _is_wrong_code(self) -> bool:
        if self._operation.name is not Operation.VERIFY_PREVERIFIED:
            return False
        code, recovery = self._failure.code, self._failure.recovery
        is_invalid = code == _INVALID_PARAMETER and recovery is RecoveryClass.HUMAN
        return code == _CODE_WRONG or is_invalid

    def _again(
        self,
        wait: timedelta | None,
        changes: dict[str, Any] | None = None,
        account_hold: str | None = None,
    ) -> PoolMove:
        is_unsent = self._failure.effect is Effect.UNSENT
        return PoolMove(
            note="call_unsent" if is_unsent else "call_refused",
            reason=self._text,
            changes={**self._troubled(wait), **(changes or {})},
            operation=self._operation,
            account_hold=account_hold,
        )

    @property
    def _text(self) -> str:
        return f"{self._operation.name}: {self._failure.message}"

    def _troubled(self, wait: timedelta | None) -> dict[str, Any]:
        name = self._operation.name
        at = None
        if wait is not None:
            at = self._now + wait + jitter(self._snap.row.id, min(wait, 10 * HOUR) / 60)
        failed = Trouble(operation=name.value, at=self._operation.intent_at, failure=self._failure)
        return {"tries": self._tries, "retry_at": at, "retry_operation": name, "trouble": failed}

    def _given_up(self) -> PoolMove:
        """A share that Meta refuses is over; a number is lost for good, or waits for a person."""
        share = share_of(self._snap, self._operation)
        if self._operation.name in _SHARING and share is not None:
            failed = replace(share, state=ShareState.FAILED, why=self._text, changed_at=self._now)
            return PoolMove(
                note="share_refused",
                reason=self._text,
                changes=NO_TROUBLE,
                share=failed,
                operation=self._operation,
                detail={"partner_business_id": share.partner_business_id},
            )
        is_new = self._snap.row.state is PoolState.REQUESTED
        if self._failure.recovery is RecoveryClass.PERMANENT and is_new:
            return PoolMove(
                trigger=PoolTrigger.REFUSED,
                reason=self._text,
                changes=self._troubled(None),
                operation=self._operation,
            )
        held = hold_step(self._text, self._now, self._operation)
        return replace(held, changes={**self._troubled(None), **held.changes})
