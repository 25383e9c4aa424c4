"""The night of a number: no code is sent while it is night in any zone that it may be in."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.core.quiet_hours import (
    DEFAULT_QUIET_HOURS,
    QuietHours,
    next_daytime,
    parse_quiet_hours,
    zones_of,
)
from onboarding.errors import InputError

BERLIN, MOSCOW, TOLL_FREE = "+493012345671", "+79161234567", "+18005551234"
SATELLITE = "+870773111632"


def day_from(number: str, at: str, quiet: QuietHours = DEFAULT_QUIET_HOURS) -> str | None:
    found = next_daytime(quiet, number, datetime.fromisoformat(at))
    return None if found is None else f"{found:%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("number", "at", "expected"),
    [
        (BERLIN, "2026-03-02T07:00Z", "03-02 07:00"),  # 08:00 there
        (BERLIN, "2026-03-02T06:59Z", "03-02 07:00"),
        (BERLIN, "2026-03-02T19:59Z", "03-02 19:59"),
        (BERLIN, "2026-03-02T20:00Z", "03-03 07:00"),  # 21:00 there
        (BERLIN, "2026-07-02T05:00Z", "07-02 06:00"),  # in summer
        ("+16315551000", "2026-03-02T09:00Z", "03-02 13:00"),  # New York
        ("+919876543210", "2026-03-02T20:00Z", "03-03 02:30"),  # India
        (SATELLITE, "2026-03-02T03:00Z", "03-02 03:00"),  # of no country: no night is known
        # Russia: 08:00 in its westernmost zone, before 21:00 in Kamchatka.
        (MOSCOW, "2026-03-02T03:00Z", "03-02 06:00"),
        (MOSCOW, "2026-03-02T08:59Z", "03-02 08:59"),
        (MOSCOW, "2026-03-02T09:00Z", "03-03 06:00"),
        # From Newfoundland to Guam there are two hours and a half.
        (TOLL_FREE, "2026-03-02T12:00Z", "03-02 22:00"),
    ],
)
def test_it_is_day_when_it_is_day_in_every_zone(number: str, at: str, expected: str) -> None:
    assert day_from(number, at) == expected


def test_zones_with_no_hour_in_common_have_no_day() -> None:
    assert day_from(MOSCOW, "2026-03-02T09:00Z", QuietHours(time(12), time(9))) is None
    assert day_from(BERLIN, "2026-03-02T09:00Z", QuietHours(time(12), time(9))) is not None


@given(
    st.sampled_from([BERLIN, MOSCOW, TOLL_FREE, "+61412345678", "+5521987654321"]),
    st.timedeltas(timedelta(), timedelta(days=730)),
)
def test_what_is_found_is_day_everywhere_and_the_first_such_instant(
    number: str, since: timedelta
) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC) + since
    found = next_daytime(DEFAULT_QUIET_HOURS, number, at)
    assert found is not None
    assert at <= found <= at + timedelta(days=2)
    assert _is_day(number, found)
    if found > at:
        assert not _is_day(number, found - timedelta(seconds=1))


def _is_day(number: str, at: datetime) -> bool:
    clocks = [at.astimezone(ZoneInfo(name)).time() for name in zones_of(number)]
    return all(time(8) <= clock < time(21) for clock in clocks)


@pytest.mark.parametrize("text", ["none", "", " NONE "])
def test_quiet_hours_may_be_switched_off(text: str) -> None:
    assert parse_quiet_hours(text) is None


def test_quiet_hours_are_two_times_of_a_day() -> None:
    assert parse_quiet_hours("21:00-08:00") == DEFAULT_QUIET_HOURS
    assert str(parse_quiet_hours(" 13:00-14:30 ")) == "13:00-14:30"


@pytest.mark.parametrize("text", ["21-8", "21:00", "25:00-08:00", "08:00-08:00", "21:00-08:00 UTC"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no stretch of a day") as refused:
        parse_quiet_hours(text)
    assert "21:00-08:00" in refused.value.hint
