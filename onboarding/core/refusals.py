"""What follows from a call that Meta refused, or that never left.

Some refusals have a meaning of their own for one operation; for all others the recovery class
decides. A refusal of a kind that waiting does not mend always ends with a person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from onboarding.core.code_cool_downs import volume_wait
from onboarding.core.code_desk import REVERIFY, lost_proof
from onboarding.core.creation import is_wrong_form, times_refused_for_form
from onboarding.core.effects import code_spent, deregister_accepted
from onboarding.core.lifecycle import FINAL, Trigger
from onboarding.core.policy import Policy
from onboarding.core.seen import is_verified, name_standing, shown
from onboarding.core.slots import is_full
from onboarding.core.steps import Attempts, Move
from onboarding.core.timing import DAY, HOUR, MINUTE, backoff, in_time, jitter
from onboarding.core.waits import METAS_WAITS, failures_in_a_row, hold_step
from onboarding.model import (
    Effect,
    Entry,
    Failure,
    JournaledOperation,
    Onboarding,
    Operation,
    Outcome,
    Reason,
    RecoveryClass,
    State,
    Trouble,
)

#: Codes of Meta that have a meaning of their own for one operation.
PIN_MISMATCH = 133005
PINS_LOCKED = 133008
WRONG_CERTIFICATE = 131045
UNFINISHED_DEREGISTER = 133000
CODE_WRONG = 136025
INVALID_PARAMETER = 100
CANNOT_CREATE_CERTIFICATE = 2388001
CANNOT_MIGRATE = 2388103

#: How Meta's developer text names a full account.
NO_ROOM = "maximum number of phone numbers"

#: Codes that say that a call's object is gone, or is not to be seen.
_GONE = (33, 803)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refused or unsent call, with all that its meaning depends on."""

    row: Onboarding
    operation: JournaledOperation
    failure: Failure
    attempts: Attempts
    now: datetime
    policy: Policy

    @property
    def tries(self) -> int:
        """How many failures of this kind came one after another, this one included."""
        return failures_in_a_row(self.row, self.operation, self.failure)

    @property
    def is_repeat(self) -> bool:
        """Whether the failure before it, with no success since, was the very same."""
        last = self.row.trouble
        now = self.operation.name, self.failure.code
        return last is not None and (last.operation, last.failure.code) == now

    @property
    def told(self) -> timedelta:
        """The wait that Meta or the recovery table names; zero if neither does."""
        return timedelta(seconds=self.failure.wait_s or 0)

    @property
    def text(self) -> str:
        """The refusal in words."""
        return f"{self.operation.name}: {self.failure.message}"


def apply_refusal(case: Refusal) -> Move:
    """Return the step that a refusal leads to."""
    if case.failure.code in _GONE:
        # Whether a number exists is the list's to say, not that of one call.
        case = replace(case, failure=replace(case.failure, recovery=RecoveryClass.RECONCILE))
    is_unsent = case.failure.effect is Effect.UNSENT
    note = "call_unsent" if is_unsent else "call_refused"
    is_dead = case.failure.recovery is RecoveryClass.REAUTH  # even the client may see that
    if case.row.state in FINAL:
        hold = case.failure.message if is_dead else None
        return Move(note=note, reason=case.text, operation=case.operation, account_hold=hold)
    if is_unsent and not is_dead:
        return _again(case, backoff(case.tries, case.policy.transient))
    special = _SPECIAL.get(case.operation.name)
    return (special and special(case)) or _by_class(case)


def _troubled(case: Refusal, wait: timedelta | None) -> dict[str, Any]:
    """Return the changes that remember a failure and when to try the operation again."""
    name = case.operation.name
    return {
        "tries": case.tries,
        "retry_at": _retry_at(case, wait) if wait else None,
        "retry_operation": name,
        "trouble": Trouble(
            operation=name.value,
            at=case.operation.intent_at,
            failure=case.failure,
            name_standing=name_standing(case.row),
        ),
    }


def _retry_at(case: Refusal, wait: timedelta) -> datetime:
    """Return when to try again: spread, and in time for the deadline, but after Meta's own wait."""
    spread = jitter(case.row.id, min(wait, 10 * MINUTE) / 10)
    by_class = HOUR if case.failure.recovery in METAS_WAITS else timedelta()
    own = max(case.told or by_class, min(wait, MINUTE))
    return in_time(
        case.now + wait + spread,
        case.row.register_by,
        case.policy.last_try,
        not_before=case.now + own + spread,
    )


def _again(
    case: Refusal, wait: timedelta | None = None, changes: Mapping[str, Any] | None = None
) -> Move:
    """Try again after the wait, or as soon as the rules allow it."""
    return Move(
        note="call_unsent" if case.failure.effect is Effect.UNSENT else "call_refused",
        reason=case.text,
        changes={**_troubled(case, wait), **(changes or {})},
        operation=case.operation,
    )


def _parked(case: Refusal, reason: Reason = Reason.REFUSED) -> Move:
    step = hold_step(reason, case.text, case.now)
    changes = {**_troubled(case, None), **step.changes}
    return Move(note=step.note, reason=step.reason, changes=changes, operation=case.operation)


def _by_class(case: Refusal) -> Move:
    is_registered = case.row.state is State.REGISTERED or case.row.renaming
    match case.failure.recovery:
        case RecoveryClass.TRANSIENT if case.tries < case.policy.transient_tries:
            return _again(case, max(case.told, backoff(case.tries, case.policy.transient)))
        case RecoveryClass.WAIT:
            return _again(case, _growing(case))
        case RecoveryClass.THROTTLE_APP | RecoveryClass.THROTTLE_WABA:
            return _again(case, case.told or HOUR)
        case RecoveryClass.REAUTH:
            return Move(
                note="call_unsent" if case.failure.effect is Effect.UNSENT else "call_refused",
                reason=case.text,
                changes=_troubled(case, None),
                operation=case.operation,
                account_hold=case.failure.message,
            )
        case RecoveryClass.PERMANENT if not is_registered:
            return Move(
                trigger=Trigger.REFUSED,
                reason=case.text,
                changes=_troubled(case, None),
                operation=case.operation,
            )
        case RecoveryClass.RECONCILE if case.tries == 1:
            return _again(case)  # once the list was read again
        case _:
            return _parked(case)


def _growing(case: Refusal) -> timedelta:
    """Return the wait that was told, doubled with every repeat: each try spends a scarce budget."""
    told = case.told or HOUR
    return max(told, min(told * (1 << min(case.tries - 1, 10)), DAY))


def _create_refused(case: Refusal) -> Move | None:
    """Meta's documents disagree on the form of the number: the other one is tried once."""
    if is_full(case.failure):
        return _again(case)  # once a slot is free
    is_first = times_refused_for_form(case.row, case.attempts) <= 1
    return _again(case) if is_wrong_form(case.failure) and is_first else None


def _migrate_refused(case: Refusal) -> Move | None:
    """One subcode stands for many conditions; which of them is not met, only a person can mend."""
    failure = case.failure
    if failure.code != INVALID_PARAMETER or NO_ROOM in failure.message.casefold():
        return _create_refused(case)
    is_of_a_condition = failure.subcode in (None, CANNOT_MIGRATE, CANNOT_CREATE_CERTIFICATE)
    is_for_people = failure.recovery in (RecoveryClass.HUMAN, RecoveryClass.RECONCILE)
    if is_of_a_condition and is_for_people:
        return _parked(case, Reason.MIGRATION)
    return _create_refused(case)


def _code_refused(case: Refusal) -> Move | None:
    """136024 asks for patience that its text understates; repeats are structural.

    Whoever said that they can read a code is not there any more after hours of it.
    """
    if case.failure.recovery is not RecoveryClass.WAIT:
        return None
    if case.tries > case.policy.code_refused_tries:
        return _parked(case)
    wait = max(case.told, backoff(case.tries, case.policy.code_refused))
    wait = max(wait, volume_wait(case.attempts, case.policy) or wait)
    return _again(case, wait, {"code_ready": False} if wait > HOUR else None)


def _verify_refused(case: Refusal) -> Move | None:
    """A wrong code is never sent again; the holder may have mistyped the one that is out."""
    code, recovery = case.failure.code, case.failure.recovery
    is_wrong = code == CODE_WRONG or (code == INVALID_PARAMETER and recovery is RecoveryClass.HUMAN)
    if not is_wrong:
        return None
    spent = code_spent(case.row, case.operation)
    return _again(case, changes={**spent, "code_tries": case.row.code_tries + 1})


def _register_refused(case: Refusal) -> Move | None:
    if special := _SPECIAL_CODES.get(case.failure.code or 0):
        return special(case)
    if case.failure.subcode == CANNOT_CREATE_CERTIFICATE:
        return _must_reverify(case) if _is_unproven(case.row) else _certificate_refused(case)
    return None


def _must_reverify(case: Refusal) -> Move:
    return Move(
        trigger=Trigger.OWNERSHIP_LOST,
        reason=case.text,
        changes={**_troubled(case, None), **lost_proof(case.row)},
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
        return _parked(case, Reason.PIN)
    changes = {"pin_mismatches": 1, "retry_operation": Operation.SET_PIN}
    return _again(case, changes=changes)


def _pins_locked(case: Refusal) -> Move | None:
    """133008: too many wrong PINs. The wait that it names is waited out once, no more."""
    return _parked(case, Reason.PIN) if case.is_repeat else None


def _certificate_wrong(case: Refusal) -> Move | None:
    """131045 is mended by registering once more, or not at all."""
    return None if case.is_repeat else _again(case, backoff(1, case.policy.certificate))


def _must_deregister(case: Refusal) -> Move:
    """133000: deregister again, then register; both are counted, so twice and not for ever.

    A number that is in use is never taken off by us: that its new name waits does no harm.
    """
    if case.row.renaming:
        return _parked(case)
    since = case.now - case.policy.attempt_window
    answers = [
        op.outcome
        for op in case.attempts.of(case.row, Operation.DEREGISTER)
        if op.outcome and op.intent_at > since
    ]
    if sum(map(_is_deregistered, answers)) >= case.policy.deregisters:
        return _parked(case)
    return _again(case, changes={"retry_operation": Operation.DEREGISTER})


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
        return _parked(case)
    wait = backoff(case.tries, case.policy.certificate)
    if case.row.renaming:
        return _again(case, wait)
    return Move(
        trigger=Trigger.NAME_NOT_USABLE,
        reason=case.text,
        changes=_troubled(case, wait),
        operation=case.operation,
    )


def _deregister_refused(case: Refusal) -> Move | None:
    """A number that is not registered need not be deregistered.

    Of one that is to leave, the list says whether it has: no refusal is taken for that.
    """
    if case.failure.recovery is not RecoveryClass.RECONCILE or case.row.offboard_at is not None:
        return None
    return Move(
        note="deregister_accepted",
        reason=case.text,
        changes=deregister_accepted(),
        operation=case.operation,
    )


def _pin_not_set(case: Refusal) -> Move | None:
    """Where Meta does not let us set the PIN, only its holder can."""
    if case.failure.code == PINS_LOCKED:
        return _pins_locked(case)
    by_person = case.failure.recovery in (RecoveryClass.HUMAN, RecoveryClass.BUG)
    return _parked(case, Reason.PIN) if by_person else None


#: Refusals to register that have a meaning of their own.
_SPECIAL_CODES: dict[int, Callable[[Refusal], Move | None]] = {
    REVERIFY: _must_reverify,
    PIN_MISMATCH: _pin_refused,
    PINS_LOCKED: _pins_locked,
    UNFINISHED_DEREGISTER: _must_deregister,
    WRONG_CERTIFICATE: _certificate_wrong,
}

_SPECIAL: dict[Operation, Callable[[Refusal], Move | None]] = {
    Operation.CREATE_NUMBER: _create_refused,
    Operation.MIGRATE_NUMBER: _migrate_refused,
    Operation.REQUEST_CODE: _code_refused,
    Operation.VERIFY_CODE: _verify_refused,
    Operation.REGISTER: _register_refused,
    Operation.DEREGISTER: _deregister_refused,
    Operation.SET_PIN: _pin_not_set,
}
