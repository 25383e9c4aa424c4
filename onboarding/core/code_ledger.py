"""The ledger of one-time codes: every one asked for a number, what came of it, and when the next.

It is worked out from the journal of calls; nothing is counted anywhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from onboarding.core.code_cool_downs import volume_until
from onboarding.core.code_timing import lapses_at, next_method
from onboarding.core.policy import Policy
from onboarding.core.reasons import MEANINGS
from onboarding.core.steps import Snapshot
from onboarding.core.waits import block_wait, budget_wait, retry_wait
from onboarding.model import (
    CodeMethod,
    JournaledOperation,
    Operation,
    OperationStatus,
    Reason,
    State,
)

#: States in which a code is, or will be, asked for.
CODE_STATES = (State.REQUESTED, State.CREATED, State.OTP_PENDING)

_ON_ITS_WAY = "a code counts as on its way"
_VOLUME = "Meta said more than once that codes are asked for too often"

_PLAIN = {
    OperationStatus.PENDING: "being asked for",
    OperationStatus.UNKNOWN: "not answered; counts as sent",
    OperationStatus.UNSENT: "never left",
    OperationStatus.ABSENT: "had no effect",
    OperationStatus.ABANDONED: "given up unanswered",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeAttempt:
    """One code that was asked for.

    Attributes:
        asked_at: when.
        method: how it was to go out; ``None`` where an earlier release did not note it.
        result: what came of it, in words.
        counts: whether it counts in Meta's window of 72 hours now.
        onboarding_id: for which onboarding of the number.
        cycle: in which of its cycles.
        code: Meta's error, if it refused.
        subcode: the same.
        fbtrace_id: Meta's trace of the call.
    """

    asked_at: datetime
    method: CodeMethod | None
    result: str
    counts: bool
    onboarding_id: str | None
    cycle: int
    code: int | None = None
    subcode: int | None = None
    fbtrace_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLedger:
    """All codes asked for a number in the last 30 days, and when the next may be.

    Attributes:
        attempts: oldest first.
        limit: codes in any 72 hours.
        left: how many of them are left now.
        next_at: when the next may be asked for; ``None``: now, or none is needed any more.
        next_why: what it waits for until then; or that none is needed.
        next_method: how it will go out.
    """

    attempts: tuple[CodeAttempt, ...]
    limit: int
    left: int
    next_at: datetime | None
    next_why: str
    next_method: CodeMethod


def ledger_of(snap: Snapshot, now: datetime, policy: Policy) -> CodeLedger:
    """Return the ledger of a number as it stands now."""
    limit, window = policy.windows[Operation.REQUEST_CODE]
    next_at, why = _next(snap, now, policy)
    return CodeLedger(
        attempts=tuple(_attempts(snap, now, policy)),
        limit=limit,
        left=max(0, limit - len(snap.attempts.spent(Operation.REQUEST_CODE, window, now))),
        next_at=next_at,
        next_why=why,
        next_method=next_method(snap, max(now, next_at or now), policy),
    )


def _next(snap: Snapshot, now: datetime, policy: Policy) -> tuple[datetime | None, str]:
    """Return when the next code may be asked for, and what stands against it until then."""
    if snap.row.state not in CODE_STATES:
        return None, "no code is needed"
    found = (
        retry_wait(snap, Operation.REQUEST_CODE, now),
        retry_wait(snap, Operation.VERIFY_CODE, now),
        block_wait(snap, Operation.VERIFY_CODE, now),
        budget_wait(snap, Operation.REQUEST_CODE, policy, now),
    )
    waits = [
        (lapses_at(snap, policy), _ON_ITS_WAY),
        (volume_until(snap.attempts, policy), _VOLUME),
        *((wait.until, _words(wait.reason)) for wait in found if wait is not None),
    ]
    ahead = [(at, why) for at, why in waits if at is not None and at > now]
    return max(ahead) if ahead else (None, "")


def _words(reason: Reason) -> str:
    if reason is Reason.THROTTLED:
        return "Meta named a wait for codes of this number"
    if reason is Reason.BUDGET:
        return "the codes of 72 hours are used up"
    return MEANINGS[reason].text


def _attempts(snap: Snapshot, now: datetime, policy: Policy) -> Iterator[CodeAttempt]:
    calls = sorted(snap.attempts.made, key=lambda op: op.intent_at)
    asked = [op for op in calls if op.name is Operation.REQUEST_CODE]
    _, window = policy.windows[Operation.REQUEST_CODE]
    for place, call in enumerate(asked):
        until = asked[place + 1].intent_at if place + 1 < len(asked) else None
        failure = call.outcome.failure if call.outcome else None
        is_out = until is None and _is_out(snap, now, policy)
        yield CodeAttempt(
            asked_at=call.intent_at,
            method=call.code_method,
            result=_result(call, _given(call, until, calls), is_out=is_out),
            counts=call.status is not OperationStatus.UNSENT and call.intent_at > now - window,
            onboarding_id=call.onboarding_id,
            cycle=call.cycle,
            code=failure.code if failure else None,
            subcode=failure.subcode if failure else None,
            fbtrace_id=call.outcome.fbtrace_id if call.outcome else None,
        )


def _given(
    call: JournaledOperation, until: datetime | None, calls: Sequence[JournaledOperation]
) -> list[JournaledOperation]:
    """Return the calls that gave this code back, or what was taken for it."""
    return [
        op
        for op in calls
        if op.name is Operation.VERIFY_CODE
        and op.onboarding_id == call.onboarding_id
        and op.intent_at >= call.intent_at
        and (until is None or op.intent_at < until)
    ]


def _is_out(snap: Snapshot, now: datetime, policy: Policy) -> bool:
    """Whether the last code may still be on its way."""
    lapses = lapses_at(snap, policy)
    return lapses is not None and now < lapses


def _result(call: JournaledOperation, given: Sequence[JournaledOperation], *, is_out: bool) -> str:
    """Return in words what came of a request for a code."""
    if call.status is OperationStatus.REFUSED:
        failure = call.outcome.failure if call.outcome else None
        return f"refused: {failure.message}" if failure else "refused"
    if call.status is not OperationStatus.SUCCEEDED:
        return _PLAIN[call.status]
    sent = "sent" if call.resolved_by in (None, "response") else "counts as sent"
    return f"{sent}; {_came_back(given, is_out=is_out)}"


def _came_back(given: Sequence[JournaledOperation], *, is_out: bool) -> str:
    if any(op.status is OperationStatus.SUCCEEDED for op in given):
        return "the code was accepted"
    if wrong := sum(op.status is OperationStatus.REFUSED for op in given):
        return f"{wrong} wrong {'code was' if wrong == 1 else 'codes were'} given"
    if given:
        return "a code was given, and its effect is not known"
    return "waiting for the code" if is_out else "no code was given"
