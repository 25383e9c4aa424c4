"""Chance without a shared random stream: every decision is a hash of what it is about.

Two runs with the same seed decide the same for the same number, endpoint and attempt, in
whatever order the requests arrive.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b

Span = tuple[timedelta, timedelta]
"""A shortest and a longest duration."""

_DIGEST_SIZE = 8
_RANGE = float(1 << (8 * _DIGEST_SIZE))


def pick_integer(seed: int, *parts: object) -> int:
    """Return an integer of 64 bits that depends on the seed and the parts only."""
    text = "\x1f".join([str(seed), *map(str, parts)])
    return int.from_bytes(blake2b(text.encode(), digest_size=_DIGEST_SIZE).digest())


def pick_fraction(seed: int, *parts: object) -> float:
    """Return a number from 0 (included) to 1 (excluded)."""
    return pick_integer(seed, *parts) / _RANGE


def pick_duration(span: Span, seed: int, *parts: object) -> timedelta:
    """Return a duration between the ends of ``span``, in whole milliseconds."""
    shortest, longest = span
    wanted = shortest + (longest - shortest) * pick_fraction(seed, *parts)
    return timedelta(milliseconds=round(wanted.total_seconds() * 1000))


def pick_digits(count: int, seed: int, *parts: object) -> str:
    """Return ``count`` decimal digits; leading zeros are as likely as any other digit."""
    return f"{pick_integer(seed, *parts) % 10**count:0{count}d}"


def pick_id(seed: int, *parts: object) -> str:
    """Return a decimal id of 15 digits, as Meta's ids look."""
    return "1" + pick_digits(14, seed, *parts)
