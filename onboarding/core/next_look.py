"""When the engine looks at an onboarding next by itself, and what it does then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from onboarding.core.policy import Policy
from onboarding.core.reasons import AT_REST, ENDED_BY_LIST, THEN
from onboarding.model import Account, DeadlineReason, Onboarding, Reason

#: Waits that only a person ends, in which the list is read now and then all the same.
_IDLE = frozenset(
    {
        Reason.CODE_READY,
        Reason.HELD,
        Reason.REFUSED,
        Reason.STUCK,
        Reason.PIN,
        Reason.RETRY,
        Reason.BATCH_PAUSED,
    }
)

#: What is told of a call or a look that is going on.
IN_HAND = "a worker has it in hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class NextLook:
    """The engine's next look at an onboarding.

    Attributes:
        at: when; an instant that has passed means as soon as a worker runs.
        why: what happens then, in words.
    """

    at: datetime
    why: str


def next_look(row: Onboarding, account: Account, policy: Policy) -> NextLook | None:
    """Return when the engine looks next; ``None`` if only an event helps: it rests, or waits."""
    return next(iter(looks(row, account, policy)), None)


def looks(row: Onboarding, account: Account, policy: Policy) -> list[NextLook]:
    """Return the looks that are set: by the row's own wake-up, and by a read of the list."""
    if row.waiting in AT_REST:
        return []
    found = (_own(row, policy), _by_list(row, account, policy))
    return sorted((each for each in found if each), key=lambda look: look.at)


def _own(row: Onboarding, policy: Policy) -> NextLook | None:
    if row.next_due_at is None:
        return None
    if row.lease_owner is not None:
        return NextLook(at=row.next_due_at, why=IN_HAND)
    return NextLook(at=row.next_due_at, why=_then(row, row.next_due_at, policy))


def _then(row: Onboarding, at: datetime, policy: Policy) -> str:
    is_window = row.register_by_reason not in (None, DeadlineReason.POLICY)
    if is_window and at == row.register_by:
        return THEN[Reason.DEADLINE_CHECK]
    if row.waiting is not Reason.NAME_IN_REVIEW:
        return THEN[row.waiting]
    if at == row.retry_at:
        return THEN[Reason.RETRY]
    if row.register_by is not None and at == row.register_by - policy.early_registration:
        return "registration is tried, although the review still runs"
    return "the partner is asked for a name, if Meta shows none by then"


def _by_list(row: Onboarding, account: Account, policy: Policy) -> NextLook | None:
    """Return the next read of the WABA's list, where it may tell something."""
    if row.waiting not in ENDED_BY_LIST | _IDLE or account.hold is not None:
        return None
    at = account.observe_due_at
    if at is None:
        return None
    if account.listed_at is not None:
        at = max(at, account.listed_at + policy.list_interval)
    return NextLook(at=at, why=THEN[row.waiting])
