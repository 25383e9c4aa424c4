"""One number in a forecast: the engine's rules on a row in memory, against Meta as assumed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from onboarding.core.attribution import turn_of
from onboarding.core.deadlines import climb, deadline_of
from onboarding.core.forecast.assumptions import Assumptions
from onboarding.core.forecast.meta import AssumedNumber
from onboarding.core.lifecycle import FINAL, IN_PROGRESS, LIVE
from onboarding.core.plan import Plan, plan, waiting
from onboarding.core.policy import Policy
from onboarding.core.steps import Attempts, Call, Move, Restore, Snapshot, Wait, moved
from onboarding.model import (
    Account,
    Deadline,
    DeadlineReason,
    Effect,
    JournaledOperation,
    Onboarding,
    OperationStatus,
    Outcome,
    Owner,
    Reason,
    State,
    changed,
)

#: Says that a trigger or a rung happened.
Tell = Callable[[datetime, str], None]


class Machine:
    """One onboarding of a forecast.

    Args:
        row: as it is now; leases of workers do not count.
        operations: calls of its number, as far back as windows reach.
        deadlines: its deadlines.
        assumed: what is assumed of Meta.
        policy: waits and limits.
        now: when the forecast begins.
        tell: is told what happens.
    """

    def __init__(
        self,
        row: Onboarding,
        operations: Sequence[JournaledOperation],
        deadlines: Sequence[Deadline],
        *,
        assumed: Assumptions,
        policy: Policy,
        now: datetime,
        tell: Tell,
    ) -> None:
        self.row = changed(row, lease_owner=None, lease_until=None, reclaims=0)
        self.meta = AssumedNumber(row, now, assumed)
        self.made = {op.id: op for op in operations}
        self.deadline = next(
            (d for d in deadlines if d.closed_at is None and d.cycle == row.cycle), None
        )
        self.registered_at: datetime | None = None
        self.due_at_end: tuple[datetime, DeadlineReason | None, Reason, Owner] | None = None
        self._policy, self._tell = policy, tell
        self._last_asked = (row.waiting, row.waiting_for)
        self._raise_overdue(now)

    # Deciding

    def look(
        self,
        account: Account,
        restore: Restore | None,
        now: datetime,
        *,
        reads: Mapping[str, Any],
        slots: int | None,
    ) -> Plan:
        """Take the row as far as the rules go without a call; return what they want next.

        Args:
            account: its account.
            restore: the last restore of the database.
            now: business time.
            reads: what intakes would read of its code; fields of a ``Snapshot``.
            slots: how many more numbers Meta takes on the WABA; ``None``: no bound is known.
        """
        open_ = next((op for op in self.made.values() if self._is_own(op) and op.is_open), None)
        snap = Snapshot(
            row=self.row,
            account=account,
            open_operation=open_,
            unapplied=tuple(
                op for op in self.made.values()
                if self._is_own(op) and op.outcome is not None and not op.applied
            ),
            attempts=Attempts(tuple(self.made.values())),
            restore=restore,
            slots=slots,
            **reads,
        )  # fmt: skip
        made = plan(snap, now, self._policy)
        self._take(made, now)
        return made

    def _is_own(self, operation: JournaledOperation) -> bool:
        return operation.onboarding_id == self.row.id

    def _take(self, made: Plan, now: datetime) -> None:
        for operation, status, resolved_by in made.settled:
            closed = replace(operation, status=status, resolved_by=resolved_by, applied=True)
            self.made[operation.id] = closed
        for operation in made.applied:
            self.made[operation.id] = replace(self.made[operation.id], applied=True)
        self._climb(now)
        earlier, self.row = self.row, made.row
        for entry in made.entries:
            if entry.source != entry.dest or entry.trigger == "code_requested":
                self._tell(now, entry.trigger)
        for change in made.deadlines:
            before = self.deadline
            same = before if before and before.reason is change.reason else None
            self.deadline = deadline_of(self.row, change, self._policy.ladder, same)
        self._note_end(earlier, now)
        if self.row.waiting_for is not Owner.ENGINE:
            self._last_asked = (self.row.waiting, self.row.waiting_for)

    def _note_end(self, before: Onboarding, now: datetime) -> None:
        if before.state is self.row.state:
            return
        if self.row.state is State.REGISTERED:
            self.registered_at = now
        if self.row.state in FINAL or self.row.register_by is None:
            if self.row.state not in IN_PROGRESS and before.register_by is not None:
                reason = before.register_by_reason
                self.due_at_end = (before.register_by, reason, *self._last_asked)
            self.deadline = None

    def _raise_overdue(self, now: datetime) -> None:
        """Raise what was due before the forecast began: the sweep raises the highest rung now."""
        up = climb(self.deadline, now, self._policy.ladder) if self.deadline else None
        if up is not None:
            self._tell(now, "escalated")
            self.deadline = up.deadline

    def finish(self, now: datetime) -> None:
        """Raise what is due by the end of the forecast."""
        self._climb(now)

    def _climb(self, now: datetime) -> None:
        """Raise the rungs that are due, as the sweep would have on the way."""
        while self.deadline is not None and (at := self.deadline.next_rung_at) and at <= now:
            up = climb(self.deadline, at, self._policy.ladder)
            if up is None:
                return
            self._tell(at, "escalated")
            self.deadline = up.deadline

    # Calling

    def call(self, step: Call, now: datetime) -> None:
        """Make a call: Meta takes it, and its answer is there to be applied."""
        id_ = self.meta.take(step.operation, self.row, now)
        operation = JournaledOperation(
            id=f"{self.row.id}-{len(self.made)}",
            onboarding_id=self.row.id,
            waba_id=self.row.waba_id,
            number_key=self.row.number_key,
            cycle=self.row.cycle,
            name=step.operation,
            natural_key=step.natural_key,
            attempt=1,
            status=OperationStatus.SUCCEEDED,
            intent_at=now,
            settle_at=now + self._policy.settle,
            outcome=Outcome(effect=Effect.DONE, phone_number_id=id_),
            outcome_at=now,
        )
        self.made[operation.id] = operation

    def wait(self, step: Wait, now: datetime) -> None:
        """Let the row wait, as for a budget that refused its call."""
        self.row = waiting(self.row, step, now)

    def wake(self, at: datetime) -> None:
        """Make the row due."""
        self.row = changed(self.row, next_due_at=at, waiting=Reason.DUE, waiting_for=Owner.ENGINE)

    # Reading, and people

    def see(self, now: datetime) -> bool:
        """Note what the list shows; return whether there is anything to look at."""
        if self.row.state not in LIVE:
            return False
        number = self.meta.number
        is_news = number != self.row.seen or (number is not None) != bool(self.row.seen_present)
        if turn_of(self.row.waiting, self.row.waiting_for) is None and not is_news:
            return False
        absent_since = None if number is not None else self.row.absent_since or now
        self.row = changed(
            self.row,
            seen=number or self.row.seen,
            seen_at=now,
            seen_present=number is not None,
            absent_since=absent_since,
        )
        return True

    def given(self, step: Move, now: datetime) -> None:
        """Apply what a person did; it is looked at next."""
        self.row = moved(self.row, step, now)
        self.wake(now)
