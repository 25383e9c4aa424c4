"""Crashes: whatever a dead worker left behind is settled by looking, and no call is repeated."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from onboarding.core.timing import parse_iso
from onboarding.model import OperationStatus, State
from tests.engine.rehearsing import MINUTE, NUMBER, Rehearse, Rehearsed, Seam, scenario

CALLS = ("create_number", "request_code", "verify_code", "register", "subscribe_app")

#: A worker that does one pass and is killed in it.
PASS = """
import sys
from onboarding import Engine
from onboarding.testing import FrozenClock
from onboarding.core.timing import parse_iso
graph, now = sys.argv[1:]
class Phone:
    def answers(self, onboarding):
        return True
clock = FrozenClock(parse_iso(now))
with Engine.open(clock=clock, graph_base_url=graph, intakes=[Phone()]) as engine:
    print("ready", flush=True)
    engine.advance()
    print("done", flush=True)
"""


class CrashError(BaseException):
    """The process ends here."""


def crash_once(meta: Rehearsed, endpoint: str, moment: str) -> list[str]:
    """Let the next call of an endpoint crash its worker before or after it is sent."""
    crashed: list[str] = []

    def crash(endpoints: list[str]) -> None:
        if endpoint in endpoints and not crashed:
            crashed.append(endpoint)
            raise CrashError

    Seam(meta.engine, **{moment: crash})
    return crashed


def survive(meta: Rehearsed, number: str, state: State = State.REGISTERED) -> None:
    """Let workers start anew until the number is where it should be."""
    for _ in range(4):
        try:
            meta.run_to(state, number)
        except CrashError:
            wait_for_calls(meta)
            meta.end_leases()
        else:
            return
    raise AssertionError(meta.story(number))


def wait_for_calls(meta: Rehearsed) -> None:
    """Wait until the calls of the crashed worker have reached the simulator."""
    for _ in range(100):
        before = len(meta.calls())
        time.sleep(0.01)
        if len(meta.calls()) == before:
            return


@pytest.mark.parametrize("endpoint", CALLS)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_around_a_call(meta: Rehearsed, endpoint: str, moment: str) -> None:
    crashed = crash_once(meta, endpoint, moment)
    meta.ask()
    survive(meta, NUMBER)
    assert crashed
    made = meta.calls(endpoint)
    assert sum(call["effect"] for call in made) == 1
    if endpoint != "register":
        assert len(made) == 1 if endpoint != "subscribe_app" else len(made) <= 2
    assert not [op for op in meta.engine.operations(NUMBER) if op.is_open]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_subscription_whose_worker_died_does_not_stay_open(meta: Rehearsed, moment: str) -> None:
    crash_once(meta, "subscribe_app", moment)
    meta.ask()
    survive(meta, NUMBER)
    assert meta.engine.overview().open_calls == 0


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_around_a_change_of_name(meta: Rehearsed, moment: str) -> None:
    meta.register()
    crashed = crash_once(meta, "set_display_name", moment)
    meta.engine.rename(NUMBER, "Luckier Shrub")
    survive(meta, NUMBER, State.REGISTERED)
    assert crashed
    assert len(meta.calls("set_display_name")) == 1
    assert meta.shown()["verified_name"] == "Luckier Shrub"


def test_a_crash_while_a_list_is_read_changes_nothing(meta: Rehearsed) -> None:
    meta.sign_up(NUMBER)
    crash_once(meta, "list_numbers", "after")
    meta.ask(entry="embedded_signup")
    survive(meta, NUMBER)
    assert meta.path().count("created") == 1


def test_a_batch_that_dies_with_its_worker_is_settled_number_by_number(meta: Rehearsed) -> None:
    numbers = [f"+4930123456{place:02}" for place in range(12)]
    crash_once(meta, "create_number", "after")
    for number in numbers:
        meta.ask(number)
    for number in numbers:
        survive(meta, number)
    assert len(meta.calls("create_number")) == len(numbers)


@pytest.mark.quick_on("postgresql")
@pytest.mark.parametrize("endpoint", ["create_number", "request_code"])
def test_a_killed_process_leaves_nothing_to_be_repeated(rehearse: Rehearse, endpoint: str) -> None:
    """kill -9 while the call is with Meta."""
    meta = rehearse(scenario=scenario(codes={"delivery": "0s"}))
    meta.fail("latency", endpoint, seconds="3s", times=1)
    meta.ask()
    if endpoint == "request_code":
        meta.engine.advance()
    now = meta.clock.now().isoformat()
    worker = subprocess.Popen(
        [sys.executable, "-c", PASS, meta.simulator.base_url, now],
        env={**os.environ, **meta.environment, "ONBOARDING_NUMBERS_PER_BUSINESS": "20"},
        stdout=subprocess.PIPE,
        text=True,
    )
    with worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        while not [op for op in meta.engine.operations(NUMBER) if op.is_open]:
            time.sleep(0.01)
        worker.send_signal(signal.SIGKILL)
        assert worker.stdout.read() == ""
    assert worker.returncode == -signal.SIGKILL
    (operation,) = [op for op in meta.engine.operations(NUMBER) if op.is_open]
    assert operation.status is OperationStatus.PENDING
    wait_for_calls(meta)
    meta.end_leases()
    meta.run_to(State.REGISTERED, most=30 * MINUTE)
    assert sum(call["effect"] for call in meta.calls("create_number")) == 1


def test_a_code_that_a_cancelled_onboarding_may_have_asked_for_is_outstanding_all_the_same(
    meta: Rehearsed,
) -> None:
    """Its worker died on the way; nobody settles the call before the number is asked for again."""
    crash_once(meta, "request_code", "after")
    cancelled = meta.ask()
    with pytest.raises(CrashError):
        meta.settle()
    wait_for_calls(meta)
    meta.engine.cancel(cancelled, "the name is wrong")
    meta.end_leases()
    meta.reads_codes = True
    again = meta.ask(name="Luckier Shrub")
    meta.run_to(State.REGISTERED, again)
    first, second = [parse_iso(call["at"]) for call in meta.calls("request_code")]
    assert second - first >= 10 * MINUTE
