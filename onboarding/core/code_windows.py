"""The times when asking for a one-time code makes sense: the holder's windows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from onboarding.core.timing import parse_iso
from onboarding.errors import InputError

_DAILY = re.compile(r"(\d{2}:\d{2})-(\d{2}:\d{2})(?:\s+(\S+))?")
_LOOK_AHEAD = 5
_WINDOW_HINT = (
    "write it like '09:00-17:00 Europe/Berlin' (every day) "
    "or '2026-03-02T09:00Z/2026-03-02T12:00Z' (once)"
)


@dataclass(frozen=True, slots=True)
class DailyWindow:
    """Every day between two times of a time zone; past midnight if it ends before it starts."""

    start: time
    end: time
    zone: ZoneInfo

    def next_open(self, at: datetime) -> datetime | None:
        """Return ``at`` if the window is open then, else its next opening, in UTC."""
        yesterday = at.astimezone(self.zone).date() - timedelta(days=1)
        for days in range(_LOOK_AHEAD):
            opens, closes = self._on(yesterday + timedelta(days=days))
            if closes > max(opens, at):  # a change of clocks may leave nothing of a short one
                return max(opens, at.astimezone(UTC))
        raise AssertionError("a daily window opens every few days")

    def _on(self, day: date) -> tuple[datetime, datetime]:
        opens = datetime.combine(day, self.start, self.zone)
        last_day = day if self.end > self.start else day + timedelta(days=1)
        closes = datetime.combine(last_day, self.end, self.zone)
        return opens.astimezone(UTC), closes.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class OnceWindow:
    """One stretch of time."""

    start: datetime
    end: datetime

    def next_open(self, at: datetime) -> datetime | None:
        """Return ``at`` if the window is open then, its opening before, or ``None`` after it."""
        return max(self.start, at.astimezone(UTC)) if at < self.end else None


CodeWindow = DailyWindow | OnceWindow


def parse_window(text: str) -> CodeWindow:
    """Return when the holder can read a code.

    Raises:
        InputError: not a window; the hint shows both forms.
    """
    try:
        if match := _DAILY.fullmatch(text.strip()):
            opens, closes = (time.fromisoformat(match[i]) for i in (1, 2))
            if opens != closes:
                return DailyWindow(opens, closes, _zone(match[3] or "UTC", text))
        elif "T" in text:
            start, end = (parse_iso(part) for part in text.split("/"))
            if start < end:
                return OnceWindow(start, end)
    except ValueError:
        pass
    raise _no_window(text)


def _zone(name: str, text: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise _no_window(text, f": the time zone '{name}' is not known") from None


def _no_window(text: str, why: str = "") -> InputError:
    return InputError(
        f"'{text}' is not a window of time{why}", field="code_window", hint=_WINDOW_HINT
    )
