"""From what is known to what is written: decisions one after another until one has to wait."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from onboarding.core.chain import Entry
from onboarding.core.decide import decide
from onboarding.core.lifecycle import IN_PROGRESS
from onboarding.core.name_status import with_first_status
from onboarding.core.outcome import apply_outcome
from onboarding.core.policy import Policy
from onboarding.core.reasons import MEANINGS
from onboarding.core.steps import (
    Call,
    DeadlineSet,
    Move,
    Snapshot,
    Wait,
    entry_of,
    moved,
)
from onboarding.core.timing import earliest
from onboarding.core.waits import hold_step
from onboarding.errors import TransitionRefusedError
from onboarding.model import (
    DeadlineReason,
    JournaledOperation,
    Onboarding,
    OperationStatus,
    Reason,
    changed,
)

#: More steps than any path through the lifecycle has; reaching it is a fault of the rules.
_MAX_STEPS = 24


@dataclass(kw_only=True)
class Plan:
    """What one look at an onboarding leads to.

    Attributes:
        row: the onboarding afterwards.
        before: the onboarding as it was looked at, or as it was before a person changed it.
        found: the onboarding as a person found it, who changes it.
        entries: history to append, in order.
        step: the call to make or the wait to take.
        deadlines: deadlines that were set or corrected.
        settled: open operations that were resolved, how and by what.
        applied: operations whose outcome the row now shows.
        account_hold: a text, if the whole account is to be put on hold.
    """

    row: Onboarding
    before: Onboarding | None = None
    found: Onboarding | None = None
    entries: list[Entry] = field(default_factory=list)
    step: Call | Wait = field(default_factory=lambda: Wait(reason=Reason.DUE))
    deadlines: list[DeadlineSet] = field(default_factory=list)
    settled: list[tuple[JournaledOperation, OperationStatus, str]] = field(default_factory=list)
    applied: list[JournaledOperation] = field(default_factory=list)
    account_hold: str | None = None

    @property
    def changes_row(self) -> bool:
        """Whether there is anything to write."""
        is_more = bool(self.entries or self.settled or self.applied)
        return is_more or (self.row is not self.before and self.row != self.before)


def plan(snap: Snapshot, now: datetime, policy: Policy, actor: str = "engine") -> Plan:
    """Decide until there is a call to make or something to wait for.

    The row's wake-up is set: for a wait, its own end or the next instant that counts anyway; for
    a call it is left to whoever writes the intent.
    """
    result = Plan(row=snap.row, before=snap.row)
    for operation in snap.unapplied:
        if step := apply_outcome(result.row, operation, snap.attempts, now, policy):
            _take(result, step, now, actor)
            snap = _settled(snap, step)
        result.applied.append(operation)
    for step in _decisions(snap, result, now, policy):
        _take(result, step, now, actor)
    result.row = with_first_status(result.row)
    if isinstance(result.step, Wait):
        result.row = waiting(result.row, result.step, now)
    return result


def parked(snap: Snapshot, now: datetime, why: str) -> Plan:
    """Return the plan that only puts a machine on hold, for one that the rules fail on."""
    result = Plan(row=snap.row, before=snap.row)
    _take(result, hold_step(Reason.STUCK, why, now), now, "engine")
    result.step = Wait(reason=Reason.STUCK)
    result.row = waiting(result.row, result.step, now)
    return result


def _decisions(snap: Snapshot, result: Plan, now: datetime, policy: Policy) -> Iterator[Move]:
    """Yield each step that moves the row; leave the last, which does not, in the plan."""
    for _ in range(_MAX_STEPS):
        snap = changed(snap, row=result.row, unapplied=())
        step = decide(snap, now, policy)
        if not isinstance(step, Move):
            result.step = step
            return
        yield step
        snap = _settled(snap, step)
    raise AssertionError(f"the rules run in circles in '{result.row.state}'")


def _settled(snap: Snapshot, step: Move) -> Snapshot:
    """Return the snapshot as the step leaves the account and the calls of the number."""
    if step.account_hold is not None:
        account = replace(snap.account, hold=Reason.ACCOUNT_HELD, hold_text=step.account_hold)
        return changed(snap, account=account)
    if step.settles is None or step.operation is None:
        return snap
    closed = replace(step.operation, status=step.settles[0])
    others = [op for op in snap.attempts.made if op.id != closed.id]
    attempts = replace(snap.attempts, made=(*others, closed))
    return changed(snap, open_operation=None, attempts=attempts)


def _take(result: Plan, step: Move, now: datetime, actor: str) -> None:
    if step.settles is not None and step.operation is not None:
        result.settled.append((step.operation, *step.settles))
    try:
        after = moved(result.row, step, now)
    except TransitionRefusedError:
        if step.operation is None:
            raise
        return  # an answer that comes after the onboarding went elsewhere changes nothing
    result.entries.append(entry_of(result.row, after, step, now, actor))
    result.row = after
    if step.deadline is not None:
        result.deadlines.append(step.deadline)
    result.account_hold = step.account_hold or result.account_hold


def waiting(row: Onboarding, wait: Wait, now: datetime) -> Onboarding:
    """Return the row at rest: why, on whom, and until when."""
    owner = MEANINGS[wait.reason].owner
    same = (row.waiting, row.waiting_for) == (wait.reason, owner)
    return changed(
        row,
        **wait.changes,
        waiting=wait.reason,
        waiting_for=owner,
        waiting_since=row.waiting_since if same else now,
        next_due_at=earliest(wait.until, _window_end(row, now)),
        lease_owner=None,
        lease_until=None,
        reclaims=0,
    )


def _window_end(row: Onboarding, now: datetime) -> datetime | None:
    """The end of a window wakes its machine whatever it waits for."""
    if row.register_by_reason is DeadlineReason.POLICY or row.register_by is None:
        return None
    if row.state not in IN_PROGRESS:
        return None
    return row.register_by if row.register_by > now else None
