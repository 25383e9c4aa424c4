"""The PIN of two-step verification."""

from __future__ import annotations

import re

from onboarding.errors import InputError

_PIN = re.compile(r"[0-9]{6}")


def parse_pin(text: str) -> str:
    """Return a PIN as Meta takes it: six digits of ASCII.

    Raises:
        InputError: it is none. The message never repeats the text.
    """
    if not _PIN.fullmatch(text):
        raise InputError("the PIN is not six digits", field="pin", hint="like 012345")
    return text
