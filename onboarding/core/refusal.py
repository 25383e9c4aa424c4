"""A refused call, and the two things that can follow: another try, or a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from onboarding.core.policy import Policy
from onboarding.core.seen import name_standing
from onboarding.core.steps import Attempts, Move
from onboarding.core.timing import HOUR, MINUTE, in_time, jitter
from onboarding.core.waits import METAS_WAITS, failures_in_a_row, hold_step
from onboarding.model import Effect, Failure, JournaledOperation, Onboarding, Reason, Trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refused or unsent call, with all that its meaning depends on."""

    row: Onboarding
    operation: JournaledOperation
    failure: Failure
    attempts: Attempts
    now: datetime
    policy: Policy

    @property
    def tries(self) -> int:
        """How many failures of this kind came one after another, this one included."""
        return failures_in_a_row(self.row, self.operation, self.failure)

    @property
    def is_repeat(self) -> bool:
        """Whether the failure before it, with no success since, was the very same."""
        last = self.row.trouble
        now = self.operation.name, self.failure.code
        return last is not None and (last.operation, last.failure.code) == now

    @property
    def told(self) -> timedelta:
        """The wait that Meta or the recovery table names; zero if neither does."""
        return timedelta(seconds=self.failure.wait_s or 0)

    @property
    def text(self) -> str:
        """The refusal in words."""
        return f"{self.operation.name}: {self.failure.message}"


def troubled(case: Refusal, wait: timedelta | None) -> dict[str, Any]:
    """Return the changes that remember a failure and when to try the operation again."""
    name = case.operation.name
    return {
        "tries": case.tries,
        "retry_at": _retry_at(case, wait) if wait else None,
        "retry_operation": name,
        "trouble": Trouble(
            operation=name.value,
            at=case.operation.intent_at,
            failure=case.failure,
            name_standing=name_standing(case.row),
        ),
    }


def _retry_at(case: Refusal, wait: timedelta) -> datetime:
    """Return when to try again: spread, and in time for the deadline, but after Meta's own wait."""
    spread = jitter(case.row.id, min(wait, 10 * MINUTE) / 10)
    by_class = HOUR if case.failure.recovery in METAS_WAITS else timedelta()
    own = max(case.told or by_class, min(wait, MINUTE))
    return in_time(
        case.now + wait + spread,
        case.row.register_by,
        case.policy.last_try,
        not_before=case.now + own + spread,
    )


def again(
    case: Refusal, wait: timedelta | None = None, changes: Mapping[str, Any] | None = None
) -> Move:
    """Return the step to another try: after the wait, or as soon as the rules allow it."""
    return Move(
        note="call_unsent" if case.failure.effect is Effect.UNSENT else "call_refused",
        reason=case.text,
        changes={**troubled(case, wait), **(changes or {})},
        operation=case.operation,
    )


def parked(case: Refusal, reason: Reason = Reason.REFUSED) -> Move:
    """Return the step that leaves it to a person."""
    step = hold_step(reason, case.text, case.now)
    changes = {**troubled(case, None), **step.changes}
    return Move(note=step.note, reason=step.reason, changes=changes, operation=case.operation)
