"""The waits and holds that several rules use."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from onboarding.core.policy import Policy
from onboarding.core.steps import Attempts, Move, Snapshot, Wait
from onboarding.core.timing import next_poll
from onboarding.model import (
    Effect,
    Failure,
    JournaledOperation,
    Onboarding,
    Operation,
    Reason,
    RecoveryClass,
)

#: ``error_subcode`` of 136024: codes were asked for too often.
TOO_MANY_CODES = 2388367

#: Who holds a machine that no person holds.
ENGINE = "engine"

#: What a row looks like without a hold.
NO_HOLD: dict[str, Any] = dict.fromkeys(
    ("hold", "hold_text", "hold_by", "hold_since", "hold_until")
)

#: What a row looks like once something succeeded.
NO_TROUBLE: dict[str, Any] = {
    "tries": 0, "retry_at": None, "retry_operation": None, "trouble": None,
}  # fmt: skip


def hold_step(
    reason: Reason, text: str, now: datetime, operation: JournaledOperation | None = None
) -> Move:
    """Return the step that puts a machine on hold until a person releases it."""
    changes = {
        **NO_HOLD, "hold": reason, "hold_text": text, "hold_by": ENGINE, "hold_since": now,
        "reclaims": 0,
    }  # fmt: skip
    return Move(note="held", reason=text, changes=changes, operation=operation)


def failures_in_a_row(row: Onboarding, operation: JournaledOperation, failure: Failure) -> int:
    """Return how many failures of this kind came one after another, this one included.

    Failures of different kinds are not added up: two calls that never left must not count as two
    of the tries that Meta's own refusals are given.
    """
    last = row.trouble
    is_same = last is not None and (
        last.operation == operation.name
        and last.failure.effect is failure.effect
        and last.failure.recovery is failure.recovery
    )
    return row.tries + 1 if is_same else 1


def wait_for_list(now: datetime, reason: Reason = Reason.LISTING) -> Wait:
    """Return the wait for a read of the list that begins from now on."""
    return Wait(reason=reason, observe_at=now)


def idle_poll(row: Onboarding, now: datetime, policy: Policy) -> datetime:
    """Return when to look at the list although nothing is expected of it."""
    return next_poll(row.state_since, now, policy.poll_idle, row.waba_id)


def retry_wait(snap: Snapshot, operation: Operation, now: datetime) -> Wait | None:
    """Return the wait that a failure of this operation imposed, unless a person forced a try."""
    row = snap.row
    if row.retry_at is None or row.retry_operation is not operation or row.retry_at <= now:
        return None
    imposed_by_meta = row.trouble is not None and row.trouble.failure.recovery in (
        RecoveryClass.WAIT,
        RecoveryClass.THROTTLE_APP,
        RecoveryClass.THROTTLE_WABA,
    )
    if snap.forced and not imposed_by_meta:
        return None
    return Wait(reason=Reason.THROTTLED if imposed_by_meta else Reason.RETRY, until=row.retry_at)


def block_wait(snap: Snapshot, operation: Operation, now: datetime) -> Wait | None:
    """Return the wait that Meta's refusals of such calls of this number still impose.

    The row forgets its trouble with the next success of any kind; Meta does not forget its own.
    """
    until = snap.attempts.blocked_until(operation)
    if until is None or until <= now:
        return None
    return Wait(reason=Reason.THROTTLED, until=until)


def codes_exhausted_until(attempts: Attempts, policy: Policy) -> datetime | None:
    """Return until when no code may be asked for, once Meta said twice that it was too often.

    The first time its own wait counts. A repeat means that its window rolls on (136024/2388367);
    whichever onboarding of the number met it, and whatever a person released since.
    """
    answered = [
        op
        for op in attempts.made
        if op.name is Operation.REQUEST_CODE
        and op.outcome is not None
        and op.outcome.effect in (Effect.DONE, Effect.REFUSED)
    ]
    last_two = answered[-2:]
    failures = [op.outcome.failure for op in last_two if op.outcome and op.outcome.failure]
    if [failure.subcode for failure in failures] != [TOO_MANY_CODES, TOO_MANY_CODES]:
        return None
    return (last_two[-1].outcome_at or last_two[-1].intent_at) + policy.codes_exhausted_again


def budget_wait(snap: Snapshot, operation: Operation, policy: Policy, now: datetime) -> Wait | None:
    """Return the wait until Meta takes one more such call of this number, whoever asks.

    It has to fit into the moving window, and a block must be over.
    """
    exhausted = codes_exhausted_until(snap.attempts, policy)
    if operation is Operation.REQUEST_CODE and exhausted is not None and exhausted > now:
        return Wait(reason=Reason.THROTTLED, until=exhausted)
    if wait := block_wait(snap, operation, now):
        return wait
    limit, window = policy.windows[operation]
    free_at = snap.attempts.free_at(operation, limit, window, now)
    return None if free_at is None else Wait(reason=Reason.BUDGET, until=free_at)
