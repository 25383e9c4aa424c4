"""After a restore: what takes the place of a call that may have been made after the backup.

A restored database does not know what was done since it was copied, so it believes nothing about
Meta but what a list read after the restore shows. Until a person releases it, it calls nobody.
"""

from __future__ import annotations

from datetime import datetime

from onboarding.core.policy import Policy
from onboarding.core.probe import shows_name
from onboarding.core.seen import seen_after, shown
from onboarding.core.steps import Call, Move, Restore, Snapshot, Step, Wait
from onboarding.core.timing import next_poll
from onboarding.core.waits import NO_TROUBLE
from onboarding.model import Onboarding, Operation, Reason

#: Waits that a call follows; while nothing may be called they are not what it waits for.
BEFORE_CALLS = frozenset(
    {
        Reason.BUDGET,
        Reason.CODE,
        Reason.CODE_READY,
        Reason.CODE_WINDOW,
        Reason.RETRY,
        Reason.SLOT,
        Reason.SUBSCRIBING,
        Reason.THROTTLED,
    }
)


def certain_from(restore: Restore, policy: Policy) -> datetime:
    """Return from when a list read shows whatever was called before the restore."""
    return restore.at + policy.settle


def is_from_before(code_sent_at: datetime | None, restore: Restore | None) -> bool:
    """Whether the code that is awaited was asked for before the restore.

    It may have been sent to Meta since the backup, and no code is sent twice.
    """
    return restore is not None and (code_sent_at is None or code_sent_at <= restore.at)


def after_restore(snap: Snapshot, step: Step, now: datetime, policy: Policy) -> Step:
    """Return what follows from a step in a database that was restored once."""
    restore = snap.restore
    if restore is None or isinstance(step, Move):
        return step
    if not isinstance(step, Call) and step.reason not in BEFORE_CALLS:
        return step
    from_when = certain_from(restore, policy)
    is_certain = seen_after(snap.row, from_when)
    if not restore.is_released:
        poll = next_poll(from_when, now, policy.poll_review, snap.row.waba_id)
        return Wait(reason=Reason.RESTORED, observe_at=poll if is_certain else max(now, from_when))
    if isinstance(step, Wait):
        is_stale = step.reason is Reason.CODE and is_from_before(snap.row.code_sent_at, restore)
        return Wait(reason=Reason.BUDGET, until=step.until) if is_stale else step
    if not is_certain:
        return Wait(reason=Reason.LISTING, observe_at=max(now, from_when))
    if step.operation is Operation.SET_DISPLAY_NAME:
        return _submitted_already(snap.row) or step
    return step


def _submitted_already(row: Onboarding) -> Move | None:
    """Take the list's word that the name was submitted since the backup.

    When that was is not known: of all instants that it can have been, the first is the safe one.
    """
    seen = shown(row)
    if seen is None or not shows_name(row, seen):
        return None
    return Move(
        note="set_display_name_found",
        reason="the WABA's list shows that the name was submitted before the restore",
        changes={
            **NO_TROUBLE,
            "name_submitted_at": row.state_since,
            "name_unapproved_at": None,
            "rejection_reason": None,
        },
    )
