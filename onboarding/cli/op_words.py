"""What happened to a call, and what each answer to it means, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from onboarding.core.operations import POLICIES
from onboarding.core.resolving import Answer, number_id_of
from onboarding.engine.open_operation import OpenOperation
from onboarding.engine.pool_settling import id_of
from onboarding.model import Operation, OperationStatus

_FOUND = {
    Operation.CREATE_NUMBER: "the number is on the WABA: it is adopted under this id, and no "
    "create is made again",
    Operation.MIGRATE_NUMBER: "the number is on the destination's list: it is adopted under "
    "this id, and its code is asked for",
    Operation.REQUEST_CODE: "a code was sent: it counts as on its way, and no other is asked for "
    "in the ten minutes after the call",
    Operation.VERIFY_CODE: "Meta shows the number as verified: ownership counts as proven",
    Operation.REGISTER: "Meta took the registration: CONNECTED is waited for",
    Operation.DEREGISTER: "the number is off the Cloud API: it has left if that was asked for, "
    "else it is registered next",
    Operation.SET_PIN: "the number has our PIN: it is registered next",
    Operation.SET_DISPLAY_NAME: "the new name is in review, or in use: its review is waited for",
    Operation.ADD_PREVERIFIED: "the number is in the pool: it is adopted under this temporary id",
    Operation.REQUEST_PREVERIFIED_CODE: "a code was sent: it counts as on its way",
    Operation.VERIFY_PREVERIFIED: "Meta took the code: the number is verified for 90 days",
    Operation.SHARE_PREVERIFIED: "the partner business has the number, too",
    Operation.UNSHARE_PREVERIFIED: "the partner business has the number no more",
    Operation.DELETE_PREVERIFIED: "the number is out of the pool",
}
_ABSENT = {
    Operation.CREATE_NUMBER: "the number is not on the WABA: the create is made once more",
    Operation.MIGRATE_NUMBER: "the number is not on the destination's list: the call is made once "
    "more; the number works where it is",
    Operation.REQUEST_CODE: "no code was sent: another is asked for, within 9 in 72 hours",
    Operation.VERIFY_CODE: "the number is not verified: this code is never sent again, another is "
    "asked for",
    Operation.REGISTER: "the number is not registered: the call is made again, within 8 in 72 "
    "hours",
    Operation.DEREGISTER: "the number is still on the Cloud API: the call is made again, within 8 "
    "in 72 hours",
    Operation.SET_PIN: "the number has another PIN: ours is set again",
    Operation.SET_DISPLAY_NAME: "the name was not submitted: it is submitted again, within 10 in "
    "30 days",
    Operation.ADD_PREVERIFIED: "the number is not in the pool: it is added once more, after the "
    "pool's list was read",
    Operation.REQUEST_PREVERIFIED_CODE: "no code was sent: another is asked for",
    Operation.VERIFY_PREVERIFIED: "the number is not verified: this code is never sent again, "
    "another is asked for",
    Operation.SHARE_PREVERIFIED: "the partner business does not have the number: it is shared "
    "again",
    Operation.UNSHARE_PREVERIFIED: "the partner business still has the number: it is taken back "
    "again",
    Operation.DELETE_PREVERIFIED: "the number is still in the pool: it is deleted again",
}
_ABANDON = (
    "nobody can tell: the call is closed and the onboarding is on hold for you; once it is "
    "released, the WABA's list is read before anything is sent"
)
_ABANDON_IN_POOL = (
    "nobody can tell: the call is closed and the number is on hold for you until you run "
    "onboarding pool release"
)


def sentences(held: OpenOperation) -> Iterator[str]:
    """Yield what happened, sentence by sentence."""
    operation = held.operation
    failure = operation.outcome.failure if operation.outcome else None
    told = f" ({failure.message})" if failure and failure.message else ""
    of_cycle = f" of cycle {operation.cycle}" if held.onboarding else ""
    yield (
        f"{operation.name} of {held.phone_number} was written down at "
        f"{operation.intent_at:%Y-%m-%d %H:%M:%S} UTC, to be sent at once; attempt "
        f"{operation.attempt}{of_cycle}."
    )
    match operation.status:
        case OperationStatus.PENDING:
            yield (
                "No outcome was written: the call is on its way, or its worker ended before it "
                "left or before the answer was kept."
            )
        case OperationStatus.UNKNOWN:
            yield f"It was sent, and not answered{told}."
        case OperationStatus.ABSENT:
            yield f"It was not answered{told}, and what it should have done was not found."
        case _:
            yield f"It is settled: {operation.status}, by {operation.resolved_by or 'response'}."
    if operation.is_open:
        yield "So nobody knows whether it took effect at Meta."
        yield f"It is not simply made again: {POLICIES[operation.name].why}."
    yield f"It waits for {held.waits_for}."


def answers(held: OpenOperation) -> dict[Answer, tuple[str, str]]:
    """Return the command and the meaning of each answer."""
    operation = held.operation
    id_ = _id_in(held) or "PHONE_NUMBER_ID"
    command = f"onboarding op resolve {operation.id}"
    options = {
        Answer.FOUND: (f"--found {id_}", _FOUND[operation.name]),
        Answer.ABSENT: ("--absent", _ABSENT[operation.name]),
        Answer.ABANDON: ("--abandon", _ABANDON if held.onboarding else _ABANDON_IN_POOL),
    }
    return {
        answer: (f'{command} {option} --reason "..."', meaning)
        for answer, (option, meaning) in options.items()
    }


def _id_in(held: OpenOperation) -> str | None:
    if held.onboarding is not None:
        return number_id_of(held.onboarding, held.operation)
    return id_of(held.pool_number, held.operation) if held.pool_number is not None else None
