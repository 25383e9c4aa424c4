"""Instants as people write and read them: ``3d``, ``2026-03-02T09:00:00Z``, "2.5 days left"."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([mhdw])")
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_HINT = "an instant like 2026-03-02T09:00:00Z, or a span from now like 90m, 12h, 3d or 2w"


def parse_moment(text: str, now: datetime, option: str) -> datetime:
    """Return the instant that a person wrote, or that lies so long after now.

    Args:
        text: what was written.
        now: what a span counts from.
        option: where it was written, for the error.

    Raises:
        InputError: neither an instant with an offset nor a span.
    """
    from onboarding.core.timing import parse_iso
    from onboarding.errors import InputError

    try:
        if span := _SPAN.fullmatch(text.strip()):
            return now + float(span[1]) * _UNITS[span[2]]
        return parse_iso(text)
    except (ValueError, OverflowError):
        raise InputError(f"'{text}' is not an instant ({option})", hint=_HINT) from None


def parse_span(text: str) -> timedelta | None:
    """Return the span that a person wrote, like ``90m`` or ``3d``; ``None`` if it is none."""
    span = _SPAN.fullmatch(text.strip())
    try:
        return float(span[1]) * _UNITS[span[2]] if span else None
    except OverflowError:
        return None


def parse_instant(text: str | None, option: str) -> datetime | None:
    """Return the instant that a person wrote, or ``None`` for nothing.

    Raises:
        InputError: not an instant with an offset.
    """
    from onboarding.core.timing import parse_iso
    from onboarding.errors import InputError

    if text is None:
        return None
    try:
        return parse_iso(text)
    except ValueError:
        raise InputError(
            f"'{text}' is not an instant ({option})", hint="like 2026-03-02T09:00:00Z"
        ) from None


def distance(at: datetime, now: datetime) -> str:
    """Return how far an instant is from now, in words."""
    ahead = at >= now
    seconds = abs((at - now).total_seconds())
    for unit, length in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * length:
            text = f"{seconds / length:.1f} {unit}"
            break
    else:
        text = f"{seconds:.0f} seconds"
    return f"in {text}" if ahead else f"{text} ago"
