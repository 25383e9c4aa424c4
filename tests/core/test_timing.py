"""Schedules, backoff and instants: what depends on what, and nothing on chance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.core.timing import backoff, earliest, iso, jitter, next_poll, parse_iso
from tests.core.making import DAY, HOUR, MINUTE, SECOND, START

STEPS = (MINUTE, 5 * MINUTE, HOUR)

durations = st.timedeltas(min_value=SECOND, max_value=timedelta(days=3))
schedules = st.lists(durations, min_size=1, max_size=6)
instants = st.timedeltas(-50 * 365 * DAY, 200 * 365 * DAY).map(lambda since: START + since)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (-HOUR, MINUTE),
        (0 * SECOND, MINUTE),
        (59 * SECOND, MINUTE),
        (MINUTE, 6 * MINUTE),
        (6 * MINUTE, 66 * MINUTE),
        (66 * MINUTE, 126 * MINUTE),
        (120 * MINUTE, 126 * MINUTE),
        (126 * MINUTE, 186 * MINUTE),
    ],
)
def test_polls_thin_out_and_then_keep_the_last_gap(after: timedelta, expected: timedelta) -> None:
    due = next_poll(START, START + after, STEPS, "1")
    assert START + after < due <= START + expected + HOUR / 4


@given(schedules, durations, durations)
def test_a_poll_is_always_later_and_never_further_away_than_its_longest_gap(
    steps: list[timedelta], since: timedelta, after: timedelta
) -> None:
    begun, now = START, START + since + after
    due = next_poll(begun, now, steps, "1")
    assert now < due <= now + max(steps) * 1.25


@given(schedules, durations, st.floats(0, 1))
def test_asking_again_does_not_push_a_poll_away(
    steps: list[timedelta], after: timedelta, part: float
) -> None:
    due = next_poll(START, START + after, steps, "1")
    between = START + after + (due - START - after) * part
    if between < due:
        assert next_poll(START, between, steps, "1") == due


@given(st.integers(0, 3600), st.integers(0, 3600))
def test_numbers_of_one_account_are_polled_together_once_gaps_are_long(
    first: int, second: int
) -> None:
    now = START + 2 * DAY
    begun = [START + timedelta(seconds=seconds) for seconds in (first, second)]
    polls = {next_poll(since, now, [6 * HOUR], "1") for since in begun}
    assert len(polls) == 1 or max(polls) - min(polls) >= timedelta(minutes=90)


def test_accounts_are_not_polled_at_the_same_instant() -> None:
    polls = {next_poll(START, START, [6 * HOUR], str(account)) for account in range(20)}
    assert len(polls) == 20


@pytest.mark.parametrize(
    ("tries", "expected"), [(0, MINUTE), (1, MINUTE), (2, 5 * MINUTE), (3, HOUR), (99, HOUR)]
)
def test_backoff_takes_the_steps_in_turn_and_repeats_the_last(
    tries: int, expected: timedelta
) -> None:
    assert backoff(tries, STEPS) == expected


@given(st.text(), durations)
def test_jitter_is_a_part_of_its_span_and_the_same_every_time(key: str, span: timedelta) -> None:
    assert timedelta() <= jitter(key, span) <= span
    assert jitter(key, span) == jitter(key, span)


def test_jitter_spreads_many_keys_over_the_span() -> None:
    tenths = [int(jitter(f"019cadc6{n:04}", HOUR) / HOUR * 10) for n in range(1000)]
    assert all(60 < tenths.count(tenth) < 140 for tenth in range(10))


def test_the_earliest_of_instants_leaves_out_what_is_not_given() -> None:
    assert earliest(None, START + HOUR, START, None) == START
    assert earliest(None, None) is None


@given(instants, instants)
def test_instants_as_text_sort_as_time_does(one: datetime, other: datetime) -> None:
    assert (iso(one) < iso(other)) == (one < other)
    assert parse_iso(iso(one)) == one


@pytest.mark.parametrize("year", [1, 33, 999, 1000, 9999])
def test_instants_of_any_year_can_be_read_back(year: int) -> None:
    instant = datetime(year, 1, 1, tzinfo=UTC)
    assert iso(instant) == f"{year:04}-01-01T00:00:00.000000Z"
    assert parse_iso(iso(instant)) == instant


@pytest.mark.parametrize("folds", [(0, 1), (1, 0)])
def test_the_hour_that_comes_twice_is_two_hours(folds: tuple[int, int]) -> None:
    twice = datetime(2026, 10, 25, 2, 30, 0, sum(folds), tzinfo=ZoneInfo("Europe/Berlin"))
    told = {fold: iso(twice.replace(fold=fold)) for fold in folds}
    assert told == {
        0: "2026-10-25T00:30:00.000001Z",
        1: "2026-10-25T01:30:00.000001Z",
    }


@given(instants, st.integers(-14 * 60, 14 * 60))
def test_text_with_any_offset_becomes_utc(instant: datetime, minutes: int) -> None:
    local = instant.astimezone(timezone(timedelta(minutes=minutes)))
    parsed = parse_iso(f" {local.isoformat()} ")
    assert parsed == instant
    assert parsed.tzinfo is UTC
    assert iso(local) == iso(instant)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T09:00:00", "2026-03-02", "soon", "", "09:00Z",
        "0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00",
    ],
)  # fmt: skip
def test_text_that_is_no_instant_or_has_no_offset_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"offset|isoformat|out of range"):
        parse_iso(text)
