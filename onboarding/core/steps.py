"""What the engine looks at before it decides, and what a decision can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from onboarding.core.batches import Batch
from onboarding.core.chain import Entry
from onboarding.core.lifecycle import Trigger, next_state
from onboarding.model import (
    Account,
    DeadlineReason,
    JournaledOperation,
    Onboarding,
    Operation,
    OperationStatus,
    Reason,
    RecoveryClass,
    changed,
)

#: Calls that spend the moving window of another one: Meta counts by the number, not by its id.
SHARED_WINDOWS = {Operation.REQUEST_PREVERIFIED_CODE: Operation.REQUEST_CODE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """The database is a restored copy, or was one.

    Attributes:
        at: business time from which every call is journaled here; of earlier ones, those made
            after the backup are not known.
        why: how it shows.
        released_at: when a person allowed it to call; ``None``: it may not yet.
    """

    at: datetime
    why: str
    released_at: datetime | None = None

    @property
    def is_released(self) -> bool:
        """Whether calls may be made again."""
        return self.released_at is not None


@dataclass(frozen=True, slots=True)
class Attempts:
    """The calls made for one number in the last weeks, whatever onboarding made them.

    Attributes:
        made: those that are journaled.
        forgotten_until: when the database was restored; calls before it may be missing here.
        forgotten: how many calls of a kind count as made by then, at least.
    """

    made: Sequence[JournaledOperation] = ()
    forgotten_until: datetime | None = None
    forgotten: Mapping[Operation, int] = field(default_factory=dict)

    def free_at(
        self, operation: Operation, limit: int, window: timedelta, now: datetime
    ) -> datetime | None:
        """Return when the next such call fits into the moving window; ``None`` if it does now."""
        times = self.spent(operation, window, now)
        return None if len(times) < limit else times[-limit] + window

    def spent(self, operation: Operation, window: timedelta, now: datetime) -> list[datetime]:
        """Return when such calls were made within the window, earliest first.

        Every call that may have reached Meta counts, whatever came of it.
        """
        times = [
            op.intent_at
            for op in self.made
            if SHARED_WINDOWS.get(op.name, op.name) is operation
            and op.status is not OperationStatus.UNSENT
            and op.intent_at > now - window
        ]
        if (until := self.forgotten_until) is not None and until > now - window:
            known = sum(at <= until for at in times)
            times += [until] * (self.forgotten.get(operation, 0) - known)
        return sorted(times)

    def blocked_until(self, operation: Operation) -> datetime | None:
        """Return the end of the longest wait that Meta named when it refused such a call."""
        ends = [
            (op.outcome_at or op.intent_at) + timedelta(seconds=failure.wait_s or 0)
            for op in self.made
            if op.name is operation
            and op.status is OperationStatus.REFUSED
            and (failure := op.outcome.failure if op.outcome else None)
            and failure.recovery is RecoveryClass.WAIT
        ]
        return max(ends, default=None)

    def of(self, row: Onboarding, operation: Operation) -> list[JournaledOperation]:
        """Return the calls that this onboarding made in its present cycle."""
        return [
            op
            for op in self.made
            if op.name is operation and (op.onboarding_id, op.cycle) == (row.id, row.cycle)
        ]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Everything that a decision may look at. It has no slots, so that copies are cheap.

    Attributes:
        row: the onboarding.
        account: its account.
        open_operation: a call whose effect is not known yet.
        unapplied: answered calls that the row does not show yet, oldest first.
        attempts: calls of this number, for the windows.
        intake_answers: whether something is there that would read a code now.
        intake_at_any_hour: whether one of those that answer reads at night as well.
        intake_takes_calls: whether a call is of use: one that answers takes them, or none answers.
        forced: a person asked for a try now: waits of our own making are skipped, no budget is.
        restore: the last restore of the database, if there was one.
        batch: the batch that it was asked for with.
        slots: how many more numbers Meta takes on its WABA; ``None``: no bound is known.
        portfolio_unread: whether nothing says yet how many its portfolio takes; a read does.
    """

    row: Onboarding
    account: Account
    open_operation: JournaledOperation | None = None
    unapplied: tuple[JournaledOperation, ...] = ()
    attempts: Attempts = field(default_factory=Attempts)
    intake_answers: bool = False
    intake_at_any_hour: bool = False
    intake_takes_calls: bool = True
    forced: bool = False
    restore: Restore | None = None
    batch: Batch | None = None
    slots: int | None = None
    portfolio_unread: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineSet:
    """A deadline that a step sets or corrects."""

    reason: DeadlineReason
    anchor_source: str
    starts_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """The row changes and the history gets an entry; with a trigger the state changes too.

    Attributes:
        trigger: a move of the lifecycle, or ``None`` for a note.
        note: the note's name, where there is no trigger.
        reason: why, in words.
        changes: fields of the row that change with it.
        operation: the call that led to it.
        deadline: a deadline that is set with it.
        account_hold: a text: the whole account is put on hold with it.
        settles: how an open operation is resolved with it, and by what.
        detail: further facts for the history.
    """

    reason: str
    trigger: Trigger | None = None
    note: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    operation: JournaledOperation | None = None
    deadline: DeadlineSet | None = None
    account_hold: str | None = None
    settles: tuple[OperationStatus, str] | None = None
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call to make now. Secrets are not in it: the engine adds them when it sends.

    Attributes:
        operation: which call.
        natural_key: what must not be done twice.
        params: parameters that are not secret.
    """

    operation: Operation
    natural_key: str
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing to do now.

    Attributes:
        reason: why.
        until: when to look again by ourselves; ``None`` if only an event can change something.
        observe_at: from when a read of the WABA's list would help; ``None`` if it would not.
        check_subscription: whether the account's subscription must be looked at first.
        changes: what to remember while waiting.
    """

    reason: Reason
    until: datetime | None = None
    observe_at: datetime | None = None
    check_subscription: bool = False
    changes: Mapping[str, Any] = field(default_factory=dict)


Step = Move | Call | Wait


def moved(row: Onboarding, step: Move, now: datetime) -> Onboarding:
    """Return the row as the step leaves it.

    Raises:
        TransitionRefusedError: the lifecycle does not allow the trigger here.
    """
    changes = dict(step.changes)
    if step.trigger is not None:
        changes |= {"state": next_state(row.state, step.trigger), "state_since": now}
    if step.deadline is not None:
        changes |= {
            "register_by": step.deadline.due_at,
            "register_by_reason": step.deadline.reason,
        }
    return changed(row, **changes)


def entry_of(row: Onboarding, after: Onboarding, step: Move, now: datetime, actor: str) -> Entry:
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
