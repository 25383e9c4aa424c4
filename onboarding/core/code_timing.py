"""When the next one-time code may be asked for, how it goes out, and when somebody reads it.

A code counts from two instants. For not asking again, from the latest at which Meta may have sent
it: a call leaves up to ``send_within`` after its intent and takes up to ``call_timeout``. For
sending a given code, from the earliest, which is the intent.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from onboarding.core.code_choice import takes_calls
from onboarding.core.code_windows import parse_window
from onboarding.core.policy import Policy
from onboarding.core.quiet_hours import next_daytime
from onboarding.core.steps import Snapshot
from onboarding.core.timing import backoff, in_time
from onboarding.model import (
    CodeMethod,
    Effect,
    JournaledOperation,
    Operation,
    OperationStatus,
)

#: How a request_code stands that had no code sent.
SENT_NONE = (OperationStatus.UNSENT, OperationStatus.REFUSED, OperationStatus.ABSENT)


#: Calls that ask for a code; a number of the pool was asked for one under its temporary id.
ASKS_FOR_CODE = (Operation.REQUEST_CODE, Operation.REQUEST_PREVERIFIED_CODE)


def lapses_at(snap: Snapshot, policy: Policy) -> datetime | None:
    """Return until when the last code counts as on its way, whatever onboarding asked for it.

    A call that nobody has settled yet, as its onboarding is over, may have had one sent.
    """
    calls = [
        op for op in snap.attempts.made if op.name in ASKS_FOR_CODE and op.status not in SENT_NONE
    ]
    sent = [_sent_by(op, policy) for op in calls]
    row = snap.row
    if row.code_sent_at is not None and row.code_sent_at not in {op.intent_at for op in calls}:
        sent.append(row.code_sent_at + _on_its_way(policy))
    if snap.restore is not None:
        sent.append(snap.restore.at + _on_its_way(policy))  # one may have been asked for before
    return max(sent) + policy.code_validity if sent else None


def _on_its_way(policy: Policy) -> timedelta:
    return policy.send_within + policy.call_timeout


def _sent_by(call: JournaledOperation, policy: Policy) -> datetime:
    """Return the latest instant at which Meta may have sent the code of a call."""
    bound = call.intent_at + _on_its_way(policy)
    is_answered = call.outcome is not None and call.outcome.effect is Effect.DONE
    return min(bound, call.outcome_at) if is_answered and call.outcome_at else bound


def next_method(snap: Snapshot, now: datetime, policy: Policy) -> CodeMethod:
    """Return how the next code goes out: by voice where those by SMS did not arrive."""
    by_voice_from = _by_voice_from(snap, policy)
    if by_voice_from is not None and by_voice_from <= now:
        return CodeMethod.VOICE
    return snap.row.code_method


def _by_voice_from(snap: Snapshot, policy: Policy) -> datetime | None:
    """Return from when codes go by voice instead of SMS; ``None`` if they do not.

    A code that was handed in, right or wrong, shows that the SMS arrive.
    """
    row = snap.row
    if policy.code_fallback is None or row.code_method is not CodeMethod.SMS:
        return None
    if not row.code_sends or row.code_sent_at is None:
        return None
    if not snap.intake_takes_calls or not takes_calls(row.phone_number):
        return None
    unread = _unread(snap)
    first = unread[0].intent_at if unread else row.code_sent_at
    if row.code_given_at is not None and row.code_given_at >= first:
        return None
    return first + max(policy.code_fallback, policy.code_validity)


def _unread(snap: Snapshot) -> list[JournaledOperation]:
    """Return the calls whose codes went unread one after another, the last ones."""
    calls = snap.attempts.of(snap.row, Operation.REQUEST_CODE)
    sent = sorted((op for op in calls if op.status not in SENT_NONE), key=lambda op: op.intent_at)
    return sent[-snap.row.code_sends :]


def readable_from(snap: Snapshot, now: datetime, policy: Policy) -> datetime | None:
    """Return from when somebody will read a code; ``None`` if nobody is known to."""
    row = snap.row
    if row.code_ready:
        return now
    if row.code_sends >= policy.code_sends or row.code_tries >= policy.code_tries:
        return None  # codes go unread or come back wrong: a person must look first
    return _read_by_holder(snap, max(now, _again_from(snap, policy) or now), policy)


def _again_from(snap: Snapshot, policy: Policy) -> datetime | None:
    """Return when another code is worth a try, after some that went unread."""
    row = snap.row
    if not row.code_sends or row.code_sent_at is None or snap.forced:
        return None
    rested = row.code_sent_at + backoff(row.code_sends, policy.code_resend)
    lapsed = row.code_sent_at + policy.code_validity
    gap = in_time(rested, row.register_by, policy.last_try, not_before=lapsed)
    if any(op.code_method is CodeMethod.VOICE for op in _unread(snap)):
        return gap
    return _by_voice_from(snap, policy) or gap  # another way need not wait as the same one must


def _read_by_holder(snap: Snapshot, at: datetime, policy: Policy) -> datetime | None:
    """Return the first instant from ``at`` on that is in the holder's hours."""
    row = snap.row
    if snap.intake_at_any_hour:
        return at
    if row.code_window is not None:
        opens = parse_window(row.code_window).next_open(at)
        if opens is not None or not snap.intake_answers:
            return opens
    if not snap.intake_answers:
        return None
    if policy.quiet_hours is None:
        return at
    return next_daytime(policy.quiet_hours, row.phone_number, at)
