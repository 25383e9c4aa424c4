"""What may be written down: tokens, PINs and codes are taken out of anything that is logged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "[hidden]"

#: Names whose values are never written down, whatever they hold.
SECRET_NAMES = re.compile(
    r"token|pin$|^code$|secret|password|authorization|appsecret_proof|sealed", re.IGNORECASE
)

#: Tokens of Meta, and bearer headers, wherever they turn up in a text.
_SECRET_TEXT = re.compile(r"\bEAA[A-Za-z0-9]{8,}|(?i:bearer)\s+\S+|(?i:access_token=)[^&\s]+")


def redact_text(text: str) -> str:
    """Return the text with everything that looks like a token hidden."""
    return _SECRET_TEXT.sub(HIDDEN, text)


def redact(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with secret ones hidden, by name and by look."""
    return {
        name: HIDDEN
        if SECRET_NAMES.search(name) and value is not None
        else redact_text(value)
        if isinstance(value, str)
        else value
        for name, value in fields.items()
    }
