"""What the fleet promises beyond the suite: its jobs are hints, and never in the way."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from onboarding import Engine, State
from onboarding.dispatch import fleet, fleet_queue
from onboarding.dispatch.fleet import fleet_worker, upgrade_fleet
from onboarding.dispatch.fleet_queue import SWEEP_S, WAKE, JobWaker, upgrade_queue
from onboarding.dispatch.fleet_worker import FleetWorker
from onboarding.dispatch.skipping import SkippingClock
from onboarding.errors import ConfigurationError, SchemaError
from onboarding.simulator import Simulator
from onboarding.store.database import reading, writing
from tests.conformance.deployment import Deployment, at_once, deployed
from tests.conformance.dispatchers import Fleet
from tests.dispatch.waiting import SKIPPING, eventually

KILLED = 137


@pytest.fixture
def deployment(tmp_path: Path, postgres_url: str) -> Iterator[Deployment]:
    """A deployment on PostgreSQL whose queue was made."""
    with deployed(tmp_path, postgres_url) as made:
        upgrade_fleet(made.engine.context.settings)
        yield made
        made.require_no_faults()


def waking(deployment: Deployment) -> Engine:
    """Return the deployment's engine; what it changes wakes the fleet from now on."""
    context = deployment.engine.context
    deployment.engine.context = replace(context, waker=JobWaker(context.clock))
    return deployment.engine


def jobs(deployment: Deployment, status: str = "todo") -> list[dict[str, Any]]:
    """Return the wake-ups that stand in the queue."""
    query = text("SELECT * FROM procrastinate_jobs WHERE task_name = :task AND status::text = :s")
    with reading(deployment.engine.context.database) as conn:
        found = conn.execute(query, {"task": WAKE, "s": status})
        return [dict(row) for row in found.mappings()]


def execute(deployment: Deployment, statement: str) -> None:
    """Change the database by hand."""
    with writing(deployment.engine.context.database) as conn:
        conn.execute(text(statement))


def test_a_change_of_state_leaves_one_wake_up_and_never_a_lock(deployment: Deployment) -> None:
    ids = deployment.ask(3, code_ready=True)
    engine = waking(deployment)
    engine.advance()
    left = jobs(deployment)
    assert {job["queueing_lock"] for job in left} == {f"m:{id_}" for id_ in ids}
    assert {job["args"]["onboarding_id"] for job in left} == set(ids)
    assert {job["lock"] for job in left} == {None}
    engine.advance()  # a second change finds the wake-up of the first waiting
    assert len(jobs(deployment)) == 3
    assert {deployment.row(id_).state for id_ in ids} == {State.OTP_PENDING}


def test_a_wake_up_is_committed_or_undone_with_the_change(deployment: Deployment) -> None:
    (id_,) = deployment.ask()
    context = waking(deployment).context
    assert context.waker is not None
    with suppress(ZeroDivisionError), writing(context.database) as conn:
        context.waker.wake(conn, {id_: context.clock.now()})
        raise ZeroDivisionError
    assert jobs(deployment) == []
    with writing(context.database) as conn:
        context.waker.wake(conn, {id_: context.clock.now()})
    assert len(jobs(deployment)) == 1


def test_what_is_due_in_a_moment_is_scheduled_and_what_is_due_later_is_left_to_the_sweep(
    deployment: Deployment,
) -> None:
    context = deployment.engine.context
    waker, now = JobWaker(context.clock), context.clock.now()
    soon = now + timedelta(seconds=3)
    with writing(context.database) as conn:
        waker.wake(conn, {"now": now, "soon": soon, "later": now + timedelta(minutes=1)})
    at = {job["args"]["onboarding_id"]: job["scheduled_at"] for job in jobs(deployment)}
    assert at == {"now": None, "soon": soon}


def test_a_queue_that_fails_never_costs_the_change_of_state(deployment: Deployment) -> None:
    (id_,) = deployment.ask()
    execute(deployment, "ALTER TABLE procrastinate_jobs RENAME TO away")
    waking(deployment).advance()
    assert deployment.row(id_).state is State.CREATED
    assert deployment.changes()["create_number"] == 1


def test_a_wake_up_that_another_transaction_makes_at_the_same_time_is_no_failure(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look for waiting jobs does not see it; the unique index does."""
    (id_,) = deployment.ask()
    context = waking(deployment).context
    waker = JobWaker(context.clock)
    with writing(context.database) as conn:
        waker.wake(conn, {id_: context.clock.now()})
    monkeypatch.setattr(waker, "_waiting", lambda *_: [])  # as if it had been asked earlier
    with writing(context.database) as conn:
        waker.wake(conn, {id_: context.clock.now()})
        conn.execute(text("UPDATE onboarding SET display_name = 'Kept'"))
    assert len(jobs(deployment)) == 1
    assert deployment.row(id_).display_name == "Kept"


@pytest.mark.slow
def test_jobs_that_vanish_all_the_time_stop_nobody(deployment: Deployment) -> None:
    """Every wake-up is lost: the sweeps alone carry each number to its end."""
    deployment.ask(3, code_ready=True)
    over = threading.Event()

    def lose() -> None:
        while not over.wait(0.01):
            execute(deployment, f"DELETE FROM procrastinate_jobs WHERE task_name = '{WAKE}'")  # noqa: S608 - ours

    thief = threading.Thread(target=lose)
    thief.start()
    try:
        deployment.start([sys.executable, "-m", "onboarding", "worker", "--fleet"])
        deployment.lasts(State.REGISTERED, 100)
    finally:
        over.set()
        thief.join()


@pytest.mark.slow
def test_the_sweep_is_one_in_the_whole_fleet(deployment: Deployment) -> None:
    """Workers that each kept time by themselves would be heard three times as often."""
    heard: list[str] = []
    began = time.monotonic()
    with ExitStack() as stack:
        for _ in range(3):
            engine = stack.enter_context(
                Engine.open(deployment.url, secret_key=deployment.key, **deployment.given)
            )
            worker = FleetWorker(engine)
            worker._runner._heard = heard.append
            worker.start()
            stack.callback(worker.stop)
        eventually(lambda: heard.count("advance") >= 4, 60)
        ticks = (time.monotonic() - began) / SWEEP_S
    assert max(Counter(heard).values()) <= ticks + 2
    assert set(heard) == {"advance", "observe", "deadlines"}


def test_what_fails_unseen_is_told_in_a_line(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    given = {"secret_key": deployment.key, **deployment.given}
    with ExitStack() as stack:
        worker = FleetWorker(stack.enter_context(Engine.open(deployment.url, **given)))
        worker.start()
        stack.callback(worker.stop)
        loop = worker._runner._loop
        seen = {"message": "Task exception was never retrieved", "exception": KeyError("4711")}
        loop.call_soon_threadsafe(loop.call_exception_handler, seen)
        eventually(lambda: "fleet_task_failed" in caplog.text)
    assert "KeyError" in caplog.text
    assert "4711" not in caplog.text
    assert "Traceback" not in caplog.text


def test_a_worker_outlives_its_queue(deployment: Deployment) -> None:
    worker = deployment.start([sys.executable, "-m", "onboarding", "worker", "--fleet"])
    eventually(lambda: "is running" in deployment.logs(), 40)
    execute(deployment, "ALTER TABLE procrastinate_jobs RENAME TO away")
    eventually(lambda: "fleet_queue_lost" in deployment.logs(), 40)
    assert worker.poll() is None
    execute(deployment, "ALTER TABLE away RENAME TO procrastinate_jobs")
    deployment.ask(2)
    deployment.lasts(State.CREATED, 60)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    assert "Traceback" not in deployment.logs()


def test_the_second_signal_ends_a_worker_of_the_fleet_at_once(deployment: Deployment) -> None:
    deployment.fail("latency", "create_number", seconds="2s")
    (id_,) = deployment.ask()
    worker = deployment.start([sys.executable, "-m", "onboarding", "worker", "--fleet"])
    eventually(deployment.operations, 40)
    for _ in range(2):
        worker.send_signal(signal.SIGTERM)
        time.sleep(0.05)
    assert worker.wait(1.5) == KILLED
    assert [op.is_open for op in deployment.engine.operations(id_)] == [True]


_STALLED = f"""
    WITH dead AS (
      INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')
      RETURNING id
    )
    INSERT INTO procrastinate_jobs (queue_name, task_name, status, worker_id)
    SELECT 'onboarding', '{WAKE}', 'doing', id FROM dead
"""  # noqa: S608 - a name of our own


def test_jobs_of_killed_workers_are_swept_away(deployment: Deployment) -> None:
    execute(deployment, _STALLED)
    dispatcher = Fleet(deployment, "")
    with closing(dispatcher):
        dispatcher.app.configure_task("onboarding.tidy", queue="onboarding").defer(timestamp=1)
        worker = FleetWorker(deployment.engine)
        worker.start()
        eventually(lambda: jobs(deployment, "doing") == [], 40)
        worker.stop()


_STALL = """
    WITH dead AS (
      INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')
      RETURNING id
    )
    UPDATE procrastinate_jobs SET status = 'doing', worker_id = dead.id FROM dead
"""


def test_a_number_whose_job_stalled_is_found_by_a_sweep(deployment: Deployment) -> None:
    """A worker fetched its only wake-up and died."""
    (id_,) = deployment.ask()
    context = waking(deployment).context
    with writing(context.database) as conn:
        assert context.waker is not None
        context.waker.wake(conn, {id_: context.clock.now()})
    execute(deployment, _STALL)
    assert [job["queueing_lock"] for job in jobs(deployment, "doing")] == [f"m:{id_}"]
    assert jobs(deployment) == []
    worker = FleetWorker(deployment.engine)
    worker.start()
    try:
        deployment.lasts(State.CREATED, 60)
    finally:
        worker.stop()


def test_the_queue_is_made_once_however_many_make_it(postgres_url: str, tmp_path: Path) -> None:
    with deployed(tmp_path, postgres_url) as made:
        with pytest.raises(SchemaError, match="queue are missing") as refused:
            fleet_worker(made.engine)
        assert refused.value.hint == "run: onboarding db upgrade --fleet"
        results: list[bool] = []
        database = made.engine.context.database
        for thread in at_once([lambda: results.append(upgrade_queue(database))] * 6):
            thread.join(30)
        assert sorted(results) == [False] * 5 + [True]


def test_a_fleet_without_postgresql_or_its_library_is_refused(
    tmp_path: Path, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        Engine.open(f"sqlite:///{tmp_path / 'alone.db'}", upgrade=True) as alone,
        pytest.raises(ConfigurationError, match="needs PostgreSQL"),
    ):
        fleet_worker(alone)
    with Simulator(SKIPPING) as simulator, closing(SkippingClock(simulator.control_url)) as clock:
        simulated = Engine(replace(deployment.engine.context, clock=clock))
        with pytest.raises(ConfigurationError, match="real time"):
            fleet_worker(simulated)
    monkeypatch.setitem(sys.modules, "procrastinate", None)
    with pytest.raises(ConfigurationError, match="not installed") as refused:
        fleet_worker(deployment.engine)
    assert "onboarding[fleet]" in refused.value.hint


def test_nothing_of_a_fleet_is_needed_by_whoever_has_none() -> None:
    assert fleet_queue.__name__ not in vars(fleet)


def test_the_commands_say_what_they_made(tmp_path: Path, postgres_url: str) -> None:
    with deployed(tmp_path, postgres_url) as made:
        for _ in range(2):
            command = [sys.executable, "-m", "onboarding", "db", "upgrade", "--fleet"]
            assert made.start(command).wait(60) == 0
        assert "queue are new" in made.log_of(0).read_text()
        assert "queue are there, as before" in made.log_of(1).read_text()
