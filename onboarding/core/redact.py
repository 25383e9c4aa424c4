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

#: Tokens of Meta, bearer headers, and parameters that hold a secret, wherever they turn up in a
#: text. A code or PIN is six digits: other values of that name are none.
_SECRET_TEXT = re.compile(
    r"""(?-i:EAA)[A-Z0-9]{8,}
    | bearer\s+\S+
    | (?:access_token|input_token|client_secret|app_secret|appsecret_proof)
      ["']?\s*(?:=|:|%3D)\s*["']?[^&\s"',}]+
    | \b(?:pin|code)["']?\s*(?:=|:|%3D)\s*["']?[0-9]{6}(?![0-9])""",
    re.VERBOSE | re.IGNORECASE,
)


def redact_text(text: str) -> str:
    """Return the text with everything that looks like a secret hidden."""
    return _SECRET_TEXT.sub(HIDDEN, text)


def redact(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with secret ones hidden, by name and by look, however deep they are."""
    return {
        redact_text(name): HIDDEN
        if SECRET_NAMES.search(name) and value is not None
        else _redact_value(value)
        for name, value in fields.items()
    }


def _redact_value(value: Any) -> Any:
    match value:
        case str():
            return redact_text(value)
        case BaseException():
            return redact_text(str(value))
        case Mapping():
            return redact({str(name): inner for name, inner in value.items()})
        case list() | tuple() | set() | frozenset():
            return [_redact_value(inner) for inner in value]
        case _:
            return value
