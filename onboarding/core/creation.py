"""The step of ``requested``: find the number on its WABA, or have it put there, once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from onboarding.core.lifecycle import Trigger
from onboarding.core.operations import ADDING, natural_key
from onboarding.core.policy import Policy
from onboarding.core.seen import is_gone, is_of_last_cycle, seen_after, shown
from onboarding.core.steps import Attempts, Call, Move, Snapshot, Step, Wait
from onboarding.core.timing import next_poll
from onboarding.core.waits import (
    NO_TROUBLE,
    hold_step,
    retry_wait,
    subscription_wait,
    wait_for_list,
)
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
    """Adopt the number if the list has it; create or migrate it if it is ours to put there."""
    row = snap.row
    # All but a new number may be there already: one that is restarted or migrated once more, too.
    is_looked_for = row.cycle > 1 or row.entry is not Entry.NEW
    told_from = _told_from(snap)
    if is_looked_for and not seen_after(row, told_from):
        return wait_for_list(max(now, told_from))
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
    doubt = _settle_doubts(snap, now, policy)
    if row.entry is Entry.MIGRATION:
        # Meta migrates to no WABA whose webhooks nobody has subscribed to.
        return doubt or subscription_wait(snap, now, policy) or _migrate(snap)
    return doubt or _queued(snap, now, policy) or _create(snap)


def _told_from(snap: Snapshot) -> datetime:
    """Return from when a read shows the number as it is: a list may lag behind its last call.

    One that was just deregistered would be taken for registered.
    """
    ended = [op.settle_at for op in snap.attempts.made if op.name is Operation.DEREGISTER]
    return max([snap.row.state_since, *ended])


def _settle_doubts(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    """Return what must happen before a create may be sent: it cannot be taken back."""
    row, trouble = snap.row, snap.row.trouble
    if trouble is not None and trouble.failure.recovery is RecoveryClass.RECONCILE:
        text = f"Meta refuses to add it ({trouble.failure.message}), and it is not on this WABA"
        return hold_step(Reason.REFUSED, text, now)
    if row.entry is Entry.PREVERIFIED and any(map(_succeeded, _of_row(snap))):
        text = "its number of the pool was used up, and is not on this WABA; request it anew"
        return hold_step(Reason.REFUSED, text, now)
    doubtful = [op for op in _made(snap, ADDING) if op.is_open or _succeeded(op)]
    if doubtful:
        settled_at = max(op.settle_at for op in doubtful)
        if not seen_after(row, settled_at):
            return wait_for_list(max(now, settled_at))
    operation = adding(row)
    made = snap.attempts.of(row, operation)
    lost = sum(op.status is OperationStatus.ABSENT for op in made)
    # A person's release forgets the trouble, and so allows one more.
    if lost > policy.create_repeats and trouble and trouble.failure.effect is Effect.UNKNOWN:
        text = f"{operation} was lost more than once, and the number never appeared"
        return hold_step(Reason.REFUSED, text, now)
    return retry_wait(snap, operation, now)


def _queued(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    """Return the wait for a slot, where Meta would refuse a create for want of one."""
    if snap.row.entry is Entry.NEW and snap.portfolio_unread:
        return Wait(reason=Reason.SUBSCRIBING, check_subscription=True)
    is_full = snap.row.entry is Entry.NEW and snap.slots is not None and snap.slots < 1
    return slot_wait(snap.row, now, policy) if is_full else None


def slot_wait(row: Onboarding, now: datetime, policy: Policy) -> Wait:
    """Return the wait in the queue: a list that is shorter than before, or news of Meta's, ends it.

    A refusal for want of a slot counts for a day only, so that one more try is made after it.
    """
    poll = next_poll(row.state_since, now, policy.poll_absent, row.waba_id)
    return Wait(reason=Reason.SLOT, observe_at=poll)


def adding(row: Onboarding) -> Operation:
    """Return the call that puts this number onto its WABA."""
    is_migration = row.entry is Entry.MIGRATION
    return Operation.MIGRATE_NUMBER if is_migration else Operation.CREATE_NUMBER


def _form_of(snap: Snapshot) -> dict[str, str]:
    """Return the number in one of the two forms on which Meta's documents contradict each other."""
    row = snap.row
    full = times_refused_for_form(row, snap.attempts) > 0
    return {
        "cc": row.cc,
        "phone_number": row.cc + row.national_number if full else row.national_number,
    }


def _create(snap: Snapshot) -> Call:
    row, creates = snap.row, _made(snap, (Operation.CREATE_NUMBER,))
    generation = 1 + sum(map(_succeeded, creates))
    return Call(
        operation=Operation.CREATE_NUMBER,
        natural_key=natural_key(Operation.CREATE_NUMBER, row, generation),
        params={
            **_form_of(snap),
            "verified_name": row.display_name,
            **({"preverified_id": row.preverified_id} if row.preverified_id else {}),
        },
    )


def _migrate(snap: Snapshot) -> Call:
    """Have Meta move the number here; it keeps its name, and works where it is until the end."""
    operation = Operation.MIGRATE_NUMBER
    key = natural_key(operation, snap.row)
    return Call(operation=operation, natural_key=key, params=_form_of(snap))


def is_wrong_form(failure: Failure) -> bool:
    """Whether Meta wants the number in another form than the one that was sent."""
    return failure.code == 100 and "e.164" in failure.message.casefold()  # noqa: PLR2004 - Meta's code


def times_refused_for_form(row: Onboarding, attempts: Attempts) -> int:
    """Return how many calls of the cycle were refused for the form of the number."""
    made = attempts.of(row, adding(row))
    failures = [op.outcome.failure for op in made if op.outcome and op.outcome.failure]
    return sum(map(is_wrong_form, failures))


def _made(snap: Snapshot, names: Collection[Operation]) -> list[JournaledOperation]:
    return [op for op in snap.attempts.made if op.name in names]


def _of_row(snap: Snapshot) -> list[JournaledOperation]:
    return [op for op in _made(snap, ADDING) if op.onboarding_id == snap.row.id]


def _succeeded(operation: JournaledOperation) -> bool:
    return operation.status is OperationStatus.SUCCEEDED
