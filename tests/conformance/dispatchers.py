"""What runs steps: each kind of worker behind one face, so that one suite fits all of them."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import celery
import dramatiq
import procrastinate
from dramatiq.brokers.redis import RedisBroker
from redis import Redis
from sqlalchemy import make_url, text

from onboarding.dispatch.fleet import upgrade_fleet
from onboarding.dispatch.fleet_queue import QUEUE, WAKE
from onboarding.store.database import writing
from tests.conformance.deployment import Deployment

ADAPTERS = Path(__file__).resolve().parent.parent.parent / "examples" / "adapters"


class Local:
    """``onboarding worker``: it has no queue, so that a wake-up is a call of ``Engine.advance``."""

    def __init__(self, deployment: Deployment, _broker: str) -> None:
        self.deployment = deployment
        self._callers = ThreadPoolExecutor(8)

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start one worker, with its children if it has any."""
        command = [sys.executable, "-m", "onboarding", "worker"]
        return self.deployment.start(command, environment)

    def send(self, ids: Sequence[str]) -> None:
        """Have each of these onboardings advanced, as often as it is named."""
        for id_ in ids:
            self._callers.submit(self.deployment.engine.advance, id_)

    def lose(self) -> None:
        """Throw away what was sent and has not arrived yet."""
        self._callers.shutdown(cancel_futures=True)
        self._callers = ThreadPoolExecutor(8)

    def died(self, worker: subprocess.Popen[bytes]) -> bool:
        """Whether the process that does the work was killed."""
        return worker.poll() == -signal.SIGKILL

    def close(self) -> None:
        """Let what was sent be done."""
        self._callers.shutdown()


class Fleet(Local):
    """``onboarding worker --fleet``: woken by Procrastinate."""

    def __init__(self, deployment: Deployment, broker: str) -> None:
        super().__init__(deployment, broker)
        upgrade_fleet(deployment.engine.context.settings)
        url = make_url(deployment.url).set(drivername="postgresql")
        self.app = procrastinate.App(
            connector=procrastinate.SyncPsycopgConnector(
                conninfo=url.render_as_string(hide_password=False), min_size=1, max_size=1
            )
        )
        self.app.open()

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start one worker of the fleet."""
        command = [sys.executable, "-m", "onboarding", "worker", "--fleet"]
        return self.deployment.start(command, environment)

    def send(self, ids: Sequence[str]) -> None:
        """Defer a job for each, without the queueing lock that would keep doubles out."""
        task = self.app.configure_task(WAKE, queue=QUEUE)
        for id_ in ids:
            task.defer(onboarding_id=id_)

    def lose(self) -> None:
        """Delete every job that waits."""
        with writing(self.deployment.engine.context.database) as conn:
            conn.execute(text("DELETE FROM procrastinate_jobs WHERE status = 'todo'"))

    def close(self) -> None:
        """Close the connection."""
        super().close()
        self.app.close()


class Celery(Local):
    """The adapter for Celery, on Redis."""

    def __init__(self, deployment: Deployment, broker: str) -> None:
        super().__init__(deployment, broker)
        self._broker = broker
        self._app = celery.Celery(broker=broker)
        self._app.conf.task_default_queue = "onboarding"

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start a worker of two processes, and the clock beside it."""
        options = ["--beat", "--schedule", str(self.deployment.folder / "beat"), "--concurrency=2"]
        return self.deployment.start(
            [sys.executable, "-m", "celery", "-A", "celery_adapter", "worker", *options],
            {"CELERY_BROKER_URL": self._broker, **environment},
            cwd=ADAPTERS,
        )

    def send(self, ids: Sequence[str]) -> None:
        """Send a message for each."""
        for id_ in ids:
            self._app.send_task("onboarding.advance", args=[id_])

    def lose(self) -> None:
        """Lose everything that the broker has."""
        with Redis.from_url(self._broker) as client:
            client.delete("onboarding")

    def died(self, _worker: subprocess.Popen[bytes]) -> bool:
        """Whether one of its processes was killed; Celery starts another in its place."""
        return "signal 9 (SIGKILL)" in self.deployment.logs()

    def close(self) -> None:
        """Close the connection."""
        super().close()
        self._app.close()


class Dramatiq(Local):
    """The adapter for Dramatiq, on Redis."""

    def __init__(self, deployment: Deployment, broker: str) -> None:
        super().__init__(deployment, broker)
        self._url = broker
        self._broker = RedisBroker(url=broker)  # type: ignore[no-untyped-call] # the library has no types for it
        self._broker.declare_queue("onboarding")

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start a worker of one process and four threads."""
        options = ["--queues", "onboarding", "--processes", "1", "--threads", "4"]
        return self.deployment.start(
            [sys.executable, "-m", "dramatiq", "dramatiq_adapter", *options],
            {"DRAMATIQ_REDIS_URL": self._url, **environment},
            cwd=ADAPTERS,
        )

    def send(self, ids: Sequence[str]) -> None:
        """Send a message for each."""
        for id_ in ids:
            message = dramatiq.Message[None](
                queue_name="onboarding", actor_name="advance", args=(id_,), kwargs={}, options={}
            )
            self._broker.enqueue(message)

    def lose(self) -> None:
        """Lose everything that the broker has."""
        self._broker.flush_all()

    def died(self, worker: subprocess.Popen[bytes]) -> bool:
        """Whether its process was killed: Dramatiq ends when one of its processes does."""
        return worker.poll() is not None

    def close(self) -> None:
        """Close the connection."""
        super().close()
        self._broker.close()


Dispatcher = Local

#: Each kind with the database that it runs on.
KINDS: dict[str, tuple[type[Dispatcher], str]] = {
    "local-sqlite": (Local, "sqlite"),
    "local-postgresql": (Local, "postgresql"),
    "procrastinate": (Fleet, "postgresql"),
    "celery": (Celery, "postgresql"),
    "dramatiq": (Dramatiq, "postgresql"),
}
