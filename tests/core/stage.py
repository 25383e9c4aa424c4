"""One onboarding on a stage: what the engine does with the rules, in memory, step by step.

It keeps the order of the real one: intent before the call, outcome after it, observations that
only store while a call is in flight, and a wake-up that survives the death of a worker.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from onboarding.core.deadlines import first_deadline
from onboarding.core.operations import ADDING, natural_key
from onboarding.core.plan import Plan, plan
from onboarding.core.steps import Attempts, Call, Snapshot, Wait
from onboarding.core.timing import earliest
from onboarding.model import (
    Effect,
    Entry,
    Failure,
    JournaledOperation,
    Onboarding,
    Operation,
    OperationStatus,
    Outcome,
    Owner,
    Reason,
    State,
)
from tests.core.making import (
    MINUTE,
    POLICY,
    SECOND,
    START,
    a_failure,
    a_row,
    an_account,
    an_operation,
)
from tests.core.meta_model import Meta
from tests.core.oracle import check_new_call, check_pin
from tests.core.promises import check_plan

_STATUS = {
    Effect.DONE: OperationStatus.SUCCEEDED,
    Effect.REFUSED: OperationStatus.REFUSED,
    Effect.UNSENT: OperationStatus.UNSENT,
    Effect.UNKNOWN: OperationStatus.UNKNOWN,
}


SILENCE = a_failure(effect=Effect.UNKNOWN, message="No complete answer")


@dataclass(frozen=True)
class InFlight:
    """A call that was sent and has no answer yet."""

    operation: JournaledOperation
    secret: str


class Stage:
    """One onboarding, its journal, its account, and Meta."""

    def __init__(self, entry: Entry, first_name_status: str, *, has_intake: bool) -> None:
        self.now = START
        self.meta = Meta(START, first_name_status)
        self.account = an_account(subscribed_at=None)
        self.journal: dict[str, JournaledOperation] = {}
        self.pins: dict[str, str] = {}  # what each register call carried
        self.in_flight: InFlight | None = None
        self.arriving: list[tuple[datetime, InFlight]] = []
        self.observe_at: datetime | None = None
        self.check_wanted = False
        self.read_at: datetime | None = None
        self.read_absent_at: datetime | None = None
        self.has_intake = has_intake
        row = a_row(entry=entry, register_by=None, register_by_reason=None)
        first = first_deadline(row, POLICY)
        self.row = replace(row, register_by=first.due_at, register_by_reason=first.reason)

    # Looking

    def look(self, *, forced: bool = False, may_call: bool = True) -> None:
        """Take the onboarding one step further, as far as a call or a wait."""
        unapplied = tuple(op for op in self.journal.values() if op.outcome and not op.applied)
        snap = Snapshot(
            row=self.row,
            account=self.account,
            open_operation=next((op for op in self.journal.values() if op.is_open), None),
            unapplied=unapplied,
            attempts=Attempts(tuple(self.journal.values())),
            intake_answers=self.has_intake,
            intake_at_any_hour=self.has_intake,
            forced=forced,
        )
        made = plan(snap, self.now, POLICY)
        check_plan(self.row, made, self.now)
        self._write(made)
        if isinstance(made.step, Wait):
            self._want(made.step)
        elif may_call:
            self._send(made.step)
        else:
            self.wake()

    def _write(self, made: Plan) -> None:
        self.row = made.row
        for operation, status, resolved_by in made.settled:
            current = self.journal[operation.id]
            if current.is_open:
                settled = replace(current, status=status, resolved_by=resolved_by, applied=True)
                self.journal[operation.id] = settled
        for operation in made.applied:
            self.journal[operation.id] = replace(self.journal[operation.id], applied=True)
        check_pin(self, [*made.applied, *(op for op, _, _ in made.settled)])
        if made.account_hold is not None:
            self.account = replace(self.account, hold=Reason.ACCOUNT_HELD)

    def _want(self, wait: Wait) -> None:
        self.observe_at = earliest(self.observe_at, wait.observe_at)
        self.check_wanted = self.check_wanted or wait.check_subscription

    def wake(self) -> None:
        """Make the onboarding due now."""
        self.row = replace(
            self.row,
            next_due_at=self.now,
            lease_owner=None,
            reclaims=0,
            waiting=Reason.DUE,
            waiting_for=Owner.ENGINE,
        )

    # Calling

    def _send(self, call: Call) -> None:
        row, name = self.row, call.operation
        if name in (Operation.REGISTER, Operation.SET_PIN) and row.pin_sealed is None:
            row = replace(row, pin_sealed="111111")
        operation = an_operation(
            name, row, self.now, id=f"{len(self.journal)}-{name}", natural_key=call.natural_key
        )
        check_new_call(self, operation)
        self.journal[operation.id] = operation
        self.in_flight = InFlight(operation, self._secret(name, row))
        if name is Operation.REGISTER:
            self.pins[operation.id] = self.in_flight.secret
        self.row = replace(
            row,
            next_due_at=operation.settle_at,
            waiting=Reason.SETTLING,
            waiting_for=Owner.ENGINE,
            lease_owner="worker",
        )

    @staticmethod
    def _secret(name: Operation, row: Onboarding) -> str:
        if name is Operation.VERIFY_CODE:
            return row.code_mac or ""
        if name is Operation.SET_DISPLAY_NAME:
            return row.new_display_name or ""
        return row.pin_pending_sealed or row.pin_sealed or ""

    def arrive(self, call: InFlight) -> Failure | None:
        """Let a call arrive at Meta."""
        return self.meta.take(call.operation.name, call.secret, self.now)

    def answer(self, call: InFlight, failure: Failure | None, *, fenced: bool = False) -> None:
        """Let the answer of a call come in, maybe after somebody else moved the onboarding."""
        current = self.journal[call.operation.id]
        effect = failure.effect if failure else Effect.DONE
        number = self.meta.number
        created = call.operation.name in ADDING and effect is Effect.DONE
        outcome = Outcome(
            effect=effect,
            failure=failure,
            phone_number_id=number.id if created and number else None,
        )
        if current.is_open:
            current = replace(current, status=_STATUS[effect])
        elif current.status is not OperationStatus.ABSENT:
            return
        self.journal[current.id] = replace(current, outcome=outcome, applied=False)
        is_now = self.in_flight is not None and self.in_flight.operation.id == current.id
        self.in_flight = None if is_now else self.in_flight
        self.go_to(self.now + SECOND)
        if fenced or not is_now:
            self.wake() if self.in_flight is None else None
        else:
            self.row = replace(self.row, lease_owner=None)
            self.look(may_call=False)

    def die(self) -> None:
        """Let the worker end between the intent and the outcome."""
        self.in_flight = None

    # Reading

    def read_list(self, lag_s: float = 0, **hidden: None) -> None:
        """Read the list to its end; it may lag, and may leave fields out."""
        shown = self.meta.show(self.now - lag_s * (MINUTE / 60))
        if self.row.seen_at is not None and self.row.seen_at >= self.now and lag_s:
            return
        self.observe_at = None
        self.read_at = self.now
        if shown is None:
            self.read_absent_at = self.now
            absent_since = self.row.absent_since or self.now
            changes = {"seen_at": self.now, "seen_present": False, "absent_since": absent_since}
        else:
            if shown.status == "DELETED":
                self.read_absent_at = self.now
            seen = replace(shown, **hidden)  # type: ignore[arg-type]  # fields by name
            changes = {
                "seen": seen, "seen_at": self.now, "seen_present": True, "absent_since": None,
            }  # fmt: skip
        self.row = replace(self.row, **changes)  # type: ignore[arg-type]  # fields by name
        if self.row.lease_owner is not None:
            return
        if any(op.is_open for op in self.journal.values()):
            self.wake()
        else:
            self.look(may_call=False)

    def check_subscription(self) -> None:
        """See that the app is subscribed, as the account's own loop does."""
        self.check_wanted = False
        self.account = replace(self.account, subscribed_at=self.now)
        if self.row.waiting is Reason.SUBSCRIBING and self.row.lease_owner is None:
            self.wake()

    # Time

    @property
    def is_due(self) -> bool:
        """Whether a worker would take the onboarding now."""
        due = self.row.next_due_at
        return self.in_flight is None and due is not None and due <= self.now

    def claim(self, *, forced: bool = False) -> None:
        """Take the onboarding as a worker does; a lease that ran out is counted."""
        died = self.row.lease_owner is not None
        reclaims = self.row.reclaims + 1 if died else 0
        self.row = replace(self.row, reclaims=reclaims, lease_owner="worker")
        self.look(forced=forced)

    def next_wake_at(self) -> datetime | None:
        """Return when the engine has something to do by itself."""
        if self.account.hold is not None:
            return self.row.next_due_at
        check = self.now if self.check_wanted else None
        return earliest(self.row.next_due_at, self.reads_at, check)

    @property
    def reads_at(self) -> datetime | None:
        """Return when the list is read next; between two reads is the least interval."""
        if self.observe_at is None or self.read_at is None:
            return self.observe_at
        return max(self.observe_at, self.read_at + POLICY.list_interval)

    def go_to(self, instant: datetime) -> None:
        """Let time pass; what is on its way arrives at its own time."""
        for at, call in sorted(self.arriving, key=lambda each: each[0]):
            if at <= instant:
                self.now = max(self.now, at)
                self.meta.tick(self.now)
                self.arrive(call)
        self.arriving = [each for each in self.arriving if each[0] > instant]
        self.now = max(self.now, instant)
        self.meta.tick(self.now)

    def do_what_is_due(self) -> None:
        """Do all that the engine's loops would do now, and nothing else."""
        if self.account.hold is None:
            if self.check_wanted:
                self.check_subscription()
            if self.reads_at is not None and self.reads_at <= self.now:
                self.read_list()
        if self.is_due:
            self.claim()

    @property
    def code_key(self) -> str:
        """Return what must not be sent twice for the code that is given now."""
        return natural_key(Operation.VERIFY_CODE, self.row)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to bring about."""
        if any(op.is_open for op in self.journal.values()):
            return False
        return self.row.waiting in (Reason.DONE, Reason.OVER, Reason.NOT_OURS) and (
            self.row.state is not State.REQUESTED
        )
