"""The clock is a port: business time is whatever the clock that was handed in says.

Business time (what is due, deadlines, windows, the life of a code) comes from a ``Clock``.
Leases, timeouts and send guards are about processes and sockets and use real time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where business time comes from."""

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC."""
        ...


class SystemClock:
    """The real time of this machine."""

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC."""
        return datetime.now(UTC)
