"""From what is known of a number of the pool to what is written: decisions until one waits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from onboarding.core.chain import Entry
from onboarding.core.policy import Policy
from onboarding.core.pool.desk import decide
from onboarding.core.pool.effects import apply_outcome
from onboarding.core.pool.model import Claim, PoolNumber, Share
from onboarding.core.pool.steps import (
    LookAtPartners,
    PoolMove,
    PoolSnapshot,
    entry_of,
    hold_step,
    moved,
)
from onboarding.core.reasons import MEANINGS
from onboarding.core.steps import Call, Wait
from onboarding.errors import TransitionRefusedError
from onboarding.model import JournaledOperation, OperationStatus, Reason

#: More steps than any path through the lifecycle has; reaching it is a fault of the rules.
_MAX_STEPS = 24


@dataclass(kw_only=True)
class PoolPlan:
    """What one look at a number of the pool leads to.

    Attributes:
        row: the number afterwards.
        before: the number as it was looked at.
        entries: history to append, in order.
        step: the call to make, the look or the wait to take.
        settled: open operations that were resolved, how and by what.
        applied: operations whose outcome the row now shows.
        shares: shares that changed.
        claims: claims that were made or changed, in order.
        account_hold: a text, if the whole account is to be put on hold.
    """

    row: PoolNumber
    before: PoolNumber
    entries: list[Entry] = field(default_factory=list)
    step: Call | Wait | LookAtPartners = field(default_factory=lambda: Wait(reason=Reason.DUE))
    settled: list[tuple[JournaledOperation, OperationStatus, str]] = field(default_factory=list)
    applied: list[JournaledOperation] = field(default_factory=list)
    shares: list[Share] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    account_hold: str | None = None


def plan(
    snap: PoolSnapshot,
    now: datetime,
    policy: Policy,
    first: PoolMove | None = None,
    actor: str = "engine",
) -> PoolPlan:
    """Decide until there is a call to make or something to wait for.

    Args:
        snap: what is known.
        now: business time.
        policy: waits and limits.
        first: a step of a person's, taken before anything is decided.
        actor: who takes that step.

    Raises:
        TransitionRefusedError: the lifecycle has no room for a person's step.
    """
    result = PoolPlan(row=snap.row, before=snap.row)
    if first is not None:
        snap = _taken(result, snap, first, now, actor)
    for operation in snap.unapplied:
        if move := apply_outcome(snap, operation, now, policy):
            snap = _taken(result, snap, move, now, "engine")
        result.applied.append(operation)
    snap = replace(snap, unapplied=())
    for _ in range(_MAX_STEPS):
        step = decide(snap, now, policy)
        if not isinstance(step, PoolMove):
            result.step = step
            _rest(result, now)
            return result
        snap = _taken(result, snap, step, now, "engine")
    raise AssertionError(f"the rules of the pool run in circles in '{snap.row.state}'")


def parked(snap: PoolSnapshot, now: datetime, why: str) -> PoolPlan:
    """Return the plan that only puts a number on hold, for one that the rules fail on."""
    result = PoolPlan(row=snap.row, before=snap.row)
    _taken(result, snap, hold_step(why, now), now, "engine")
    result.step = Wait(reason=Reason.REFUSED)
    _rest(result, now)
    return result


def _taken(
    result: PoolPlan, snap: PoolSnapshot, step: PoolMove, now: datetime, actor: str
) -> PoolSnapshot:
    """Take a step into the plan; return the snapshot as it leaves things."""
    if step.settles is not None and step.operation is not None:
        result.settled.append((step.operation, *step.settles))
        snap = _settled(snap, step.operation, step.settles[0])
    try:
        after = moved(snap.row, step, now)
    except TransitionRefusedError:
        if step.operation is None:
            raise
        return snap  # an answer that comes after the number went elsewhere changes nothing
    result.entries.append(entry_of(snap.row, after, step, now, actor))
    result.row = after
    result.account_hold = step.account_hold or result.account_hold
    snap = replace(snap, row=after)
    if step.account_hold is not None:
        held = replace(snap.account, hold=Reason.ACCOUNT_HELD, hold_text=step.account_hold)
        snap = replace(snap, account=held)
    return _with_share(result, _with_claim(result, snap, step), step)


def _settled(
    snap: PoolSnapshot, operation: JournaledOperation, status: OperationStatus
) -> PoolSnapshot:
    closed = replace(operation, status=status)
    others = [op for op in snap.attempts.made if op.id != closed.id]
    attempts = replace(snap.attempts, made=(*others, closed))
    is_open = snap.open_operation is not None and snap.open_operation.id == operation.id
    open_operation = None if is_open else snap.open_operation
    return replace(snap, open_operation=open_operation, attempts=attempts)


def _with_share(result: PoolPlan, snap: PoolSnapshot, step: PoolMove) -> PoolSnapshot:
    share = step.share
    if share is None:
        return snap
    result.shares.append(share)
    others = [s for s in snap.shares if s.partner_business_id != share.partner_business_id]
    return replace(snap, shares=(*others, share))


def _with_claim(result: PoolPlan, snap: PoolSnapshot, step: PoolMove) -> PoolSnapshot:
    if step.claim is None:
        return snap
    result.claims.append(step.claim)
    is_over = step.claim.released_at is not None
    return replace(snap, claim=None if is_over else step.claim)


def _rest(result: PoolPlan, now: datetime) -> None:
    """Note in the row why it rests, on whom, and until when."""
    step, row = result.step, result.row
    if isinstance(step, Wait):
        reason, until = step.reason, step.until
    else:
        reason, until = Reason.DUE, now
    is_same = row.waiting is reason
    result.row = replace(
        row,
        waiting=reason,
        waiting_for=MEANINGS[reason].owner,
        waiting_since=row.waiting_since if is_same else now,
        next_due_at=until,
    )
