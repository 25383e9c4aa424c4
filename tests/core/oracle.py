"""What may never be sent, told from the journal and from what was read, not from the rules."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from onboarding.core.operations import ADDING
from onboarding.model import (
    DeadlineReason,
    JournaledOperation,
    Operation,
    OperationStatus,
    RecoveryClass,
)
from tests.core.making import DAY, HOUR, MINUTE, POLICY

if TYPE_CHECKING:
    from tests.core.stage import Stage

_MOST = {
    Operation.REGISTER: (8, 72 * HOUR),
    Operation.DEREGISTER: (8, 72 * HOUR),
    Operation.REQUEST_CODE: (9, 72 * HOUR),
    Operation.SET_DISPLAY_NAME: (10, 30 * DAY),
}
_BLOCKED = (*_MOST, Operation.VERIFY_CODE)
_DID_NOTHING = (OperationStatus.UNSENT, OperationStatus.REFUSED, OperationStatus.ABSENT)


def check_new_call(stage: Stage, new: JournaledOperation) -> None:
    """Refuse a call that must not be sent."""
    earlier = [op for op in stage.journal.values() if op.name is new.name]
    assert not any(op.is_open for op in stage.journal.values()), "two calls are open"
    _check_window(new, earlier)
    if new.name in _BLOCKED:
        _check_block(new, earlier)
    if new.name in ADDING:
        _check_create(stage, earlier)
    if new.name is Operation.REQUEST_CODE:
        _check_request_code(new, earlier)
    if new.name is Operation.VERIFY_CODE:
        used = {op.natural_key for op in earlier if op.status is not OperationStatus.UNSENT}
        assert new.natural_key not in used, "a code is sent twice"
    if new.name in (Operation.REGISTER, Operation.DEREGISTER):
        _check_register(stage, new)


def _check_window(new: JournaledOperation, earlier: list[JournaledOperation]) -> None:
    most, window = _MOST.get(new.name, (1000, timedelta()))
    counted = [
        op
        for op in earlier
        if op.status is not OperationStatus.UNSENT and op.intent_at > new.intent_at - window
    ]
    assert len(counted) < most, f"{new.name} more than {most} times"


def _check_block(new: JournaledOperation, earlier: list[JournaledOperation]) -> None:
    for op in earlier:
        failure = op.outcome.failure if op.outcome else None
        if failure is None or op.status is not OperationStatus.REFUSED:
            continue
        if failure.recovery is RecoveryClass.WAIT:
            over = op.intent_at + timedelta(seconds=failure.wait_s or 0)
            assert new.intent_at >= over, f"{new.name} while Meta takes none"


def _check_create(stage: Stage, earlier: list[JournaledOperation]) -> None:
    for op in earlier:
        if op.status in (OperationStatus.UNSENT, OperationStatus.REFUSED):
            continue
        seen_absent = stage.read_absent_at
        assert seen_absent is not None, "created again without a look"
        assert seen_absent >= op.settle_at, "created again before the first could be seen"


def _check_request_code(new: JournaledOperation, earlier: list[JournaledOperation]) -> None:
    for op in earlier:
        if op.status not in _DID_NOTHING:
            assert new.intent_at - op.intent_at >= 10 * MINUTE, "a code is outstanding"


def _check_register(stage: Stage, new: JournaledOperation) -> None:
    row, seen = stage.row, stage.row.seen
    assert seen is not None, "registered unseen"
    assert seen.is_on_biz_app is not True, "a number of the Business app"
    if row.register_by is not None and row.register_by_reason is not DeadlineReason.POLICY:
        last = new.intent_at + POLICY.send_within
        assert last < row.register_by, "it might be sent after the window"
    if new.name is Operation.DEREGISTER and row.offboard_at is not None:
        return  # that is what was asked for
    subscribed_at = stage.account.subscribed_at
    assert subscribed_at is not None, "registered before the app was subscribed"
    assert new.intent_at - subscribed_at < DAY, "the proof of the subscription is too old"
    assert new.name is not Operation.DEREGISTER or seen.status != "CONNECTED", "taken off"
    if row.renaming:
        assert row.name_approved_at is not None, "registered before the new name's approval"
        return
    pending = "PENDING_REVIEW" in (seen.name_status, seen.new_name_status)
    if pending and new.name is Operation.REGISTER and seen.new_name_status is None:
        assert row.register_by_reason is DeadlineReason.EMBEDDED_SIGNUP, "registered in review"
        assert row.register_by is not None
        assert new.intent_at >= row.register_by - 3 * DAY, "registered in review too early"


def check_pin(stage: Stage, told: list[JournaledOperation]) -> None:
    """Refuse to forget the PIN of a register call that Meta is known to have accepted."""
    for op in told:
        known = stage.journal[op.id].status is OperationStatus.SUCCEEDED
        if known and op.name is Operation.REGISTER and op.cycle == stage.row.cycle:
            assert stage.row.pin_sealed == stage.pins[op.id], "the number's PIN is lost"
