"""A call whose effect at Meta is not settled, of an onboarding or of a number of a pool."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.operations import POLICIES, OnSilence
from onboarding.core.pool.model import PoolNumber
from onboarding.core.resolving import Answer
from onboarding.errors import InputError, NotFoundError
from onboarding.model import JournaledOperation, Onboarding, Owner
from onboarding.store import unsettled

_ID = re.compile(r"[0-9]{5,20}")
_SHORTEST_START = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOperation:
    """A call whose effect at Meta is not settled, or that a machine is held for.

    Attributes:
        operation: the call, as it is journaled.
        onboarding: whose call it is; ``None`` for one of a pool.
        pool_number: the number of a pool whose call it is.
        waits_for: what settles it, in words.
        waiting_for: who does: ``engine``, or ``operator`` where a person has to.
        is_resolvable: whether a person's word is taken now.
    """

    operation: JournaledOperation
    onboarding: Onboarding | None = None
    pool_number: PoolNumber | None = None
    waits_for: str
    waiting_for: Owner
    is_resolvable: bool

    @property
    def phone_number(self) -> str:
        """The number that the call was made for."""
        row = self.onboarding or self.pool_number
        return row.phone_number if row else ""


def waits_before_any_read(
    operation: JournaledOperation, now: datetime, *, is_parked: bool
) -> tuple[Owner, str] | None:
    """Return whom and what a call waits for; ``None`` if for what a read at Meta shows."""
    if is_parked:
        return Owner.OPERATOR, "a person: it was lost more than once"
    if not operation.is_open:
        return Owner.ENGINE, "nothing: it is settled"
    if now < operation.settle_at:
        return Owner.ENGINE, f"the end of its settle time, {operation.settle_at:%H:%M:%S} UTC"
    if POLICIES[operation.name].on_silence is not OnSilence.PROBE:
        return Owner.ENGINE, "the next pass of a worker"
    return None


def require_id(operation: JournaledOperation, its: str | None, given: str) -> None:
    """Take an id at Meta only if it is one, and that of the call where that is known.

    Raises:
        InputError: it is not.
    """
    if not _ID.fullmatch(given):
        raise InputError(
            f"'{given}' is not a phone number id",
            field="found",
            hint="digits, as in the number's settings in WhatsApp Manager",
        )
    if its is not None and its != given:
        raise InputError(
            f"{operation.name} was made for the number id {its}", field="found", hint=f"give {its}"
        )


def find_started(conn: Connection, reference: str) -> JournaledOperation:
    """Return the call with this id, or the only one whose id starts like this.

    Raises:
        NotFoundError: there is none, more than one, or it is of no number.
    """
    started = unsettled.load_by_start(conn, reference, limit=2)
    is_exact = bool(started) and started[0].id == reference
    if not is_exact and (len(started) != 1 or len(reference) < _SHORTEST_START):
        several = "more than one operation starts with" if started else "there is no operation"
        raise NotFoundError(f"{several} '{reference}'", hint="see: onboarding op list")
    if started[0].onboarding_id is None and started[0].pool_number_id is None:
        raise NotFoundError(
            f"{started[0].name} is a call of no number; the next check settles it",
            hint=f"onboarding account check {started[0].waba_id}",
        )
    return started[0]


def answer_of(*, found: str | None, absent: bool, abandon: bool) -> Answer:
    """Return the one answer that was given.

    Raises:
        InputError: none, or more than one.
    """
    given = [
        answer
        for answer, is_given in (
            (Answer.FOUND, found is not None),
            (Answer.ABSENT, absent),
            (Answer.ABANDON, abandon),
        )
        if is_given
    ]
    if len(given) != 1:
        raise InputError(
            "one answer is needed: found, absent or abandon", hint="see: onboarding op show ID"
        )
    return given[0]


def require_reason(reason: str) -> None:
    """Require that a person says why.

    Raises:
        InputError: they do not.
    """
    if not reason.strip():
        raise InputError("a reason is needed", field="reason", hint='--reason "seen in ..."')
