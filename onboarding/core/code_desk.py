"""The steps of ``created`` and ``otp_pending``: have a code sent, and send it back.

Asking for a code is the step that burns fastest: Meta counts every request, a new one voids the
last, and a code at three in the morning is lost. So a code is asked for only when somebody will
read it: an intake that answers, the holder's window, or a person's word.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from onboarding.core.code_cool_downs import volume_until
from onboarding.core.code_timing import lapses_at, next_method, readable_from
from onboarding.core.lifecycle import Trigger
from onboarding.core.operations import natural_key
from onboarding.core.policy import Policy
from onboarding.core.seen import is_verified, seen_after, shown
from onboarding.core.steps import Call, Move, Snapshot, Step, Wait
from onboarding.core.waits import (
    NO_TROUBLE,
    block_wait,
    budget_wait,
    hold_step,
    idle_poll,
    retry_wait,
    wait_for_list,
)
from onboarding.model import (
    Entry,
    JournaledOperation,
    Onboarding,
    Operation,
    OperationStatus,
    Reason,
    RecoveryClass,
    State,
)

NO_CODE = {"code_sealed": None, "code_mac": None}

#: What a row looks like once ownership is proven. Wrong codes and proofs that did not last stay
#: counted until the number is registered: after some, only a person has another code sent.
PROVEN = {**NO_CODE, "code_ready": False, "code_sends": 0, **NO_TROUBLE}

#: Meta's "number must be verified again before it can be registered".
REVERIFY = 133006


def created(snap: Snapshot, now: datetime, policy: Policy) -> Step:
    """Skip ahead if Meta already says VERIFIED, else have a code sent."""
    if is_verified(shown(snap.row)):
        return _observed("Meta shows VERIFIED already; no code is needed")
    if snap.row.entry is Entry.PREVERIFIED and not seen_after(snap.row, snap.row.state_since):
        return wait_for_list(now)  # it comes verified, unless that ended just before
    return _have_code_sent(snap, now, policy)


def otp_pending(snap: Snapshot, now: datetime, policy: Policy) -> Step:
    """Send the code that was given; without one, wait for it or have another sent."""
    row = snap.row
    told_since = seen_after(row, row.state_since) and not is_contradicted(snap)
    if is_verified(shown(row)) and told_since:
        return _observed("Meta shows VERIFIED, without a code from us")
    if row.has_code:
        return _send_code(snap, now, policy)
    return _have_code_sent(snap, now, policy)


def is_contradicted(snap: Snapshot) -> bool:
    """Whether Meta refused to register for want of a proof, and none was given since.

    What the list says of the ownership is then not to be believed.
    """
    wanted = [
        op.intent_at
        for op in snap.attempts.of(snap.row, Operation.REGISTER)
        if op.status is OperationStatus.REFUSED and _wants_proof(op)
    ]
    given = [
        op.intent_at
        for op in snap.attempts.of(snap.row, Operation.VERIFY_CODE)
        if op.status is OperationStatus.SUCCEEDED
    ]
    return bool(wanted) and (not given or max(wanted) >= max(given))


def _wants_proof(operation: JournaledOperation) -> bool:
    failure = operation.outcome.failure if operation.outcome else None
    return failure is not None and failure.code == REVERIFY


def lost_proof(row: Onboarding) -> dict[str, object]:
    """Return the changes with which a number goes back for another code.

    When the last one was sent is kept: ten minutes pass between two, whatever became of the first.
    """
    return {
        **NO_CODE,
        "code_sends": 0,
        "code_tries": row.code_tries + 1,
        "register_accepted_at": None,
    }


def _observed(reason: str) -> Move:
    return Move(trigger=Trigger.OWNERSHIP_OBSERVED, reason=reason, changes=PROVEN)


def _send_code(snap: Snapshot, now: datetime, policy: Policy) -> Step:
    row = snap.row
    key = natural_key(Operation.VERIFY_CODE, row)
    calls = [op for op in snap.attempts.made if op.natural_key == key]
    if any(op.status is not OperationStatus.UNSENT for op in calls):
        return Move(note="code_refused", reason="this code was sent before", changes=NO_CODE)
    if row.code_sent_at is not None and now >= row.code_sent_at + policy.code_validity:
        return Move(note="code_lapsed", reason="the code was given too late", changes=NO_CODE)
    return _verify_wait(snap, now) or Call(operation=Operation.VERIFY_CODE, natural_key=key)


def _verify_wait(snap: Snapshot, now: datetime) -> Wait | None:
    """Return the wait until Meta may take a code of this number again."""
    name = Operation.VERIFY_CODE
    return retry_wait(snap, name, now) or block_wait(snap, name, now)


def _have_code_sent(snap: Snapshot, now: datetime, policy: Policy) -> Step:
    row = snap.row
    lapses = lapses_at(snap, policy)
    if lapses is not None and now < lapses:
        is_expected = row.state is State.OTP_PENDING
        return Wait(reason=Reason.CODE if is_expected else Reason.BUDGET, until=lapses)
    if step := _already_verified(row, now):
        return step
    # A code that Meta would not take back is not asked for either.
    if wait := _verify_wait(snap, now):
        return wait
    if wait := retry_wait(snap, Operation.REQUEST_CODE, now):
        # Meta's refusal does not always say it when the reason is a number that is verified.
        refused_at = row.trouble.at if row.trouble else now
        return replace(wait, observe_at=None if seen_after(row, refused_at) else now)
    if (until := volume_until(snap.attempts, policy)) is not None and until > now:
        return Wait(reason=Reason.THROTTLED, until=until)
    opens = readable_from(snap, now, policy)
    if opens is None:
        return Wait(reason=Reason.CODE_READY, observe_at=idle_poll(row, now, policy))
    if opens > now:
        return Wait(reason=Reason.CODE_WINDOW, until=opens)
    return budget_wait(snap, Operation.REQUEST_CODE, policy, now) or Call(
        operation=Operation.REQUEST_CODE,
        natural_key=natural_key(Operation.REQUEST_CODE, row),
        params={
            "code_method": next_method(snap, now, policy).value,
            "language": row.code_language,
        },
    )


def _already_verified(row: Onboarding, now: datetime) -> Step | None:
    """Take Meta's word when it refuses a code because the number is verified, and shows it."""
    trouble = row.trouble
    if trouble is None or trouble.operation != Operation.REQUEST_CODE:
        return None
    if trouble.failure.recovery is not RecoveryClass.RECONCILE:
        return None
    if is_verified(shown(row)):
        return _observed("Meta sends no code because the number is verified")
    text = f"{trouble.failure.message}; the list shows the number, and not as VERIFIED"
    return hold_step(Reason.REFUSED, text, now)
