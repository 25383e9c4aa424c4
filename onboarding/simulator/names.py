"""Display names and their review.

Plays Meta's rules for name review: a first name is submitted by creating the number, a
changed one by ``new_display_name``. A changed name that was approved must be registered
within its window, or it expires and has to be submitted again.
"""

from __future__ import annotations

from datetime import datetime
from fnmatch import fnmatchcase

from onboarding.simulator.refusals import Reason, Refusal
from onboarding.simulator.scenario import ReviewRule
from onboarding.simulator.state import APPROVED, PENDING_REVIEW, Event, Number
from onboarding.simulator.webhooks import emit_name_decision
from onboarding.simulator.windows import count_attempt
from onboarding.simulator.world import World

_UNUSABLE = ("DECLINED", "EXPIRED", "NONE")
_WEBHOOK_DECISION = {"DECLINED": "REJECTED"}


def rule_for(world: World, name: str) -> ReviewRule:
    """Return the rule by which a display name is reviewed."""
    reviewer = world.scenario.reviewer
    return next((rule for rule in reviewer.rules if fnmatchcase(name, rule.name)), reviewer.default)


def start_first_review(world: World, number: Number, now: datetime) -> None:
    """Submit the name with which a number was created."""
    rule = rule_for(world, number.verified_name)
    number.name_status = rule.first
    number.registers_in_review = rule.registers_in_review
    if rule.first in (PENDING_REVIEW, "NONE"):
        _schedule_decision(world, number, rule, now)


def submit_again(world: World, number: Number, name: str, now: datetime) -> None:
    """Submit the name that a repeated Embedded Signup gives, unless it is in use already."""
    if name == number.verified_name and number.name_status not in _UNUSABLE:
        return
    number.verified_name = name
    number.new_display_name = number.new_name_status = None
    number.name_changed += 1
    start_first_review(world, number, now)


def change_name(world: World, number: Number, name: str, now: datetime) -> None:
    """Submit another name; Meta's rules: 10 tries in 30 days, none while a review runs.

    Raises:
        Refusal: too many changes, or a review is running.
    """
    limits = world.scenario.limits
    if count_attempt(number.name_window, now, limits.name_change_window) > limits.name_changes:
        raise Refusal(Reason.NAME_CHANGES)
    if PENDING_REVIEW in (number.name_status, number.new_name_status):
        raise Refusal(Reason.NAME_IN_REVIEW)
    number.new_display_name = name
    number.new_name_status = PENDING_REVIEW
    number.name_changed += 1
    _schedule_decision(world, number, rule_for(world, name), now)


def decide_name(
    world: World, number: Number, decision: str, reason: str | None, now: datetime
) -> None:
    """Decide the name that is under review, else the first name, and tell it by webhook."""
    is_change = number.new_name_status is not None
    name = (number.new_display_name if is_change else None) or number.verified_name
    number.name_changed += 1
    if decision == APPROVED:
        _approve(world, number, now)
    else:
        status = "DECLINED" if decision == "DECLINED" else PENDING_REVIEW
        if is_change:
            number.new_name_status = status
        else:
            number.name_status = status
    rejection = (reason or "UNKNOWN") if decision == "DECLINED" else None
    told = _WEBHOOK_DECISION.get(decision, decision)
    emit_name_decision(world, number, now, name=name, decision=told, reason=rejection)


def decide_when_due(world: World, event: Event) -> bool:
    """Decide as the rule said when the name was submitted, unless it was decided since."""
    number = world.state.numbers[event.subject]
    if number.is_gone or number.name_changed != event.data["name_changed"]:
        return False
    decide_name(world, number, event.data["decision"], event.data["reason"], event.due)
    return True


def expire_when_due(world: World, event: Event) -> bool:
    """Let an approved change expire that nobody registered in time."""
    number = world.state.numbers[event.subject]
    if number.is_gone or number.name_changed != event.data["name_changed"]:
        return False
    if number.new_name_status != APPROVED:
        return False
    number.name_status = number.new_name_status = "EXPIRED"
    return True


def adopt_new_name(number: Number) -> bool:
    """Make an approved change effective, as a registration does; say whether there was one."""
    if number.new_name_status != APPROVED:
        return False
    number.new_display_name = number.new_name_status = None
    return True


def _approve(world: World, number: Number, now: datetime) -> None:
    number.name_status = APPROVED
    number.name_approved_at = now
    if number.new_name_status is None:
        return
    number.verified_name = number.new_display_name or number.verified_name
    number.new_name_status = APPROVED
    due = now + world.scenario.limits.rename_window
    world.schedule("expire_name", due, number.id, name_changed=number.name_changed)


def _schedule_decision(world: World, number: Number, rule: ReviewRule, now: datetime) -> None:
    if rule.decision == "never":
        return
    world.schedule(
        "decide_name",
        now + rule.after,
        number.id,
        decision=rule.decision,
        reason=rule.rejection_reason,
        name_changed=number.name_changed,
    )
