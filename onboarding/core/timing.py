"""When to look again and when to try again: arithmetic on instants, nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


#: From this gap on, polls of one account are brought together.
_SHARED_FROM = 15 * MINUTE
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)

_WITHOUT_OFFSET = len("2026-03-02T09:00:00.000000")


def next_poll(
    since: datetime, after: datetime, steps: Sequence[timedelta], account: str
) -> datetime:
    """Return the first instant of a thinning schedule that lies after ``after``.

    The schedule starts at ``since``; its gaps are ``steps`` in turn, then the last step for ever.
    It does not depend on when it is asked, so that asking again does not push it away.

    One read serves every number of an account. So each instant after a long gap is put off, by at
    most a quarter of the gap, to one that all numbers of the account have in common; different
    accounts have different ones.
    """
    at = since
    for step in steps:
        at += step
        if (shared := _shared(at, step, account)) > after:
            return shared
    last = steps[-1]
    at += last * max((after - at) // last, 0)
    while (shared := _shared(at, last, account)) <= after:
        at += last
    return shared


def _shared(at: datetime, gap: timedelta, account: str) -> datetime:
    """Return the account's first common instant at or after ``at``."""
    if gap < _SHARED_FROM:
        return at
    grid = gap / 4
    start = _EPOCH + jitter(account, grid)
    return start - (start - at) // grid * grid


def backoff(tries: int, steps: Sequence[timedelta]) -> timedelta:
    """Return the wait after the ``tries``-th failure in a row (from 1); the last step repeats."""
    return steps[min(max(tries, 1), len(steps)) - 1]


def in_time(
    at: datetime, deadline: datetime | None, margin: timedelta, *, not_before: datetime
) -> datetime:
    """Return when to try again: at the instant that was planned, but not after the last chance.

    The last chance lies ``margin`` before the deadline. Once it has passed, what was planned holds.

    Args:
        at: what was planned.
        deadline: until when it must have succeeded, if there is such an instant.
        margin: time that a last try needs.
        not_before: no try before this, whatever the deadline.
    """
    if deadline is None or at <= deadline - margin or deadline - margin <= not_before:
        return at
    return deadline - margin


def jitter(key: str, span: timedelta) -> timedelta:
    """Return a part of ``span`` that depends on ``key`` alone: the same today and after a restart.

    It keeps thousands of numbers from waking in the same second.
    """
    share = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]) / 2**32
    return timedelta(seconds=round(span.total_seconds() * share, 3))


def earliest(*instants: datetime | None) -> datetime | None:
    """Return the earliest of the instants that are given."""
    return min((i for i in instants if i is not None), default=None)


def iso(instant: datetime) -> str:
    """Return the instant as text that sorts as time does: UTC, microseconds, ``Z``."""
    return _text(instant if instant.tzinfo is UTC else instant.astimezone(UTC))


@lru_cache(maxsize=1024)  # what is written together tells the same few instants again and again
def _text(instant: datetime) -> str:
    """Return the text of an instant in UTC: in other zones two of them may be equal in a fold."""
    # strftime does not pad early years.
    return f"{instant.isoformat(timespec='microseconds')[:_WITHOUT_OFFSET]}Z"


def parse_iso(text: str) -> datetime:
    """Return the aware UTC instant of an ISO text; one without an offset is refused.

    Raises:
        ValueError: not an instant, without an offset, or beyond the years that there are in UTC.
    """
    instant = datetime.fromisoformat(text.strip())
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; write it like 2026-03-02T09:00:00Z")
    try:
        return instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is out of range") from None


def span_text(span: timedelta | None) -> str:
    """Return a span as people write it: ``90m``, ``4h``, ``2d``."""
    seconds = span.total_seconds() if span is not None else 0.0
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"
