"""What the answer to a call means for the onboarding that made it.

The answer was classified on (endpoint, code, subcode) already; here the operation's own rules
come first and the recovery class decides what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from onboarding.core.code_desk import NO_CODE, REVERIFY
from onboarding.core.lifecycle import Trigger
from onboarding.core.operations import POLICIES, OnSilence
from onboarding.core.policy import Policy
from onboarding.core.steps import Move
from onboarding.core.timing import backoff, jitter
from onboarding.core.waits import NO_TROUBLE, hold_step
from onboarding.model import (
    Effect,
    Failure,
    JournaledOperation,
    Onboarding,
    Operation,
    OperationStatus,
    Reason,
    RecoveryClass,
    State,
    Trouble,
)

#: Codes of Meta that have a meaning of their own for one operation.
PIN_MISMATCH = 133005
UNFINISHED_DEREGISTER = 133000
REQUEST_CODE_REFUSED = 136024
CODE_WRONG = 136025
CANNOT_CREATE_CERTIFICATE = 2388001

Special = Callable[[Onboarding, JournaledOperation, Failure, datetime, Policy], Move | None]


def apply_outcome(
    row: Onboarding, operation: JournaledOperation, now: datetime, policy: Policy
) -> Move | None:
    """Return how an answered call changes its onboarding.

    Args:
        row: the onboarding, as it stands now (it may have moved on since the call).
        operation: the call, with its outcome.
        now: business time.
        policy: waits and limits.

    Returns:
        The step to take, or ``None`` if the outcome changes nothing any more.
    """
    outcome = operation.outcome
    if outcome is None or operation.cycle != row.cycle:
        return None
    if outcome.effect is Effect.DONE:
        return _done(row, operation)
    failure = outcome.failure
    if failure is None:
        return None
    if outcome.effect is Effect.UNKNOWN:
        return _silent(row, operation, failure)
    special = _SPECIAL.get(operation.name)
    if special and (step := special(row, operation, failure, now, policy)):
        return step
    return _by_class(row, operation, failure, now, policy)


def _done(row: Onboarding, operation: JournaledOperation) -> Move | None:
    outcome = operation.outcome
    match operation.name:
        case Operation.CREATE_NUMBER if outcome and row.state is State.REQUESTED:
            return Move(
                trigger=Trigger.NUMBER_CREATED,
                reason="Meta created the number",
                changes={"phone_number_id": outcome.phone_number_id, **NO_TROUBLE},
                operation=operation,
            )
        case Operation.CREATE_NUMBER if outcome and outcome.phone_number_id != row.phone_number_id:
            return Move(
                note="late_answer",
                reason=f"a create call was answered late, with id {outcome.phone_number_id}",
                operation=operation,
            )
        case Operation.REQUEST_CODE if row.state in (State.CREATED, State.OTP_PENDING):
            return code_sent(row, operation, f"Meta sends a code by {row.code_method}")
        case Operation.VERIFY_CODE if row.state is State.OTP_PENDING:
            return Move(
                trigger=Trigger.CODE_VERIFIED,
                reason="Meta accepted the code",
                changes={**NO_CODE, "code_ready": False, "code_sends": 0, "code_tries": 0}
                | NO_TROUBLE,
                operation=operation,
            )
        case Operation.REGISTER:
            return _noted(operation, "register_accepted", _registered(row, operation))
        case Operation.DEREGISTER:
            return _noted(operation, "deregister_accepted", {"register_accepted_at": None})
        case Operation.SET_PIN:
            return _noted(operation, "pin_set", {})
        case Operation.SET_DISPLAY_NAME:
            changes = {"name_submitted_at": operation.intent_at, "name_unapproved_at": None}
            return _noted(operation, "name_submitted", changes | {"rejection_reason": None})
        case _:
            return None


def _noted(operation: JournaledOperation, note: str, changes: dict[str, Any]) -> Move:
    return Move(
        note=note,
        reason=f"Meta accepted {operation.name}",
        changes={**NO_TROUBLE, **changes},
        operation=operation,
    )


def _registered(row: Onboarding, operation: JournaledOperation) -> dict[str, Any]:
    """Return the changes of an accepted register call; the PIN it was made with is the PIN now."""
    changes: dict[str, Any] = {"register_accepted_at": operation.intent_at}
    if row.pin_pending_sealed is not None:
        changes |= {"pin_sealed": row.pin_pending_sealed, "pin_pending_sealed": None}
    return changes


def code_sent(row: Onboarding, operation: JournaledOperation, reason: str) -> Move:
    """Return the move of a code that is, or must count as, on its way."""
    return Move(
        trigger=Trigger.CODE_REQUESTED,
        reason=reason,
        changes={
            "code_sent_at": operation.intent_at,
            "code_sends": row.code_sends + 1,
            "code_ready": False,
            **(NO_TROUBLE if row.trouble is None or row.trouble.failure.code != REVERIFY else {}),
        },
        operation=operation,
    )


def _silent(row: Onboarding, operation: JournaledOperation, failure: Failure) -> Move | None:
    """Note the silence; the call stays open and ``core/probe.py`` settles it."""
    if POLICIES[operation.name].on_silence is OnSilence.COUNT_AS_DONE:
        sent = code_sent(row, operation, "request_code was not answered; the code counts as sent")
        return replace(sent, settles=(OperationStatus.SUCCEEDED, "policy"))
    return Move(
        note="call_unanswered",
        reason=f"{operation.name}: {failure.message}; looked into before anything is repeated",
        operation=operation,
    )


def _troubled(
    row: Onboarding,
    operation: JournaledOperation,
    failure: Failure,
    now: datetime,
    wait: timedelta | None,
    *,
    counts: bool = True,
) -> dict[str, Any]:
    """Return the changes that remember a failure and when to try the operation again."""
    spread = jitter(row.id, min(wait, timedelta(minutes=10)) / 10) if wait else timedelta()
    return {
        "tries": row.tries + 1 if counts else row.tries,
        "retry_at": now + wait + spread if wait else None,
        "retry_operation": operation.name,
        "trouble": Trouble(operation=operation.name.value, at=operation.intent_at, failure=failure),
    }


def _refused(
    row: Onboarding,
    operation: JournaledOperation,
    failure: Failure,
    now: datetime,
    wait: timedelta | None,
    *,
    counts: bool = True,
    changes: Mapping[str, Any] | None = None,
) -> Move:
    note = "call_unsent" if failure.effect is Effect.UNSENT else "call_refused"
    return Move(
        note=note,
        reason=f"{operation.name}: {failure.message}",
        changes=_troubled(row, operation, failure, now, wait, counts=counts) | dict(changes or {}),
        operation=operation,
    )


def _parked(
    row: Onboarding, operation: JournaledOperation, failure: Failure, now: datetime, reason: Reason
) -> Move:
    step = hold_step(reason, f"{operation.name}: {failure.message}", now, operation)
    trouble = _troubled(row, operation, failure, now, None)
    return Move(
        note=step.note,
        reason=step.reason,
        changes={**trouble, **step.changes},
        operation=operation,
    )


def _by_class(
    row: Onboarding, operation: JournaledOperation, failure: Failure, now: datetime, policy: Policy
) -> Move:
    told = timedelta(seconds=failure.wait_s) if failure.wait_s else None
    match failure.recovery:
        case _ if failure.effect is Effect.UNSENT:
            wait = backoff(row.tries + 1, policy.transient)
            return _refused(row, operation, failure, now, wait)
        case RecoveryClass.TRANSIENT:
            if row.tries + 1 >= policy.transient_tries:
                return _parked(row, operation, failure, now, Reason.REFUSED)
            wait = max(told or timedelta(), backoff(row.tries + 1, policy.transient))
            return _refused(row, operation, failure, now, wait)
        case RecoveryClass.WAIT:
            return _refused(row, operation, failure, now, told or timedelta(hours=1))
        case RecoveryClass.THROTTLE_APP | RecoveryClass.THROTTLE_WABA:
            wait = told or timedelta(hours=1)
            return _refused(row, operation, failure, now, wait, counts=False)
        case RecoveryClass.REAUTH:
            return Move(
                note="call_refused",
                reason=f"{operation.name}: {failure.message}",
                changes=_troubled(row, operation, failure, now, None, counts=False),
                operation=operation,
                account_hold=failure.message,
            )
        case RecoveryClass.PERMANENT if row.state is not State.REGISTERED and not row.renaming:
            return Move(
                trigger=Trigger.REFUSED,
                reason=f"{operation.name}: {failure.message}",
                changes=_troubled(row, operation, failure, now, None),
                operation=operation,
            )
        case RecoveryClass.RECONCILE:
            return _refused(row, operation, failure, now, None)
        case _:
            return _parked(row, operation, failure, now, Reason.REFUSED)


def _create_refused(
    row: Onboarding, operation: JournaledOperation, failure: Failure, now: datetime, policy: Policy
) -> Move | None:
    """Meta's documents disagree on the form of the number: the other one is tried once."""
    del policy
    wrong_form = failure.code == 100 and "E.164" in failure.message  # noqa: PLR2004 - Meta's code
    if wrong_form and row.tries == 0:
        return _refused(row, operation, failure, now, None)
    return None


def _code_refused(
    row: Onboarding, operation: JournaledOperation, failure: Failure, now: datetime, policy: Policy
) -> Move | None:
    """136024 asks for patience that its text understates; repeats are structural."""
    if failure.code != REQUEST_CODE_REFUSED or failure.recovery is RecoveryClass.RECONCILE:
        return None
    if row.tries + 1 > policy.code_refused_tries:
        return _parked(row, operation, failure, now, Reason.REFUSED)
    told = timedelta(seconds=failure.wait_s or 0)
    wait = max(told, backoff(row.tries + 1, policy.code_refused))
    return _refused(row, operation, failure, now, wait)


def _verify_refused(
    row: Onboarding, operation: JournaledOperation, failure: Failure, now: datetime, policy: Policy
) -> Move | None:
    """A wrong code is never sent again; the holder may have mistyped the one that is out."""
    invalid = failure.code == CODE_WRONG or failure.recovery is RecoveryClass.HUMAN
    if not invalid:
        return None
    del policy
    changes = {**NO_CODE, "code_tries": row.code_tries + 1}
    return _refused(row, operation, failure, now, None, changes=changes)


def _register_refused(
    row: Onboarding, operation: JournaledOperation, failure: Failure, now: datetime, policy: Policy
) -> Move | None:
    match failure.code, failure.subcode:
        case code, _ if code == REVERIFY:
            return _must_reverify(row, operation, failure, now, policy)
        case code, _ if code == PIN_MISMATCH:
            return _pin_refused(row, operation, failure, now)
        case code, _ if code == UNFINISHED_DEREGISTER and row.tries < policy.transient_tries:
            changes = {"retry_operation": Operation.DEREGISTER}
            return _refused(row, operation, failure, now, None, changes=changes)
        case _, subcode if subcode == CANNOT_CREATE_CERTIFICATE:
            return _certificate_refused(row, operation, failure, now, policy)
        case _:
            return None


def _must_reverify(
    row: Onboarding, operation: JournaledOperation, failure: Failure, now: datetime, policy: Policy
) -> Move:
    if row.tries + 1 >= policy.code_tries or row.renaming:
        return _parked(row, operation, failure, now, Reason.REFUSED)
    return Move(
        trigger=Trigger.OWNERSHIP_LOST,
        reason=f"register: {failure.message}",
        changes=_troubled(row, operation, failure, now, None)
        | {"code_sends": 0, "code_tries": 0, "code_sent_at": None},
        operation=operation,
    )


def _pin_refused(
    row: Onboarding, operation: JournaledOperation, failure: Failure, now: datetime
) -> Move:
    """One try, one settings call that sets our PIN, then a person: guesses lock the number."""
    if row.pin_mismatches > 0:
        return _parked(row, operation, failure, now, Reason.PIN)
    changes = {"pin_mismatches": 1, "retry_operation": Operation.SET_PIN}
    return _refused(row, operation, failure, now, None, changes=changes)


def _certificate_refused(
    row: Onboarding, operation: JournaledOperation, failure: Failure, now: datetime, policy: Policy
) -> Move:
    """Meta still works on the name (100/2388001): patience first, a person after days of it."""
    if row.tries + 1 > policy.certificate_tries:
        return _parked(row, operation, failure, now, Reason.REFUSED)
    wait = backoff(row.tries + 1, policy.certificate)
    return Move(
        trigger=Trigger.NAME_NOT_USABLE,
        reason=f"register: {failure.message}",
        changes=_troubled(row, operation, failure, now, wait),
        operation=operation,
    )


_SPECIAL: dict[Operation, Special] = {
    Operation.CREATE_NUMBER: _create_refused,
    Operation.REQUEST_CODE: _code_refused,
    Operation.VERIFY_CODE: _verify_refused,
    Operation.REGISTER: _register_refused,
}
