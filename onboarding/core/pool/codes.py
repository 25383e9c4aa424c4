"""Codes for numbers of the pool: asked for when somebody reads them, and sent back once.

A number that is verified gets another code only in the last 45 days: Meta refuses it before.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from onboarding.core.code_timing import ASKS_FOR_CODE, SENT_NONE
from onboarding.core.policy import Policy
from onboarding.core.pool.lifecycle import UNPROVEN, PoolState
from onboarding.core.pool.model import PoolNumber
from onboarding.core.pool.steps import (
    NO_CODE,
    PoolMove,
    PoolSnapshot,
    PoolStep,
    hold_step,
    seen_after,
    warm_from,
)
from onboarding.core.steps import Call, Wait
from onboarding.core.timing import backoff, earliest
from onboarding.core.waits import METAS_WAITS
from onboarding.model import Operation, OperationStatus, Reason, RecoveryClass


def needs_code(row: PoolNumber, now: datetime, policy: Policy) -> bool:
    """Whether ownership is to be proven, or proven anew before it lapses."""
    if row.state in UNPROVEN:
        return True
    warm = warm_from(row, policy.preverified_warm)
    return row.state is PoolState.VERIFIED and warm is not None and now >= warm


def code_step(snap: PoolSnapshot, now: datetime, policy: Policy) -> PoolStep:
    """Send the code that was given, or have one sent, or wait for what is missing."""
    if snap.row.code_sealed is not None:
        return _send_code(snap, now, policy)
    return _have_code_sent(snap, now, policy)


def _send_code(snap: PoolSnapshot, now: datetime, policy: Policy) -> PoolStep:
    row = snap.row
    key = f"{row.preverified_id}/{row.code_mac}"
    calls = [op for op in snap.attempts.made if op.natural_key == key]
    if any(op.status is not OperationStatus.UNSENT for op in calls):
        return PoolMove(note="code_refused", reason="this code was sent before", changes=NO_CODE)
    if row.code_sent_at is not None and now >= row.code_sent_at + policy.code_validity:
        return PoolMove(note="code_lapsed", reason="the code was given too late", changes=NO_CODE)
    return retry_wait(snap, Operation.VERIFY_PREVERIFIED, now) or Call(
        operation=Operation.VERIFY_PREVERIFIED, natural_key=key
    )


def _have_code_sent(snap: PoolSnapshot, now: datetime, policy: Policy) -> PoolStep:
    row = snap.row
    lapses = lapses_at(snap, policy)
    if lapses is not None and now < lapses:
        return Wait(reason=Reason.CODE, until=lapses)
    if (step := _contradicted(snap, now)) is not None:
        return step
    for operation in (Operation.REQUEST_PREVERIFIED_CODE, Operation.VERIFY_PREVERIFIED):
        if wait := retry_wait(snap, operation, now):
            # Meta's refusal does not always say it when the reason is a number that is verified.
            refused_at = row.trouble.at if row.trouble else now
            return replace(wait, observe_at=None if seen_after(row, refused_at) else now)
    if wait := _window(snap, now, policy):
        return wait
    opens = _readable_from(snap, now, policy)
    if opens is None:
        return Wait(reason=Reason.CODE_READY, until=_end(snap, now))
    if opens > now:
        return Wait(reason=Reason.CODE_WINDOW, until=opens)
    return Call(
        operation=Operation.REQUEST_PREVERIFIED_CODE,
        natural_key=f"{row.preverified_id}/{len(snap.attempts.made) + 1}",
        params={"code_method": row.code_method.value, "language": row.code_language},
    )


def _end(snap: PoolSnapshot, now: datetime) -> datetime | None:
    end = snap.row.expires_at
    return end if snap.row.state is PoolState.VERIFIED and end and end > now else None


def _contradicted(snap: PoolSnapshot, now: datetime) -> PoolStep | None:
    """Meta sends no code as the number is verified, and the list that was read since denies it."""
    trouble = snap.row.trouble
    if trouble is None or trouble.operation != Operation.REQUEST_PREVERIFIED_CODE:
        return None
    if trouble.failure.recovery is not RecoveryClass.RECONCILE:
        return None
    if snap.row.state is PoolState.VERIFIED:
        return None  # Meta counts its 45 days otherwise than we do: tried again later
    text = f"{trouble.failure.message}; the pool's list does not show the number as VERIFIED"
    return hold_step(text, now)


def retry_wait(snap: PoolSnapshot, operation: Operation, now: datetime) -> Wait | None:
    """Return the wait that a failure of this operation imposed."""
    row = snap.row
    if row.retry_at is None or row.retry_operation is not operation or row.retry_at <= now:
        return None
    recovery = row.trouble.failure.recovery if row.trouble else None
    is_metas = recovery in METAS_WAITS
    return Wait(reason=Reason.THROTTLED if is_metas else Reason.RETRY, until=row.retry_at)


def _window(snap: PoolSnapshot, now: datetime, policy: Policy) -> Wait | None:
    """Return the wait until one more code of this number fits into Meta's moving window."""
    limit, window = policy.windows[Operation.REQUEST_CODE]
    free_at = snap.attempts.free_at(Operation.REQUEST_CODE, limit, window, now)
    return None if free_at is None else Wait(reason=Reason.BUDGET, until=free_at)


def lapses_at(snap: PoolSnapshot, policy: Policy) -> datetime | None:
    """Return until when the last code counts as on its way, under whatever id it was asked for."""
    on_its_way = policy.send_within + policy.call_timeout
    sent = [
        op.intent_at
        for op in snap.attempts.made
        if op.name in ASKS_FOR_CODE and op.status not in SENT_NONE
    ]
    if snap.row.code_sent_at is not None:
        sent.append(snap.row.code_sent_at)
    if snap.restore is not None:
        sent.append(snap.restore.at)  # one may have been asked for since the backup
    return max(sent) + on_its_way + policy.code_validity if sent else None


def _readable_from(snap: PoolSnapshot, now: datetime, policy: Policy) -> datetime | None:
    """Return from when somebody will read a code; ``None`` if nobody is known to."""
    row = snap.row
    if row.code_ready:
        return now
    is_unread = row.code_sends >= policy.code_sends or row.code_tries >= policy.code_tries
    if is_unread or not snap.intake_answers:
        return None  # codes go unread or come back wrong: a person must look first
    if not row.code_sends or row.code_sent_at is None:
        return now
    return max(now, row.code_sent_at + backoff(row.code_sends, policy.code_resend))


def next_code_at(snap: PoolSnapshot, now: datetime, policy: Policy) -> datetime | None:
    """Return when a verified number is looked at next for its verification's sake."""
    warm, end = warm_from(snap.row, policy.preverified_warm), snap.row.expires_at
    return earliest(*(at for at in (warm, end) if at is not None and at > now))
