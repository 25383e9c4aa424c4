"""What must hold of every look at every onboarding, whatever came before."""

from __future__ import annotations

from datetime import datetime

from onboarding.core.lifecycle import FINAL, Trigger, next_state
from onboarding.core.plan import Plan
from onboarding.core.reasons import MEANINGS
from onboarding.core.steps import Call, Wait
from onboarding.model import DeadlineReason, Onboarding, Owner, Reason, State

AT_REST = (Reason.DONE, Reason.OVER)
TRIGGERS = {trigger.value for trigger in Trigger}


def check_history(before: Onboarding, plan: Plan) -> None:
    """Every entry follows from the one before, by a move that the table allows."""
    state = before.state
    for entry in plan.entries:
        assert entry.source == state.value
        assert entry.reason
        if entry.trigger in TRIGGERS:
            assert next_state(state, Trigger(entry.trigger)).value == entry.dest
        else:
            assert entry.source == entry.dest
        state = State(entry.dest)
    assert plan.row.state is state


def check_call(row: Onboarding, now: datetime) -> None:
    """No call is made for what is over or held, nor after the end of the signup window."""
    assert row.state not in FINAL
    assert row.hold is None
    is_signup = row.register_by_reason is DeadlineReason.EMBEDDED_SIGNUP
    if is_signup and not row.renaming and row.register_by is not None:
        assert now < row.register_by


def check_wait(row: Onboarding, wait: Wait, now: datetime) -> None:
    """A wait names its owner; one that is nobody's turn always ends by itself."""
    owner = MEANINGS[wait.reason].owner
    assert (row.waiting, row.waiting_for) == (wait.reason, owner)
    assert row.next_due_at is None or row.next_due_at > now
    assert wait.observe_at is None or wait.observe_at >= now
    if owner in (Owner.ENGINE, Owner.META) and wait.reason not in AT_REST:
        assert row.next_due_at or wait.observe_at or wait.check_subscription
    assert (wait.reason is Reason.OVER) == (row.state in FINAL and not row.next_due_at
                                            and not wait.observe_at)  # fmt: skip


def check_plan(before: Onboarding, plan: Plan, now: datetime) -> None:
    """All of it."""
    check_history(before, plan)
    if isinstance(plan.step, Call):
        check_call(plan.row, now)
    else:
        check_wait(plan.row, plan.step, now)
