"""What the pool's rules look at before they decide, and what a decision can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from onboarding.core.chain import Entry
from onboarding.core.pool.lifecycle import PoolTrigger, next_state
from onboarding.core.pool.model import Claim, PoolNumber, PreverifiedNumber, Share
from onboarding.core.steps import Attempts, Call, Restore, Wait
from onboarding.model import (
    Account,
    JournaledOperation,
    Onboarding,
    OperationStatus,
    Reason,
)

#: What a row looks like without a code that waits to be sent.
NO_CODE: dict[str, Any] = {"code_sealed": None, "code_mac": None}

#: What a row looks like once something succeeded.
NO_TROUBLE: dict[str, Any] = {
    "tries": 0, "retry_at": None, "retry_operation": None, "trouble": None,
}  # fmt: skip

#: What a row looks like without a hold.
NO_HOLD: dict[str, Any] = dict.fromkeys(("hold", "hold_text", "hold_by", "hold_since"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSnapshot:
    """Everything that a decision about a number of the pool may look at.

    Attributes:
        row: the number.
        account: the account that pays for its calls.
        shares: the partners that it is, was or is to be shared with.
        claim: the live claim of it.
        claimant: the onboarding of that claim, or another one of the same number.
        open_operation: a call whose effect is not known yet.
        unapplied: answered calls that the row does not show yet, oldest first.
        attempts: calls of this number, for the windows.
        intake_answers: whether something is there that would read a code now.
        restore: the last restore of the database, if there was one.
    """

    row: PoolNumber
    account: Account
    shares: tuple[Share, ...] = ()
    claim: Claim | None = None
    claimant: Onboarding | None = None
    open_operation: JournaledOperation | None = None
    unapplied: tuple[JournaledOperation, ...] = ()
    attempts: Attempts = field(default_factory=Attempts)
    intake_answers: bool = False
    restore: Restore | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolMove:
    """The row changes and the history gets an entry; with a trigger the state changes too.

    Attributes:
        trigger: a move of the lifecycle, or ``None`` for a note.
        note: the note's name, where there is no trigger.
        reason: why, in words.
        changes: fields of the row that change with it.
        share: a share as it stands afterwards.
        claim: a claim as it stands afterwards.
        operation: the call that led to it.
        settles: how an open operation is resolved with it, and by what.
        account_hold: a text: the whole account is put on hold with it.
        detail: further facts for the history.
    """

    reason: str
    trigger: PoolTrigger | None = None
    note: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    share: Share | None = None
    claim: Claim | None = None
    operation: JournaledOperation | None = None
    settles: tuple[OperationStatus, str] | None = None
    account_hold: str | None = None
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LookAtPartners:
    """Read with whom the number is shared, as an unanswered call left it open."""


PoolStep = PoolMove | Call | LookAtPartners | Wait


def moved(row: PoolNumber, step: PoolMove, now: datetime) -> PoolNumber:
    """Return the row as the step leaves it.

    Raises:
        TransitionRefusedError: the lifecycle does not allow the trigger here.
    """
    changes = dict(step.changes)
    if step.trigger is not None:
        changes |= {"state": next_state(row.state, step.trigger), "state_since": now}
    return replace(row, **changes)


def entry_of(
    row: PoolNumber, after: PoolNumber, step: PoolMove, now: datetime, actor: str
) -> Entry:
    """Return the history entry of a step that took ``row`` to ``after``."""
    outcome = step.operation.outcome if step.operation else None
    return Entry(
        at=now,
        trigger=step.trigger.value if step.trigger else step.note,
        source=row.state.value,
        dest=after.state.value,
        actor=actor,
        reason=step.reason,
        operation=step.operation.id if step.operation else None,
        fbtrace_id=outcome.fbtrace_id if outcome else None,
        detail=dict(step.detail),
    )


def hold_step(text: str, now: datetime, operation: JournaledOperation | None = None) -> PoolMove:
    """Return the step that puts a number on hold until a person releases it."""
    changes = {
        "hold": Reason.REFUSED, "hold_text": text, "hold_by": "engine", "hold_since": now,
    }  # fmt: skip
    return PoolMove(note="held", reason=text, changes=changes, operation=operation)


# Questions about what the list shows


def seen_after(row: PoolNumber, at: datetime) -> bool:
    """Whether a read of the pool's list began at or after the instant."""
    return row.seen_at is not None and row.seen_at >= at


def shown(row: PoolNumber) -> PreverifiedNumber | None:
    """Return what the list shows of the number; ``None`` if it does not have it."""
    return row.seen if row.seen_present else None


def observed(row: PoolNumber, number: PreverifiedNumber | None, started: datetime) -> PoolNumber:
    """Return the row with what a read of the list says of it."""
    if number is None:
        absent_since = row.absent_since or started
        return replace(row, seen_at=started, seen_present=False, absent_since=absent_since)
    told = replace(row, seen=number, seen_at=started, seen_present=True, absent_since=None)
    is_news = row.verified_at is None or started >= row.verified_at
    if number.verification_expiry_time is None or not is_news:
        return told
    return replace(told, expires_at=number.verification_expiry_time)


def wait_for_list(now: datetime, reason: Reason = Reason.LISTING) -> Wait:
    """Return the wait for a read of the pool's list that begins from now on."""
    return Wait(reason=reason, observe_at=now)


def share_of(snap: PoolSnapshot, operation: JournaledOperation) -> Share | None:
    """Return the share that a call is about."""
    return share_with(snap, operation.natural_key.partition("/")[2])


def share_with(snap: PoolSnapshot, partner_business_id: str) -> Share | None:
    """Return how far sharing with a partner is; ``None`` if nobody ever asked for it."""
    return next((s for s in snap.shares if s.partner_business_id == partner_business_id), None)


def warm_from(row: PoolNumber, warm: timedelta) -> datetime | None:
    """Return from when Meta takes another code for a number that is verified."""
    return None if row.expires_at is None else row.expires_at - warm
