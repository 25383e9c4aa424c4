"""The waits and holds that several rules use."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from onboarding.core.policy import Policy
from onboarding.core.seen import USABLE_NAME, name_standing
from onboarding.core.steps import Move, Snapshot, Wait
from onboarding.core.timing import next_poll
from onboarding.model import (
    THROTTLES,
    Failure,
    JournaledOperation,
    Onboarding,
    Operation,
    Reason,
    RecoveryClass,
)

#: Who holds a machine that no person holds.
ENGINE = "engine"

#: Classes of refusals in which Meta asks for patience.
METAS_WAITS = (RecoveryClass.WAIT, *THROTTLES)

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
    """Return the wait that a failure of this operation imposed.

    A person may force a try, and one follows as soon as what the call depends on has changed;
    what Meta itself asked for is waited out all the same (``block_wait``).
    """
    row = snap.row
    if row.retry_at is None or row.retry_operation is not operation or row.retry_at <= now:
        return None
    if has_new_input(row, operation) and not _is_left_open(row):
        return None
    imposed_by_meta = row.trouble is not None and row.trouble.failure.recovery in METAS_WAITS
    if snap.forced and not imposed_by_meta:
        return None
    return Wait(reason=Reason.THROTTLED if imposed_by_meta else Reason.RETRY, until=row.retry_at)


def _is_left_open(row: Onboarding) -> bool:
    """Whether Meta asked for patience with all calls, or for how long it did not say."""
    failure = row.trouble.failure if row.trouble else None
    if failure is None or failure.recovery not in METAS_WAITS:
        return False
    return failure.recovery is not RecoveryClass.WAIT or failure.wait_s is None


def has_new_input(row: Onboarding, operation: Operation) -> bool:
    """Whether what a call depends on is another since it failed.

    A name that became usable is, for a registration; and another code, for handing one in. A new
    name, a PIN and a person's release forget the failure as they are given.
    """
    trouble = row.trouble
    if trouble is None or trouble.operation != operation:
        return False
    if operation is Operation.REGISTER:
        is_other = trouble.name_standing is not None and trouble.name_standing not in USABLE_NAME
        return is_other and name_standing(row) in USABLE_NAME
    if operation is Operation.VERIFY_CODE:
        return row.code_given_at is not None and row.code_given_at > trouble.at and row.has_code
    return False


def subscription_wait(snap: Snapshot, now: datetime, policy: Policy) -> Wait | None:
    """Return the wait until the app's subscription to the WABA was looked at, if it must be."""
    checked = snap.account.subscribed_at
    if checked is not None and now - checked < policy.subscription_check:
        return None
    return Wait(reason=Reason.SUBSCRIBING, check_subscription=True)


def block_wait(snap: Snapshot, operation: Operation, now: datetime) -> Wait | None:
    """Return the wait that Meta's refusals of such calls of this number still impose.

    The row forgets its trouble with the next success of any kind; Meta does not forget its own.
    """
    until = snap.attempts.blocked_until(operation)
    if until is None or until <= now:
        return None
    return Wait(reason=Reason.THROTTLED, until=until)


def budget_wait(snap: Snapshot, operation: Operation, policy: Policy, now: datetime) -> Wait | None:
    """Return the wait until Meta takes one more such call of this number, whoever asks.

    It has to fit into the moving window, and a block must be over.
    """
    if wait := block_wait(snap, operation, now):
        return wait
    limit, window = policy.windows[operation]
    free_at = snap.attempts.free_at(operation, limit, window, now)
    return None if free_at is None else Wait(reason=Reason.BUDGET, until=free_at)
