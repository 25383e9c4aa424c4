"""Deadlines and the ladder of escalation: when each rung is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from onboarding.core.policy import Policy, Rung
from onboarding.core.seen import is_gone, is_of_last_cycle, shown
from onboarding.core.steps import DeadlineSet, Move
from onboarding.model import Deadline, DeadlineReason, Entry, NameStatus, Onboarding, State

#: Where the start of a window comes from, in words, by ``Deadline.anchor_source``.
ANCHORS = {
    "given": "the end of Embedded Signup as the caller gave it",
    "last_onboarded_time": "the end of Embedded Signup as Meta shows it",
    "requested": "the request",
    "restarted": "the restart",
    "adopted": "the adoption, as Meta shows no Embedded Signup",
    "registration_requested": "a person's word to register it again",
    "webhook": "the approval as Meta's webhook told it",
    "last_read_before_approval": "the last read that did not show the approval",
    "submitted": "the submission, as no read came before the approval",
    "seen": "the read that showed the approval",
    "claimed": "the claim of the pre-verified number",
    "claim_ended": "the end of the time after the claim",
}


def anchor_step(row: Onboarding, policy: Policy) -> Move | None:
    """Set or correct the signup deadline from ``last_onboarded_time``; Meta's word wins.

    The window is 14 x 24 h from the instant at which the customer finished Embedded Signup
    (Meta's rules, day-counts).
    """
    anchor = _anchor(row, policy)
    if anchor is None:
        return _approval_told(row, policy)
    reason, due_at = DeadlineReason.EMBEDDED_SIGNUP, anchor + policy.signup_window
    if (row.register_by_reason, row.register_by) == (reason, due_at):
        return None
    return Move(
        note="deadline_set",
        reason=f"Embedded Signup was finished at {anchor:%Y-%m-%d %H:%M} UTC",
        deadline=DeadlineSet(
            reason=reason,
            anchor_source="last_onboarded_time",
            starts_at=anchor,
            due_at=due_at,
        ),
        detail={"register_by": f"{due_at:%Y-%m-%dT%H:%M:%SZ}"},
    )


def _anchor(row: Onboarding, policy: Policy) -> datetime | None:
    """Return when Meta says that the Embedded Signup of this cycle was finished."""
    if row.entry is not Entry.EMBEDDED_SIGNUP or row.state is State.REGISTERED or row.renaming:
        return None
    seen = shown(row)
    if seen is None or is_gone(seen) or is_of_last_cycle(row, policy):
        return None
    at = seen.last_onboarded_time
    # Its window was met; that the number lost its connection since opens no other.
    is_met = at is not None and row.registered_at is not None and at <= row.registered_at
    return None if is_met else at


def approval_deadline(row: Onboarding, now: datetime, policy: Policy) -> DeadlineSet:
    """Return the deadline of a new name that the list shows as approved.

    The window is 14 x 24 h from the approval (Meta's rules, day-counts). Where no webhook told
    its instant, the last read that did not show it approved is the safe side.
    """
    told = _told_approval(row)
    anchors = (
        ("webhook", told),
        ("last_read_before_approval", row.name_unapproved_at),
        ("submitted", row.name_submitted_at),
    )
    source, at = next(((name, at) for name, at in anchors if at is not None), ("seen", now))
    return _name_change(source, at, policy)


def _name_change(source: str, at: datetime, policy: Policy) -> DeadlineSet:
    return DeadlineSet(
        reason=DeadlineReason.NAME_CHANGE,
        anchor_source=source,
        starts_at=at,
        due_at=at + policy.rename_window,
    )


def _told_approval(row: Onboarding) -> datetime | None:
    """Return when a webhook says that the change of name was approved."""
    return row.name_decided_at if row.new_name_status == NameStatus.APPROVED else None


def _approval_told(row: Onboarding, policy: Policy) -> Move | None:
    """Correct the deadline of a new name once a late webhook tells when it was approved."""
    told = _told_approval(row)
    if told is None or row.register_by_reason is not DeadlineReason.NAME_CHANGE:
        return None
    # The approval was before it was seen; a later one is about something else.
    if told == row.name_approved_at or told > row.state_since:
        return None
    deadline = _name_change("webhook", told, policy)
    return Move(
        note="deadline_set",
        reason=f"Meta approved the new name at {told:%Y-%m-%d %H:%M} UTC, as its webhook says",
        changes={"name_approved_at": told},
        deadline=deadline,
        detail={"register_by": f"{deadline.due_at:%Y-%m-%dT%H:%M:%SZ}"},
    )


def first_deadline(row: Onboarding, policy: Policy) -> DeadlineSet:
    """Return the deadline that a new cycle starts with, from the time given or from now."""
    if row.entry is Entry.EMBEDDED_SIGNUP and row.onboarded_at is not None:
        return DeadlineSet(
            reason=DeadlineReason.EMBEDDED_SIGNUP,
            anchor_source="given",
            starts_at=row.onboarded_at,
            due_at=row.onboarded_at + policy.signup_window,
        )
    return DeadlineSet(
        reason=DeadlineReason.POLICY,
        anchor_source="requested" if row.cycle == 1 else "restarted",
        starts_at=row.state_since,
        due_at=row.state_since + policy.policy_window,
    )


def deadline_of(
    row: Onboarding, given: DeadlineSet, ladder: Sequence[Rung], earlier: Deadline | None = None
) -> Deadline:
    """Return a deadline of a row's present cycle, with the instant of its next rung.

    Args:
        row: the onboarding.
        given: the deadline as a step sets or corrects it.
        ladder: rungs of escalation.
        earlier: the one that is corrected; the rungs behind it stay behind it. One that has ended
            (a number may be renamed twice) begins its ladder anew.
    """
    going_on = earlier if earlier and earlier.closed_at is None else None
    deadline = Deadline(
        onboarding_id=row.id,
        cycle=row.cycle,
        reason=given.reason,
        anchor_source=given.anchor_source,
        starts_at=given.starts_at,
        due_at=given.due_at,
        next_rung=going_on.next_rung if going_on else 0,
        climbed=going_on.climbed if going_on else None,
        snoozed_until=going_on.snoozed_until if going_on else None,
    )
    return dated(deadline, ladder)


def rung_at(deadline: Deadline, rung: Rung) -> datetime:
    """Return when the rung is due: by its share of the window, or by the time that is left.

    A rung by time left that a short window has no room for is due at the start. Snoozing puts
    rungs off, but never beyond the deadline itself.
    """
    at = _planned_at(deadline, rung)
    if deadline.snoozed_until is not None and at < deadline.due_at:
        at = min(max(at, deadline.snoozed_until), deadline.due_at)
    return at


def _planned_at(deadline: Deadline, rung: Rung) -> datetime:
    if rung.left is not None:
        return max(deadline.starts_at, deadline.due_at - rung.left)
    return deadline.starts_at + (deadline.due_at - deadline.starts_at) * rung.share


def rungs_behind(deadline: Deadline, ladder: Sequence[Rung]) -> tuple[str, ...]:
    """Return the names of the rungs that were raised or collapsed, in the order of their raising.

    They are kept by name, so that a ladder may be changed while deadlines run. Rows of the first
    release have a number only: that many of the first rungs.
    """
    if deadline.climbed:
        return tuple(deadline.climbed.split(","))
    return tuple(rung.name for rung in ladder[: deadline.next_rung])


def rungs_ahead(deadline: Deadline, ladder: Sequence[Rung]) -> list[Rung]:
    """Return the rungs still to be raised, the earliest first."""
    behind = rungs_behind(deadline, ladder)
    ahead = [rung for rung in ladder if rung.name not in behind]
    return sorted(ahead, key=lambda rung: (rung_at(deadline, rung), _planned_at(deadline, rung)))


@dataclass(frozen=True, slots=True)
class Raised:
    """What a look at the ladder found due: one rung to raise, those below it collapsed into it."""

    rung: Rung
    collapsed: tuple[Rung, ...]
    deadline: Deadline


def climb(deadline: Deadline, now: datetime, ladder: Sequence[Rung]) -> Raised | None:
    """Return what to raise now, with the deadline as it stands afterwards.

    After an outage several rungs may be due at once: the highest is raised, the lower ones are
    recorded as collapsed into it, so that each rung is raised or recorded exactly once.
    """
    due = [rung for rung in rungs_ahead(deadline, ladder) if rung_at(deadline, rung) <= now]
    if not due:
        return None
    names = [*rungs_behind(deadline, ladder), *(rung.name for rung in due)]
    after = replace(deadline, next_rung=len(names), climbed=",".join(names))
    return Raised(due[-1], tuple(due[:-1]), dated(after, ladder))


def dated(deadline: Deadline, ladder: Sequence[Rung]) -> Deadline:
    """Return the deadline with the instant of its next rung, ``None`` after the last."""
    ahead = rungs_ahead(deadline, ladder)
    return replace(deadline, next_rung_at=rung_at(deadline, ahead[0]) if ahead else None)
