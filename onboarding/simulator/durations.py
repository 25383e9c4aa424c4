"""Durations as people write them in scenarios: ``90s``, ``15m``, ``6h``, ``2d``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

from onboarding.simulator.chance import Span

_PATTERN = re.compile(r"^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)$")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_ENDS = 2


def parse_duration(value: object) -> timedelta:
    """Return the duration that ``value`` writes: text with a unit, or a number of seconds."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return timedelta(seconds=value)
    match = _PATTERN.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is not a duration such as 90s, 15m, 6h or 2d")
    return timedelta(seconds=float(match[1]) * _SECONDS[match[2]])


def parse_span(value: object) -> Span:
    """Return a shortest and a longest duration: ``[5s, 40s]``, or one duration for both."""
    if isinstance(value, list | tuple):
        if len(value) != _ENDS:
            raise ValueError("a range has two ends, such as [5s, 40s]")
        shortest, longest = parse_duration(value[0]), parse_duration(value[1])
    else:
        shortest = longest = parse_duration(value)
    if shortest > longest:
        raise ValueError("the first end of a range is the shorter one")
    return shortest, longest


def describe_duration(duration: timedelta) -> str:
    """Return ``duration`` rounded up to one unit, as Meta's texts tell a wait."""
    seconds = max(1, -(-duration // timedelta(seconds=1)))
    for size, unit in ((3600, "hours"), (60, "minutes")):
        if seconds >= size:
            return f"{-(-seconds // size)} {unit}"
    return f"{seconds} seconds"


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
DurationRange = Annotated[Span, BeforeValidator(parse_span)]
