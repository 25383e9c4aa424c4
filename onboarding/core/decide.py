"""What to do next with one onboarding: a pure function of what is known and the present instant.

The order of the rules is the order of their authority: how an unanswered call stands, what Meta
shows, the deadline, holds, and only then the step that the state asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from onboarding.core.code_desk import created, otp_pending
from onboarding.core.creation import requested
from onboarding.core.deadlines import anchor_step
from onboarding.core.lifecycle import FINAL, IN_PROGRESS, Trigger
from onboarding.core.name_desk import name_review, verified
from onboarding.core.policy import Policy
from onboarding.core.probe import judge
from onboarding.core.registration import connected, register_deadline, registered
from onboarding.core.seen import is_connected, is_gone, is_not_ours, seen_after
from onboarding.core.steps import Move, Snapshot, Step, Wait
from onboarding.core.waits import NO_HOLD, hold_step, idle_poll, wait_for_list
from onboarding.model import (
    CodeVerificationStatus,
    DeadlineReason,
    NumberStatus,
    Reason,
    State,
)

Rule = Callable[[Snapshot, datetime, Policy], Step | None]


def decide(snap: Snapshot, now: datetime, policy: Policy) -> Step:
    """Return the next step: move, call, or wait (for what, on whom, until when)."""
    if snap.row.state in FINAL:
        return _open_call(snap, now, policy) or Wait(reason=Reason.OVER)
    for rule in _FIRST:
        if step := rule(snap, now, policy):
            return step
    return _BY_STATE[snap.row.state](snap, now, policy)


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
    """Believe that a known number is gone only once it has been missing for a while."""
    row = snap.row
    if row.state is State.REQUESTED or row.seen_present is not False or row.absent_since is None:
        return None
    if now - max(row.absent_since, row.state_since) < policy.absent_grace:
        poll = max(row.absent_since, row.state_since) + policy.absent_grace
        return Wait(reason=Reason.LISTING, observe_at=poll)
    return Move(
        trigger=Trigger.NUMBER_LEFT,
        reason=f"not on the WABA's list since {row.absent_since:%Y-%m-%d %H:%M} UTC",
    )


def _what_meta_shows(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    row = snap.row
    if row.state is State.REQUESTED or row.seen is None or not row.seen_present:
        return None
    if is_gone(row.seen):
        return Move(trigger=Trigger.NUMBER_LEFT, reason=f"Meta shows {row.seen.status}")
    if is_not_ours(row.seen):
        return Wait(reason=Reason.NOT_OURS, observe_at=idle_poll(row, now, policy))
    if is_connected(row.seen) and row.state is not State.REGISTERED and not row.renaming:
        return connected(row, now, "Meta shows CONNECTED on CLOUD_API")
    if row.seen.status == NumberStatus.BANNED:
        return Wait(reason=Reason.BANNED, observe_at=idle_poll(row, now, policy))
    return None


def _window_over(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    """Expire an Embedded Signup number, but only on the word of a list read after the end."""
    del policy
    row = snap.row
    if row.state not in IN_PROGRESS or row.register_by is None or now < row.register_by:
        return None
    if row.register_by_reason is not DeadlineReason.EMBEDDED_SIGNUP:
        return None
    if not seen_after(row, row.register_by):
        return wait_for_list(now, Reason.DEADLINE_CHECK)
    return Move(
        trigger=Trigger.WINDOW_CLOSED,
        reason=f"not registered by {row.register_by:%Y-%m-%d %H:%M} UTC; the customer must go "
        "through Embedded Signup again",
    )


def _holds(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    row = snap.row
    if row.hold is not None:
        if row.hold_until is not None and row.hold_until <= now:
            return Move(note="released", reason="the hold's time is over", changes=NO_HOLD)
        poll = idle_poll(row, now, policy)
        return Wait(reason=row.hold, until=row.hold_until, observe_at=poll)
    if snap.account.hold is not None and row.state is not State.REGISTERED:
        return Wait(reason=Reason.ACCOUNT_HELD)
    return None


def _ownership_lost(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    """EXPIRED is harmless once registered; before that, Meta refuses to register (133006)."""
    del now, policy
    row = snap.row
    if row.state not in (State.VERIFIED, State.NAME_REVIEW, State.REGISTER_DEADLINE):
        return None
    if row.renaming or row.seen is None or not seen_after(row, row.state_since):
        return None
    if row.seen.code_verification_status != CodeVerificationStatus.EXPIRED:
        return None
    return Move(
        trigger=Trigger.OWNERSHIP_LOST,
        reason="Meta shows the verification as EXPIRED",
        changes={"code_sent_at": None, "code_sends": 0, "code_tries": 0},
    )


_FIRST: tuple[Rule, ...] = (
    _poison,
    _open_call,
    _anchor,
    _absence,
    _what_meta_shows,
    _window_over,
    _holds,
    _ownership_lost,
)

_BY_STATE: dict[State, Callable[[Snapshot, datetime, Policy], Step]] = {
    State.REQUESTED: requested,
    State.CREATED: created,
    State.OTP_PENDING: otp_pending,
    State.VERIFIED: verified,
    State.NAME_REVIEW: name_review,
    State.REGISTER_DEADLINE: register_deadline,
    State.REGISTERED: registered,
}
