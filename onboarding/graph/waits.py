"""The wait that Meta names in the details of a refusal. Pure.

Meta writes it for people ("wait 2 hours and 30 minutes"), at times as ISO 8601.
"""

from __future__ import annotations

import re
from datetime import datetime

from onboarding.graph.loose import as_instant

_MAX_WAIT_S = 7 * 24 * 3600.0
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_AMOUNT = re.compile(
    r"\b(\d{1,6}(?:\.\d{1,3})?)\s*"
    r"(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)\b",
    re.IGNORECASE,
)
_DURATION = re.compile(
    r"\bP(?:(?P<d>\d{1,4})D)?(?:T(?:(?P<h>\d{1,6})H)?(?:(?P<m>\d{1,6})M)?(?:(?P<s>\d{1,6})S)?)?\b"
)
_INSTANT = re.compile(
    r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?\s?(?:Z|[+-]\d{2}:?\d{2})?"
)


def parse_wait(details: str | None, *, now: datetime | None = None) -> float | None:
    """Return the seconds to wait, or ``None`` if no wait can be read.

    Amounts add up, so that a text with two of them makes the wait longer, never shorter. Waits
    of more than seven days are not believed.

    Args:
        details: ``error_data.details`` of a refusal.
        now: aware UTC; without it a wait given as an instant is not read.
    """
    if not details:
        return None
    wait_s = _duration(details) or _until(details, now) or _amounts(details)
    return wait_s if 0 < wait_s <= _MAX_WAIT_S else None


def _duration(text: str) -> float:
    parts = (match.groupdict() for match in _DURATION.finditer(text))
    return max((_seconds(part) for part in parts), default=0.0)


def _seconds(parts: dict[str, str | None]) -> float:
    return sum(float(value) * _UNITS[unit] for unit, value in parts.items() if value)


def _until(text: str, now: datetime | None) -> float:
    match = _INSTANT.search(text)
    until = as_instant(match.group()) if match else None
    return (until - now).total_seconds() if until and now else 0.0


def _amounts(text: str) -> float:
    return sum(float(count) * _UNITS[unit[0].lower()] for count, unit in _AMOUNT.findall(text))
