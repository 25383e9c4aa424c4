"""The windows in which a holder can read a code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.core.code_windows import parse_window
from onboarding.errors import InputError
from tests.core.making import DAY, HOUR, MINUTE, START


def opens(window: str, at: str) -> str | None:
    when = parse_window(window).next_open(datetime.fromisoformat(at))
    return None if when is None else f"{when:%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("window", "at", "expected"),
    [
        ("09:00-17:00", "2026-03-02T08:00Z", "03-02 09:00"),
        ("09:00-17:00", "2026-03-02T09:00Z", "03-02 09:00"),
        ("09:00-17:00", "2026-03-02T16:59Z", "03-02 16:59"),
        ("09:00-17:00", "2026-03-02T17:00Z", "03-03 09:00"),
        ("09:00-17:00 Europe/Berlin", "2026-03-02T03:00Z", "03-02 08:00"),
        ("09:00-17:00 Europe/Berlin", "2026-07-02T03:00Z", "07-02 07:00"),
        ("09:00-17:00 Asia/Tokyo", "2026-03-02T03:00Z", "03-02 03:00"),
        ("09:00-17:00 America/Toronto", "2026-03-02T03:00Z", "03-02 14:00"),
        ("22:00-02:00", "2026-03-02T23:30Z", "03-02 23:30"),
        ("22:00-02:00", "2026-03-03T01:59Z", "03-03 01:59"),
        ("22:00-02:00", "2026-03-03T02:00Z", "03-03 22:00"),
        ("20:00-00:00", "2026-03-02T23:59Z", "03-02 23:59"),
        ("20:00-00:00", "2026-03-03T00:00Z", "03-03 20:00"),
        ("  09:00-17:00   UTC ", "2026-03-02T08:00Z", "03-02 09:00"),
    ],
)
def test_a_daily_window_opens_when_its_zone_says(window: str, at: str, expected: str) -> None:
    assert opens(window, at) == expected


@pytest.mark.parametrize(
    ("window", "at", "expected"),
    [
        # 29 March 2026: Berlin's clocks go from 02:00 to 03:00.
        ("08:00-09:00 Europe/Berlin", "2026-03-28T08:30Z", "03-29 06:00"),
        ("01:30-03:30 Europe/Berlin", "2026-03-29T00:00Z", "03-29 00:30"),
        ("02:30-03:15 Europe/Berlin", "2026-03-29T00:00Z", "03-30 00:30"),
        ("02:15-02:45 Europe/Berlin", "2026-03-29T00:00Z", "03-29 01:15"),
        # 25 October 2026: from 03:00 back to 02:00.
        ("08:00-09:00 Europe/Berlin", "2026-10-25T00:00Z", "10-25 07:00"),
        ("02:15-02:45 Europe/Berlin", "2026-10-25T00:00Z", "10-25 00:15"),
    ],
)
def test_a_daily_window_follows_the_change_of_clocks(window: str, at: str, expected: str) -> None:
    assert opens(window, at) == expected


minutes = st.integers(0, 24 * 60 - 1)
zones = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Chatham",
     "Pacific/Apia", "America/Sao_Paulo", "Africa/Casablanca", "Australia/Lord_Howe"]
)  # fmt: skip
moments = st.timedeltas(timedelta(), 730 * DAY).map(lambda since: START + since)


@given(minutes, minutes, zones, moments)
def test_an_opening_is_in_utc_within_days_and_open_when_it_comes(
    start: int, end: int, zone: str, at: datetime
) -> None:
    if start == end:
        return
    text = f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02} {zone}"
    window = parse_window(text)
    opening = window.next_open(at)
    assert opening is not None
    assert opening.tzinfo is UTC
    assert at <= opening <= at + 3 * DAY
    assert window.next_open(opening) == opening
    if opening > at:
        assert window.next_open(at + (opening - at) / 2) == opening


def test_a_window_of_one_stretch_opens_once() -> None:
    window = parse_window("2026-03-02T09:00Z/2026-03-02T13:00+01:00")
    assert window.next_open(START - HOUR) == START
    assert window.next_open(START + HOUR) == START + HOUR
    assert window.next_open(START + 3 * HOUR - MINUTE) == START + 3 * HOUR - MINUTE
    assert window.next_open(START + 3 * HOUR) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "always",
        "9-17",
        "09:00-09:00",
        "25:00-26:00",
        "09:00-17:00 Mars/Olympus",
        "09:00-17:00 ../../etc/passwd",
        "09:00-17:00 Europe",
        "2026-03-02T09:00/2026-03-02T12:00",
        "2026-03-02T12:00Z/2026-03-02T09:00Z",
        "2026-03-02T09:00Z/",
        "0001-01-01T00:00+10:00/2026-03-03T09:00Z",
        "2026-03-02T09:00Z/2026-03-03T09:00Z/2026-03-04T09:00Z",
    ],
)
def test_what_is_no_window_is_refused_with_both_forms(text: str) -> None:
    with pytest.raises(InputError, match="is not a window of time") as refused:
        parse_window(text)
    assert refused.value.field == "code_window"
    assert "Europe/Berlin" in refused.value.hint


@given(st.text())
def test_any_text_is_a_window_or_refused(text: str) -> None:
    try:
        window = parse_window(text)
    except InputError as refused:
        assert refused.hint  # noqa: PT017 - either may happen
    else:
        assert window.next_open(START + timedelta()) is not None
