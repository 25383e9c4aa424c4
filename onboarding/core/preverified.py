"""Pre-verified numbers after their claim: how long they have, and what follows at the end of it."""

from __future__ import annotations

from datetime import datetime

from onboarding.core.code_desk import NO_CODE
from onboarding.core.lifecycle import IN_PROGRESS, Trigger
from onboarding.core.policy import Policy
from onboarding.core.registration import await_proof
from onboarding.core.seen import seen_after
from onboarding.core.steps import DeadlineSet, Move, Snapshot, Step, Wait
from onboarding.core.waits import wait_for_list
from onboarding.model import (
    DeadlineReason,
    Entry,
    Operation,
    OperationStatus,
    Reason,
    State,
)

_PROVEN = (State.VERIFIED, State.NAME_REVIEW, State.REGISTER_DEADLINE)


def claim_step(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    """Set the deadline of a claimed number: 90 days from the claim (Meta's rules, day-counts)."""
    del now
    row = snap.row
    if row.entry is not Entry.PREVERIFIED or row.claimed_at is not None:
        return None
    if row.state not in IN_PROGRESS or row.state is State.REQUESTED:
        return None
    made = [
        op.intent_at
        for op in snap.attempts.of(row, Operation.CREATE_NUMBER)
        if op.status is OperationStatus.SUCCEEDED
    ]
    at = min([row.state_since, *made])
    due_at = at + policy.claim_window
    return Move(
        note="deadline_set",
        reason=f"the pre-verified number was claimed at {at:%Y-%m-%d %H:%M} UTC",
        changes={"claimed_at": at},
        deadline=DeadlineSet(
            reason=DeadlineReason.PREVERIFIED_CLAIM,
            anchor_source="claimed",
            starts_at=at,
            due_at=due_at,
        ),
        detail={"register_by": f"{due_at:%Y-%m-%dT%H:%M:%SZ}"},
    )


def claim_over(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    """Send a number back for a code whose 90 days are over, on the word of a list read since.

    Meta shows it as not verified from then on; Embedded Signup need not be done again.
    """
    row = snap.row
    if row.register_by_reason is not DeadlineReason.PREVERIFIED_CLAIM or row.renaming:
        return None
    if row.state not in IN_PROGRESS or row.register_by is None or now < row.register_by:
        return None
    if not seen_after(row, row.register_by):
        if snap.account.hold is not None:
            return Wait(reason=Reason.ACCOUNT_HELD)  # its list is not read until it is mended
        return wait_for_list(now, Reason.DEADLINE_CHECK)
    # A registration that Meta accepted in time may still be shown as done.
    if step := await_proof(row, now, policy):
        return step
    due_at = row.register_by + policy.policy_window
    is_proven = row.state in _PROVEN
    return Move(
        trigger=Trigger.OWNERSHIP_LOST if is_proven else None,
        note="" if is_proven else "claim_ended",
        reason=f"not registered by {row.register_by:%Y-%m-%d %H:%M} UTC; a code is needed again",
        changes={**NO_CODE, "code_sends": 0, "register_accepted_at": None},
        deadline=DeadlineSet(
            reason=DeadlineReason.POLICY,
            anchor_source="claim_ended",
            starts_at=row.register_by,
            due_at=due_at,
        ),
    )
