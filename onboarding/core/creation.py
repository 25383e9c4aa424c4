"""The step of ``requested``: find the number on its WABA, or create it there, once."""

from __future__ import annotations

from datetime import datetime

from onboarding.core.lifecycle import Trigger
from onboarding.core.operations import natural_key
from onboarding.core.policy import Policy
from onboarding.core.seen import is_gone, is_of_last_cycle, seen_after, shown
from onboarding.core.steps import Attempts, Call, Move, Snapshot, Step, Wait
from onboarding.core.timing import next_poll
from onboarding.core.waits import NO_TROUBLE, hold_step, retry_wait, wait_for_list
from onboarding.model import (
    Effect,
    Entry,
    Failure,
    JournaledOperation,
    Onboarding,
    Operation,
    OperationStatus,
    Reason,
    RecoveryClass,
)


def requested(snap: Snapshot, now: datetime, policy: Policy) -> Step:
    """Adopt the number if the list has it; create it if it is ours to create."""
    row = snap.row
    # A restarted number, and one of Embedded Signup, may be there already.
    is_looked_for = row.cycle > 1 or row.entry is Entry.EMBEDDED_SIGNUP
    if is_looked_for and not seen_after(row, row.state_since):
        return wait_for_list(now)
    seen = shown(row)
    if seen is not None and not is_gone(seen) and not is_of_last_cycle(row, policy):
        return Move(
            trigger=Trigger.NUMBER_FOUND,
            reason="the WABA's list already has the number",
            changes={"phone_number_id": seen.id, **NO_TROUBLE},
            detail={"display_name": seen.verified_name} if seen.verified_name else {},
        )
    if row.entry is Entry.EMBEDDED_SIGNUP:
        # The customer's Embedded Signup creates it; a create of ours would take its place.
        return Wait(
            reason=Reason.NOT_ON_WABA,
            observe_at=next_poll(row.state_since, now, policy.poll_absent, row.waba_id),
        )
    return _settle_doubts(snap, now, policy) or _create(snap)


def _settle_doubts(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    """Return what must happen before a create may be sent: it cannot be taken back."""
    row, trouble = snap.row, snap.row.trouble
    if trouble is not None and trouble.failure.recovery is RecoveryClass.RECONCILE:
        text = f"Meta refuses to create it ({trouble.failure.message}), and it is not on this WABA"
        return hold_step(Reason.REFUSED, text, now)
    if row.entry is Entry.PREVERIFIED and any(map(_succeeded, _of_row(snap))):
        text = "its number of the pool was used up, and is not on this WABA; request it anew"
        return hold_step(Reason.REFUSED, text, now)
    doubtful = [op for op in _creates(snap) if op.is_open or _succeeded(op)]
    if doubtful:
        settled_at = max(op.settle_at for op in doubtful)
        if not seen_after(row, settled_at):
            return wait_for_list(max(now, settled_at))
    made = snap.attempts.of(row, Operation.CREATE_NUMBER)
    lost = sum(op.status is OperationStatus.ABSENT for op in made)
    # A person's release forgets the trouble, and so allows one more.
    if lost > policy.create_repeats and trouble and trouble.failure.effect is Effect.UNKNOWN:
        text = "the create call was lost more than once, and the number never appeared"
        return hold_step(Reason.REFUSED, text, now)
    return retry_wait(snap, Operation.CREATE_NUMBER, now)


def _create(snap: Snapshot) -> Call:
    row = snap.row
    generation = 1 + sum(_succeeded(op) for op in _creates(snap))
    # Meta's documents contradict each other on which of the two forms ``phone_number`` takes.
    full = times_refused_for_form(row, snap.attempts) > 0
    number = row.cc + row.national_number if full else row.national_number
    return Call(
        operation=Operation.CREATE_NUMBER,
        natural_key=natural_key(Operation.CREATE_NUMBER, row, generation),
        params={
            "cc": row.cc,
            "phone_number": number,
            "verified_name": row.display_name,
            **({"preverified_id": row.preverified_id} if row.preverified_id else {}),
        },
    )


def is_wrong_form(failure: Failure) -> bool:
    """Whether Meta wants the number in another form than the one that was sent."""
    return failure.code == 100 and "e.164" in failure.message.casefold()  # noqa: PLR2004 - Meta's code


def times_refused_for_form(row: Onboarding, attempts: Attempts) -> int:
    """Return how many creates of the cycle were refused for the form of the number."""
    made = attempts.of(row, Operation.CREATE_NUMBER)
    failures = [op.outcome.failure for op in made if op.outcome and op.outcome.failure]
    return sum(map(is_wrong_form, failures))


def _creates(snap: Snapshot) -> list[JournaledOperation]:
    return [op for op in snap.attempts.made if op.name is Operation.CREATE_NUMBER]


def _of_row(snap: Snapshot) -> list[JournaledOperation]:
    return [op for op in _creates(snap) if op.onboarding_id == snap.row.id]


def _succeeded(operation: JournaledOperation) -> bool:
    return operation.status is OperationStatus.SUCCEEDED
