"""The step of ``requested``: find the number on its WABA, or create it there, once."""

from __future__ import annotations

from datetime import datetime

from onboarding.core.lifecycle import Trigger
from onboarding.core.operations import natural_key
from onboarding.core.policy import Policy
from onboarding.core.seen import is_gone, is_of_last_cycle, seen_after
from onboarding.core.steps import Call, Move, Snapshot, Step, Wait
from onboarding.core.timing import next_poll
from onboarding.core.waits import NO_TROUBLE, hold_step, retry_wait, wait_for_list
from onboarding.model import (
    Entry,
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
    on_waba = row.seen_present and row.seen is not None and not is_gone(row.seen)
    if on_waba and row.seen is not None and not is_of_last_cycle(row):
        return Move(
            trigger=Trigger.NUMBER_FOUND,
            reason="the WABA's list already has the number",
            changes={"phone_number_id": row.seen.id, **NO_TROUBLE},
        )
    if row.entry is Entry.EMBEDDED_SIGNUP:
        # The customer's Embedded Signup creates it; a create of ours would take its place.
        if not seen_after(row, row.state_since):
            return wait_for_list(now)
        return Wait(
            reason=Reason.NOT_ON_WABA,
            observe_at=next_poll(row.state_since, now, policy.poll_absent),
        )
    return _settle_doubts(snap, now, policy) or _create(snap)


def _settle_doubts(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    """Return what must happen before a create may be sent: it cannot be taken back."""
    row = snap.row
    if row.trouble and row.trouble.failure.recovery is RecoveryClass.RECONCILE:
        if not seen_after(row, row.trouble.at):
            return wait_for_list(now)
        text = f"Meta says the number exists ({row.trouble.failure.message}), but not on this WABA"
        return hold_step(Reason.REFUSED, text, now)
    doubtful = [op for op in _creates(snap) if op.is_open or _succeeded(op.status)]
    if doubtful and not seen_after(row, max(op.settle_at for op in doubtful)):
        return wait_for_list(now)
    lost = snap.attempts.count(Operation.CREATE_NUMBER, row.cycle, OperationStatus.ABSENT)
    if lost > policy.create_repeats:
        text = "the create call was lost more than once, and the number never appeared"
        return hold_step(Reason.REFUSED, text, now)
    return retry_wait(snap, Operation.CREATE_NUMBER, now)


def _create(snap: Snapshot) -> Call:
    row = snap.row
    generation = 1 + sum(_succeeded(op.status) for op in _creates(snap))
    number = row.cc + row.national_number if asks_for_full_number(row) else row.national_number
    return Call(
        operation=Operation.CREATE_NUMBER,
        natural_key=natural_key(Operation.CREATE_NUMBER, row, generation),
        params={"cc": row.cc, "phone_number": number, "verified_name": row.display_name},
    )


def asks_for_full_number(row: Onboarding) -> bool:
    """Whether Meta refused the national form, so that the full digits are tried once.

    Meta's documents contradict each other on which of the two ``phone_number`` takes.
    """
    trouble = row.trouble
    if trouble is None or trouble.operation != Operation.CREATE_NUMBER:
        return False
    return trouble.failure.code == 100 and "E.164" in trouble.failure.message  # noqa: PLR2004 - Meta's code


def _creates(snap: Snapshot) -> list[JournaledOperation]:
    return [op for op in snap.attempts.made if op.name is Operation.CREATE_NUMBER]


def _succeeded(status: OperationStatus) -> bool:
    return status is OperationStatus.SUCCEEDED
