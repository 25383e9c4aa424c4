"""What people, and Meta by itself, do to an onboarding that is on the stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from onboarding.core.code_desk import NO_CODE, REVERIFY
from onboarding.core.deadlines import first_deadline
from onboarding.core.drift_answers import accepted, registered_again
from onboarding.core.lifecycle import FINAL, IN_PROGRESS, Trigger
from onboarding.core.offboarding import offboarding
from onboarding.core.pins import pin_given
from onboarding.core.steps import DeadlineSet, Move, moved
from onboarding.core.waits import NO_HOLD, NO_TROUBLE
from onboarding.errors import ConflictError, TransitionRefusedError
from onboarding.model import Entry, Onboarding, Operation, OperationStatus, Reason, State
from tests.core.making import DAY, HOUR, MINUTE, POLICY, an_account
from tests.core.stage import Stage

#: What a token may not be allowed to see.
FIELDS = ("status", "code_verification_status", "name_status", "platform_type")

_NEW_CYCLE: dict[str, Any] = {
    **NO_CODE, **NO_HOLD, **NO_TROUBLE,
    "phone_number_id": None, "code_ready": False, "code_sent_at": None, "code_sends": 0,
    "code_tries": 0, "pin_mismatches": 0, "new_display_name": None, "name_submitted_at": None,
    "name_unapproved_at": None, "name_approved_at": None, "renaming": False,
    "rejection_reason": None, "register_accepted_at": None, "registered_at": None,
    "register_by": None, "register_by_reason": None, "drift": None, "name_held": None,
    "offboard_at": None,
}  # fmt: skip


def _do(
    stage: Stage,
    changes: dict[str, Any],
    trigger: Trigger | None = None,
    deadline: DeadlineSet | None = None,
) -> None:
    step = Move(trigger=trigger, reason="a person", changes=changes, deadline=deadline)
    stage.row = replace(
        moved(stage.row, step, stage.now), next_due_at=stage.now, waiting_since=stage.now
    )


def say_ready(stage: Stage) -> None:
    if stage.row.state in (State.REQUESTED, State.CREATED, State.OTP_PENDING):
        _do(stage, {"code_ready": True})


def give_code(stage: Stage, code: str | None = None) -> None:
    asked = any(op.is_open and op.name is Operation.REQUEST_CODE for op in stage.journal.values())
    state = stage.row.state
    if state is not State.OTP_PENDING and not (state is State.CREATED and asked):
        return
    given = code or stage.meta.code
    if given is None:
        return
    before = stage.row
    stage.row = replace(before, code_mac=given)
    key = stage.code_key
    stage.row = before
    used = {
        op.natural_key
        for op in stage.journal.values()
        if op.name is Operation.VERIFY_CODE and op.status is not OperationStatus.UNSENT
    }
    if key not in used:
        _do(stage, {"code_sealed": "sealed", "code_mac": given, "code_given_at": stage.now})


def give_wrong_code(stage: Stage) -> None:
    give_code(stage, f"9{len(stage.journal):05}")


def rename(stage: Stage) -> None:
    name = f"Name {len(stage.journal)}"
    asked = {"new_display_name": name, "name_submitted_at": None, "rejection_reason": None}
    if stage.row.state is State.NAME_REVIEW and not _in_review(stage.row):
        _do(stage, {**asked, **NO_TROUBLE, **NO_HOLD})
    elif stage.row.state is State.REGISTERED and stage.row.offboard_at is None:
        _do(stage, {**asked, "renaming": True}, Trigger.RENAME_REQUESTED)


def _in_review(row: Onboarding) -> bool:
    if row.new_display_name is not None and row.name_submitted_at is None:
        return False
    if row.seen is None:
        return False
    submitted_at = row.name_submitted_at
    if submitted_at is not None and not (row.seen_at and row.seen_at > submitted_at):
        return True
    status = row.seen.new_name_status if submitted_at else row.seen.name_status
    return status == "PENDING_REVIEW"


def hold(stage: Stage) -> None:
    if stage.row.state not in FINAL:
        _do(stage, {"hold": Reason.HELD, "hold_by": "ops", "hold_since": stage.now})


def hold_for_a_while(stage: Stage) -> None:
    hold(stage)
    if stage.row.hold is not None:
        _do(stage, {"hold_until": stage.now + 5 * HOUR})


def release(stage: Stage) -> None:
    if stage.row.hold is not None:
        _do(stage, {**NO_HOLD, **NO_TROUBLE, "pin_mismatches": 0})


def set_pin(stage: Stage) -> None:
    pressing = [op for op in stage.journal.values() if op.is_open or not op.applied]
    pin = f"{222222 + len(stage.journal)}"
    try:
        step = pin_given(stage.row, pin, [op for op in pressing if op.is_open or op.outcome])
    except ConflictError:
        return
    _do(stage, dict(step.changes))


def register_again(stage: Stage) -> None:
    if stage.row.state is State.REGISTERED and stage.row.waiting is Reason.DISCONNECTED:
        step = registered_again(stage.row, "by mistake", stage.now, POLICY)
        _do(stage, dict(step.changes), step.trigger, step.deadline)


def accept_drift(stage: Stage) -> None:
    try:
        step = accepted(stage.row, "as it is", POLICY)
    except TransitionRefusedError:
        return
    _do(stage, dict(step.changes), step.trigger)


def cancel(stage: Stage) -> None:
    if stage.row.state in IN_PROGRESS and not stage.row.renaming and len(stage.journal) > 9:
        changes = {**NO_CODE, **NO_HOLD, "new_display_name": None}
        _do(stage, changes, Trigger.CANCELLED)


def restart(stage: Stage) -> None:
    row = stage.row
    if row.state not in (State.EXPIRED, State.LEFT, State.FAILED):
        return
    anew = replace(row, onboarded_at=stage.now, state_since=stage.now)
    changes = {**_NEW_CYCLE, "cycle": row.cycle + 1, "onboarded_at": stage.now}
    _do(stage, changes, Trigger.RESTARTED, first_deadline(anew, POLICY))


def offboard(stage: Stage) -> None:
    try:
        step = offboarding(stage.row, "the customer leaves", stage.now)
    except (ConflictError, TransitionRefusedError):
        return
    _do(stage, dict(step.changes))


def renew_token(stage: Stage) -> None:
    if stage.account.hold is not None:
        stage.account = an_account(subscribed_at=stage.account.subscribed_at)
        stage.observe_at = stage.now
        if stage.row.waiting is Reason.ACCOUNT_HELD:
            stage.row = replace(stage.row, next_due_at=stage.now)


DEEDS: dict[str, Callable[[Stage], None]] = {
    deed.__name__: deed
    for deed in (
        say_ready, give_code, give_wrong_code, rename, hold, hold_for_a_while, release, set_pin,
        cancel, restart, offboard, renew_token, register_again, accept_drift,
    )
}  # fmt: skip


def _change(**changes: object) -> Callable[[Stage], None]:
    return lambda stage: stage.meta.change(stage.now, **changes)


def _let_name_expire(stage: Stage) -> None:
    number = stage.meta.number
    approved = number is not None and number.new_name_status == "APPROVED"
    changes = {"new_name_status": "EXPIRED"} if approved else {}
    stage.meta.change(stage.now, name_status="EXPIRED", **changes)


def _flap(stage: Stage) -> None:
    if stage.meta.is_connected:
        stage.meta.change(stage.now, status="PENDING")
        stage.meta.connects_at = stage.now + 10 * MINUTE


def _disconnect(stage: Stage) -> None:
    if stage.meta.is_connected:
        stage.meta.change(stage.now, status="DISCONNECTED", platform_type="NOT_APPLICABLE")


def _sign_up(stage: Stage) -> None:
    if stage.row.entry is Entry.EMBEDDED_SIGNUP:
        stage.meta.sign_up(stage.now)


def _never_registered(stage: Stage) -> bool:
    known = stage.row.registered_at is not None or stage.row.register_accepted_at is not None
    return not known and not stage.meta.is_connected and stage.meta.connects_at is None


def _want_proof(stage: Stage) -> None:
    if _never_registered(stage):
        stage.meta.wants_proof_again = True


def _spoil_deregister(stage: Stage) -> None:
    if _never_registered(stage):
        stage.meta.unfinished_deregister = True


def _foreign_pin(stage: Stage) -> None:
    stage.meta.pin = "333333"


def _review(stage: Stage) -> None:
    number = stage.meta.number
    is_applied = number is not None and number.new_name_status == "APPROVED"
    settled = {"new_name_status": None, "new_display_name": None} if is_applied else {}
    stage.meta.change(stage.now, name_status="PENDING_REVIEW", **settled)


def _review_strictly(stage: Stage) -> None:
    stage.meta.registers_in_review = False


#: What may happen at Meta without us.
AT_META: dict[str, Callable[[Stage], None]] = {
    "sign_up": _sign_up,
    "delete": lambda stage: stage.meta.delete(stage.now),
    "approve": lambda stage: stage.meta.decide_name(stage.now, "APPROVED"),
    "decline": lambda stage: stage.meta.decide_name(stage.now, "DECLINED"),
    # The name in use is looked at again: a change of it that was approved is the name in use.
    "review": _review,
    "name_expires": _let_name_expire,
    "verify": _change(code_verification_status="VERIFIED"),
    "verification_expires": _change(code_verification_status="EXPIRED"),
    "ban": _change(status="BANNED"),
    "flap": _flap,
    "disconnect": _disconnect,
    "rename_by_hand": _change(verified_name="Named by hand"),
    "move_to_the_app": _change(is_on_biz_app=True),
    "want_proof": _want_proof,
    "spoil_deregister": _spoil_deregister,
    "foreign_pin": _foreign_pin,
    "review_strictly": _review_strictly,
}


#: What ends or stops an onboarding is rare, or nothing else would be seen.
_RARE_AT_META, _RARE_DEEDS = {"delete", "ban", "move_to_the_app"}, {"hold", "cancel", "offboard"}
AT_META_BY_CHANCE = [*AT_META, *[what for what in AT_META if what not in _RARE_AT_META] * 4]
DEEDS_BY_CHANCE = [*DEEDS, *[what for what in DEEDS if what not in _RARE_DEEDS] * 4]


def answer(stage: Stage) -> None:
    """Do what the onboarding waits for, if it waits for a person."""
    if stage.account.hold is not None:
        renew_token(stage)
    row = stage.row
    if row.waiting in _ANSWERS:
        _ANSWERS[row.waiting](stage)


def _code_in_time(stage: Stage) -> None:
    if not stage.row.has_code:
        give_code(stage)


def _unban(stage: Stage) -> None:
    connected = stage.meta.number is not None and stage.meta.number.platform_type == "CLOUD_API"
    stage.meta.change(stage.now, status="CONNECTED" if connected else "PENDING")


def _release_or_give_up(stage: Stage) -> None:
    """Let it be tried again; a number of the pool that is used up is to be asked for anew."""
    if "request it anew" in (stage.row.hold_text or ""):
        _do(stage, {**NO_CODE, **NO_HOLD, "new_display_name": None}, Trigger.CANCELLED)
    else:
        release(stage)


def _sign_up_once_a_day(stage: Stage) -> None:
    number = stage.meta.number
    done_at = number.last_onboarded_time if number else None
    if done_at is None or not stage.meta.is_there or stage.now - done_at > DAY:
        stage.meta.sign_up(stage.now)


def _ready_or_sign_up(stage: Stage) -> None:
    """Say that a code may come; where Meta wants none and does not register, sign up once more.

    Longer than 14 days after Embedded Signup only another one helps.
    """
    trouble = stage.row.trouble
    if trouble is not None and trouble.failure.code == REVERIFY:
        _sign_up(stage)
    say_ready(stage)


_ANSWERS: dict[Reason, Callable[[Stage], None]] = {
    Reason.CODE_READY: _ready_or_sign_up,
    Reason.CODE: _code_in_time,
    Reason.NAME_DECLINED: rename,
    Reason.NAME_EXPIRED: rename,
    Reason.NAME_MISSING: rename,
    Reason.NOT_ON_WABA: _sign_up_once_a_day,
    Reason.BANNED: _unban,
    Reason.HELD: release,
    Reason.REFUSED: _release_or_give_up,
    Reason.MIGRATION: release,
    Reason.STUCK: release,
    Reason.PIN: release,
    Reason.DISCONNECTED: register_again,
    Reason.NAME_CHANGED: accept_drift,
}
