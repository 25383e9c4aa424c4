"""What to do next with one number of the pool: a pure function of what is known and the instant.

The order of the rules is the order of their authority, as with onboardings: how an unanswered
call stands, what Meta shows, who has claimed it, holds, and only then the step that is due.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from onboarding.core.policy import Policy
from onboarding.core.pool.claims import IN_USE, claimed_elsewhere, claimed_step
from onboarding.core.pool.codes import code_step, needs_code, next_code_at, retry_wait
from onboarding.core.pool.effects import PROVEN
from onboarding.core.pool.lifecycle import FINAL, OFFERED, UNPROVEN, PoolState, PoolTrigger
from onboarding.core.pool.model import ShareState
from onboarding.core.pool.restored import after_restore
from onboarding.core.pool.settling import settle
from onboarding.core.pool.steps import (
    NO_TROUBLE,
    PoolMove,
    PoolSnapshot,
    PoolStep,
    hold_step,
    seen_after,
    shown,
    wait_for_list,
)
from onboarding.core.steps import Call, Wait
from onboarding.core.timing import MINUTE, next_poll
from onboarding.model import (
    CodeVerificationStatus,
    Operation,
    OperationStatus,
    Reason,
    RecoveryClass,
)

Rule = Callable[[PoolSnapshot, datetime, Policy], PoolStep | None]

#: While the account is on hold, numbers look now and then whether it still is.
_HELD_AGAIN = 15 * MINUTE


def decide(snap: PoolSnapshot, now: datetime, policy: Policy) -> PoolStep:
    """Return the next step: move, call, look, or wait (for what, on whom, until when)."""
    if snap.row.state in FINAL:
        return _given_up(snap, now) or Wait(reason=Reason.OVER)
    for rule in _RULES:
        if step := rule(snap, now, policy):
            return after_restore(snap, step, now, policy)
    return Wait(reason=Reason.DONE, until=next_code_at(snap, now, policy))


def _open_call(snap: PoolSnapshot, now: datetime, policy: Policy) -> PoolStep | None:
    return settle(snap, now, policy) if snap.open_operation else None


def _given_up(snap: PoolSnapshot, now: datetime) -> PoolStep | None:
    """Look no further into a call for a number that is over: whatever it did, it is gone."""
    operation = snap.open_operation
    if operation is None:
        return None
    if now < operation.settle_at:
        return Wait(reason=Reason.SETTLING, until=operation.settle_at)
    return PoolMove(
        note="call_given_up",
        reason=f"{operation.name} was not answered, and the number left the pool meanwhile",
        operation=operation,
        settles=(OperationStatus.ABANDONED, "policy"),
    )


def _gone(snap: PoolSnapshot, now: datetime, policy: Policy) -> PoolStep | None:
    """Believe that a number is gone only once two reads, a while apart, did not show it."""
    row = snap.row
    if row.state not in OFFERED:
        return None
    seen = shown(row)
    if seen is not None and seen.availability_status == IN_USE:
        return claimed_elsewhere(snap, now, "Meta shows it as in use")
    if row.seen_present is not False or row.absent_since is None:
        return None
    if not seen_after(row, row.added_at or row.created_at):
        return None
    missing_since = max(row.absent_since, row.state_since)
    gone_at = missing_since + policy.absent_grace
    if not seen_after(row, gone_at):
        poll = next_poll(missing_since, now, policy.poll_absent, row.business_id)
        return Wait(reason=Reason.LISTING, observe_at=min(poll, max(gone_at, now)))
    if row.is_leaving or _lapsed_unproven(snap, now, policy):
        why = "taken out of the pool" if row.is_leaving else "Meta removed it: never verified"
        return PoolMove(trigger=PoolTrigger.REMOVED, reason=f"{why}; the list has it no more")
    return claimed_elsewhere(snap, now, "the pool's list has its temporary id no more")


def _lapsed_unproven(snap: PoolSnapshot, now: datetime, policy: Policy) -> bool:
    """Whether it is so old without a verification that Meta removes it by itself."""
    row = snap.row
    since = row.added_at or row.created_at
    return row.verified_at is None and now >= since + policy.preverified_validity


def _claimed(snap: PoolSnapshot, now: datetime, policy: Policy) -> PoolStep | None:
    return claimed_step(snap, now, policy) if snap.row.state is PoolState.CLAIMED else None


def _held(snap: PoolSnapshot, now: datetime, policy: Policy) -> PoolStep | None:
    del policy
    if snap.row.hold is not None:
        return Wait(reason=snap.row.hold)
    if snap.account.hold is not None:
        return Wait(reason=Reason.ACCOUNT_HELD, until=now + _HELD_AGAIN)
    return None


def _reread(snap: PoolSnapshot, now: datetime, policy: Policy) -> PoolStep | None:
    """Where Meta contradicts what we thought, the list is read before anything is repeated."""
    del policy
    trouble = snap.row.trouble
    if trouble is None or trouble.failure.recovery is not RecoveryClass.RECONCILE:
        return None
    return None if seen_after(snap.row, trouble.at) else wait_for_list(now)


def _adopted(snap: PoolSnapshot, now: datetime, policy: Policy) -> PoolStep | None:
    """Take a number that the list has already; the list is always read before one is added."""
    row = snap.row
    if row.state is not PoolState.REQUESTED:
        return None
    if row.is_leaving:
        return PoolMove(trigger=PoolTrigger.REMOVED, reason="given up before it was added")
    if not seen_after(row, row.state_since):
        return wait_for_list(now)
    seen = shown(row)
    if seen is not None:
        changes = {**NO_TROUBLE, "preverified_id": seen.id, "added_at": now}
        reason = "the pool's list has the number already"
        return PoolMove(trigger=PoolTrigger.FOUND, reason=reason, changes=changes)
    return _add(snap, now, policy)


def _add(snap: PoolSnapshot, now: datetime, policy: Policy) -> PoolStep:
    row = snap.row
    trouble = row.trouble
    if trouble is not None and trouble.failure.recovery is RecoveryClass.RECONCILE:
        text = f"Meta refuses to add it ({trouble.failure.message}), and it is not in the pool"
        return hold_step(text, now)
    made = [op for op in snap.attempts.made if op.name is Operation.ADD_PREVERIFIED]
    lost = sum(op.pool_number_id == row.id and op.status is OperationStatus.ABSENT for op in made)
    if lost > policy.create_repeats and trouble is not None:
        return hold_step("the add call was lost more than once, and it never appeared", now)
    generation = 1 + sum(op.status is OperationStatus.SUCCEEDED for op in made)
    return retry_wait(snap, Operation.ADD_PREVERIFIED, now) or Call(
        operation=Operation.ADD_PREVERIFIED,
        natural_key=f"{row.business_id}/{row.number_key}/{generation}",
        params={"phone_number": row.phone_number.removeprefix("+")},
    )


def _proven(snap: PoolSnapshot, now: datetime, policy: Policy) -> PoolStep | None:
    """Take Meta's word that a number is verified; how long is told, or reckoned from today."""
    del now
    row, seen = snap.row, shown(snap.row)
    if row.state not in UNPROVEN or seen is None or row.seen_at is None:
        return None
    if row.seen_at < row.state_since and row.state is not PoolState.ADDED:
        return None
    if seen.code_verification_status != CodeVerificationStatus.VERIFIED:
        return None
    ends = seen.verification_expiry_time or row.seen_at + policy.preverified_validity
    if ends <= row.seen_at:
        return None
    changes = {
        **PROVEN, "expires_at": ends, "verified_at": ends - policy.preverified_validity,
    }  # fmt: skip
    return PoolMove(trigger=PoolTrigger.VERIFIED, reason="Meta shows VERIFIED", changes=changes)


def _lapsed(snap: PoolSnapshot, now: datetime, policy: Policy) -> PoolStep | None:
    """End a verification on the word of a list that was read after its end, or that denies it."""
    row, seen = snap.row, shown(snap.row)
    if row.state is not PoolState.VERIFIED:
        return None
    proven_since = max(row.verified_at or row.state_since, row.state_since) + policy.settle
    status = seen.code_verification_status if seen else None
    is_denied = status not in (None, CodeVerificationStatus.VERIFIED)
    if is_denied and seen_after(row, proven_since):
        return _expired(f"Meta shows {status}")
    if row.expires_at is None:
        return _expired("its ownership was never proven")
    if row.expires_at > now:
        return None
    if not seen_after(row, row.expires_at):
        return wait_for_list(now, Reason.DEADLINE_CHECK)
    return _expired(f"the verification ended at {row.expires_at:%Y-%m-%d %H:%M} UTC")


def _expired(reason: str) -> PoolMove:
    changes = {"code_sends": 0, "code_tries": 0, **NO_TROUBLE}
    return PoolMove(trigger=PoolTrigger.EXPIRED, reason=reason, changes=changes)


def _leave(snap: PoolSnapshot, now: datetime, policy: Policy) -> PoolStep | None:
    del policy
    row = snap.row
    if not row.is_leaving:
        return None
    trouble = row.trouble
    if trouble is not None and trouble.failure.recovery is RecoveryClass.RECONCILE:
        return hold_step(f"Meta does not delete it: {trouble.failure.message}", now)
    return retry_wait(snap, Operation.DELETE_PREVERIFIED, now) or Call(
        operation=Operation.DELETE_PREVERIFIED, natural_key=row.preverified_id or ""
    )


_ASKED = {
    ShareState.WANTED: Operation.SHARE_PREVERIFIED,
    ShareState.UNWANTED: Operation.UNSHARE_PREVERIFIED,
}


def _sharing(snap: PoolSnapshot, now: datetime, policy: Policy) -> PoolStep | None:
    """Share it and take it back as people asked; one call after another."""
    del policy
    for share in snap.shares:
        operation = _ASKED.get(share.state)
        if operation is None:
            continue
        if wait := retry_wait(snap, operation, now):
            return replace(wait, until=wait.until or now + timedelta(hours=1))
        return Call(
            operation=operation,
            natural_key=f"{snap.row.preverified_id}/{share.partner_business_id}",
            params={"partner_business_id": share.partner_business_id},
        )
    return None


def _codes(snap: PoolSnapshot, now: datetime, policy: Policy) -> PoolStep | None:
    return code_step(snap, now, policy) if needs_code(snap.row, now, policy) else None


_RULES: tuple[Rule, ...] = (
    _open_call,
    _gone,
    _claimed,
    _held,
    _reread,
    _adopted,
    _proven,
    _lapsed,
    _leave,
    _sharing,
    _codes,
)
