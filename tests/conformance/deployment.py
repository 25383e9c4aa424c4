"""A deployment in real time, whose workers are processes of their own."""

from __future__ import annotations

import os
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from cryptography.fernet import Fernet

from onboarding import Engine, NumberRequest, State
from onboarding.dispatch.control import open_control
from onboarding.errors import OnboardingError
from onboarding.model import JournaledOperation, Onboarding
from onboarding.simulator import Simulator
from tests.dispatch.waiting import WABA, eventually
from tests.engine.oracle import faults_of
from tests.engine.rehearsing import Rehearsed
from tests.postgres import create_database, drop_database

#: No budget holds anybody up here, and every wait that Meta leaves to us is short; those of
#: processes and sockets are long enough for a machine that does other work beside.
SETTINGS: dict[str, Any] = {
    "send_within_seconds": 2.0, "call_timeout_seconds": 2.5, "connect_timeout_seconds": 1.0,
    "settle_seconds": 5.0, "lease_seconds": 5.0, "poll_seconds": 0.1, "list_interval_seconds": 0.3,
    "waba_calls_per_hour": 10**6, "active_waba_calls_per_hour": 10**6, "app_calls_per_hour": 10**6,
    "numbers_per_business": 0, "numbers_per_waba": 0,
}  # fmt: skip

SCENARIO: dict[str, Any] = {
    "businesses": [{"id": "506914307656634", "wabas": [{"id": WABA}]}],
    "codes": {"delivery": "0s"},
    "registration": {"connected_after": "0s"},
    "limits": {
        "numbers_per_waba": 5000, "numbers_per_verified_business": 5000,
        "management_calls": 1_000_000,
    },
}  # fmt: skip

#: What changes nothing at Meta, and may be repeated as often as budgets allow.
READS = ("list_numbers", "read_number", "read_waba", "list_subscribed_apps")


class Deployment:
    """A database, a simulator, and an engine of the test's own beside the workers'."""

    def __init__(self, folder: Path, url: str, simulator: Simulator) -> None:
        self.folder, self.url = folder, url
        self.given = {**SETTINGS, "graph_base_url": simulator.base_url}
        self.key = Fernet.generate_key().decode()
        self.engine = Engine.open(
            url, upgrade=True, secret_key=self.key, actor="tester", **self.given
        )
        self.engine.add_account(WABA, simulator.token)
        self.control = open_control(simulator.control_url, timeout_s=30)
        self.recreated: set[str] = set()
        self._read = 0
        self._started: list[subprocess.Popen[bytes]] = []

    def close(self) -> None:
        """End what is still there, with all its children."""
        for process in self._started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait()
        self.engine.close()
        self.control.close()

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """Return what a process needs to work on this deployment, and nothing of this machine's."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("ONBOARDING_")}
        settings = {f"ONBOARDING_{name.upper()}": str(v) for name, v in self.given.items()}
        own = {"ONBOARDING_DATABASE_URL": self.url, "ONBOARDING_SECRET_KEY": self.key}
        return {**inherited, **settings, **own, **more}

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        *,
        cwd: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a process in a session of its own; what it says goes to a file."""
        with self.log_of(len(self._started)).open("wb") as told:
            process = subprocess.Popen(
                list(command),
                env=self.environment(environment or {}),
                cwd=cwd or self.folder,
                stdout=told,
                stderr=told,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def log_of(self, nth: int) -> Path:
        """Return the file that the n-th process writes to."""
        return self.folder / f"process-{nth}.log"

    def logs(self) -> str:
        """Return what all processes said."""
        count = range(len(self._started))
        return "\n".join(self.log_of(nth).read_text(errors="replace") for nth in count)

    def ask(self, count: int = 1, *, code_ready: bool = False) -> list[str]:
        """Request numbers; return the onboardings' ids."""
        requests = [
            NumberRequest(
                waba_id=WABA,
                phone_number=f"+4930{1_234_000 + place}",
                display_name="Lucky Shrub",
                code_ready=code_ready,
            )
            for place in range(count)
        ]
        return [receipt.onboarding.id for receipt in self.engine.request_many(requests)]

    def row(self, id_: str) -> Onboarding:
        """Return an onboarding as it stands."""
        return self.engine.get(id_)

    def states(self) -> Counter[State]:
        """Return how many onboardings are in each state."""
        return Counter(row.state for row in self.engine.find_all())

    def operations(self) -> list[JournaledOperation]:
        """Return every call that was journaled."""
        rows = self.engine.find_all()
        return [op for row in rows for op in self.engine.operations(row.id)]

    def fail(self, kind: str, endpoint: str, **fault: Any) -> None:
        """Arm a fault."""
        body = {"kind": kind, "endpoint": endpoint, **fault}
        self.control.post("/faults", json=body).raise_for_status()

    def calls(self) -> list[dict[str, Any]]:
        """Return every call that the simulator got."""
        calls: list[dict[str, Any]] = self.control.get("/calls").json()["calls"]
        return calls

    def changes(self) -> Counter[str]:
        """Return how often each endpoint that changes something was called."""
        made = (call["endpoint"] for call in self.calls())
        return Counter(endpoint for endpoint in made if endpoint not in READS)

    def hand_in_codes(self) -> None:
        """Read the phones, and hand in what arrived."""
        messages = self.control.get("/inbox", params={"after": self._read}).json()["messages"]
        for message in messages:
            self._read = max(self._read, message["seq"])
            self.engine.submit_code(message["to"], message["text"])

    def lasts(self, state: State, within_s: float = 60.0) -> None:
        """Wait until every onboarding is in a state; hand in codes meanwhile."""

        def holds() -> bool:
            with suppress(OnboardingError):  # somebody else was faster
                self.hand_in_codes()
            return set(self.states()) == {state}

        try:
            eventually(holds, within_s)
        except AssertionError as error:
            raise AssertionError(f"{self.states()}\n{self.logs()[-6000:]}") from error

    def require_no_faults(self) -> None:
        """No call was made that must not be made, and every history verifies."""
        found = faults_of(cast("Rehearsed", self))
        assert found == [], "\n".join(found)


@contextmanager
def deployed(folder: Path, server_url: str | None) -> Iterator[Deployment]:
    """Open a deployment on SQLite, or on a database of its own on a server."""
    url = create_database(server_url) if server_url else f"sqlite:///{folder / 'onboarding.db'}"
    with Simulator(SCENARIO) as simulator:
        made = Deployment(folder, url, simulator)
        try:
            yield made
        finally:
            made.close()
            if server_url:
                drop_database(url)


def at_once(calls: Sequence[Any]) -> list[threading.Thread]:
    """Make calls in as many threads, all at the same moment."""
    barrier = threading.Barrier(len(calls))

    def run(call: Any) -> None:
        barrier.wait()
        call()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    return threads
