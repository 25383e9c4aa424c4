"""How long no code is asked for after Meta said that too many were (136024/2388367).

The recovery table knows the first wait, of a day. A second such answer of the same number, with
no code sent in between, means that the count at Meta did not run out: three days then.

Source: Meta's rules, registration and code family.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from onboarding.core.policy import Policy
from onboarding.core.steps import Attempts
from onboarding.model import JournaledOperation, Operation, OperationStatus

#: Meta's subcode for "codes were requested too many times".
TOO_MANY_CODES = 2388367


def volume_wait(attempts: Attempts, policy: Policy) -> timedelta | None:
    """Return how long a repeated volume limit is waited out; ``None`` if it was not repeated."""
    return policy.code_volume_repeated if len(_in_a_row(attempts)) > 1 else None


def volume_until(attempts: Attempts, policy: Policy) -> datetime | None:
    """Return until when a repeated volume limit of the number holds, whoever ran into it."""
    refused = _in_a_row(attempts)
    wait = volume_wait(attempts, policy)
    return (refused[-1].outcome_at or refused[-1].intent_at) + wait if wait else None


def _in_a_row(attempts: Attempts) -> list[JournaledOperation]:
    """Return the refusals for volume since the last code that Meta sent, oldest first."""
    calls = [op for op in attempts.made if op.name is Operation.REQUEST_CODE]
    calls.sort(key=lambda op: op.intent_at)
    sent = [n for n, op in enumerate(calls) if op.status is OperationStatus.SUCCEEDED]
    return [op for op in calls[sent[-1] + 1 if sent else 0 :] if _is_volume(op)]


def _is_volume(call: JournaledOperation) -> bool:
    failure = call.outcome.failure if call.outcome else None
    return (
        call.status is OperationStatus.REFUSED
        and failure is not None
        and failure.subcode == TOO_MANY_CODES
    )
