"""What to do next with one onboarding: a pure function of what is known and the present instant.

The order of the rules is the order of their authority: how an unanswered call stands, what Meta
shows, the deadline, holds, and only then the step that the state asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from onboarding.core.batches import gate
from onboarding.core.code_desk import NO_CODE, created, lost_proof, otp_pending
from onboarding.core.coexistence import left_alone
from onboarding.core.creation import requested
from onboarding.core.deadlines import anchor_step
from onboarding.core.drift import registered, stopped, while_held
from onboarding.core.lifecycle import FINAL, IN_PROGRESS, Trigger
from onboarding.core.name_desk import name_review, verified
from onboarding.core.name_status import status_change
from onboarding.core.policy import Policy
from onboarding.core.preverified import claim_over, claim_step
from onboarding.core.probe import judge
from onboarding.core.registration import (
    await_proof,
    connected,
    migrating,
    register_deadline,
)
from onboarding.core.restored import after_restore
from onboarding.core.seen import is_connected, is_gone, is_not_ours, seen_after, shown
from onboarding.core.steps import Move, Snapshot, Step, Wait
from onboarding.core.timing import next_poll
from onboarding.core.waits import NO_HOLD, hold_step, idle_poll, wait_for_list
from onboarding.model import (
    CodeVerificationStatus,
    DeadlineReason,
    NumberStatus,
    Onboarding,
    OperationStatus,
    Reason,
    RecoveryClass,
    State,
)

#: States of a number that is registered here already.
_RESTING = (State.REGISTERED, State.MIGRATING)

Rule = Callable[[Snapshot, datetime, Policy], Step | None]


def decide(snap: Snapshot, now: datetime, policy: Policy) -> Step:
    """Return the next step: move, call, or wait (for what, on whom, until when)."""
    if snap.row.state in FINAL:
        return _open_call(snap, now, policy) or Wait(reason=Reason.OVER)
    for rule in _FIRST:
        if step := rule(snap, now, policy):
            return step
    step = _BY_STATE[snap.row.state](snap, now, policy)
    return after_restore(snap, left_alone(snap, step, now, policy), now, policy)


def _poison(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    """Park a machine whose workers keep dying, before it takes the next one with it."""
    row = snap.row
    if row.reclaims < policy.max_reclaims or row.hold is not None:
        return None
    text = f"{row.reclaims} leases in a row ran out without an outcome"
    return hold_step(Reason.STUCK, text, now)


def _open_call(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    return judge(snap, now, policy) if snap.open_operation else None


def _anchor(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    del now
    return anchor_step(snap.row, policy)


def _absence(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    """Believe that a known number is gone only once two reads, a while apart, did not show it.

    A read from before the number came to its state says nothing: that move was a sign of life.
    """
    row = snap.row
    if row.state is State.REQUESTED or not seen_after(row, row.state_since):
        return None
    if not row.seen_present and row.absent_since is not None:
        missing_since = max(row.absent_since, row.state_since)
        reason = f"not on the WABA's list since {row.absent_since:%Y-%m-%d %H:%M} UTC"
    elif row.seen is not None and shown(row) is None:
        missing_since = row.state_since
        reason = f"the WABA's list has the number under another id, {row.seen.id}"
    else:
        return None
    gone_at = missing_since + policy.absent_grace
    if seen_after(row, gone_at):
        return _left(reason)
    poll = next_poll(missing_since, now, policy.poll_absent, row.waba_id)
    return Wait(reason=Reason.LISTING, observe_at=min(poll, max(gone_at, now)))


def _left(reason: str) -> Move:
    changes = {**NO_HOLD, **NO_CODE, "drift": None}
    return Move(trigger=Trigger.NUMBER_LEFT, reason=reason, changes=changes)


def _what_meta_shows(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    row, seen = snap.row, shown(snap.row)
    if row.state is State.REQUESTED or seen is None:
        return None
    if is_gone(seen):
        return _left(f"Meta shows {seen.status}")
    if is_not_ours(seen):
        return Wait(reason=Reason.NOT_OURS, observe_at=idle_poll(row, now, policy))
    if is_connected(seen) and row.state not in _RESTING and not row.renaming:
        return connected(row, now, "Meta shows CONNECTED on CLOUD_API")
    return None


def _window_over(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    """Expire an Embedded Signup number, but only on the word of a list read after the end."""
    row = snap.row
    if row.state not in IN_PROGRESS or row.renaming:
        return None
    if row.register_by_reason is not DeadlineReason.EMBEDDED_SIGNUP:
        return None
    if row.register_by is None or now < row.register_by:
        return None
    if not seen_after(row, row.register_by):
        if snap.account.hold is not None:
            return Wait(reason=Reason.ACCOUNT_HELD)  # its list is not read until it is mended
        return wait_for_list(now, Reason.DEADLINE_CHECK)
    # A registration that Meta accepted in time may still be shown as done.
    return await_proof(row, now, policy) or Move(
        trigger=Trigger.WINDOW_CLOSED,
        reason=f"not registered by {row.register_by:%Y-%m-%d %H:%M} UTC; the customer must go "
        "through Embedded Signup again",
        changes={**NO_HOLD, **NO_CODE},
    )


def _banned(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    seen = shown(snap.row)
    if snap.row.state is State.REQUESTED or seen is None or seen.status != NumberStatus.BANNED:
        return None
    return Wait(reason=Reason.BANNED, observe_at=idle_poll(snap.row, now, policy))


def _holds(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    row = snap.row
    if row.hold is not None:
        if row.hold_until is not None and row.hold_until <= now:
            return Move(note="released", reason="the hold's time is over", changes=NO_HOLD)
        poll = now if _is_to_be_looked_into(row) else idle_poll(row, now, policy)
        return Wait(reason=row.hold, until=row.hold_until, observe_at=poll)
    is_leaving = row.state is State.REGISTERED and row.offboard_at is not None
    if snap.account.hold is not None and (row.state not in _RESTING or is_leaving):
        return Wait(reason=Reason.ACCOUNT_HELD)
    return None


def _batch(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    """Hold a number back that its batch has not come to, or that is paused with its batch."""
    row = snap.row
    if snap.batch is None or row.state is State.REGISTERED or row.renaming:
        return None
    reason = gate(snap.batch, row)
    if reason is None:
        return None
    has_begun = row.state is not State.REQUESTED
    return Wait(reason=reason, observe_at=idle_poll(row, now, policy) if has_begun else None)


def _is_to_be_looked_into(row: Onboarding) -> bool:
    """Whether Meta refused a migration and no list was read since; why is read with that list."""
    if row.hold is not Reason.MIGRATION or row.hold_since is None:
        return False
    return row.seen_at is None or row.seen_at <= row.hold_since


def _persons_word(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    """Read the list before anything follows a call that a person settled as absent, or gave up.

    People err, and the list costs nothing; if it was read since the call settled, that is enough.
    """
    del policy
    doubtful = [
        op.settle_at
        for op in snap.attempts.made
        if op.status in (OperationStatus.ABSENT, OperationStatus.ABANDONED)
        and op.resolved_by in ("operator", "late")  # late: an answer came, perhaps one of silence
    ]
    if not doubtful or seen_after(snap.row, max(doubtful)):
        return None
    return wait_for_list(max(now, *doubtful))


def _ownership_lost(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    """EXPIRED is harmless once registered; before that, Meta refuses to register (133006)."""
    del now
    row, seen = snap.row, shown(snap.row)
    if row.state not in (State.VERIFIED, State.NAME_REVIEW, State.REGISTER_DEADLINE):
        return None
    if row.renaming or row.register_accepted_at is not None or seen is None:
        return None
    # Before that the list may still show how things were before the code.
    if not seen_after(row, row.state_since + policy.settle):
        return None
    if seen.code_verification_status != CodeVerificationStatus.EXPIRED:
        return None
    return Move(
        trigger=Trigger.OWNERSHIP_LOST,
        reason="Meta shows the verification as EXPIRED",
        changes=lost_proof(row),
    )


def _reread(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    """Where Meta contradicts what we thought, the list is read before anything is repeated."""
    del policy
    trouble = snap.row.trouble
    if trouble is None or trouble.failure.recovery is not RecoveryClass.RECONCILE:
        return None
    return None if seen_after(snap.row, trouble.at) else wait_for_list(now)


_FIRST: tuple[Rule, ...] = (
    _poison,
    status_change,
    _open_call,
    _anchor,
    _absence,
    stopped,
    _what_meta_shows,
    claim_step,
    _window_over,
    claim_over,
    _banned,
    while_held,
    _holds,
    _batch,
    _persons_word,
    _ownership_lost,
    _reread,
)

_BY_STATE: dict[State, Callable[[Snapshot, datetime, Policy], Step]] = {
    State.REQUESTED: requested,
    State.CREATED: created,
    State.OTP_PENDING: otp_pending,
    State.VERIFIED: verified,
    State.NAME_REVIEW: name_review,
    State.REGISTER_DEADLINE: register_deadline,
    State.REGISTERED: registered,
    State.MIGRATING: migrating,
}
