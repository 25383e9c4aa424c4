"""How Meta shows a name to stand: ``name_status`` and ``new_name_status``, each change once.

The row remembers what its history last told of either (``Onboarding.name_status``,
``Onboarding.new_name_status``). A read of the list, or a webhook, that shows something else is
noted as ``name_status_changed``; the standing in which a number is first seen is no change. This
moves nothing: what follows is for ``core/name_desk.py`` to
say, and it goes by the list alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from onboarding.core.name_decisions import STATUS_OF, Decision, rejection_of
from onboarding.core.policy import Policy
from onboarding.core.seen import shown
from onboarding.core.steps import Move, Snapshot
from onboarding.core.timing import iso
from onboarding.model import Onboarding, State, changed

#: How far Meta's clock may be behind ours when it tells of a review that we began.
_CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class NameWebhook:
    """A ``phone_number_name_update``, as far as it is believed.

    Attributes:
        decision: Meta's word; one that is new to us is only noted.
        name: ``requested_verified_name``; empty if it was not told.
        rejection_reason: Meta's word, or ``None``.
        decided_at: when Meta sent it first, or when it was received; never in the future.
    """

    decision: str
    name: str
    rejection_reason: str | None
    decided_at: datetime


def status_change(snap: Snapshot, now: datetime, policy: Policy) -> Move | None:
    """Return the note of the first status that the list shows otherwise than was last told."""
    del now, policy
    row, seen = snap.row, shown(snap.row)
    if seen is None or row.state is State.REQUESTED:
        return None
    if row.name_decided_at is not None and row.seen_at and row.seen_at < row.name_decided_at:
        return None  # from before the decision that a webhook told
    statuses = {
        "name_status": (seen.name_status, seen.verified_name or row.display_name),
        "new_name_status": (seen.new_name_status, seen.new_display_name or row.new_display_name),
    }
    for field, (status, name) in statuses.items():
        is_first = field == "name_status" and row.name_status is None
        if status is not None and status != getattr(row, field) and not is_first:
            change = _changed(row, field, status, name or "", "list")
            if field != _under_review(row):
                return change
            # What a webhook told was about the standing that this one follows.
            return replace(change, changes={**change.changes, "name_decided_at": None})
    return None


def with_first_status(row: Onboarding) -> Onboarding:
    """Return the row with the standing in which its name was first seen."""
    seen = shown(row)
    if row.name_status is not None or seen is None or row.state is State.REQUESTED:
        return row
    return row if seen.name_status is None else changed(row, name_status=seen.name_status)


def _changed(row: Onboarding, field: str, status: str, name: str, source: str) -> Move:
    before = getattr(row, field)
    detail = {"field": field, "to": status, "name": name, "source": source}
    return Move(
        note="name_status_changed",
        reason=f"Meta shows {field} {status}" + (f", it was {before}" if before else ""),
        changes={field: status},
        detail={**detail, "from": before} if before else detail,
    )


def decided(row: Onboarding, told: NameWebhook) -> Iterator[Move]:
    """Yield what a webhook about the name changes: the note of it, and that of a new status.

    Webhooks overtake each other and are repeated for days: only a decision on the name that is
    under review, made after it was submitted, says something about it.
    """
    field = _under_review(row)
    status = STATUS_OF.get(told.decision) if _is_current(row, told) else None
    yield _decision(told, changes_row=status is not None)
    if status is not None and status != getattr(row, field):
        change = _changed(row, field, status, told.name, "webhook")
        yield replace(change, detail={**change.detail, "decided_at": iso(told.decided_at)})


def _under_review(row: Onboarding) -> str:
    return "name_status" if row.name_submitted_at is None else "new_name_status"


def _is_current(row: Onboarding, told: NameWebhook) -> bool:
    if row.name_decided_at is not None and told.decided_at < row.name_decided_at:
        return False
    if row.name_submitted_at is not None:
        is_late = told.decided_at < row.name_submitted_at - _CLOCK_SKEW
        return not is_late and told.name in ("", row.new_display_name)
    if row.new_display_name is not None:
        return False  # another name was given, and not submitted yet
    seen = shown(row)
    return told.name in ("", row.display_name, seen.verified_name if seen else None)


def _decision(told: NameWebhook, *, changes_row: bool) -> Move:
    detail = {"decision": told.decision, "name": told.name, "decided_at": iso(told.decided_at)}
    reason = f"Meta's webhook says {told.decision}"
    if told.decision == Decision.REJECTED:
        why = rejection_of(told.rejection_reason)
        reason += f": {why.text}"
        detail["mend"] = why.mend
    if told.rejection_reason:
        reason += f" ({told.rejection_reason})"
        detail["rejection_reason"] = told.rejection_reason
    is_rejected = told.decision == Decision.REJECTED
    changes = {
        "rejection_reason": told.rejection_reason if is_rejected else None,
        "name_decided_at": told.decided_at,
    }
    return Move(
        note="name_decision",
        reason=reason,
        changes=changes if changes_row else {},
        detail=detail,
    )
