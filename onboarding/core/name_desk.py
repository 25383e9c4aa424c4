"""The steps of ``verified`` and ``name_review``: from a proven number to a usable name.

``name_status`` is the standing of the name in use, ``new_name_status`` that of a change; they are
tracked apart. A registered number that gets a new name comes through here as well (``renaming``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from onboarding.core.deadlines import approval_deadline
from onboarding.core.lifecycle import Trigger
from onboarding.core.operations import natural_key
from onboarding.core.policy import Policy
from onboarding.core.seen import (
    USABLE_NAME,
    has_usable_name,
    name_standing,
    seen_after,
    shown,
)
from onboarding.core.steps import Call, Move, Snapshot, Step, Wait
from onboarding.core.timing import next_poll
from onboarding.core.waits import (
    NO_HOLD,
    NO_TROUBLE,
    budget_wait,
    idle_poll,
    retry_wait,
    wait_for_list,
)
from onboarding.errors import ConflictError, TransitionRefusedError
from onboarding.model import (
    DeadlineReason,
    JournaledOperation,
    NameStatus,
    Onboarding,
    Operation,
    PhoneNumber,
    Reason,
    State,
)

#: Calls that carry the display name.
_TAKES_NAME = (Operation.CREATE_NUMBER, Operation.SET_DISPLAY_NAME)


def verified(snap: Snapshot, now: datetime, policy: Policy) -> Step:
    """Look at the display name, once Meta tells about it."""
    del policy
    row = snap.row
    match has_usable_name(row):
        case False:
            return Move(
                trigger=Trigger.NAME_NOT_USABLE, reason=f"the display name is {name_standing(row)}"
            )
        case None if not seen_after(row, row.state_since):
            return wait_for_list(now)
        case _:
            return _usable(row)


def name_review(snap: Snapshot, now: datetime, policy: Policy) -> Step:
    """Submit a new name if one was given; else wait for a usable one, or for the last days."""
    row = snap.row
    if row.new_display_name is not None and row.name_submitted_at is None:
        return _submit(snap, now, policy)
    if row.name_submitted_at is not None:
        # Before that the list may still show how an earlier change ended.
        listed_from = row.name_submitted_at + policy.settle
        if not seen_after(row, listed_from):
            return wait_for_list(max(now, listed_from))
    if row.renaming:
        return _renaming(row, now, policy)
    standing = name_standing(row)
    if standing is None or standing in USABLE_NAME:
        return _retry(snap, now, policy) or _usable(row)
    if standing == NameStatus.PENDING_REVIEW:
        return _in_review(snap, now, policy)
    return _ask_for_name(row, standing, now, policy)


def _usable(row: Onboarding) -> Move:
    standing = name_standing(row)
    told = f"the display name is {standing}" if standing else "Meta tells no standing of the name"
    return Move(trigger=Trigger.NAME_USABLE, reason=told)


def _submit(snap: Snapshot, now: datetime, policy: Policy) -> Step:
    row = snap.row
    waits = (
        retry_wait(snap, Operation.SET_DISPLAY_NAME, now),
        budget_wait(snap, Operation.SET_DISPLAY_NAME, policy, now),
    )
    return next((wait for wait in waits if wait), None) or Call(
        operation=Operation.SET_DISPLAY_NAME,
        natural_key=natural_key(Operation.SET_DISPLAY_NAME, row),
        params={"new_display_name": row.new_display_name or ""},
    )


def may_register_in_review(row: Onboarding, now: datetime, policy: Policy) -> bool:
    """Whether the window closes so soon that registering during the review is worth a try."""
    if row.register_by is None or row.register_by_reason is not DeadlineReason.EMBEDDED_SIGNUP:
        return False
    return now >= row.register_by - policy.early_registration


def _in_review(snap: Snapshot, now: datetime, policy: Policy) -> Step:
    row = snap.row
    if may_register_in_review(row, now, policy):
        return _retry(snap, now, policy) or Move(
            trigger=Trigger.EARLY_REGISTRATION_DUE,
            reason=f"the name is still in review and the window closes at "
            f"{row.register_by:%Y-%m-%d %H:%M} UTC",
        )
    is_signup = row.register_by_reason is DeadlineReason.EMBEDDED_SIGNUP
    early = row.register_by - policy.early_registration if row.register_by and is_signup else None
    return _wait_for_meta(row, now, policy, until=early)


def _retry(snap: Snapshot, now: datetime, policy: Policy) -> Wait | None:
    """Return the wait that Meta's last refusal to register imposed; the name may change in it."""
    wait = retry_wait(snap, Operation.REGISTER, now)
    return _wait_for_meta(snap.row, now, policy, until=wait.until) if wait else None


def _wait_for_meta(
    row: Onboarding, now: datetime, policy: Policy, *, until: datetime | None = None
) -> Wait:
    poll = next_poll(row.state_since, now, policy.poll_review, row.waba_id)
    return Wait(reason=Reason.NAME_IN_REVIEW, until=until, observe_at=poll)


def _ask_for_name(row: Onboarding, standing: str, now: datetime, policy: Policy) -> Wait:
    reason = _ASKS.get(standing, Reason.NAME_MISSING)
    patience = row.state_since + policy.name_none_grace
    if reason is Reason.NAME_MISSING and now < patience:
        return _wait_for_meta(row, now, policy, until=patience)
    return Wait(reason=reason, observe_at=idle_poll(row, now, policy))


#: Standings after which the partner must give a name.
_ASKS: dict[str | None, Reason] = {
    NameStatus.DECLINED: Reason.NAME_DECLINED,
    NameStatus.EXPIRED: Reason.NAME_EXPIRED,
}


def _renaming(row: Onboarding, now: datetime, policy: Policy) -> Step:
    seen = shown(row)
    if seen is not None and _is_approved(row, seen):
        anchor = approval_deadline(row, now, policy)
        return Move(
            trigger=Trigger.NAME_USABLE,
            reason=f"the new display name '{row.new_display_name}' is approved",
            changes={"name_approved_at": anchor.starts_at},
            deadline=anchor,
        )
    if reason := _ASKS.get(name_standing(row)):
        return Wait(reason=reason, observe_at=idle_poll(row, now, policy))
    wait = _wait_for_meta(row, now, policy)
    return replace(wait, changes={"name_unapproved_at": row.seen_at})


def _is_approved(row: Onboarding, seen: PhoneNumber) -> bool:
    if seen.new_name_status is not None:
        return seen.new_name_status in USABLE_NAME
    return seen.verified_name == row.new_display_name and seen.name_status in USABLE_NAME


def renamed(row: Onboarding, name: str, pressing: Iterable[JournaledOperation] = ()) -> Move:
    """Return the step that a person's new name leads to.

    Args:
        row: the onboarding.
        name: the new name.
        pressing: its calls that are open, or whose outcome the row does not show yet. What one
            that carries the name before did is judged by that name.

    Raises:
        ConflictError: the registered number has this name, or such a call is not settled.
        TransitionRefusedError: a review runs, or the state has no room for a change.
    """
    if carrier := next((call for call in pressing if call.name in _TAKES_NAME), None):
        raise ConflictError(
            f"what became of {carrier.name} is not known yet; it carries the name given before",
            field="display_name",
            hint=f"wait until it is settled, then look again: onboarding show {row.id}",
        )
    reason, detail = f"the display name is to be '{name}'", {"display_name": name}
    asked = {
        "new_display_name": name, "name_submitted_at": None, "name_decided_at": None,
        "rejection_reason": None,
    }  # fmt: skip
    match row.state:
        case State.REQUESTED:
            return Move(
                note="renamed", reason=reason, changes={"display_name": name}, detail=detail
            )
        case State.NAME_REVIEW if not _review_runs(row):
            changes = {**asked, **NO_TROUBLE, **NO_HOLD}
            return Move(note="name_given", reason=reason, changes=changes, detail=detail)
        case State.NAME_REVIEW:
            raise TransitionRefusedError(
                "Meta refuses another name while a review runs", hint="wait for the review to end"
            )
        case State.REGISTERED if row.offboard_at is not None:
            raise TransitionRefusedError(
                "the number is being deregistered", hint=f"see: onboarding show {row.id}"
            )
        case State.REGISTERED if name == _name_in_use(row):
            raise ConflictError(f"the number has the name '{name}' already", field="display_name")
        case State.REGISTERED:
            changes = {**asked, "renaming": True, "drift": None}
            return Move(
                trigger=Trigger.RENAME_REQUESTED, reason=reason, changes=changes, detail=detail
            )
        case _:
            raise TransitionRefusedError(
                f"the name cannot be changed while the onboarding is '{row.state}'",
                hint="possible while requested, in name_review, or once registered",
            )


def _name_in_use(row: Onboarding) -> str:
    return (row.seen.verified_name if row.seen else None) or row.display_name


def _review_runs(row: Onboarding) -> bool:
    if row.new_display_name is not None and row.name_submitted_at is None:
        return False  # asked for, not submitted: it may still be replaced
    seen = row.seen
    if seen is None:
        return False
    if row.name_submitted_at is not None and not (
        row.seen_at and row.seen_at > row.name_submitted_at
    ):
        return True
    status = seen.new_name_status if row.name_submitted_at else seen.name_status
    return status == NameStatus.PENDING_REVIEW


def asked_of_partner(row: Onboarding) -> Reason | None:
    """Return why the partner must give a name, whatever else the onboarding waits for."""
    is_given = row.new_display_name is not None and row.name_submitted_at is None
    return None if is_given else _ASKS.get(name_standing(row))
