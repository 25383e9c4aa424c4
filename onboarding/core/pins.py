"""The PIN of two-step verification."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

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


def carried_pin(row: Onboarding) -> str | None:
    """Return the ciphertext of the PIN that a call for this row carries."""
    return row.pin_pending_sealed or row.pin_sealed


def pin_proven(row: Onboarding, operation: JournaledOperation) -> dict[str, Any]:
    """Return the changes after Meta accepted a register call: the PIN that it carried holds.

    A PIN that was given since the call left was not in it: it stays pending, and the next call
    carries it.
    """
    later = row.register_accepted_at
    if later is not None and operation.intent_at < later:
        return {}  # a later call was accepted, and with it a later PIN
    carried = operation.pin_sealed or carried_pin(row)
    is_pending = carried == row.pin_pending_sealed
    return {"pin_sealed": carried, **({"pin_pending_sealed": None} if is_pending else {})}


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
