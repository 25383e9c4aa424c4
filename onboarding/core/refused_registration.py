"""What it means that Meta refuses to register a number, or to set the PIN that it takes."""

from __future__ import annotations

from collections.abc import Callable

from onboarding.core.code_desk import REVERIFY, lost_proof
from onboarding.core.lifecycle import Trigger
from onboarding.core.refusal import Refusal, again, parked, troubled
from onboarding.core.seen import is_verified, shown
from onboarding.core.steps import Move
from onboarding.core.timing import backoff
from onboarding.model import (
    Entry,
    Onboarding,
    Operation,
    Outcome,
    Reason,
    RecoveryClass,
)

#: Codes of Meta that have a meaning of their own for these calls.
PIN_MISMATCH = 133005
PINS_LOCKED = 133008
WRONG_CERTIFICATE = 131045
UNFINISHED_DEREGISTER = 133000
#: And a subcode.
CANNOT_CREATE_CERTIFICATE = 2388001


def register_refused(case: Refusal) -> Move | None:
    """Return what follows from a refusal to register that has a meaning of its own."""
    if special := _SPECIAL_CODES.get(case.failure.code or 0):
        return special(case)
    if case.failure.subcode == CANNOT_CREATE_CERTIFICATE:
        return _must_reverify(case) if _is_unproven(case.row) else _certificate_refused(case)
    return None


def _must_reverify(case: Refusal) -> Move:
    return Move(
        trigger=Trigger.OWNERSHIP_LOST,
        reason=case.text,
        changes={**troubled(case, None), **lost_proof(case.row)},
        operation=case.operation,
    )


def _is_unproven(row: Onboarding) -> bool:
    """Whether Meta shows that a number that migrates has not proven its ownership here.

    It refuses to register such a one with the subcode of a name that is not ready.
    """
    return row.entry is Entry.MIGRATION and is_verified(shown(row)) is False


def _pin_refused(case: Refusal) -> Move:
    """One try, one settings call that sets our PIN, then a person: guesses lock the number."""
    if case.row.pin_mismatches > 0:
        return parked(case, Reason.PIN)
    changes = {"pin_mismatches": 1, "retry_operation": Operation.SET_PIN}
    return again(case, changes=changes)


def _pins_locked(case: Refusal) -> Move | None:
    """133008: too many wrong PINs. The wait that it names is waited out once, no more."""
    return parked(case, Reason.PIN) if case.is_repeat else None


def _certificate_wrong(case: Refusal) -> Move | None:
    """131045 is mended by registering once more, or not at all."""
    return None if case.is_repeat else again(case, backoff(1, case.policy.certificate))


def _must_deregister(case: Refusal) -> Move:
    """133000: deregister again, then register; both are counted, so twice and not for ever.

    A number that is in use is never taken off by us: that its new name waits does no harm.
    """
    if case.row.renaming:
        return parked(case)
    since = case.now - case.policy.attempt_window
    answers = [
        op.outcome
        for op in case.attempts.of(case.row, Operation.DEREGISTER)
        if op.outcome and op.intent_at > since
    ]
    if sum(map(_is_deregistered, answers)) >= case.policy.deregisters:
        return parked(case)
    return again(case, changes={"retry_operation": Operation.DEREGISTER})


def _is_deregistered(outcome: Outcome) -> bool:
    """Whether a deregistration was accepted, or not needed."""
    failure = outcome.failure
    return failure is None or failure.recovery is RecoveryClass.RECONCILE


def _certificate_refused(case: Refusal) -> Move:
    """Meta still works on the name (100/2388001): patience first, a person after days of it.

    The last try before the deadline asks nobody: it was made early, and only Meta can help now.
    """
    end = case.row.register_by
    is_last_try = end is not None and end - case.policy.last_try <= case.now < end
    if case.tries > case.policy.certificate_tries and not is_last_try:
        return parked(case)
    wait = backoff(case.tries, case.policy.certificate)
    if case.row.renaming:
        return again(case, wait)
    return Move(
        trigger=Trigger.NAME_NOT_USABLE,
        reason=case.text,
        changes=troubled(case, wait),
        operation=case.operation,
    )


def pin_not_set(case: Refusal) -> Move | None:
    """Where Meta does not let us set the PIN, only its holder can."""
    if case.failure.code == PINS_LOCKED:
        return _pins_locked(case)
    by_person = case.failure.recovery in (RecoveryClass.HUMAN, RecoveryClass.BUG)
    return parked(case, Reason.PIN) if by_person else None


#: Refusals that have a meaning of their own.
_SPECIAL_CODES: dict[int, Callable[[Refusal], Move | None]] = {
    REVERIFY: _must_reverify,
    PIN_MISMATCH: _pin_refused,
    PINS_LOCKED: _pins_locked,
    UNFINISHED_DEREGISTER: _must_deregister,
    WRONG_CERTIFICATE: _certificate_wrong,
}
