"""What follows from a call that Meta refused, or that never left.

Some refusals have a meaning of their own for one operation; for all others the recovery class
decides. A refusal of a kind that waiting does not mend always ends with a person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from onboarding.core.code_cool_downs import volume_wait
from onboarding.core.creation import is_wrong_form, times_refused_for_form
from onboarding.core.effects import code_spent, deregister_accepted
from onboarding.core.lifecycle import FINAL, Trigger
from onboarding.core.refusal import Refusal, again, parked, troubled
from onboarding.core.refused_registration import (
    CANNOT_CREATE_CERTIFICATE,
    pin_not_set,
    register_refused,
)
from onboarding.core.slots import is_full
from onboarding.core.steps import Move
from onboarding.core.timing import DAY, HOUR, backoff
from onboarding.model import (
    THROTTLES,
    Effect,
    Operation,
    Reason,
    RecoveryClass,
    State,
)

#: Codes of Meta that have a meaning of their own for one operation.
CODE_WRONG = 136025
INVALID_PARAMETER = 100
CANNOT_MIGRATE = 2388103

#: How Meta's developer text names a full account.
NO_ROOM = "maximum number of phone numbers"

#: Codes that say that a call's object is gone, or is not to be seen.
_GONE = (33, 803)


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
        return again(case, backoff(case.tries, case.policy.transient))
    special = _SPECIAL.get(case.operation.name)
    return (special and special(case)) or _by_class(case)


def _by_class(case: Refusal) -> Move:
    is_registered = case.row.state is State.REGISTERED or case.row.renaming
    match case.failure.recovery:
        case RecoveryClass.TRANSIENT if case.tries < case.policy.transient_tries:
            return again(case, max(case.told, backoff(case.tries, case.policy.transient)))
        case RecoveryClass.WAIT:
            return again(case, _growing(case))
        case _ if case.failure.recovery in THROTTLES:
            return again(case, case.told or HOUR)
        case RecoveryClass.REAUTH:
            return Move(
                note="call_unsent" if case.failure.effect is Effect.UNSENT else "call_refused",
                reason=case.text,
                changes=troubled(case, None),
                operation=case.operation,
                account_hold=case.failure.message,
            )
        case RecoveryClass.PERMANENT if not is_registered:
            return Move(
                trigger=Trigger.REFUSED,
                reason=case.text,
                changes=troubled(case, None),
                operation=case.operation,
            )
        case RecoveryClass.RECONCILE if case.tries == 1:
            return again(case)  # once the list was read again
        case _:
            return parked(case)


def _growing(case: Refusal) -> timedelta:
    """Return the wait that was told, doubled with every repeat: each try spends a scarce budget."""
    told = case.told or HOUR
    return max(told, min(told * (1 << min(case.tries - 1, 10)), DAY))


def _create_refused(case: Refusal) -> Move | None:
    """Meta's documents disagree on the form of the number: the other one is tried once."""
    if is_full(case.failure):
        return again(case)  # once a slot is free
    is_first = times_refused_for_form(case.row, case.attempts) <= 1
    return again(case) if is_wrong_form(case.failure) and is_first else None


def _migrate_refused(case: Refusal) -> Move | None:
    """One subcode stands for many conditions; which of them is not met, only a person can mend."""
    failure = case.failure
    if failure.code != INVALID_PARAMETER or NO_ROOM in failure.message.casefold():
        return _create_refused(case)
    is_of_a_condition = failure.subcode in (None, CANNOT_MIGRATE, CANNOT_CREATE_CERTIFICATE)
    is_for_people = failure.recovery in (RecoveryClass.HUMAN, RecoveryClass.RECONCILE)
    if is_of_a_condition and is_for_people:
        return parked(case, Reason.MIGRATION)
    return _create_refused(case)


def _code_refused(case: Refusal) -> Move | None:
    """136024 asks for patience that its text understates; repeats are structural.

    Whoever said that they can read a code is not there any more after hours of it.
    """
    if case.failure.recovery is not RecoveryClass.WAIT:
        return None
    if case.tries > case.policy.code_refused_tries:
        return parked(case)
    wait = max(case.told, backoff(case.tries, case.policy.code_refused))
    wait = max(wait, volume_wait(case.attempts, case.policy) or wait)
    return again(case, wait, {"code_ready": False} if wait > HOUR else None)


def _verify_refused(case: Refusal) -> Move | None:
    """A wrong code is never sent again; the holder may have mistyped the one that is out."""
    code, recovery = case.failure.code, case.failure.recovery
    is_wrong = code == CODE_WRONG or (code == INVALID_PARAMETER and recovery is RecoveryClass.HUMAN)
    if not is_wrong:
        return None
    spent = code_spent(case.row, case.operation)
    return again(case, changes={**spent, "code_tries": case.row.code_tries + 1})


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


_SPECIAL: dict[Operation, Callable[[Refusal], Move | None]] = {
    Operation.CREATE_NUMBER: _create_refused,
    Operation.MIGRATE_NUMBER: _migrate_refused,
    Operation.REQUEST_CODE: _code_refused,
    Operation.VERIFY_CODE: _verify_refused,
    Operation.REGISTER: register_refused,
    Operation.DEREGISTER: _deregister_refused,
    Operation.SET_PIN: pin_not_set,
}
