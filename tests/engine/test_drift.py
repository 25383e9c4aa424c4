"""Drift: what is done at Meta past the engine is seen, told, and never overwritten."""

from __future__ import annotations

from typing import Any

import pytest

from onboarding.core.drift import DriftKind
from onboarding.core.drift_findings import Finding
from onboarding.errors import NotFoundError, TransitionRefusedError
from onboarding.model import DeadlineReason, EventType, Owner, Reason, State
from tests.engine.rehearsing import (
    DAY,
    HOUR,
    MINUTE,
    NUMBER,
    START,
    WABA,
    Rehearse,
    Rehearsed,
    scenario,
)

OTHER = "+493012345672"


def by_hand(meta: Rehearsed, do: str, reference: str = NUMBER, **given: Any) -> None:
    """Let somebody do something to a number at Meta."""
    meta.tell(f"/by_hand/{meta.row(reference).phone_number_id}", {"do": do, **given})


def a_day_later(meta: Rehearsed) -> None:
    """Let the daily list be read, and what it showed be looked into."""
    meta.wait(DAY + MINUTE)
    meta.wait(2 * HOUR)


def finding(meta: Rehearsed) -> Finding:
    (found,) = meta.engine.drift.findings()
    return found


def events(meta: Rehearsed, type_: EventType) -> list[dict[str, Any]]:
    return [told["data"] for told in meta.engine.events() if told["type"] == type_]


def test_a_number_that_is_as_it_is_held_differs_in_nothing(meta: Rehearsed) -> None:
    meta.register()
    a_day_later(meta)
    report = meta.engine.drift.check()
    assert (report.is_clean, report.compared, report.findings) == (True, 1, ())
    assert (meta.row().drift, meta.row().waiting) == (None, Reason.DONE)
    assert "drift_found" not in meta.triggers()


def test_lists_of_numbers_that_rest_are_read_once_a_day(meta: Rehearsed) -> None:
    meta.register()
    meta.run()
    before = len(meta.calls("list_numbers"))
    assert meta.engine.next_due_at() is not None
    assert meta.engine.next_due_at(at_rest=False) is None
    for hours in (12, 11):
        meta.wait(hours * HOUR)
    assert len(meta.calls("list_numbers")) == before
    meta.wait(2 * HOUR)
    assert len(meta.calls("list_numbers")) == before + 1
    for _ in range(3):
        meta.wait(DAY)
    assert len(meta.calls("list_numbers")) == before + 4


def test_a_read_that_fails_is_put_off_and_not_repeated_at_once(meta: Rehearsed) -> None:
    meta.register()
    meta.run()
    meta.fail("html_502", "list_numbers", times=1)
    before = len(meta.calls("list_numbers"))
    meta.move_to(meta.clock.now() + DAY + MINUTE)
    meta.settle()
    assert len(meta.calls("list_numbers")) == before + 1
    meta.run(most=HOUR)
    assert len(meta.calls("list_numbers")) == before + 2


class TestLostConnections:
    def test_one_is_seen_believed_and_escalated_but_not_registered_again(
        self, meta: Rehearsed
    ) -> None:
        meta.register()
        meta.run()
        by_hand(meta, "disconnect")
        a_day_later(meta)
        row = meta.row()
        assert (row.state, row.waiting, row.waiting_for) == (
            State.REGISTERED, Reason.DISCONNECTED, Owner.OPERATOR,
        )  # fmt: skip
        assert len(meta.calls("register")) == 1
        found = finding(meta)
        assert (found.kind, found.holds, found.from_whom) == (
            DriftKind.DISCONNECTED, "registered", Owner.OPERATOR,
        )  # fmt: skip
        assert "DISCONNECTED" in found.shows
        assert f"onboarding drift register {row.id}" in found.how
        assert START + DAY < found.since < START + DAY + HOUR
        assert meta.triggers().count("drift_found") == 1
        assert events(meta, EventType.REQUIREMENT)[-1]["what"] == "connection"
        assert [told["what"] for told in events(meta, EventType.OVERDUE)] == ["connection"]
        assert [due.requirement.from_whom for due in meta.engine.due().items] == [Owner.OPERATOR]

    def test_one_list_that_shows_it_is_not_enough(self, meta: Rehearsed) -> None:
        meta.register()
        meta.run()
        by_hand(meta, "disconnect")
        meta.wait(MINUTE)
        meta.engine.drift.check()
        assert meta.row().waiting is Reason.LISTING
        assert finding(meta).from_whom is None
        meta.edit(status="CONNECTED", platform_type="CLOUD_API")
        meta.wait(2 * HOUR)
        assert (meta.row().drift, meta.row().waiting) == (None, Reason.DONE)
        assert not {"drift_found", "drift_ended"} & set(meta.triggers())

    def test_one_that_comes_back_ends_the_matter(self, meta: Rehearsed) -> None:
        meta.register()
        meta.run()
        by_hand(meta, "disconnect")
        a_day_later(meta)
        meta.edit(status="CONNECTED", platform_type="CLOUD_API")
        meta.wait(DAY)
        assert (meta.row().waiting, meta.row().drift) == (Reason.DONE, None)
        assert meta.triggers()[-3:] == ["drift_found", "overdue", "drift_ended"]
        assert meta.engine.drift.findings() == ()

    def test_a_person_has_it_registered_again(self, meta: Rehearsed) -> None:
        meta.sign_up(NUMBER, at=START - 12 * DAY)
        meta.register(entry="embedded_signup")
        meta.run()
        pin = meta.engine.reveal_pin(NUMBER, "test")
        by_hand(meta, "disconnect")
        for _ in range(3):
            a_day_later(meta)  # the window of the Embedded Signup ends meanwhile
        meta.engine.drift.register(NUMBER, "switched off by mistake", actor="ada")
        meta.run(most=HOUR)
        row = meta.row()
        assert (row.state, row.waiting, row.drift) == (State.REGISTERED, Reason.DONE, None)
        assert len(meta.calls("register")) == 2
        assert meta.path()[-3:] == ["verified", "register_deadline", "registered"]
        assert meta.engine.reveal_pin(NUMBER, "test") == pin
        entry = next(
            e for _, e in meta.engine.history(NUMBER) if e.trigger == "registration_requested"
        )
        assert (entry.actor, entry.reason) == ("ada", "switched off by mistake")
        policy = [d for d in meta.engine.deadlines(NUMBER) if d.reason is DeadlineReason.POLICY]
        assert [(d.anchor_source, d.closed_how) for d in policy] == [
            ("registration_requested", "met")
        ]

    def test_a_person_lets_it_go(self, meta: Rehearsed) -> None:
        meta.register()
        meta.run()
        by_hand(meta, "disconnect")
        a_day_later(meta)
        meta.engine.drift.accept(NUMBER, "the shop closed")
        assert (meta.state(), meta.row().waiting) == (State.LEFT, Reason.OVER)
        assert meta.engine.drift.findings() == ()
        assert len(meta.calls("register")) == 1

    def test_nothing_is_answered_that_was_not_asked(self, meta: Rehearsed) -> None:
        meta.register()
        for answer in (meta.engine.drift.accept, meta.engine.drift.register):
            with pytest.raises(TransitionRefusedError, match="nothing is asked"):
                answer(NUMBER, "why not")
        assert meta.state() is State.REGISTERED

    def test_a_hold_does_not_hide_it(self, meta: Rehearsed) -> None:
        meta.register()
        meta.run()
        meta.engine.hold(NUMBER, "an audit")
        by_hand(meta, "disconnect")
        a_day_later(meta)
        assert (meta.row().waiting, meta.row().hold) == (Reason.DISCONNECTED, Reason.HELD)


class TestNumbersThatLeave:
    @pytest.mark.parametrize(("deed", "shows"), [("migrate", "MIGRATED"), ("delete", "not on")])
    def test_they_end_and_are_told_of(self, meta: Rehearsed, deed: str, shows: str) -> None:
        meta.register()
        meta.run()
        by_hand(meta, deed)
        a_day_later(meta)
        assert meta.state() is State.LEFT
        found = finding(meta)
        assert (found.kind, found.is_open) == (DriftKind.LEFT, False)
        assert shows in found.shows
        meta.wait(8 * DAY)
        assert meta.engine.drift.findings() == ()

    def test_one_that_is_missing_from_one_list_is_still_looked_for(self, meta: Rehearsed) -> None:
        meta.register()
        meta.run()
        by_hand(meta, "delete")
        meta.wait(MINUTE)
        report = meta.engine.drift.check([WABA])
        assert [found.kind for found in report.findings] == [DriftKind.MISSING]
        assert meta.state() is State.REGISTERED


class TestBannedNumbers:
    def test_a_ban_is_noted_and_so_is_its_end(self, meta: Rehearsed) -> None:
        meta.register()
        meta.run()
        by_hand(meta, "ban")
        a_day_later(meta)
        assert meta.row().waiting is Reason.BANNED
        found = finding(meta)
        assert (found.kind, found.from_whom) == (DriftKind.BANNED, Owner.OPERATOR)
        by_hand(meta, "lift_ban")
        meta.wait(2 * DAY)
        assert (meta.row().waiting, meta.row().drift) == (Reason.DONE, None)
        assert meta.triggers()[-3:] == ["drift_found", "overdue", "drift_ended"]


class TestCoexistence:
    def test_a_number_that_moves_to_the_app_is_left_to_it(self, meta: Rehearsed) -> None:
        meta.register()
        meta.run()
        calls = len(meta.calls("register", "deregister", "set_pin"))
        by_hand(meta, "connect_app")
        a_day_later(meta)
        assert finding(meta).kind is DriftKind.COEXISTENCE
        with pytest.raises(TransitionRefusedError):
            meta.engine.drift.register(NUMBER, "ours")
        meta.engine.drift.accept(NUMBER, "the shop uses the app")
        assert meta.state() is State.LEFT
        assert len(meta.calls("register", "deregister", "set_pin")) == calls

    @pytest.mark.parametrize("entry", ["new", "embedded_signup", "adopted", "restarted"])
    @pytest.mark.parametrize("field_is_told", [True, False])
    def test_no_entry_leads_to_a_call_for_one(
        self,
        rehearse: Rehearse,
        entry: str,
        field_is_told: bool,  # noqa: FBT001 - a parameter of the test
    ) -> None:
        """What the list told once holds, even while it leaves the field out."""
        number = {
            "phone_number": NUMBER, "verified_name": "Lucky Shrub",
            "embedded_signup": "2026-03-01T09:00:00Z",
        }  # fmt: skip
        meta = rehearse(scenario=scenario(waba={"numbers": [number]}))
        (shown,) = meta.control.get("/state").json()["numbers"]
        meta.tell(f"/by_hand/{shown['id']}", {"do": "connect_app"})
        meta.tell(f"/numbers/{shown['id']}", {"status": "PENDING"})
        if entry == "adopted":
            meta.engine.adoption.adopt(WABA, live=True)
            assert list(meta.engine.find_all()) == []
        else:
            meta.ask(entry="embedded_signup" if entry == "restarted" else entry)
            meta.settle()
        if entry == "restarted":
            meta.tell(f"/numbers/{shown['id']}", {"deleted": True})
            meta.run(most=3 * DAY)
            again = meta.sign_up(NUMBER)
            meta.tell(f"/numbers/{again}", {"is_on_biz_app": True})
            meta.engine.restart(NUMBER, "it is back")
            meta.run(most=HOUR, until=lambda: meta.row().waiting is Reason.NOT_OURS)
            assert meta.row().cycle == 2
        if not field_is_told:
            meta.fail("unknown_enum", "list_numbers", field="is_on_biz_app", value="maybe")
        meta.run(most=10 * DAY)
        assert meta.calls("register", "deregister", "set_pin", "request_code") == []


class TestNames:
    def registered(self, meta: Rehearsed) -> None:
        meta.register()
        meta.run()
        meta.wait(DAY + MINUTE)
        assert meta.row().name_held == "Lucky Shrub"

    def test_a_name_changed_by_hand_is_asked_about_and_not_put_back(self, meta: Rehearsed) -> None:
        self.registered(meta)
        by_hand(meta, "change_name", name="Shrub Berlin")
        a_day_later(meta)
        row = meta.row()
        assert (row.waiting, row.waiting_for) == (Reason.NAME_CHANGED, Owner.PARTNER)
        assert row.display_name == "Lucky Shrub"
        found = finding(meta)
        assert (found.kind, found.holds, found.shows) == (
            DriftKind.NAME_CHANGED, "'Lucky Shrub'", "'Shrub Berlin'",
        )  # fmt: skip
        assert meta.calls("set_display_name") == []
        assert len(meta.calls("register")) == 1

    def test_accepted_it_takes_effect_with_a_registration(self, meta: Rehearsed) -> None:
        self.registered(meta)
        by_hand(meta, "change_name", name="Shrub Berlin")
        for _ in range(2):
            a_day_later(meta)
        meta.engine.drift.accept(NUMBER, "the customer did it")
        meta.run(most=3 * DAY)
        row = meta.row()
        assert (row.state, row.display_name, row.waiting) == (
            State.REGISTERED, "Shrub Berlin", Reason.DONE,
        )  # fmt: skip
        assert len(meta.calls("register")) == 2
        assert meta.calls("set_display_name") == []
        (deadline,) = [
            d for d in meta.engine.deadlines(NUMBER) if d.reason is DeadlineReason.NAME_CHANGE
        ]
        assert deadline.closed_how == "met"
        a_day_later(meta)
        assert meta.engine.drift.check().is_clean

    def test_a_name_that_merely_differs_becomes_the_name(self, meta: Rehearsed) -> None:
        self.registered(meta)
        meta.edit(verified_name="Shrub Berlin")
        a_day_later(meta)
        assert meta.row().waiting is Reason.NAME_CHANGED
        meta.engine.drift.accept(NUMBER, "fine")
        row = meta.row()
        assert (row.state, row.display_name, row.waiting) == (
            State.REGISTERED, "Shrub Berlin", Reason.DONE,
        )  # fmt: skip
        assert len(meta.calls("register")) == 1

    def test_it_can_be_put_back_by_a_rename(self, meta: Rehearsed) -> None:
        self.registered(meta)
        meta.edit(verified_name="Shrub Berlin")
        a_day_later(meta)
        meta.engine.rename(NUMBER, "Lucky Shrub")
        meta.run(most=5 * DAY)
        assert (meta.state(), meta.row().drift) == (State.REGISTERED, None)
        assert meta.shown()["verified_name"] == "Lucky Shrub"
        a_day_later(meta)
        assert meta.engine.drift.check().is_clean

    def test_a_rename_of_ours_is_no_drift(self, meta: Rehearsed) -> None:
        self.registered(meta)
        meta.engine.rename(NUMBER, "Shrub Berlin")
        meta.run_to(State.REGISTERED)
        for _ in range(2):
            a_day_later(meta)
        assert "drift_found" not in meta.triggers()
        assert meta.engine.drift.check().is_clean

    def test_the_name_that_a_customer_typed_is_no_drift(self, meta: Rehearsed) -> None:
        meta.sign_up(NUMBER, "Lucky Shrub GmbH")
        meta.register(entry="embedded_signup", name="Lucky Shrub")
        for _ in range(2):
            a_day_later(meta)
        assert meta.row().name_held == "Lucky Shrub GmbH"
        assert meta.engine.drift.check().is_clean


class TestPins:
    def told(self, meta: Rehearsed) -> None:
        for webhook in meta.control.get("/webhooks").json()["webhooks"]:
            meta.engine.ingest(webhook["payload"])
        meta.settle()

    def test_a_pin_changed_by_hand_is_asked_for(self, meta: Rehearsed) -> None:
        meta.register()
        meta.wait(HOUR)
        by_hand(meta, "change_pin", pin="271828")
        self.told(meta)
        row = meta.row()
        assert (row.waiting, row.waiting_for) == (Reason.PIN, Owner.HOLDER)
        assert finding(meta).kind is DriftKind.PIN_CHANGED
        assert meta.calls("set_pin") == []
        meta.engine.set_pin(NUMBER, "271828")
        assert meta.row().waiting is Reason.DONE
        meta.engine.rename(NUMBER, "Shrub Berlin")
        meta.run_to(State.REGISTERED)
        assert [call["code"] for call in meta.calls("register")] == [None, None]
        assert meta.calls("set_pin") == []

    def test_what_our_own_registration_does_to_it_is_no_news(self, meta: Rehearsed) -> None:
        meta.register()
        value = {"display_phone_number": NUMBER.lstrip("+"), "event": "PIN_CHANGED"}
        change = {"field": "security", "value": value}
        at = int(meta.clock.now().timestamp())
        meta.engine.ingest({"entry": [{"id": WABA, "time": at, "changes": [change]}]})
        assert meta.row().hold is None

    def test_a_request_to_reset_it_changes_nothing_yet(self, meta: Rehearsed) -> None:
        meta.register()
        meta.wait(DAY)
        value = {"display_phone_number": NUMBER.lstrip("+"), "event": "PIN_RESET_REQUEST"}
        change = {"field": "security", "value": value}
        at = int(meta.clock.now().timestamp())
        meta.engine.ingest({"entry": [{"id": WABA, "time": at, "changes": [change]}]})
        assert meta.row().hold is None


def test_a_check_tells_of_numbers_that_nobody_asked_for(meta: Rehearsed) -> None:
    meta.register()
    meta.sign_up(OTHER)
    report = meta.engine.drift.check()
    assert dict(report.adoptable) == {WABA: 1}
    assert report.is_clean


def test_a_list_that_cannot_be_read_is_told_and_is_not_clean(meta: Rehearsed) -> None:
    meta.register()
    meta.tell("/tokens", {"token": meta.simulator.token, "dead": True})
    report = meta.engine.drift.check()
    assert set(report.unread) == {WABA}
    assert (report.is_clean, report.compared) == (False, 0)
    assert meta.state() is State.REGISTERED
    with pytest.raises(NotFoundError):
        meta.engine.drift.check(["1234567"])


def test_what_a_scenario_announces_plays_by_itself(rehearse: Rehearse) -> None:
    number = {
        "phone_number": NUMBER, "verified_name": "Lucky Shrub", "registered": True,
        "by_hand": [
            {"at": "2026-03-05T09:00:00Z", "do": "disconnect"},
            {"at": "2026-03-20T09:00:00Z", "do": "delete"},
        ],
    }  # fmt: skip
    meta = rehearse(scenario=scenario(waba={"numbers": [number]}))
    meta.engine.adoption.adopt(WABA, live=True)
    assert meta.row().waiting is Reason.DONE
    for _ in range(5):
        a_day_later(meta)
    assert meta.row().waiting is Reason.DISCONNECTED
    for _ in range(16):
        a_day_later(meta)
    assert meta.state() is State.LEFT
    assert [e.kind for e in meta.engine.drift.findings(left_within=30 * DAY)] == [DriftKind.LEFT]
