"""The night of a number: when its holder is left in peace, by the clocks of the number itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import timezone

from onboarding.core.code_windows import DailyWindow
from onboarding.errors import InputError

_FORM = re.compile(r"(\d{2}:\d{2})-(\d{2}:\d{2})")
_HINT = "write it like '21:00-08:00'; 'none' switches it off"

#: Zones far apart may have no hour of the day in common; after this they are taken to have none.
_LOOK_AHEAD = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From when until when no code is sent, every day, by the clock of the number's time zone."""

    start: time
    end: time

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


DEFAULT_QUIET_HOURS = QuietHours(time(21), time(8))


def parse_quiet_hours(text: str) -> QuietHours | None:
    """Return the quiet hours that a setting names; ``None`` for ``none`` or nothing.

    Raises:
        InputError: not two times of a day.
    """
    if text.strip().lower() in ("", "none"):
        return None
    try:
        if match := _FORM.fullmatch(text.strip()):
            start, end = (time.fromisoformat(match[i]) for i in (1, 2))
            if start != end:
                return QuietHours(start, end)
    except ValueError:
        pass
    raise InputError(f"'{text}' is no stretch of a day", field="quiet_hours", hint=_HINT)


@lru_cache(maxsize=4096)
def zones_of(phone_number: str) -> tuple[str, ...]:
    """Return the names of the time zones in which the number may be; none if they are unknown.

    Numbers of a whole country, like mobiles of Russia, are in all zones of that country.
    """
    try:
        names = timezone.time_zones_for_number(phonenumbers.parse(phone_number))
    except phonenumbers.NumberParseException:  # only a number that was never checked
        return ()
    return tuple(name for name in names if _zone(name) is not None)


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return None  # "Etc/Unknown", or a zone that this system's data lack


def next_daytime(quiet: QuietHours, phone_number: str, at: datetime) -> datetime | None:
    """Return ``at`` if it is day in all zones of the number then, else when it next is, in UTC.

    A number of unknown zone has no night. ``None``: its zones have no hour of the day in common.
    """
    days = [
        DailyWindow(quiet.end, quiet.start, zone)
        for name in zones_of(phone_number)
        if (zone := _zone(name)) is not None
    ]
    return _common(days, at)


def _common(days: list[DailyWindow], at: datetime) -> datetime | None:
    """Return when all windows are open: each in turn puts it off, until none does any more."""
    found = at
    while found <= at + _LOOK_AHEAD:
        latest = max((day.next_open(found) or found for day in days), default=found)
        if latest == found:
            return found
        found = latest
    return None
