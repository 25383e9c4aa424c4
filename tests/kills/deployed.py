"""A deployment whose workers are processes, on business time that skips while everybody rests.

Leases, settle windows and timeouts are real seconds, short ones. Business time is the simulator's:
it runs in real time, and jumps only when no call, lease or settle window is open anywhere.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, select

from onboarding import Engine, NumberRequest
from onboarding.dispatch.control import open_control
from onboarding.dispatch.skipping import SkippingClock
from onboarding.errors import OnboardingError, StoreError
from onboarding.simulator import Simulator
from onboarding.store import journal, leases
from onboarding.store.database import reading
from onboarding.store.tables import account
from tests.engine.oracle import faults_in, faults_told, pins_changed
from tests.kills.program import Program

WABA, OTHER_WABA = "102290129340398", "103390129340399"
BUSINESS, PARTNER = "506914307656634", "616914307656635"

#: What waits of processes and sockets are here; on loopback they can be short.
SHORT: dict[str, Any] = {
    "send_within_seconds": 0.8, "call_timeout_seconds": 0.8, "connect_timeout_seconds": 0.5,
    "settle_seconds": 1.8, "lease_seconds": 1.5, "poll_seconds": 0.3,
    "list_interval_seconds": 0.2, "waba_calls_per_hour": 1_000_000,
    "active_waba_calls_per_hour": 1_000_000, "app_calls_per_hour": 1_000_000,
    "numbers_per_business": 0, "numbers_per_waba": 0,
}  # fmt: skip

#: A world that has room for every number of a test, and no patience to play.
WORLD: dict[str, Any] = {
    "clock": {"mode": "skipping", "start": "2026-03-02T09:00:00Z"},
    "limits": {"numbers_per_waba": 5000, "numbers_per_verified_business": 5000,
               "management_calls": 1_000_000, "management_calls_active": 1_000_000},
    "codes": {"delivery": "0s"},
    "registration": {"connected_after": "1s"},
    "businesses": [
        {"id": BUSINESS, "wabas": [{"id": WABA}, {"id": OTHER_WABA}]}, {"id": PARTNER},
    ],
}  # fmt: skip

#: An intake that answers for every number: somebody always reads the phone.
_GATEWAY = """
class Gateway:
    reads_at_any_hour = True

    def answers(self, onboarding):
        return True

    def answers_pool(self, number):
        return True
"""

_HARNESS = "harness"
_LOOKS_EVERY_S = 0.06
_HANDED_IN_TIMES = 100


@dataclass
class _Message:
    to: str
    text: str
    tries: int = 0


@dataclass
class Deployed:
    """Opened by ``deployed``.

    Attributes:
        folder: where the programs run.
        simulator: the Graph API.
        environment: what the programs are given.
        engine: of the test itself: for what people do, and for looking.
        control: the simulator's control endpoints.
    """

    folder: Path
    simulator: Simulator
    environment: dict[str, str]
    engine: Engine
    control: httpx.Client
    clock: SkippingClock
    programs: list[Program] = field(default_factory=list)
    _errands: list[Program] = field(default_factory=list)
    _unread: list[_Message] = field(default_factory=list)
    _read: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    # Programs

    def start_worker(self, crash_at: str | None = None) -> Program:
        """Start ``onboarding worker``, if asked for one that dies at a point of its work."""
        return self.start("worker", "--intake", "gateway:Gateway", crash_at=crash_at)

    def start(self, *arguments: str, crash_at: str | None = None) -> Program:
        """Start ``onboarding ARGUMENTS``, if asked for one that dies at a point of its work."""
        dying = {} if crash_at is None else {"ONBOARDING_CRASH_AT": crash_at}
        environment = {**self.environment, **dying}
        program = Program(*arguments, environment=environment, folder=self.folder)
        self.programs.append(program)
        if "worker" not in arguments:  # those say themselves whether they rest
            self._errands.append(program)
        return program

    def bury(self, worker: Program) -> None:
        """Let nobody wait for a dead worker any more: the clock would for 15 s."""
        for name in re.findall(r"worker (\S+) is running", worker.told):
            self.control.delete(f"/clock/participants/{name}").raise_for_status()

    def end_programs(self) -> None:
        """End every program, so that nothing moves any more."""
        for program in self.programs:
            program.kill()

    # People

    def request(self, number: str, **given: Any) -> str:
        """Request a number; return the onboarding's id."""
        fields = {"waba_id": WABA, "display_name": "Lucky Shrub", **given}
        request = NumberRequest(phone_number=number, **fields)
        return self.engine.request(request).onboarding.id

    def sign_up(self, number: str, **given: Any) -> str:
        """Let a customer finish Embedded Signup; return the phone number id."""
        done = {"waba_id": WABA, "phone_number": number, "verified_name": "Lucky Shrub", **given}
        created: str = self.tell("/embedded_signup", done)["id"]
        return created

    # Meta

    def tell(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Post to a control endpoint, and return its answer."""
        answer: dict[str, Any] = self.control.post(path, json=body).raise_for_status().json()
        return answer

    def calls(self, *endpoints: str) -> list[dict[str, Any]]:
        """Return the calls that were made, those of some endpoints or all."""
        logged = self.control.get("/calls").raise_for_status().json()["calls"]
        return [call for call in logged if not endpoints or call["endpoint"] in endpoints]

    def faults(self, unheard: Collection[int] = ()) -> list[str]:
        """Ask the oracle for what must not have happened.

        Args:
            unheard: calls by number whose answers nobody heard, although Meta gave them.
        """
        policy, calls = self.engine.context.policy, self.calls()
        for call in calls:
            if call["seq"] in unheard:
                call["http_status"] = None  # as far as the engine can know
        found = faults_in(calls, settle=policy.settle, way=policy.send_within)
        return found + faults_told(self.engine) + pins_changed(calls)

    # Time, and the holders of the phones

    def live(self) -> None:
        """Read what arrives on the phones, and say how the deployment stands, until it is over."""
        while not self._over.wait(_LOOKS_EVERY_S):
            try:
                self._hand_in()
                idle, due = self._rests()
            except StoreError:
                idle, due = False, None
            with suppress(OnboardingError):
                self.clock.report(_HARNESS, idle=idle, next_due_at=due)

    def _rests(self) -> tuple[bool, Any]:
        """Return whether nothing is due, on its way or in anybody's hands, and what is due next.

        A program that is about to make a call must not find its time to settle gone.
        """
        now, database = self.clock.now(), self.engine.context.database
        taken = select(func.count()).select_from(account).where(account.c.lease_until.is_not(None))
        with reading(database) as conn:
            held = leases.leased(conn) + conn.execute(taken).scalar_one()
            unsettled = journal.count_settling(conn, now)
        due = self.engine.next_due_at(at_rest=False)
        is_due = due is not None and due <= now
        self._errands = [program for program in self._errands if program.is_there]
        return not (self._unread or held or unsettled or is_due or self._errands), due

    def _hand_in(self) -> None:
        answer = self.control.get("/inbox", params={"after": self._read}).raise_for_status()
        for message in answer.json()["messages"]:
            self._read = message["seq"]
            self._unread.append(_Message(f"+{message['to']}", message["text"]))
        for message in list(self._unread):
            message.tries += 1
            # That the code was sent may not be known yet; a code that nobody wants is dropped.
            if self._is_taken(message) or message.tries >= _HANDED_IN_TIMES:
                self._unread.remove(message)

    def _is_taken(self, message: _Message) -> bool:
        """Hand a code in for whoever asked for it: an onboarding, or a number of the pool."""
        for submit in (self.engine.submit_code, self.engine.pool.submit_code):
            try:
                submit(message.to, message.text, actor="holder")
            except StoreError:
                raise
            except OnboardingError:
                continue
            return True
        return False

    def close(self) -> None:
        """End what still runs."""
        self._over.set()
        for program in self.programs:
            program.close()


@contextmanager
def deployed(
    folder: Path, settings: Mapping[str, Any], world: Mapping[str, Any]
) -> Iterator[Deployed]:
    """Open a deployment on an empty database.

    Args:
        folder: where the programs run.
        settings: what opens the database, and any other field of ``Settings``.
        world: the simulator's scenario.
    """
    (folder / "gateway.py").write_text(_GATEWAY)
    with ExitStack() as stack:
        simulator = stack.enter_context(Simulator(world))
        given = {"graph_base_url": simulator.base_url, **SHORT, **settings}
        variables = {f"ONBOARDING_{name.upper()}": str(value) for name, value in given.items()}
        clock = SkippingClock(simulator.control_url)
        stack.callback(clock.close)
        url = given.pop("database_url")
        engine = stack.enter_context(Engine.open(url, clock=clock, actor="tester", **given))
        control = stack.enter_context(open_control(simulator.control_url, timeout_s=30))
        environment = {**variables, "ONBOARDING_FOLLOW_CLOCK": simulator.control_url}
        made = Deployed(folder, simulator, environment, engine, control, clock)
        for waba_id in (WABA, OTHER_WABA):
            engine.add_account(waba_id, simulator.token)
        living = threading.Thread(target=made.live, name="harness", daemon=True)
        living.start()
        stack.callback(living.join)
        stack.callback(made.close)
        yield made


def eventually(holds: Callable[[], object], what: Callable[[], object], within_s: float) -> None:
    """Wait until something holds; fail with what is there if it does not within a while."""
    until = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until, what()
        time.sleep(0.1)
