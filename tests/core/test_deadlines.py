"""Deadlines: where they come from, and the ladder that is climbed rung by rung."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.core.deadlines import anchor_step, climb, dated, first_deadline, rung_at
from onboarding.core.policy import DEFAULT_LADDER
from onboarding.core.steps import DeadlineSet
from onboarding.model import Deadline, DeadlineReason, Entry, State
from tests.core.making import DAY, HOUR, POLICY, START, VERIFIED, a_row, a_signup_row, read

SIGNUP, RENAME = DeadlineReason.EMBEDDED_SIGNUP, DeadlineReason.NAME_CHANGE
NAMES = [rung.name for rung in DEFAULT_LADDER]


def a_deadline(**changes: object) -> Deadline:
    fields = {
        "onboarding_id": "019cadc69a80", "cycle": 1, "reason": SIGNUP, "anchor_source": "given",
        "starts_at": START, "due_at": START + 14 * DAY,
    }  # fmt: skip
    return dated(Deadline(**{**fields, **changes}), DEFAULT_LADDER)  # type: ignore[arg-type]  # a test's freedom


@pytest.mark.parametrize("days", [14, 90])
def test_rungs_are_shares_of_the_window(days: int) -> None:
    deadline = a_deadline(due_at=START + days * DAY)
    shares = [(rung_at(deadline, rung) - START) / (days * DAY) for rung in DEFAULT_LADDER]
    assert shares == pytest.approx([1 / 2, 2 / 3, 6 / 7, 1])
    assert rung_at(deadline, DEFAULT_LADDER[-1]) == deadline.due_at


def test_nothing_is_raised_before_its_time() -> None:
    assert climb(a_deadline(), START + 7 * DAY - HOUR, DEFAULT_LADDER) is None


def test_rungs_that_were_missed_collapse_into_the_highest() -> None:
    up = climb(a_deadline(), START + 13 * DAY, DEFAULT_LADDER)
    assert up is not None
    assert up.rung.name == "page"
    assert [rung.name for rung in up.collapsed] == ["inform", "urge"]
    assert (up.deadline.next_rung, up.deadline.next_rung_at) == (3, START + 14 * DAY)


def test_after_the_last_rung_there_is_no_next() -> None:
    up = climb(a_deadline(), START + 30 * DAY, DEFAULT_LADDER)
    assert up is not None
    assert up.rung.name == "end"
    assert up.deadline.next_rung_at is None
    assert climb(up.deadline, START + 60 * DAY, DEFAULT_LADDER) is None


looks = st.lists(st.timedeltas(min_value=timedelta(), max_value=20 * DAY), max_size=12)
windows = st.timedeltas(min_value=HOUR, max_value=90 * DAY)


@given(looks, windows)
def test_each_rung_is_raised_or_collapsed_exactly_once(
    gaps: list[timedelta], window: timedelta
) -> None:
    deadline, now = a_deadline(due_at=START + window), START
    told: list[str] = []
    for gap in [*gaps, 200 * DAY]:
        now += gap
        while up := climb(deadline, now, DEFAULT_LADDER):
            told += [rung.name for rung in (*up.collapsed, up.rung)]
            assert all(rung_at(deadline, rung) <= now for rung in (*up.collapsed, up.rung))
            deadline = up.deadline
    assert told == NAMES


@given(windows, windows, st.floats(0, 1))
def test_a_corrected_anchor_redates_only_what_was_not_raised(
    window: timedelta, other: timedelta, part: float
) -> None:
    deadline = a_deadline(due_at=START + window)
    told: list[str] = []
    for now in (START + window * part, START + other + window):
        while up := climb(deadline, now, DEFAULT_LADDER):
            told += [rung.name for rung in (*up.collapsed, up.rung)]
            deadline = up.deadline
        moved = replace(deadline, starts_at=START + HOUR, due_at=START + HOUR + other)
        deadline = dated(moved, DEFAULT_LADDER)
        if deadline.next_rung_at is not None:
            assert deadline.next_rung_at == rung_at(deadline, DEFAULT_LADDER[deadline.next_rung])
    while up := climb(deadline, START + 400 * DAY, DEFAULT_LADDER):
        told += [rung.name for rung in (*up.collapsed, up.rung)]
        deadline = up.deadline
    assert told == NAMES


def test_metas_word_on_the_signup_wins_over_what_was_given() -> None:
    row = read(
        a_signup_row(State.CREATED), replace(VERIFIED, last_onboarded_time=START - 2 * DAY), START
    )
    step = anchor_step(row, POLICY)
    assert step is not None
    assert step.deadline == DeadlineSet(
        reason=SIGNUP,
        anchor_source="last_onboarded_time",
        starts_at=START - 2 * DAY,
        due_at=START + 12 * DAY,
    )
    assert step.trigger is None


def test_a_signup_deadline_takes_the_place_of_a_promise_of_the_same_instant() -> None:
    row = a_signup_row(State.CREATED, VERIFIED, register_by_reason=DeadlineReason.POLICY)
    step = anchor_step(row, POLICY)
    assert step is not None
    assert step.deadline is not None
    assert step.deadline.reason is SIGNUP


def test_an_anchor_that_is_known_sets_nothing() -> None:
    assert anchor_step(a_signup_row(State.CREATED, VERIFIED), POLICY) is None


def test_an_instant_that_meta_does_not_tell_sets_nothing() -> None:
    row = read(a_signup_row(State.CREATED), VERIFIED, START)
    assert anchor_step(row, POLICY) is None
    assert anchor_step(a_signup_row(), POLICY) is None


def test_numbers_that_we_create_have_no_window_at_meta() -> None:
    row = read(a_row(State.CREATED), replace(VERIFIED, last_onboarded_time=START - DAY), START)
    assert anchor_step(row, POLICY) is None


@pytest.mark.parametrize(
    "changes", [{"state": State.REGISTERED}, {"state": State.NAME_REVIEW, "renaming": True}]
)
def test_a_number_that_was_registered_gets_no_signup_deadline(changes: dict[str, object]) -> None:
    row = replace(a_signup_row(State.CREATED, VERIFIED), register_by=None, **changes)  # type: ignore[arg-type]  # fields by name
    assert anchor_step(row, POLICY) is None


def test_a_signup_that_is_gone_says_nothing_of_a_deadline() -> None:
    deleted = replace(VERIFIED, status="DELETED", last_onboarded_time=START - 9 * DAY)
    assert anchor_step(read(a_signup_row(), deleted, START), POLICY) is None


def test_the_first_deadline_is_the_signups_where_its_end_was_given() -> None:
    first = first_deadline(a_signup_row(onboarded_at=START - DAY), POLICY)
    assert (first.reason, first.starts_at, first.due_at) == (SIGNUP, START - DAY, START + 13 * DAY)


@pytest.mark.parametrize("entry", Entry)
def test_the_first_deadline_is_our_promise_otherwise(entry: Entry) -> None:
    onboarded_at = START if entry is Entry.NEW else None
    first = first_deadline(a_row(entry=entry, onboarded_at=onboarded_at), POLICY)
    assert (first.reason, first.due_at) == (DeadlineReason.POLICY, START + POLICY.policy_window)
