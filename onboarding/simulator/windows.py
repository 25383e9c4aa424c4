"""Moving windows: how many attempts within so long, and the lock that may follow."""

from __future__ import annotations

from datetime import datetime, timedelta

from onboarding.simulator.state import Window


def count_attempt(window: Window, now: datetime, span: timedelta) -> int:
    """Count one more attempt, refused or not, and return how many the window holds now."""
    window.attempts = [attempt for attempt in window.attempts if attempt > now - span]
    window.attempts.append(now)
    return len(window.attempts)


def locked_for(
    window: Window, now: datetime, *, limit: int, span: timedelta, lock: timedelta
) -> timedelta | None:
    """Count one more attempt; return how long the window stays locked, or ``None`` if open.

    Meta's rules: the attempt that exceeds the limit locks the window, from its own instant.
    """
    attempts = count_attempt(window, now, span)
    if window.locked_until is None or window.locked_until <= now:
        window.locked_until = now + lock if attempts > limit else None
    return None if window.locked_until is None else window.locked_until - now
