"""Reading other people's JSON without trusting its types; nothing here raises.

``None`` always means: not told, or not readable.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime

_YES = frozenset({"true", "1", "yes"})
_NO = frozenset({"false", "0", "no"})
_NUMERIC = re.compile(r"-?[0-9]{1,17}(\.[0-9]{1,9})?")
_MAX_INT = 10**18
_MILLISECONDS_FROM = 100_000_000_000  # as seconds that would be the year 5138


def parse_json(content: bytes) -> object | None:
    """Return the decoded document; ``None`` for anything that is not JSON."""
    try:
        return json.loads(content)  # type: ignore[no-any-return]  # narrowed by every reader
    except (ValueError, RecursionError):
        return None


def as_mapping(value: object) -> Mapping[str, object]:
    """Return a JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}


def as_text(value: object) -> str | None:
    """Return a non-empty string without outer blanks; numbers become their digits.

    What no database and no UTF-8 can hold (NUL, lone surrogates) is replaced.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value) if abs(value) < _MAX_INT else None
    if not isinstance(value, str):
        return None
    clean = value.encode("utf-8", "replace").decode("utf-8").replace("\x00", "?")
    return clean.strip() or None


def as_int(value: object) -> int | None:
    """Return an integer given as a number or as digits."""
    number = as_number(value)
    return int(number) if number is not None and number == int(number) else None


def as_number(value: object) -> float | None:
    """Return a finite number given as a number or as digits."""
    if isinstance(value, str) and _NUMERIC.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int):
        return value if abs(value) < _MAX_INT else None
    return value if math.isfinite(value) else None


def as_bool(value: object) -> bool | None:
    """Return a boolean given as such, as ``"true"``/``"false"`` or as 1/0."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, int | str) else ""
    if word in _YES:
        return True
    return False if word in _NO else None


def as_instant(value: object) -> datetime | None:
    """Return an aware UTC instant from ISO 8601 or from Unix seconds (or milliseconds)."""
    number = as_number(value)
    try:
        if number is not None:
            seconds = number / 1000 if abs(number) >= _MILLISECONDS_FROM else number
            return datetime.fromtimestamp(seconds, UTC)
        if isinstance(value, str):
            instant = datetime.fromisoformat(value.strip())
            aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
            return aware.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
