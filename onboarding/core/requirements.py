"""Whose turn it is: what is required for an onboarding to go on, from whom, and how it is given.

Texts, owners and commands are those of ``core/reasons.py``; nothing is said here a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from onboarding.core.approvals import Approval
from onboarding.core.lifecycle import IN_PROGRESS
from onboarding.core.name_desk import asked_of_partner
from onboarding.core.operations import ADDING
from onboarding.core.reasons import AT_REST, MEANINGS, REQUIRED
from onboarding.core.refusals import NO_ROOM
from onboarding.core.resolving import is_parked
from onboarding.model import (
    Account,
    Deadline,
    Failure,
    JournaledOperation,
    Onboarding,
    Owner,
    Reason,
    RecoveryClass,
    State,
    Trouble,
    What,
)

#: Says in a sentence what a failure of a call means; the recovery table knows.
Explain = Callable[[str, Failure], str]

#: Meta's code for a number that it blocked.
_BLOCKED = 133007


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One failure that stands behind a requirement.

    Attributes:
        operation: the call that failed.
        at: when it was made.
        code: Meta's ``error.code``; ``None`` where Meta did not answer.
        subcode: Meta's ``error.error_subcode``.
        message: Meta's text or the transport's, scrubbed.
        meaning: what it means, in a sentence; empty where nobody knows.
        remedy: what mends it, in a sentence.
        fbtrace_id: what Meta's support asks for.
    """

    operation: str
    at: datetime
    code: int | None
    subcode: int | None
    message: str
    meaning: str
    remedy: str
    fbtrace_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What is required for an onboarding to go on.

    Attributes:
        what: the thing that is required.
        reason: why nothing happens without it.
        from_whom: who gives it; the first requirement of an onboarding says whose turn it is.
        since: when it came to be required.
        due_by: when the number must be registered; ``None`` where no deadline runs.
        anchor: what that deadline is counted from; ``None`` where no deadline runs.
        why: the reason in words.
        how: the exact command or act; empty for Meta and the engine.
        errors: the failures behind it.
    """

    what: What
    reason: Reason
    from_whom: Owner
    since: datetime
    due_by: datetime | None = None
    anchor: str | None = None
    why: str
    how: str = ""
    errors: tuple[Problem, ...] = ()

    @property
    def is_for_people(self) -> bool:
        """Whether a person has to act."""
        return self.from_whom in (Owner.HOLDER, Owner.PARTNER, Owner.OPERATOR)


def _unexplained(operation: str, failure: Failure) -> str:
    del operation, failure
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that whose turn it is depends on.

    Attributes:
        row: the onboarding, with what was last seen of its number.
        account: its account.
        operations: its calls that are open, or lost so that it is held for them.
        deadlines: its deadlines.
        approvals: what was asked for and waits for a second person.
        now: business time.
        explain: what a failure means.
    """

    row: Onboarding
    account: Account
    operations: tuple[JournaledOperation, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    approvals: tuple[Approval, ...] = ()
    now: datetime
    explain: Explain = field(default=_unexplained)

    @property
    def deadline(self) -> Deadline | None:
        """The deadline that runs, if one does."""
        if self.row.state not in IN_PROGRESS or self.row.register_by is None:
            return None
        wanted = self.row.cycle, self.row.register_by_reason
        return next((d for d in self.deadlines if (d.cycle, d.reason) == wanted), None)

    @property
    def anchor(self) -> str | None:
        """What the deadline that runs is counted from, if one does."""
        deadline = self.deadline
        return f"{deadline.reason}: {deadline.anchor_source}" if deadline else None

    @property
    def due_by(self) -> datetime | None:
        """When the number must be registered, if a deadline runs."""
        return self.row.register_by if self.row.state in IN_PROGRESS else None


def requirements(known: Known) -> tuple[Requirement, ...]:
    """Return what is required, first what everything else waits for.

    Once a number rests, nothing is required but that a second person agrees to what was asked
    for. A step that is due, and so can be taken by the engine alone, is never asked of a person.
    """
    return tuple(_required(known))


def _required(known: Known) -> Iterator[Requirement]:
    """Yield what everything waits for, then what a second person has to agree to."""
    yield from _to_go_on(known)
    for asked in known.approvals:
        yield Requirement(
            what=What.APPROVAL,
            reason=known.row.waiting,
            from_whom=Owner.OPERATOR,
            since=asked.asked_at,
            due_by=known.due_by,
            anchor=known.anchor,
            why=asked.why,
            how=asked.how,
        )


def _to_go_on(known: Known) -> Iterator[Requirement]:
    row = known.row
    if row.waiting in AT_REST:
        return
    blocked = known.account.hold is not None and (
        row.state in IN_PROGRESS or row.waiting in (Reason.SETTLING, Reason.ACCOUNT_HELD)
    )
    if blocked and (row.hold is None or row.waiting is Reason.ACCOUNT_HELD):
        yield _of_account(known)
        yield from _behind_account(known)
        return
    yield _of_row(known)
    if blocked:
        yield _of_account(known)


def _behind_account(known: Known) -> Iterator[Requirement]:
    """Yield what people can give although the account is held."""
    row = known.row
    reason: Reason | None = row.waiting
    if reason is Reason.ACCOUNT_HELD:
        reason = asked_of_partner(row) if row.state is State.NAME_REVIEW else None
    elif not _is_for_people(row.waiting) or is_overdue(row, known.now):
        reason = None
    if reason is not None:
        since = row.waiting_since if reason is row.waiting else row.state_since
        yield _requirement(known, REQUIRED[reason], reason, since=since)


def _is_for_people(reason: Reason) -> bool:
    return MEANINGS[reason].owner not in (Owner.ENGINE, Owner.META)


def is_overdue(row: Onboarding, now: datetime) -> bool:
    """Whether the engine is to act before anybody else can: its own wake-up has come."""
    return row.next_due_at is not None and row.next_due_at <= now


def _of_row(known: Known) -> Requirement:
    row = known.row
    reason = Reason.DUE if is_overdue(row, known.now) else row.waiting
    lost = next((op for op in known.operations if is_parked(row, op)), None)
    how = f"onboarding op show {lost.id}   (says what each answer means)" if lost else None
    return _requirement(
        known,
        What.OPERATION if lost else _what(row, reason),
        reason,
        since=_since(row, reason),
        text=row.hold_text if row.hold is reason else None,
        how=how,
        trouble=row.trouble,
    )


def _since(row: Onboarding, reason: Reason) -> datetime:
    if reason is not row.waiting:
        return row.next_due_at or row.waiting_since
    return row.hold_since or row.waiting_since if row.hold is reason else row.waiting_since


def _what(row: Onboarding, reason: Reason) -> What:
    """Return what a reason requires; behind some refusals more than a word stands."""
    failure = row.trouble.failure if row.trouble else None
    if reason is not Reason.REFUSED or failure is None or row.trouble is None:
        return REQUIRED[reason]
    is_create = row.trouble.operation in ADDING
    if is_create and NO_ROOM in failure.message.casefold():
        return What.SLOT
    return What.SUPPORT if failure.code == _BLOCKED else REQUIRED[reason]


def _of_account(known: Known) -> Requirement:
    account = known.account
    failure = account.trouble.failure if account.trouble else None
    needs_access = failure is not None and failure.recovery is not RecoveryClass.REAUTH
    return _requirement(
        known,
        What.ACCESS if needs_access else REQUIRED[Reason.ACCOUNT_HELD],
        Reason.ACCOUNT_HELD,
        since=account.hold_since or known.row.waiting_since,
        text=account.hold_text,
        trouble=account.trouble or known.row.trouble,
    )


def _requirement(
    known: Known,
    what: What,
    reason: Reason,
    *,
    since: datetime,
    text: str | None = None,
    how: str | None = None,
    trouble: Trouble | None = None,
) -> Requirement:
    row, meaning = known.row, MEANINGS[reason]
    return Requirement(
        what=what,
        reason=reason,
        from_whom=meaning.owner,
        since=since,
        due_by=known.due_by,
        anchor=known.anchor,
        why=f"{meaning.text}: {text}" if text else meaning.text,
        how=how or meaning.remedy.format(id=row.id, waba_id=row.waba_id),
        errors=(problem(trouble, known.explain),) if trouble else (),
    )


def problem(trouble: Trouble, explain: Explain = _unexplained) -> Problem:
    """Return a failure as people are told of it."""
    failure = trouble.failure
    return Problem(
        operation=trouble.operation,
        at=trouble.at,
        code=failure.code,
        subcode=failure.subcode,
        message=failure.message,
        meaning=explain(trouble.operation, failure),
        remedy=failure.remedy,
        fbtrace_id=failure.fbtrace_id,
    )
