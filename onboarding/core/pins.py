"""The PIN of two-step verification."""

from __future__ import annotations

import re
from collections.abc import Iterable

from onboarding.core.steps import Move
from onboarding.core.waits import NO_HOLD, NO_TROUBLE
from onboarding.errors import ConflictError, InputError
from onboarding.model import JournaledOperation, Onboarding, Operation, Reason

#: Calls that carry the PIN.
TAKES_PIN = (Operation.REGISTER, Operation.SET_PIN)

_PIN = re.compile(r"[0-9]{6}")


def parse_pin(text: str) -> str:
    """Return a PIN as Meta takes it: six digits of ASCII.

    Raises:
        InputError: it is none. The message never repeats the text.
    """
    if not _PIN.fullmatch(text):
        raise InputError("the PIN is not six digits", field="pin", hint="like 012345")
    return text


def pin_given(row: Onboarding, sealed: str, pressing: Iterable[JournaledOperation]) -> Move:
    """Return the step that a PIN given by a person leads to.

    Args:
        row: the onboarding.
        sealed: the PIN.
        pressing: its calls that are open, or whose outcome the row does not show yet. If Meta
            accepted one that carries the PIN, that PIN is the number's, and must not be lost.

    Raises:
        ConflictError: such a call carries the PIN that was given before.
    """
    if carrier := next((call for call in pressing if call.name in TAKES_PIN), None):
        raise ConflictError(
            f"what became of {carrier.name} is not known yet; it carries the PIN given before",
            field="pin",
            hint=f"wait until it is settled, then look again: onboarding show {row.id}",
        )
    changes = {
        "pin_pending_sealed": sealed,
        "pin_mismatches": 0,
        **({**NO_HOLD, **NO_TROUBLE} if row.hold is Reason.PIN else {}),
    }
    return Move(note="pin_given", reason="the number's PIN was given", changes=changes)
