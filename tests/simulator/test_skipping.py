"""The clock over HTTP: epochs, participants, jumps."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pytest

from onboarding.dispatch.control import open_control
from tests.simulator.conftest import RigMaker
from tests.simulator.harness import DAY, START, WABA, Rig, business

SKIPPING = {"mode": "skipping", "start": START.isoformat()}
LONG = 60.0


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def say(rig: Rig, participant: str, **given: Any) -> dict[str, Any]:
    body = {"participant": participant, "idle": True, "ttl_s": LONG, **given}
    due = body.get("next_due_at")
    if isinstance(due, datetime):
        body["next_due_at"] = due.isoformat()
    return rig.control("POST", "clock/report", body)


def test_status_has_the_shape_of_the_contract(rig: Rig) -> None:
    assert rig.control("GET", "clock") == {
        "now": "2026-11-02T09:00:00.000000Z",
        "mode": "manual",
        "epoch": 0,
        "next_event_at": None,
    }


def test_manual_clock_is_set_and_advanced(rig: Rig) -> None:
    status = rig.control("POST", "clock", {"set": "2026-11-03T00:00:00Z", "advance_s": 1.5})
    assert status["now"] == "2026-11-03T00:00:01.500000Z"
    assert status["epoch"] == 1


def test_clock_refuses_to_go_back(rig: Rig) -> None:
    response = rig.http.post("/_sim/clock", json={"set": "2026-11-01T00:00:00Z"})
    assert response.status_code == 400
    assert "never goes backwards" in response.json()["error"]
    assert rig.http.post("/_sim/clock", json={"advance_s": -1}).status_code == 400
    assert rig.control("GET", "clock")["epoch"] == 0


@pytest.mark.parametrize("mode", ["real", "skipping", "manual"])
def test_advance_by_nothing_is_no_step_back(start: RigMaker, mode: str) -> None:
    rig = start(clock={**SKIPPING, "mode": mode})
    assert [rig.advance(0)["epoch"] for _ in range(5)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("seconds", [1e300, "x", -1])
def test_advance_must_make_sense(rig: Rig, seconds: object) -> None:
    assert rig.http.post("/_sim/clock", json={"advance_s": seconds}).status_code == 400


def test_mode_can_change_and_everybody_looks_again(rig: Rig) -> None:
    status = rig.control("POST", "clock", {"mode": "skipping"})
    assert (status["mode"], status["epoch"]) == ("skipping", 1)
    assert rig.control("POST", "clock", {"mode": "skipping"})["epoch"] == 1


def test_time_jumps_when_all_are_idle(start: RigMaker) -> None:
    rig = start(clock=SKIPPING)
    status = say(rig, "worker", epoch=0, next_due_at=START + timedelta(days=3))
    assert status["epoch"] == 1
    assert instant(status["now"]) >= START + timedelta(days=3)
    assert instant(status["now"]) < START + timedelta(days=3, minutes=1)


def test_time_does_not_jump_for_a_report_of_an_older_epoch(start: RigMaker) -> None:
    rig = start(clock=SKIPPING)
    rig.control("POST", "tokens", {"token": "EAAx", "dead": False})
    status = say(rig, "worker", epoch=0, next_due_at=START + timedelta(days=3))
    assert status["epoch"] == 1
    assert instant(status["now"]) < START + timedelta(days=1)
    status = say(rig, "worker", epoch=1, next_due_at=START + timedelta(days=3))
    assert instant(status["now"]) >= START + timedelta(days=3)


def test_time_waits_for_a_busy_participant_and_for_its_end(start: RigMaker) -> None:
    rig = start(clock=SKIPPING)
    say(rig, "holder", epoch=0, idle=False)
    status = say(rig, "worker", epoch=0, next_due_at=START + timedelta(days=3))
    assert status["epoch"] == 0
    status = rig.control("DELETE", "clock/participants/holder")
    assert status["epoch"] == 1
    assert instant(status["now"]) >= START + timedelta(days=3)


def test_time_waits_for_the_expected_number_of_participants(start: RigMaker) -> None:
    rig = start(clock={**SKIPPING, "participants": 2})
    due = START + timedelta(days=3)
    assert say(rig, "worker", epoch=0, next_due_at=due)["epoch"] == 0
    assert say(rig, "worker", epoch=0, next_due_at=due)["epoch"] == 0
    assert say(rig, "holder", epoch=0)["epoch"] == 1


def test_nothing_due_ever_means_no_jump(start: RigMaker) -> None:
    rig = start(clock=SKIPPING)
    status = say(rig, "worker", epoch=0)
    assert status["epoch"] == 0


def test_time_does_not_jump_in_other_modes(start: RigMaker) -> None:
    rig = start()
    assert say(rig, "worker", epoch=0, next_due_at=START + timedelta(days=3))["epoch"] == 0


def test_simulators_own_events_are_jumped_to_exactly(start: RigMaker) -> None:
    rig = start(clock=SKIPPING, codes={"delivery": "6h"}, businesses=[business(subscribed=True)])
    number_id = rig.create()
    rig.request_code(number_id)
    due = instant(rig.control("GET", "clock")["next_event_at"])
    status = say(rig, "worker", epoch=0, next_due_at=START + timedelta(days=3))
    assert due <= instant(status["now"]) < due + timedelta(minutes=1)
    assert status["epoch"] == 2
    message = rig.control("GET", "inbox/14195551518")["messages"][0]
    assert instant(message["received_at"]) == due


def test_jump_over_two_instants_lets_each_event_happen_at_its_own(start: RigMaker) -> None:
    rule = {"first": "PENDING_REVIEW", "after": "1d"}
    rig = start(reviewer={"default": rule}, businesses=[business(subscribed=True)])
    rig.create("14195550001")
    rig.advance(3600)
    rig.create("14195550002")
    status = rig.advance(30 * DAY)
    hooks = rig.control("GET", "webhooks")["webhooks"]
    assert [hook["at"] for hook in hooks] == [
        "2026-11-03T09:00:00.000000Z",
        "2026-11-03T10:00:00.000000Z",
    ]
    assert status["epoch"] == 1 + 1 + 2


def test_held_report_is_answered_when_somebody_changes_something(start: RigMaker) -> None:
    rig = start(clock=SKIPPING)
    say(rig, "busy", epoch=0, idle=False)
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(say, rig, "worker", epoch=0, wait_s=LONG)
        assert say(rig, "holder", epoch=0, changed=True)["epoch"] == 1
        assert held.result(timeout=30)["epoch"] == 1


def test_report_that_says_changed_is_not_held(start: RigMaker) -> None:
    rig = start(clock=SKIPPING)
    assert say(rig, "worker", epoch=0, changed=True, wait_s=LONG)["epoch"] == 1


def test_held_report_is_answered_after_its_wait(start: RigMaker) -> None:
    rig = start(clock=SKIPPING)
    assert say(rig, "worker", epoch=0, wait_s=0.01)["epoch"] == 0


def test_held_report_is_answered_when_its_own_instant_comes(start: RigMaker) -> None:
    rig = start(clock=SKIPPING)
    say(rig, "busy", epoch=0, idle=False)
    due = instant(rig.control("GET", "clock")["now"]) + timedelta(milliseconds=30)
    status = say(rig, "worker", epoch=0, next_due_at=due, wait_s=LONG)
    assert instant(status["now"]) >= due


def test_held_report_is_answered_when_a_code_arrives_in_real_time(start: RigMaker) -> None:
    rig = start(clock=SKIPPING, codes={"delivery": "30ms"})
    number_id = rig.create()
    rig.request_code(number_id)
    epoch = rig.control("GET", "clock")["epoch"]
    say(rig, "busy", epoch=epoch, idle=False)
    status = say(rig, "holder", epoch=epoch, wait_s=LONG)
    assert rig.control("GET", "inbox/14195551518")["messages"]
    assert status["epoch"] <= 1


def test_participant_that_falls_silent_lapses(start: RigMaker) -> None:
    rig = start(clock=SKIPPING)
    say(rig, "killed", epoch=0, idle=False, ttl_s=0.02)
    due = START + timedelta(days=3)
    status = say(rig, "worker", epoch=0, next_due_at=due, wait_s=LONG)
    assert instant(status["now"]) >= due


def test_time_does_not_jump_while_a_graph_request_is_in_flight(start: RigMaker) -> None:
    fault = {"kind": "timeout_after_effect", "endpoint": "read_waba", "seconds": "60s"}
    rig = start(clock=SKIPPING, faults=[fault])
    due = START + timedelta(days=3)
    with closing(rig.send_raw("GET", WABA)):
        rig.await_call("read_waba")
        assert say(rig, "worker", epoch=0, next_due_at=due)["epoch"] == 0
    status = say(rig, "worker", epoch=0, next_due_at=due, wait_s=LONG)
    assert instant(status["now"]) >= due


class Participant(threading.Thread):
    """Acts on what it finds, then reports idle and waits, until it is done."""

    def __init__(self, rig: Rig, name: str) -> None:
        super().__init__(name=name)
        self.rig = rig
        self.done = False
        self.next_due_at: datetime | None = None
        self.http = open_control(rig.simulator.base_url, timeout_s=30)

    def look(self, now: datetime) -> bool:
        """Do what is possible now; return whether anything was changed."""
        raise NotImplementedError

    def run(self) -> None:
        status = self.rig.control("GET", "clock")
        while True:
            changed = self.look(instant(status["now"]))
            if self.done:
                break
            report = {
                "participant": self.name,
                "idle": not changed,
                "changed": changed,
                "epoch": status["epoch"],
                "ttl_s": LONG,
                "wait_s": 30.0,
                "next_due_at": None if self.next_due_at is None else self.next_due_at.isoformat(),
            }
            status = self.http.post("/_sim/clock/report", json=report).json()
        self.http.delete(f"/_sim/clock/participants/{self.name}")
        self.http.close()


class Worker(Participant):
    """Asks for a code every 30 days and registers when the holder has verified."""

    def __init__(self, rig: Rig, number_id: str) -> None:
        super().__init__(rig, "worker")
        self.number_id = number_id
        self.next_due_at = START + timedelta(days=30)
        self.has_asked = False

    def look(self, now: datetime) -> bool:
        shown = self.rig.read(self.number_id, "code_verification_status", "status")
        if shown["status"] == "CONNECTED":
            self.done = True
            return False
        if shown["code_verification_status"] == "VERIFIED":
            self.next_due_at = None
            fresh = not self.rig.number(self.number_id)["has_pin"]
            return fresh and self.rig.register(self.number_id).status_code == 200
        if self.next_due_at is not None and now >= self.next_due_at and not self.has_asked:
            self.next_due_at = None
            self.has_asked = self.rig.request_code(self.number_id).status_code == 200
            return True
        return False


class Holder(Participant):
    """Reads the code an hour after it came and gives it."""

    def __init__(self, rig: Rig, number_id: str) -> None:
        super().__init__(rig, "holder")
        self.number_id = number_id

    def look(self, now: datetime) -> bool:
        if self.rig.number(self.number_id)["status"] == "CONNECTED":
            self.done = True
            return False
        messages = self.rig.control("GET", "inbox/14195551518")["messages"]
        if not messages or self.rig.number(self.number_id)["has_code"] is False:
            return False
        self.next_due_at = instant(messages[0]["received_at"]) + timedelta(minutes=5)
        if now < self.next_due_at:
            return False
        self.next_due_at = None
        code = self.rig.last_code()
        return self.rig.verify_code(self.number_id, code).status_code == 200


def test_two_participants_pass_a_month_in_a_moment(start: RigMaker) -> None:
    rig = start(
        clock={**SKIPPING, "participants": 2},
        codes={"delivery": "90s", "validity": "10m"},
        registration={"connected_after": "100s"},
    )
    number_id = rig.create()
    people = [Worker(rig, number_id), Holder(rig, number_id)]
    for one in people:
        one.start()
    for one in people:
        one.join(timeout=60)
    assert not any(one.is_alive() for one in people)
    assert rig.number(number_id)["status"] == "CONNECTED"
    elapsed = instant(rig.control("GET", "clock")["now"]) - START
    expected = timedelta(days=30, seconds=90 + 300 + 100)
    assert expected <= elapsed < expected + timedelta(seconds=30)
    assert [call["effect"] for call in rig.calls("verify_code")] == [True]


def test_clock_of_a_wrong_shape_is_refused(rig: Rig) -> None:
    body = {"participant": "worker", "idle": True, "ttl_s": 1}
    response = rig.http.post("/_sim/clock/report", json=body)
    assert response.status_code == 400
    assert "epoch" in response.json()["error"]
