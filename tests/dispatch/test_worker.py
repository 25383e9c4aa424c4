"""One worker process: it works, says how it is, and stops without losing a call."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from onboarding import Engine, NumberRequest, State
from onboarding.core.timing import parse_iso
from onboarding.dispatch.control import open_control
from onboarding.dispatch.worker import Worker
from onboarding.errors import GraphError, StoreError
from onboarding.model import OperationStatus, Reason
from onboarding.simulator import Simulator
from onboarding.store import workers
from onboarding.store.database import reading, writing
from onboarding.testing import Rehearsal
from tests.dispatch.waiting import NUMBER, SHORT, SKIPPING, WABA, eventually

KILLED = 137


def seen_workers(engine: Engine) -> list[dict[str, Any]]:
    with reading(engine.context.database) as conn:
        return workers.load_workers(conn, datetime(2000, 1, 1, tzinfo=UTC))


@contextmanager
def working(rehearsal: Rehearsal) -> Iterator[Worker]:
    """A worker in this process, on the rehearsal's clock."""
    worker = Worker(rehearsal.engine)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def rests(worker: Worker) -> bool:
    """Whether the worker has nothing to do at the present instant."""
    return worker.stands().is_idle


def test_a_worker_does_all_that_is_due(tmp_path: Path, database_url: str) -> None:
    given: dict[str, Any] = {"database_url": database_url, "batch_size": 3, "max_in_flight": 5}
    with Rehearsal(folder=tmp_path, **given) as rehearsal:
        numbers = [f"+4930123456{place:02}" for place in range(12)]
        for number in numbers:
            rehearsal.request(number)
        with working(rehearsal) as worker:
            for _ in range(60):
                eventually(lambda: rests(worker))
                rehearsal._hand_in_codes()
                worker.wake()
                eventually(lambda: rests(worker))
                due = rehearsal._next_due_at()
                if due is None:
                    break
                rehearsal.move_to(due)
                worker.loops.wake()
        assert {rehearsal.engine.get(number).state for number in numbers} == {State.REGISTERED}
        for endpoint in ("create_number", "request_code", "verify_code", "register"):
            assert len(rehearsal.calls(endpoint)) == len(numbers)


def test_a_worker_says_when_each_loop_ran_last(tmp_path: Path) -> None:
    with Rehearsal(folder=tmp_path) as rehearsal:
        with working(rehearsal) as worker:
            loops = {
                "advance", "observe", "pool", "batches", "deadlines", "heartbeat", "seal",
                "deliver log",
            }  # fmt: skip
            eventually(lambda: set(worker.loops.last_run) == loops)
            worker.loops.wake("heartbeat")
            eventually(lambda: set(seen_workers(rehearsal.engine)[0]["loops"]) == loops)
            (row,) = seen_workers(rehearsal.engine)
            assert row["id"] == rehearsal.engine.context.worker
            assert row["stopped_at"] is None
            ages = [datetime.now(UTC) - parse_iso(at) for at in row["loops"].values()]
            assert all(timedelta(0) <= age < timedelta(minutes=1) for age in ages)
        (row,) = seen_workers(rehearsal.engine)
        assert row["stopped_at"] >= row["seen_at"] >= row["started_at"]


def test_a_worker_stands_as_it_is(tmp_path: Path) -> None:
    with Rehearsal(folder=tmp_path, reads_codes=False) as rehearsal, working(rehearsal) as worker:
        eventually(lambda: rests(worker))
        assert worker.stands().next_due_at is None
        rehearsal.request(NUMBER, code_window="2026-03-02T12:00Z/2026-03-02T15:00Z")
        eventually(lambda: rehearsal.engine.get(NUMBER).state is State.CREATED and rests(worker))
        assert worker.stands().next_due_at == datetime(2026, 3, 2, 12, tzinfo=UTC)
        rehearsal.fail("drop_after_effect", "request_code", times=1)
        rehearsal.move_to(datetime(2026, 3, 2, 12, tzinfo=UTC))
        worker.wake()
        eventually(lambda: rehearsal.engine.get(NUMBER).state is State.OTP_PENDING)
        with writing(rehearsal.engine.context.database) as conn:
            conn.execute(text("UPDATE onboarding SET lease_owner = 'somebody else'"))
        eventually(lambda: worker.loops.is_idle)
        assert not worker.stands().is_idle  # a lease is real time


def test_stopping_twice_is_stopping_once(tmp_path: Path) -> None:
    with Rehearsal(folder=tmp_path) as rehearsal:
        worker = Worker(rehearsal.engine)
        worker.start()
        worker.stop()
        (first,) = seen_workers(rehearsal.engine)
        worker.stop()
        (second,) = seen_workers(rehearsal.engine)
        assert first["stopped_at"] is not None
        assert second == first


def test_a_worker_that_cannot_note_its_start_leaves_no_thread_behind(tmp_path: Path) -> None:
    with Rehearsal(folder=tmp_path, busy_timeout_seconds=0.05) as rehearsal:
        holder = sqlite3.connect(tmp_path / "onboarding.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        worker = Worker(rehearsal.engine)
        with pytest.raises(StoreError):
            worker.start()
        holder.rollback()
        holder.close()
        eventually(lambda: not worker._pipeline._thread.is_alive())


class Deployment:
    """A database and a simulator in real time, for workers in processes of their own."""

    def __init__(self, folder: Path, simulator: Simulator, url: str | None = None) -> None:
        self.folder, self.simulator = folder, simulator
        # On a machine that is busy with other tests, nobody is too late to send or to answer.
        patient = {"send_within_seconds": 1.5, "call_timeout_seconds": 2.0, "settle_seconds": 3.6}
        # A bound that is given, so that no portfolio is read before the first call.
        self.given = {
            "graph_base_url": simulator.base_url, "numbers_per_business": 20, **SHORT, **patient,
        }  # fmt: skip
        self.url = url or f"sqlite:///{folder / 'onboarding.db'}"
        self.engine = Engine.open(self.url, upgrade=True, **self.given)
        self.engine.add_account(WABA, simulator.token)
        self.control = open_control(simulator.control_url)
        self._started: list[subprocess.Popen[str]] = []

    def close(self) -> None:
        """End what is still there."""
        for process in self._started:
            with process:
                process.kill()
        self.engine.close()
        self.control.close()

    def start_worker(self, *options: str) -> subprocess.Popen[str]:
        """Start `onboarding worker`."""
        settings = {f"ONBOARDING_{name.upper()}": str(v) for name, v in self.given.items()}
        worker = subprocess.Popen(
            [sys.executable, "-m", "onboarding", "worker", *options],
            env={**os.environ, **settings, "ONBOARDING_DATABASE_URL": self.url},
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
        )
        self._started.append(worker)
        return worker

    def fail(self, kind: str, endpoint: str, **fault: Any) -> None:
        """Arm a fault."""
        body = {"kind": kind, "endpoint": endpoint, **fault}
        self.control.post("/faults", json=body).raise_for_status()

    def calls(self, *endpoints: str) -> list[str]:
        """Return the calls that were made."""
        logged = self.control.get("/calls").json()["calls"]
        return [c["endpoint"] for c in logged if not endpoints or c["endpoint"] in endpoints]

    def inbox(self, number: str) -> list[str]:
        """Return the texts that arrived on a phone."""
        messages = self.control.get(f"/inbox/{number}").raise_for_status().json()["messages"]
        return [message["text"] for message in messages]

    def open_calls(self) -> list[OperationStatus]:
        """Return the calls that have no outcome yet."""
        return [op.status for op in self.engine.operations(NUMBER) if op.is_open]


@pytest.fixture
def deployment(tmp_path: Path, database_url: str) -> Iterator[Deployment]:
    """A deployment whose create call takes most of a second."""
    with Simulator({"businesses": [{"id": "506914307656634", "wabas": [{"id": WABA}]}]}) as meta:
        made = Deployment(tmp_path, meta, database_url)
        made.fail("latency", "create_number", seconds="800ms", times=1)
        made.engine.request(
            NumberRequest(waba_id=WABA, phone_number=NUMBER, display_name="Lucky Shrub")
        )
        try:
            yield made
        finally:
            made.close()


def end(process: subprocess.Popen[str], *signals: int) -> tuple[int, str]:
    """Send signals one after the other; return exit status and standard error."""
    for number in signals:
        process.send_signal(number)
        time.sleep(0.05)
    _, told = process.communicate(timeout=20)
    return process.returncode, told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_drains(deployment: Deployment, number: int) -> None:
    worker = deployment.start_worker()
    eventually(deployment.open_calls)
    code, told = end(worker, number)
    assert code == 0, told
    assert "Traceback" not in told
    (operation,) = deployment.engine.operations(NUMBER)
    assert (operation.status, operation.applied) == (OperationStatus.SUCCEEDED, True)
    row = deployment.engine.get(NUMBER)
    assert (row.state, row.lease_owner) == (State.CREATED, None)
    assert deployment.calls() == ["create_number"]
    (noted,) = seen_workers(deployment.engine)
    assert noted["stopped_at"] is not None


def test_the_second_signal_ends_at_once_and_the_next_start_looks_before_it_repeats(
    deployment: Deployment,
) -> None:
    worker = deployment.start_worker()
    eventually(lambda: deployment.calls("create_number"))  # it has reached Meta
    began = time.monotonic()
    code, _ = end(worker, signal.SIGTERM, signal.SIGTERM)
    assert (code, time.monotonic() - began < 0.8) == (KILLED, True)
    assert deployment.open_calls() == [OperationStatus.PENDING]
    assert seen_workers(deployment.engine)[0]["stopped_at"] is None

    second = deployment.start_worker()
    eventually(lambda: deployment.engine.get(NUMBER).state is State.CREATED)
    assert end(second, signal.SIGTERM)[0] == 0
    (operation, *_) = deployment.engine.operations(NUMBER)
    assert (operation.status, operation.resolved_by) == (OperationStatus.SUCCEEDED, "probe")
    assert deployment.calls("create_number") == ["create_number"]


def test_a_worker_refuses_a_schema_that_it_does_not_know(deployment: Deployment) -> None:
    with writing(deployment.engine.context.database) as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    code, told = end(deployment.start_worker())
    assert code == StoreError.exit_code
    assert "9999" in told
    assert "Traceback" not in told
    assert seen_workers(deployment.engine) == []
    assert deployment.calls() == []


def test_a_worker_whose_simulator_is_lost_ends_with_an_error(tmp_path: Path) -> None:
    with ExitStack() as stack:
        with Simulator(SKIPPING) as simulator:
            made = stack.enter_context(closing(Deployment(tmp_path, simulator)))
            made.given["follow_clock"] = simulator.control_url
            worker = made.start_worker()
            assert worker.stderr is not None
            lines = iter(worker.stderr.readline, "")
            assert any("is running" in line for line in lines)
        code, told = end(worker)
    assert code == GraphError.exit_code
    assert "the simulator's clock cannot be reached" in told
    assert "Traceback" not in told


INTAKES = """
class Gateway:
    reads_at_any_hour = True

    def __init__(self, hosted="+493012345671"):
        self.hosted = hosted

    def answers(self, onboarding):
        return onboarding.phone_number == self.hosted


def made_by_a_function():
    return Gateway("+493012345672")


an_object = Gateway("+493012345673")
"""


def test_intakes_that_are_named_let_their_numbers_pass_the_code_step(tmp_path: Path) -> None:
    (tmp_path / "our_gateway").mkdir()
    (tmp_path / "our_gateway" / "codes.py").write_text(INTAKES)
    numbers = [f"+49301234567{place}" for place in range(1, 5)]
    scenario = {
        "businesses": [{"id": "506914307656634", "wabas": [{"id": WABA}]}],
        "codes": {"delivery": "0s"},
    }
    with Simulator(scenario) as meta, closing(Deployment(tmp_path, meta)) as made:
        for number in numbers:
            made.engine.request(
                NumberRequest(waba_id=WABA, phone_number=number, display_name="Lucky Shrub")
            )
        names = ("Gateway", "made_by_a_function", "an_object")
        worker = made.start_worker(
            *(part for name in names for part in ("--intake", f"our_gateway.codes:{name}"))
        )
        for number in numbers[:3]:
            eventually(lambda number=number: made.inbox(number))  # type: ignore[misc]
            made.engine.submit_code(number, made.inbox(number)[-1])
            eventually(
                lambda number=number: made.engine.get(number).state is State.REGISTER_DEADLINE  # type: ignore[misc]
            )
        code, told = end(worker, signal.SIGTERM)
        assert (code, "Traceback" in told) == (0, False), told
        assert made.inbox(numbers[3]) == []
        assert made.engine.get(numbers[3]).waiting is Reason.CODE_READY
        assert len(made.calls("request_code")) == 3
