"""The steps of ``verified`` and ``name_review``: from a proven number to a usable name.

``name_status`` is the standing of the name in use, ``new_name_status`` that of a change; they are
tracked apart. A registered number that gets a new name comes through here as well (``renaming``).
"""

from __future__ import annotations

from datetime import datetime

from onboarding.core.lifecycle import Trigger
from onboarding.core.operations import natural_key
from onboarding.core.policy import Policy
from onboarding.core.seen import has_usable_name, seen_after
from onboarding.core.steps import Call, DeadlineSet, Move, Snapshot, Step, Wait
from onboarding.core.timing import earliest, next_poll
from onboarding.core.waits import budget_wait, idle_poll, retry_wait, wait_for_list
from onboarding.model import (
    DeadlineReason,
    NameStatus,
    Onboarding,
    Operation,
    PhoneNumber,
    Reason,
)


def verified(snap: Snapshot, now: datetime, policy: Policy) -> Step:
    """Look at the display name, once Meta tells about it."""
    del policy
    row = snap.row
    match has_usable_name(row.seen):
        case True:
            return _usable(row)
        case False:
            return Move(
                trigger=Trigger.NAME_NOT_USABLE,
                reason=f"the display name is {row.seen and row.seen.name_status}",
            )
        case _ if seen_after(row, row.state_since):
            return _usable(row)
        case _:
            return wait_for_list(now)


def name_review(snap: Snapshot, now: datetime, policy: Policy) -> Step:
    """Submit a new name if one was given; else wait for a usable one, or for the last days."""
    row = snap.row
    if row.new_display_name is not None and row.name_submitted_at is None:
        return _submit(snap, now, policy)
    if row.name_submitted_at is not None and not seen_after(row, row.name_submitted_at):
        return wait_for_list(now)
    if row.renaming:
        return _renaming(row, now, policy)
    status = _standing(row)
    if status in (None, NameStatus.APPROVED, NameStatus.AVAILABLE_WITHOUT_REVIEW):
        return retry_wait(snap, Operation.REGISTER, now) or _usable(row)
    if status == NameStatus.PENDING_REVIEW:
        return _early_registration(snap, now, policy) or _in_review(row, now, policy)
    return _ask_for_name(row, status, now, policy)


def _standing(row: Onboarding) -> str | None:
    """Return the status that decides: that of a change while one runs or was declined."""
    seen = row.seen
    if seen is None:
        return None
    if row.name_submitted_at is not None and seen.new_name_status in (
        NameStatus.PENDING_REVIEW,
        NameStatus.DECLINED,
    ):
        return seen.new_name_status
    return seen.name_status if has_usable_name(seen) is not None else None


def _usable(row: Onboarding) -> Move:
    status = row.seen.name_status if row.seen else None
    told = f"the display name is {status}" if status else "Meta tells no name_status to this app"
    return Move(trigger=Trigger.NAME_USABLE, reason=told)


def _submit(snap: Snapshot, now: datetime, policy: Policy) -> Step:
    row = snap.row
    limit = policy.renames_per_window
    waits = (
        retry_wait(snap, Operation.SET_DISPLAY_NAME, now),
        budget_wait(snap, Operation.SET_DISPLAY_NAME, limit, policy, now),
    )
    return next((wait for wait in waits if wait), None) or Call(
        operation=Operation.SET_DISPLAY_NAME,
        natural_key=natural_key(Operation.SET_DISPLAY_NAME, row),
        params={"new_display_name": row.new_display_name or ""},
    )


def _early_registration(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    """In the last days before the window closes, registering during the review is worth a try."""
    row = snap.row
    if row.register_by is None or row.register_by_reason is not DeadlineReason.EMBEDDED_SIGNUP:
        return None
    if now < row.register_by - policy.early_registration:
        return None
    if wait := retry_wait(snap, Operation.REGISTER, now):
        poll = next_poll(row.state_since, now, policy.poll_review)
        return Wait(reason=Reason.NAME_IN_REVIEW, until=wait.until, observe_at=poll)
    return Move(
        trigger=Trigger.EARLY_REGISTRATION_DUE,
        reason=f"the name is still in review and the window closes at "
        f"{row.register_by:%Y-%m-%d %H:%M} UTC",
    )


def _in_review(row: Onboarding, now: datetime, policy: Policy) -> Wait:
    early = (
        row.register_by - policy.early_registration
        if row.register_by and row.register_by_reason is DeadlineReason.EMBEDDED_SIGNUP
        else None
    )
    return Wait(
        reason=Reason.NAME_IN_REVIEW,
        until=earliest(early if early and early > now else None),
        observe_at=next_poll(row.state_since, now, policy.poll_review),
    )


def _ask_for_name(row: Onboarding, status: str | None, now: datetime, policy: Policy) -> Wait:
    reason = {
        NameStatus.DECLINED.value: Reason.NAME_DECLINED,
        NameStatus.EXPIRED.value: Reason.NAME_EXPIRED,
    }.get(status or "", Reason.NAME_MISSING)
    if reason is Reason.NAME_MISSING and now < (
        patience := row.state_since + policy.name_none_grace
    ):
        poll = next_poll(row.state_since, now, policy.poll_review)
        return Wait(reason=Reason.NAME_IN_REVIEW, until=patience, observe_at=poll)
    return Wait(reason=reason, observe_at=idle_poll(row, now, policy))


def _renaming(row: Onboarding, now: datetime, policy: Policy) -> Step:
    seen = row.seen
    if seen is not None and _is_approved(row, seen):
        # Where no webhook told the instant, the last read without the approval is the safe side.
        approved_at = row.name_unapproved_at or row.name_submitted_at or now
        return Move(
            trigger=Trigger.NAME_USABLE,
            reason=f"the new display name '{row.new_display_name}' is approved",
            changes={"name_approved_at": approved_at},
            deadline=DeadlineSet(
                reason=DeadlineReason.NAME_CHANGE,
                anchor_source="last_read_before_approval",
                starts_at=approved_at,
                due_at=approved_at + policy.rename_window,
            ),
        )
    if seen is not None and seen.new_name_status == NameStatus.DECLINED:
        return Wait(reason=Reason.NAME_DECLINED, observe_at=idle_poll(row, now, policy))
    return Wait(
        reason=Reason.NAME_IN_REVIEW,
        observe_at=next_poll(row.state_since, now, policy.poll_review),
        changes={"name_unapproved_at": row.seen_at},
    )


def _is_approved(row: Onboarding, seen: PhoneNumber) -> bool:
    if seen.new_name_status == NameStatus.APPROVED:
        return True
    return (
        seen.new_name_status is None
        and seen.verified_name == row.new_display_name
        and has_usable_name(seen) is True
    )
