"""After a restore: what takes the place of a call for a number of the pool.

The same as for onboardings: nobody is called before a person releases the copy, and then only
what a list read after the restore does not show.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from onboarding.core.policy import Policy
from onboarding.core.pool.model import ShareState
from onboarding.core.pool.steps import (
    LookAtPartners,
    PoolMove,
    PoolSnapshot,
    PoolStep,
    seen_after,
    share_with,
)
from onboarding.core.restored import BEFORE_CALLS, certain_from, is_from_before
from onboarding.core.steps import Call, Restore, Wait
from onboarding.core.timing import next_poll
from onboarding.model import Operation, Reason

_DONE = {
    Operation.SHARE_PREVERIFIED: ShareState.SHARED,
    Operation.UNSHARE_PREVERIFIED: ShareState.ENDED,
}


def after_restore(snap: PoolSnapshot, step: PoolStep, now: datetime, policy: Policy) -> PoolStep:
    """Return what follows from a step in a database that was restored once."""
    restore = snap.restore
    if restore is None or isinstance(step, PoolMove | LookAtPartners):
        return step
    if not isinstance(step, Call) and step.reason not in BEFORE_CALLS:
        return step
    from_when = certain_from(restore, policy)
    is_certain = seen_after(snap.row, from_when)
    if not restore.is_released:
        poll = next_poll(from_when, now, policy.poll_review, snap.row.business_id)
        return Wait(reason=Reason.RESTORED, observe_at=poll if is_certain else max(now, from_when))
    if isinstance(step, Wait):
        is_stale = step.reason is Reason.CODE and is_from_before(snap.row.code_sent_at, restore)
        return replace(step, reason=Reason.BUDGET) if is_stale else step
    if not is_certain:
        return Wait(reason=Reason.LISTING, observe_at=max(now, from_when))
    return _shared_already(snap, step, restore, from_when) if step.operation in _DONE else step


def _shared_already(
    snap: PoolSnapshot, step: Call, restore: Restore, from_when: datetime
) -> PoolStep:
    """Look with whom the number is shared before it is shared, or taken back, a second time."""
    share = share_with(snap, step.params["partner_business_id"])
    if share is None or share.asked_at > restore.at:
        return step
    if share.seen_at is None or share.seen_at < from_when:
        return LookAtPartners()
    if share.seen_present is not (step.operation is Operation.SHARE_PREVERIFIED):
        return step
    return PoolMove(
        note=f"{step.operation}_found",
        reason="the partners that Meta shows tell that it was done before the restore",
        share=replace(share, state=_DONE[step.operation], why=None),
        detail={"partner_business_id": share.partner_business_id},
    )
