"""A registered number that is to leave: deregister it, once the list says that it may be.

Its window at Meta is its own: ten calls in 72 hours, of which the engine makes eight. A number of
the WhatsApp Business app is never deregistered; ``core/decide.py`` stops before it comes to this.
"""

from __future__ import annotations

from datetime import datetime

from onboarding.core.effects import LEFT
from onboarding.core.lifecycle import Trigger
from onboarding.core.operations import natural_key
from onboarding.core.policy import Policy
from onboarding.core.seen import is_not_ours, shown
from onboarding.core.steps import Call, Move, Snapshot, Step
from onboarding.core.waits import NO_HOLD, NO_TROUBLE, budget_wait, retry_wait, wait_for_list
from onboarding.errors import ConflictError, TransitionRefusedError
from onboarding.model import Onboarding, Operation, PlatformType, Reason, State


def offboard(snap: Snapshot, now: datetime, policy: Policy) -> Step:
    """Return the call that takes the number off the Cloud API, or what must come before it."""
    row, operation = snap.row, Operation.DEREGISTER
    # A read of that very instant may have begun before anybody asked.
    if row.seen_at is None or row.offboard_at is None or row.seen_at <= row.offboard_at:
        return wait_for_list(now)
    seen = shown(row)
    if seen is not None and seen.platform_type == PlatformType.NOT_APPLICABLE:
        return Move(
            trigger=Trigger.NUMBER_LEFT,
            reason="Meta shows that the number is not registered any more",
            changes=LEFT,
        )
    if wait := retry_wait(snap, operation, now) or budget_wait(snap, operation, policy, now):
        return wait
    return Call(operation=operation, natural_key=natural_key(operation, row))


def require_offboardable(row: Onboarding) -> None:
    """Refuse to take a number off the Cloud API that is not on it, or that is not ours.

    Raises:
        TransitionRefusedError: not registered, being renamed, or in use by the Business app.
        ConflictError: it is on its way off already.
    """
    see = f"see: onboarding show {row.id}"
    if row.offboard_at is not None and row.state is State.REGISTERED:
        raise ConflictError("the number is being deregistered already", hint=see)
    if row.renaming:
        raise TransitionRefusedError(
            "the number is registered, and its new name is under way", hint="wait for its end"
        )
    if row.state is not State.REGISTERED:
        raise TransitionRefusedError(
            f"only a registered number is deregistered; this one is '{row.state}'", hint=see
        )
    seen = shown(row)
    if seen is not None and is_not_ours(seen):
        raise TransitionRefusedError(
            "the number lives in the WhatsApp Business app or on-premises; deregistering it would "
            "cut it off there",
            hint=see,
        )


def offboarding(row: Onboarding, reason: str, now: datetime) -> Move:
    """Return the step after which the engine deregisters the number.

    Raises:
        TransitionRefusedError, ConflictError: as ``require_offboardable``.
    """
    require_offboardable(row)
    changes = {**NO_TROUBLE, "offboard_at": now}
    return Move(note="offboard_requested", reason=reason, changes=changes)


def withdrawn(row: Onboarding, reason: str) -> Move:
    """Return the step after which the number stays registered.

    Raises:
        TransitionRefusedError: it is not to be deregistered.
    """
    if row.offboard_at is None or row.state is not State.REGISTERED:
        raise TransitionRefusedError(
            "the number is not being deregistered", hint=f"see: onboarding show {row.id}"
        )
    is_refused = row.hold is Reason.REFUSED
    changes = {"offboard_at": None, **NO_TROUBLE, **(NO_HOLD if is_refused else {})}
    return Move(note="offboard_withdrawn", reason=reason, changes=changes)
