"""One suite for everything that runs steps: whatever a dispatcher does, each call is made once.

``advance`` must be safe under duplicate, late, lost and concurrent calls, under a kill at any
instant, and under a stop in the middle of work. A dispatcher that holds this may be used.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

from onboarding import State
from onboarding.engine.crash_points import ANSWERED, INTENDED, OUTCOME_WRITTEN
from onboarding.model import OperationStatus
from tests.conformance.deployment import Deployment, at_once
from tests.conformance.dispatchers import Dispatcher
from tests.dispatch.waiting import eventually

#: What a number's way costs, from its request to its registration.
ONE_WAY = {"create_number": 1, "request_code": 1, "verify_code": 1, "register": 1}


def changes_of(deployment: Deployment, count: int) -> dict[str, float]:
    """Return the calls per number that changed something, but for those of the account."""
    made = deployment.changes()
    del made["subscribe_app"]
    assert set(made) <= set(ONE_WAY), made
    return {endpoint: calls / count for endpoint, calls in made.items()}


def end(worker: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> int:
    """Ask a worker to stop, and return its exit status."""
    worker.send_signal(number)
    return worker.wait(30)


def test_duplicate_calls_do_everything_once(deployment: Deployment, dispatcher: Dispatcher) -> None:
    ids = deployment.ask(5, code_ready=True)
    dispatcher.start()
    for _ in range(4):
        dispatcher.send(ids * 3)
        time.sleep(0.3)
    deployment.lasts(State.REGISTERED)
    assert changes_of(deployment, len(ids)) == ONE_WAY


def test_late_calls_change_nothing(deployment: Deployment, dispatcher: Dispatcher) -> None:
    ids = deployment.ask(3, code_ready=True)
    worker = dispatcher.start()
    deployment.lasts(State.REGISTERED)
    told, made = [deployment.engine.history(id_) for id_ in ids], deployment.changes()
    dispatcher.send(ids * 2)
    dispatcher.send(ids)
    time.sleep(1.5)
    assert end(worker) == 0, deployment.logs()
    assert [deployment.engine.history(id_) for id_ in ids] == told
    assert deployment.changes() == made


def test_lost_calls_cost_a_sweep_and_nothing_else(
    deployment: Deployment, dispatcher: Dispatcher
) -> None:
    ids = deployment.ask(5)
    dispatcher.send(ids)
    dispatcher.lose()
    dispatcher.start()
    deployment.lasts(State.CREATED)
    assert changes_of(deployment, len(ids)) == {"create_number": 1}


def test_concurrent_calls_do_everything_once(
    deployment: Deployment, dispatcher: Dispatcher
) -> None:
    ids = deployment.ask(4, code_ready=True)
    workers = [dispatcher.start(), dispatcher.start()]
    for _ in range(3):
        racing = [lambda id_=id_: deployment.engine.advance(id_) for id_ in ids * 2]
        threads = at_once([*racing, lambda: dispatcher.send(ids)])
        for thread in threads:
            thread.join(30)
    deployment.lasts(State.REGISTERED)
    assert changes_of(deployment, len(ids)) == ONE_WAY
    assert [end(worker) for worker in workers] == [0, 0], deployment.logs()


@pytest.mark.parametrize(
    "point",
    [
        pytest.param(INTENDED, marks=pytest.mark.slow),
        ANSWERED,
        pytest.param(OUTCOME_WRITTEN, marks=pytest.mark.slow),
    ],
)
def test_a_worker_that_is_killed_in_a_call_repeats_nothing(
    deployment: Deployment, dispatcher: Dispatcher, point: str
) -> None:
    (id_,) = deployment.ask()
    first = dispatcher.start(ONBOARDING_CRASH_AT=f"{point}/create_number")
    eventually(lambda: dispatcher.died(first), 40)
    kill(first)
    (operation,) = deployment.engine.operations(id_)
    assert operation.status is OperationStatus.PENDING
    made = deployment.changes()["create_number"]
    assert made == (0 if point == INTENDED else 1)

    dispatcher.start()
    deployment.lasts(State.CREATED)
    assert deployment.changes()["create_number"] == 1
    assert deployment.engine.operations(id_)[0].resolved_by == "probe"


def kill(worker: subprocess.Popen[bytes]) -> None:
    """End a worker and its children as a power cut would."""
    if worker.poll() is None:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def test_stopping_while_busy_loses_no_answer(
    deployment: Deployment, dispatcher: Dispatcher
) -> None:
    deployment.fail("latency", "create_number", seconds="700ms")
    ids = deployment.ask(5)
    worker = dispatcher.start()
    eventually(lambda: any(op.is_open for op in deployment.operations()), 40)
    assert end(worker) == 0, deployment.logs()
    operations = deployment.operations()
    assert {(op.status, op.applied) for op in operations} == {(OperationStatus.SUCCEEDED, True)}
    assert deployment.changes()["create_number"] == len(operations)
    assert {deployment.row(id_).lease_owner for id_ in ids} == {None}


@pytest.mark.slow
def test_a_thousand_that_are_due_at_once_are_each_done_once(
    deployment: Deployment, dispatcher: Dispatcher
) -> None:
    ids = deployment.ask(1000)
    dispatcher.send(ids)
    workers = [dispatcher.start(), dispatcher.start()]
    deployment.lasts(State.CREATED, 180)
    assert changes_of(deployment, len(ids)) == {"create_number": 1}
    assert [end(worker) for worker in workers] == [0, 0], deployment.logs()
