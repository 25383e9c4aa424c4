"""What Meta shows of a registered number: noted once, asked about, and never acted upon."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from onboarding.core.adoption import Verdict, adoption_deadline, judge
from onboarding.core.drift import DriftKind
from onboarding.core.drift_answers import accepted, registered_again
from onboarding.core.drift_findings import findings_of
from onboarding.core.drift_pins import doubted_pin
from onboarding.core.plan import Plan
from onboarding.core.steps import Attempts
from onboarding.errors import TransitionRefusedError
from onboarding.model import (
    DeadlineReason,
    Drift,
    Onboarding,
    Operation,
    Owner,
    PhoneNumber,
    Reason,
    State,
)
from tests.core.making import (
    CONNECTED,
    DAY,
    HOUR,
    MINUTE,
    POLICY,
    START,
    VERIFIED,
    a_row,
    a_signup_row,
    an_operation,
    call_of,
    look,
    read,
    triggers_of,
    wait_of,
)

LOST = replace(CONNECTED, status="DISCONNECTED", platform_type="NOT_APPLICABLE")
REGISTERED = a_row(
    State.REGISTERED, CONNECTED, registered_at=START, pin_sealed="sealed", register_by=None,
    register_by_reason=None, name_held="Lucky Shrub",
)  # fmt: skip


def after_read(row: Onboarding, number: PhoneNumber | None, at: datetime) -> Plan:
    """Return what a read of the list leads to."""
    return look(read(row, number, at), at)


class TestConnections:
    @pytest.mark.parametrize(
        "number",
        [
            LOST,
            replace(CONNECTED, status="PENDING"),
            replace(CONNECTED, status="UNVERIFIED"),
            replace(CONNECTED, platform_type="NOT_APPLICABLE"),
        ],
    )
    def test_two_reads_an_hour_apart_are_believed(self, number: PhoneNumber) -> None:
        first = after_read(REGISTERED, number, START + DAY)
        assert (wait_of(first).reason, triggers_of(first)) == (Reason.LISTING, [])
        second = after_read(first.row, number, START + DAY + 30 * MINUTE)
        assert wait_of(second).reason is Reason.LISTING
        third = after_read(second.row, number, START + DAY + HOUR)
        assert (wait_of(third).reason, triggers_of(third)) == (
            Reason.DISCONNECTED, ["drift_found"],
        )  # fmt: skip
        assert third.row.state is State.REGISTERED
        (found,) = findings_of(third.row)
        assert (found.kind, found.since, found.from_whom) == (
            DriftKind.DISCONNECTED, START + DAY, Owner.OPERATOR,
        )  # fmt: skip
        again = after_read(third.row, number, START + 2 * DAY)
        assert (triggers_of(again), call_of(again)) == ([], None)
        assert wait_of(again).observe_at is not None

    @pytest.mark.parametrize(
        "number",
        [
            replace(CONNECTED, status="RESTRICTED"),
            replace(CONNECTED, status="RATE_LIMITED"),
            replace(CONNECTED, status="FLAGGED"),
            replace(CONNECTED, status="NEVER_HEARD_OF"),
            replace(CONNECTED, status=None, platform_type=None),
            replace(CONNECTED, code_verification_status="EXPIRED"),
        ],
    )
    def test_what_is_limited_or_not_told_is_no_loss(self, number: PhoneNumber) -> None:
        after = after_read(REGISTERED, number, START + DAY)
        assert (wait_of(after).reason, after.row.drift) == (Reason.DONE, None)
        assert findings_of(after.row) == ()

    def test_a_list_that_is_read_no_more_by_itself_is_asked_for(self) -> None:
        limited = after_read(REGISTERED, replace(CONNECTED, status="RESTRICTED"), START + DAY)
        assert wait_of(limited).observe_at is not None
        assert wait_of(after_read(REGISTERED, CONNECTED, START + DAY)).observe_at is None

    def test_a_list_from_before_the_registration_says_nothing(self) -> None:
        row = replace(read(REGISTERED, LOST, START - MINUTE), seen_at=START - MINUTE)
        after = look(row, START)
        assert (wait_of(after).observe_at, after.row.drift) == (START, None)

    def test_a_field_that_is_not_told_neither_proves_nor_ends_it(self) -> None:
        first = after_read(REGISTERED, LOST, START + DAY).row
        untold = replace(CONNECTED, status=None, platform_type=None)
        after = after_read(first, untold, START + DAY + 2 * HOUR)
        assert (wait_of(after).reason, triggers_of(after)) == (Reason.LISTING, [])
        assert after.row.drift == Drift(disconnected_since=START + DAY)

    def test_a_loss_that_was_never_believed_hides_no_other_finding(self) -> None:
        named = replace(CONNECTED, verified_name="By hand")
        row = after_read(REGISTERED, named, START + DAY).row
        row = after_read(row, replace(named, status="PENDING"), START + 2 * DAY).row
        assert row.waiting is Reason.LISTING
        back = after_read(row, named, START + 2 * DAY + 5 * MINUTE)
        assert (wait_of(back).reason, triggers_of(back)) == (Reason.NAME_CHANGED, [])
        assert back.row.drift == Drift(renamed_since=START + DAY, display_name="By hand")

    def test_a_number_that_comes_back_limited_is_back(self) -> None:
        row = after_read(REGISTERED, LOST, START + DAY).row
        row = after_read(row, LOST, START + DAY + HOUR).row
        after = after_read(row, replace(CONNECTED, status="RESTRICTED"), START + 2 * DAY)
        assert (wait_of(after).reason, triggers_of(after)) == (Reason.DONE, ["drift_ended"])

    def test_a_number_that_was_lost_is_registered_when_a_person_says_so(self) -> None:
        row = replace(
            REGISTERED, waiting=Reason.DISCONNECTED, seen=LOST,
            drift=Drift(disconnected_since=START, disconnected_at=START),
        )  # fmt: skip
        step = registered_again(row, "by mistake", START + DAY, POLICY)
        assert step.deadline is not None
        assert (step.deadline.reason, step.deadline.due_at) == (
            DeadlineReason.POLICY, START + 15 * DAY,
        )  # fmt: skip
        with pytest.raises(TransitionRefusedError):
            registered_again(replace(row, waiting=Reason.DONE), "why", START, POLICY)

    def test_a_window_that_was_met_is_not_closed_by_the_loss(self) -> None:
        seen = replace(LOST, last_onboarded_time=START - DAY)
        row = replace(
            a_signup_row(State.VERIFIED, registered_at=START, register_by=None),
            seen=seen, seen_at=START + 30 * DAY, seen_present=True, name_status=seen.name_status,
        )  # fmt: skip
        after = look(row, START + 30 * DAY)
        assert (after.row.state, call_of(after)) == (State.REGISTER_DEADLINE, Operation.REGISTER)


class TestNames:
    def test_a_name_is_taken_as_held_once_a_list_shows_it(self) -> None:
        fresh = replace(REGISTERED, name_held=None)
        same = look(fresh, START).row
        assert same.name_held == "Lucky Shrub"
        other = replace(CONNECTED, verified_name="Typed by the customer")
        early = look(replace(fresh, seen=other, seen_at=START - MINUTE), START).row
        assert early.name_held is None
        later = after_read(early, other, START + DAY).row
        assert (later.name_held, later.drift) == ("Typed by the customer", None)

    def test_another_name_is_noted_once_and_ends_when_it_is_back(self) -> None:
        other = replace(CONNECTED, verified_name="By hand")
        first = after_read(REGISTERED, other, START + DAY)
        assert (wait_of(first).reason, triggers_of(first)) == (
            Reason.NAME_CHANGED, ["drift_found"],
        )  # fmt: skip
        again = after_read(first.row, other, START + 2 * DAY)
        assert (wait_of(again).reason, triggers_of(again)) == (Reason.NAME_CHANGED, [])
        back = after_read(again.row, CONNECTED, START + 3 * DAY)
        assert (wait_of(back).reason, triggers_of(back)) == (Reason.DONE, ["drift_ended"])
        assert back.row.drift is None

    @pytest.mark.parametrize(
        ("status", "differs"),
        [("PENDING_REVIEW", True), ("APPROVED", True), ("DECLINED", False), ("EXPIRED", False)],
    )
    def test_a_change_under_way_is_seen(self, status: str, differs: bool) -> None:  # noqa: FBT001 - a parameter of the test
        asked = replace(CONNECTED, new_display_name="By hand", new_name_status=status)
        after = after_read(replace(REGISTERED, new_name_status=status), asked, START + DAY)
        assert (wait_of(after).reason is Reason.NAME_CHANGED) is differs

    def test_a_lost_connection_comes_before_a_name(self) -> None:
        both = replace(LOST, verified_name="By hand")
        row = after_read(REGISTERED, both, START + DAY).row
        row = after_read(row, both, START + DAY + HOUR).row
        assert row.waiting is Reason.DISCONNECTED
        with pytest.raises(TransitionRefusedError):
            accepted(replace(row, waiting=Reason.DONE), "why", POLICY)


class TestBansAndTheApp:
    @pytest.mark.parametrize(
        ("number", "reason", "kind"),
        [
            (replace(CONNECTED, status="BANNED"), Reason.BANNED, DriftKind.BANNED),
            (replace(CONNECTED, is_on_biz_app=True), Reason.NOT_OURS, DriftKind.COEXISTENCE),
            (replace(LOST, platform_type="ON_PREMISE"), Reason.NOT_OURS, DriftKind.COEXISTENCE),
        ],
    )
    def test_they_are_noted_once_and_end(
        self, number: PhoneNumber, reason: Reason, kind: DriftKind
    ) -> None:
        first = after_read(REGISTERED, number, START + DAY)
        assert (wait_of(first).reason, triggers_of(first)) == (reason, ["drift_found"])
        assert [found.kind for found in findings_of(first.row)] == [kind]
        again = after_read(first.row, number, START + 2 * DAY)
        assert triggers_of(again) == []
        assert findings_of(again.row)[0].since == START + DAY
        over = after_read(again.row, CONNECTED, START + 3 * DAY)
        assert (triggers_of(over), over.row.drift) == (["drift_ended"], None)


class TestPins:
    AT = START + DAY

    def test_a_change_that_was_not_ours_holds_the_number(self) -> None:
        step = doubted_pin(REGISTERED, "PIN_CHANGED", self.AT, Attempts(), self.AT)
        assert step is not None
        assert step.changes["hold"] is Reason.PIN
        (found,) = findings_of(replace(REGISTERED, hold=Reason.PIN, hold_since=self.AT))
        assert (found.kind, found.from_whom) == (DriftKind.PIN_CHANGED, Owner.HOLDER)

    @pytest.mark.parametrize("event", ["PIN_RESET_REQUEST", "PIN_REQUEST_SUCCESS", ""])
    def test_other_words_change_nothing(self, event: str) -> None:
        assert doubted_pin(REGISTERED, event, self.AT, Attempts(), self.AT) is None

    def test_a_call_of_ours_explains_it(self) -> None:
        for name in (Operation.REGISTER, Operation.SET_PIN):
            ours = Attempts((an_operation(name, REGISTERED, self.AT - MINUTE),))
            assert doubted_pin(REGISTERED, "PIN_CHANGED", self.AT, ours, self.AT) is None
        other = Attempts((an_operation(Operation.REQUEST_CODE, REGISTERED, self.AT),))
        assert doubted_pin(REGISTERED, "PIN_CHANGED", self.AT, other, self.AT) is not None

    @pytest.mark.parametrize(
        "row",
        [
            replace(REGISTERED, pin_sealed=None),
            replace(REGISTERED, registered_at=None),
            replace(REGISTERED, registered_at=START + 2 * DAY),
            replace(REGISTERED, hold=Reason.HELD),
            replace(REGISTERED, state=State.LEFT),
        ],
    )
    def test_a_pin_that_is_not_known_to_be_the_number_s_is_not_doubted(
        self, row: Onboarding
    ) -> None:
        assert doubted_pin(row, "PIN_CHANGED", self.AT, Attempts(), self.AT) is None


class TestAdoption:
    @pytest.mark.parametrize(
        ("number", "verdict"),
        [
            (VERIFIED, Verdict.ADOPT),
            (replace(VERIFIED, last_onboarded_time=START - 13 * DAY), Verdict.ADOPT),
            (replace(VERIFIED, last_onboarded_time=START - 14 * DAY), Verdict.WINDOW_CLOSED),
            (CONNECTED, Verdict.LIVE),
            (replace(CONNECTED, platform_type=None), Verdict.LIVE),
            (replace(CONNECTED, status="RESTRICTED"), Verdict.LIVE),
            (replace(CONNECTED, status="DISCONNECTED"), Verdict.UNCLEAR),
            (replace(VERIFIED, status=None), Verdict.UNCLEAR),
            (replace(VERIFIED, status="NEVER_HEARD_OF"), Verdict.UNCLEAR),
            (replace(VERIFIED, status="BANNED"), Verdict.BANNED),
            (replace(VERIFIED, status="MIGRATED"), Verdict.GONE),
            (replace(CONNECTED, is_on_biz_app=True), Verdict.COEXISTENCE),
            (replace(VERIFIED, platform_type="ON_PREMISE"), Verdict.COEXISTENCE),
            (replace(VERIFIED, status="BANNED", is_on_biz_app=True), Verdict.BANNED),
        ],
    )
    def test_a_number_is_judged_by_what_meta_shows(
        self, number: PhoneNumber, verdict: Verdict
    ) -> None:
        assert judge(number, START, POLICY).verdict is verdict
        taken = verdict is Verdict.ADOPT or number == CONNECTED
        assert (judge(number, START, POLICY, live=True).verdict is Verdict.ADOPT) is taken

    def test_the_deadline_says_what_it_counts_from(self) -> None:
        signed_up = replace(VERIFIED, last_onboarded_time=START - DAY)
        anchored = adoption_deadline(signed_up, START, POLICY)
        assert (anchored.anchor_source, anchored.due_at) == (
            "last_onboarded_time", START + 13 * DAY,
        )  # fmt: skip
        ours = adoption_deadline(VERIFIED, START, POLICY)
        assert (ours.reason, ours.anchor_source, ours.due_at) == (
            DeadlineReason.POLICY, "adopted", START + 14 * DAY,
        )  # fmt: skip
