"""What Meta shows and tells of names: each change noted once, each decision where it belongs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.core.name_status import NameWebhook, decided
from onboarding.core.plan import Plan
from onboarding.core.steps import Move
from onboarding.model import DeadlineReason, Entry, Onboarding, PhoneNumber, State
from tests.core.making import (
    CONNECTED,
    DAY,
    HOUR,
    IN_REVIEW,
    MINUTE,
    START,
    VERIFIED,
    a_row,
    look,
    read,
    triggers_of,
)

NEW = "Lucky Shrub & Sons"
PENDING = replace(CONNECTED, new_display_name=NEW, new_name_status="PENDING_REVIEW")
APPROVED = replace(PENDING, new_name_status="APPROVED", verified_name=NEW, name_status="APPROVED")


def changes(plan: Plan) -> list[tuple[str, str | None, str]]:
    """Return the changes that a look noted: which status, from what, to what."""
    details = [e.detail for e in plan.entries if e.trigger == "name_status_changed"]
    return [(detail["field"], detail.get("from"), detail["to"]) for detail in details]


def a_renamed_row(**fields: Any) -> Onboarding:
    """Return a registered number whose new name was submitted at ``START``."""
    given: dict[str, Any] = {
        "new_display_name": NEW, "name_submitted_at": START, "renaming": True,
        "register_by": None, "register_by_reason": None, "entry": Entry.NEW,
    }  # fmt: skip
    return a_row(State.NAME_REVIEW, PENDING, **{**given, **fields})


def told(decision: str, at: datetime = START + HOUR, **fields: Any) -> NameWebhook:
    given = {"name": NEW, "rejection_reason": None, "decided_at": at}
    return NameWebhook(decision=decision, **{**given, **fields})


def after_webhook(row: Onboarding, webhook: NameWebhook) -> tuple[Onboarding, list[Move]]:
    steps = list(decided(row, webhook))
    for step in steps:
        row = replace(row, **step.changes)
    return row, steps


class TestReads:
    def test_the_standing_at_first_sight_is_kept_and_is_no_change(self) -> None:
        row = a_row(State.REGISTERED, VERIFIED, name_status=None)
        after = look(row)
        assert (after.row.name_status, after.row.new_name_status) == (
            "AVAILABLE_WITHOUT_REVIEW", None,
        )  # fmt: skip
        assert changes(after) == []

    def test_each_change_is_noted_once_with_from_and_to(self) -> None:
        row = a_row(State.NAME_REVIEW, IN_REVIEW)
        after = look(read(row, VERIFIED, START + HOUR), START + HOUR)
        assert changes(after) == [("name_status", "PENDING_REVIEW", "AVAILABLE_WITHOUT_REVIEW")]
        again = look(read(after.row, VERIFIED, START + DAY), START + DAY)
        assert changes(again) == []

    def test_both_statuses_are_tracked_apart(self) -> None:
        row = a_renamed_row()
        after = look(read(row, APPROVED, START + HOUR), START + HOUR)
        assert changes(after) == [
            ("name_status", "AVAILABLE_WITHOUT_REVIEW", "APPROVED"),
            ("new_name_status", "PENDING_REVIEW", "APPROVED"),
        ]
        assert (after.row.name_status, after.row.new_name_status) == ("APPROVED", "APPROVED")

    def test_a_change_that_moves_nothing_is_noted_too(self) -> None:
        row = a_row(State.REGISTERED, CONNECTED)
        after = look(
            read(row, replace(CONNECTED, name_status="DECLINED"), START + DAY), START + DAY
        )
        assert triggers_of(after) == ["name_status_changed"]
        assert after.row.state is State.REGISTERED

    def test_a_status_that_is_not_told_is_no_change(self) -> None:
        row = a_renamed_row()
        silent = replace(PENDING, name_status=None, new_name_status=None)
        after = look(read(row, silent, START + HOUR), START + HOUR)
        assert changes(after) == []
        back = look(read(after.row, PENDING, START + DAY), START + DAY)
        assert changes(back) == []

    def test_a_number_that_is_not_ours_yet_is_not_tracked(self) -> None:
        row = a_row(State.REQUESTED, VERIFIED, entry=Entry.EMBEDDED_SIGNUP)
        assert changes(look(row, START - HOUR)) == []

    @given(st.lists(st.sampled_from([None, "NONE", "PENDING_REVIEW", "DECLINED", "APPROVED", "X"])))
    def test_the_notes_tell_the_whole_track(self, statuses: list[str | None]) -> None:
        row = a_row(State.REGISTERED, replace(CONNECTED, name_status="NONE"))
        track = ["NONE"]
        for hours, status in enumerate(statuses, start=1):
            number: PhoneNumber = replace(CONNECTED, name_status=status)
            after = look(read(row, number, START + hours * HOUR), START + hours * HOUR)
            for _, before, to in changes(after):
                assert before == track[-1]
                track.append(to)
            row = after.row
        shown = [status for status in statuses if status is not None]
        assert all(one != other for one, other in pairwise(track))
        assert track[-1] == (shown[-1] if shown else "NONE")


class TestWebhooks:
    def test_a_decision_is_noted_with_its_status_and_a_read_does_not_note_it_again(self) -> None:
        row, steps = after_webhook(a_renamed_row(), told("APPROVED"))
        assert [step.note for step in steps] == ["name_decision", "name_status_changed"]
        assert (row.new_name_status, row.name_decided_at) == ("APPROVED", START + HOUR)
        after = look(read(row, APPROVED, START + 2 * HOUR), START + 2 * HOUR)
        assert [field for field, _, _ in changes(after)] == ["name_status"]

    def test_a_read_from_before_the_decision_takes_nothing_back(self) -> None:
        row, _ = after_webhook(a_renamed_row(), told("APPROVED"))
        late = read(row, PENDING, START + HOUR - MINUTE)
        assert changes(look(late, START + HOUR + MINUTE)) == []

    def test_a_rejection_has_its_reason_in_plain_words(self) -> None:
        webhook = told("REJECTED", rejection_reason="NAME_INDIVIDUAL_ISSUE")
        row, [decision, change] = after_webhook(a_renamed_row(), webhook)
        assert (row.rejection_reason, row.new_name_status) == ("NAME_INDIVIDUAL_ISSUE", "DECLINED")
        assert "that of a person" in decision.reason
        assert decision.detail["mend"]
        assert change.detail["to"] == "DECLINED"

    @pytest.mark.parametrize("decision", ["DEFERRED", "PENDING", "SOMETHING_NEW", ""])
    def test_what_decides_nothing_is_noted_and_changes_nothing(self, decision: str) -> None:
        before = replace(a_renamed_row(), rejection_reason="UNKNOWN", new_name_status="APPROVED")
        row, [step] = after_webhook(before, told(decision))
        assert row == before
        assert step.note == "name_decision"

    @pytest.mark.parametrize(
        "webhook",
        [
            told("REJECTED", name="Another name"),
            told("REJECTED", name="Lucky Shrub"),
            told("REJECTED", at=START - HOUR),
        ],
        ids=["another", "the first", "of an earlier review"],
    )
    def test_a_decision_about_something_else_changes_nothing(self, webhook: NameWebhook) -> None:
        before = a_renamed_row()
        row, [step] = after_webhook(before, webhook)
        assert row == before
        assert step.note == "name_decision"

    def test_a_first_name_is_decided_as_such(self) -> None:
        before = a_row(State.NAME_REVIEW, IN_REVIEW)
        row, _ = after_webhook(before, told("REJECTED", name="Lucky Shrub"))
        assert (row.name_status, row.new_name_status) == ("DECLINED", None)

    def test_a_decision_on_the_old_name_says_nothing_once_another_was_given(self) -> None:
        before = a_row(State.NAME_REVIEW, IN_REVIEW, new_display_name=NEW)
        row, _ = after_webhook(before, told("REJECTED", name="Lucky Shrub"))
        assert row == before


class TestTheAnchorOfARename:
    def test_a_webhook_tells_the_instant_of_the_approval(self) -> None:
        row, _ = after_webhook(a_renamed_row(), told("APPROVED", START + HOUR))
        after = look(read(row, APPROVED, START + DAY), START + DAY)
        [deadline] = after.deadlines
        assert (deadline.anchor_source, deadline.starts_at) == ("webhook", START + HOUR)
        assert after.row.name_approved_at == START + HOUR

    def test_without_one_it_is_the_last_read_that_did_not_show_it(self) -> None:
        reviewed = look(read(a_renamed_row(), PENDING, START + DAY), START + DAY).row
        after = look(read(reviewed, APPROVED, START + 2 * DAY), START + 2 * DAY)
        [deadline] = after.deadlines
        assert (deadline.anchor_source, deadline.starts_at) == (
            "last_read_before_approval", START + DAY,
        )  # fmt: skip

    def test_without_any_read_it_is_the_submission(self) -> None:
        after = look(read(a_renamed_row(), APPROVED, START + DAY), START + DAY)
        assert (after.deadlines[0].anchor_source, after.deadlines[0].starts_at) == (
            "submitted", START,
        )  # fmt: skip

    def test_a_late_webhook_corrects_it(self) -> None:
        seen = look(read(a_renamed_row(), APPROVED, START + DAY), START + DAY).row
        assert seen.register_by_reason is DeadlineReason.NAME_CHANGE
        row, _ = after_webhook(seen, told("APPROVED", START + HOUR))
        after = look(row, START + DAY + HOUR)
        assert triggers_of(after) == ["deadline_set"]
        assert after.row.register_by == START + HOUR + 14 * DAY
        assert triggers_of(look(after.row, START + DAY + 2 * HOUR)) == []

    def test_one_from_after_the_approval_was_seen_does_not(self) -> None:
        seen = look(read(a_renamed_row(), APPROVED, START + DAY), START + DAY).row
        row, _ = after_webhook(seen, told("APPROVED", START + 2 * DAY))
        assert triggers_of(look(row, START + 3 * DAY)) == []

    def test_a_rejection_is_no_approval(self) -> None:
        row, _ = after_webhook(a_renamed_row(), told("REJECTED", START + HOUR))
        after = look(read(row, APPROVED, START + DAY), START + DAY)
        assert after.deadlines[0].anchor_source == "submitted"
