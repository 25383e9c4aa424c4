"""What a person's answer to a difference between the engine and Meta leads to."""

from __future__ import annotations

from datetime import datetime

from onboarding.core.code_desk import NO_CODE
from onboarding.core.drift import UNDER_WAY, name_before
from onboarding.core.lifecycle import Trigger
from onboarding.core.policy import Policy
from onboarding.core.seen import shown
from onboarding.core.steps import DeadlineSet, Move
from onboarding.core.waits import NO_HOLD, NO_TROUBLE
from onboarding.errors import TransitionRefusedError
from onboarding.model import DeadlineReason, Onboarding, Reason, State

_LET_GO = (Reason.DISCONNECTED, Reason.BANNED, Reason.NOT_OURS)


def accepted(row: Onboarding, reason: str, policy: Policy) -> Move:
    """Return the step of taking what Meta shows for right: nothing is called for it.

    A number that works no more, or elsewhere, is let go. A changed name becomes the name; if it
    was approved as a change, it takes effect with the next registration, which follows.

    Raises:
        TransitionRefusedError: nobody is asked anything about the number.
    """
    if row.state is State.REGISTERED and row.waiting is Reason.NAME_CHANGED and row.drift:
        return _name_accepted(row, reason, policy)
    if row.state is not State.REGISTERED or row.waiting not in _LET_GO:
        raise _nothing_asked(row)
    return Move(
        trigger=Trigger.NUMBER_LEFT,
        reason=f"let go: {reason}" if reason.strip() else reason,
        changes={**NO_HOLD, **NO_CODE, "drift": None},
    )


def registered_again(row: Onboarding, reason: str, now: datetime, policy: Policy) -> Move:
    """Return the step of registering a number again that lost its connection.

    Raises:
        TransitionRefusedError: it did not, as far as it is known.
    """
    if row.state is not State.REGISTERED or row.waiting is not Reason.DISCONNECTED:
        raise _nothing_asked(row)
    return Move(
        trigger=Trigger.REGISTRATION_REQUESTED,
        reason=reason,
        changes={**NO_TROUBLE, "register_accepted_at": None, "drift": None, "name_held": None},
        deadline=DeadlineSet(
            reason=DeadlineReason.POLICY,
            anchor_source="registration_requested",
            starts_at=now,
            due_at=now + policy.policy_window,
        ),
    )


def _nothing_asked(row: Onboarding) -> TransitionRefusedError:
    return TransitionRefusedError(
        f"nothing is asked about {row.phone_number}: it is '{row.state}', and waits for "
        f"'{row.waiting}'",
        hint="see: onboarding drift",
    )


def _name_accepted(row: Onboarding, reason: str, policy: Policy) -> Move:
    drift, seen = row.drift, shown(row)
    name = drift.display_name if drift else None
    is_change = seen is not None and seen.new_name_status in UNDER_WAY
    if drift is None or not is_change:
        return Move(
            note="name_accepted",
            reason=reason,
            changes={"display_name": name, "name_held": name, "drift": None},
            detail={"display_name": name or "", "held": row.name_held or row.display_name},
        )
    asked_at = name_before(drift, row, policy)
    return Move(
        trigger=Trigger.RENAME_REQUESTED,
        reason=reason,
        changes={
            "new_display_name": name,
            "renaming": True,
            "name_submitted_at": asked_at,
            "name_unapproved_at": asked_at,
            "rejection_reason": None,
            "drift": None,
        },
        detail={"display_name": name or ""},
    )
