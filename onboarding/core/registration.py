"""The step of ``register_deadline``: register, and see it proven.

Meta allows ten register calls per number in 72 hours and then locks the number for 72 more, so
every call is counted from the journal, and the engine stops at eight.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from onboarding.core.code_desk import PROVEN
from onboarding.core.lifecycle import Trigger
from onboarding.core.name_desk import may_register_in_review
from onboarding.core.operations import natural_key
from onboarding.core.policy import Policy
from onboarding.core.seen import USABLE_NAME, name_standing, seen_after, shown, shows_connected
from onboarding.core.steps import Call, Move, Snapshot, Step, Wait
from onboarding.core.timing import next_poll
from onboarding.core.waits import (
    ENGINE,
    NO_HOLD,
    budget_wait,
    idle_poll,
    retry_wait,
    subscription_wait,
)
from onboarding.model import DeadlineReason, NameStatus, Onboarding, Operation, Reason

#: What a row looks like whose new name is not, or no longer, approved.
_NOT_APPROVED = {"name_approved_at": None, "register_by": None, "register_by_reason": None}


def connected(row: Onboarding, now: datetime, reason: str) -> Move:
    """Return the move of a number that Meta shows as registered."""
    return Move(
        trigger=Trigger.CONNECTED,
        reason=reason,
        changes={
            "registered_at": now,
            "register_by": None,
            "register_by_reason": None,
            **PROVEN,
            "code_tries": 0,
            "pin_mismatches": 0,
            "renaming": False,
            "display_name": row.new_display_name or row.display_name,
            "new_display_name": None,
            "name_submitted_at": None,
            "drift": None,
            "name_held": None,
            # What the engine held for is mended; what a person holds stays held.
            **(NO_HOLD if row.hold_by == ENGINE else {}),
        },
    )


def register_deadline(snap: Snapshot, now: datetime, policy: Policy) -> Step:
    """Register, unless Meta has accepted it already and only the proof is missing."""
    row = snap.row
    if row.renaming:
        return _reregister(snap, now, policy)
    return (
        await_proof(row, now, policy)
        or _name_lost(row, now, policy)
        or _register(snap, now, policy)
    )


def migrating(snap: Snapshot, now: datetime, policy: Policy) -> Step:
    """Rest as well: all that happens to the number happens on the WABA that it goes to."""
    return Wait(reason=Reason.DONE, observe_at=idle_poll(snap.row, now, policy))


def _reregister(snap: Snapshot, now: datetime, policy: Policy) -> Step:
    """A new name takes effect with a register call made after its approval."""
    row = snap.row
    accepted, approved = row.register_accepted_at, row.name_approved_at
    if accepted is not None and approved is not None and accepted > approved:
        return connected(row, now, f"registered again under '{row.new_display_name}'")
    over = row.register_by is not None and now >= row.register_by
    if over and row.register_by_reason is DeadlineReason.NAME_CHANGE:
        return Move(
            trigger=Trigger.NAME_NOT_USABLE,
            reason=f"'{row.new_display_name}' was not registered within 14 days of its approval; "
            "the name must be submitted again",
            changes={"name_submitted_at": None, "name_decided_at": None, **_NOT_APPROVED},
            detail={"lapsed": row.new_display_name or ""},
        )
    lost = _name_lost(row, now, policy)
    return replace(lost, changes=_NOT_APPROVED) if lost else _register(snap, now, policy)


def await_proof(row: Onboarding, now: datetime, policy: Policy) -> Wait | None:
    """Return the wait for CONNECTED after an accepted registration, until it is given up."""
    accepted_at = row.register_accepted_at
    if accepted_at is None:
        return None
    give_up = accepted_at + policy.reregister_after
    seen = shown(row)
    is_told = seen is not None and shows_connected(seen) is not None
    if now >= give_up and is_told and seen_after(row, give_up - timedelta(hours=1)):
        return None
    poll = next_poll(accepted_at, now, policy.poll_connecting, row.waba_id)
    return Wait(reason=Reason.CONNECTING, until=give_up if give_up > now else None, observe_at=poll)


def _name_lost(row: Onboarding, now: datetime, policy: Policy) -> Move | None:
    """A name that is not usable any more is not registered with, but in the last days of review."""
    standing = name_standing(row)
    if standing is None or standing in USABLE_NAME:
        return None
    if standing == NameStatus.PENDING_REVIEW and may_register_in_review(row, now, policy):
        return None
    return Move(trigger=Trigger.NAME_NOT_USABLE, reason=f"the display name is {standing}")


def _register(snap: Snapshot, now: datetime, policy: Policy) -> Step:
    row = snap.row
    if _is_too_late(row, now, policy):
        return Wait(reason=Reason.DEADLINE_CHECK, until=row.register_by)
    # An unfinished deregister (133000) or a PIN mismatch (133005) is mended by another call first.
    operation = row.retry_operation or Operation.REGISTER
    if operation not in (Operation.DEREGISTER, Operation.SET_PIN):
        operation = Operation.REGISTER
    if wait := retry_wait(snap, operation, now):
        return wait
    if operation is not Operation.SET_PIN and (wait := budget_wait(snap, operation, policy, now)):
        return wait
    if wait := subscription_wait(snap, now, policy):
        return wait
    return Call(operation=operation, natural_key=natural_key(operation, row))


def _is_too_late(row: Onboarding, now: datetime, policy: Policy) -> bool:
    """Whether a call that is decided now might leave only after the window, which is to end."""
    if row.register_by is None or row.register_by_reason is DeadlineReason.POLICY:
        return False
    return now < row.register_by <= now + policy.send_within
