"""For your own tests: a clock that stands still, and an engine against a simulated Graph API.

::

    def test_our_pipeline(tmp_path):
        with Rehearsal(folder=tmp_path) as rehearsal:
            rehearsal.request("+49 30 1234567", "Lucky Shrub")
            rehearsal.run()
            assert rehearsal.engine.get("+49 30 1234567").state is State.REGISTERED

Nothing is patched and nothing sleeps: the database is a real one, the calls are real HTTP on
loopback, and days pass as fast as the engine can work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import httpx

from onboarding.core.codes import parse_code
from onboarding.core.pool.model import PoolNumber
from onboarding.core.timing import earliest, iso, parse_iso
from onboarding.dispatch.control import open_control
from onboarding.engine.facade import Engine
from onboarding.engine.requests import NumberRequest
from onboarding.errors import OnboardingError
from onboarding.model import Onboarding
from onboarding.simulator import Simulator

#: Where time starts unless you say otherwise: a Monday morning.
START = datetime(2026, 3, 2, 9, tzinfo=UTC)

_MONTH = timedelta(days=30)
_MOST_PASSES = 1000


class FrozenClock:
    """Business time that moves only when you move it; give it to ``Engine.open(clock=...)``."""

    def __init__(self, at: datetime = START) -> None:
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        """Return the present instant."""
        return self._at

    def advance(self, span: timedelta) -> datetime:
        """Move on by a span, and return the new present."""
        return self.move_to(self._at + span)

    def move_to(self, instant: datetime) -> datetime:
        """Move on to an instant, and return the new present.

        Raises:
            ValueError: it lies in the past; business time never goes back.
        """
        if instant < self._at:
            raise ValueError(f"time never goes back: it is {iso(self._at)} already")
        self._at = instant.astimezone(UTC)
        return self._at


class Rehearsal:
    """An engine on a SQLite database of its own, against a simulator of the Graph API.

    Both stand on one clock that only moves when something is due. Every WABA of the scenario is
    added as an account. Codes that arrive on a phone are handed in at once; set ``reads_codes``
    to ``False`` to hand them in yourself.

    Args:
        scenario: what the simulator plays, as in a scenario file; its clock is always this one.
        folder: where the database and its key are made, or are already (one that was made once
            may be copied for each test); default: a folder that is removed.
        start: the first instant.
        reads_codes: whether somebody reads the codes that arrive.
        adds_accounts: the WABAs that are added as accounts; default: all of the scenario.
        settings: any field of ``Settings``.

    Attributes:
        engine: the engine, open.
        simulator: the simulator, serving.
        control: an HTTP client of the simulator's control endpoints (faults, tokens, numbers).
        clock: the engine's clock; move it with ``move_to`` of this class, not alone.
    """

    engine: Engine
    simulator: Simulator
    control: httpx.Client

    #: It reads codes as a machine does; ``False``: as a person who sleeps at night.
    reads_at_any_hour = True

    def __init__(
        self,
        scenario: Mapping[str, Any] | None = None,
        *,
        folder: Path | None = None,
        start: datetime = START,
        reads_codes: bool = True,
        adds_accounts: Sequence[str] | None = None,
        **settings: Any,
    ) -> None:
        self.reads_codes = reads_codes
        self._adds_accounts = adds_accounts
        self.clock = FrozenClock(start)
        self._scenario = {**(scenario or {}), "clock": {"mode": "manual", "start": iso(start)}}
        self._folder = folder
        self._settings = {"actor": "rehearsal", **settings}
        self._read = 0
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            self.simulator = opening.enter_context(Simulator(self._scenario))
            control_url = self.simulator.control_url
            self.control = opening.enter_context(open_control(control_url, timeout_s=30))
            folder = self._folder or Path(opening.enter_context(TemporaryDirectory()))
            file = folder / "onboarding.db"
            self._settings.setdefault("database_url", f"sqlite:///{file}")
            self.engine = opening.enter_context(self.open_engine(upgrade=not file.exists()))
            for business in self.simulator.scenario.businesses:
                for waba in business.wabas:
                    if self._adds_accounts is not None and waba.id not in self._adds_accounts:
                        continue
                    self.engine.add_account(
                        waba.id, self.simulator.token, name=waba.name, business_id=business.id
                    )
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def open_engine(self, *, upgrade: bool = False, **settings: Any) -> Engine:
        """Open one more engine on the same database, clock and Graph; the caller closes it."""
        limits = self.simulator.scenario.limits
        given = {
            "graph_base_url": self.simulator.base_url,
            "numbers_per_business": limits.numbers_per_verified_business,
            "numbers_per_waba": limits.numbers_per_waba,
            **self._settings,
            **settings,
        }
        url = given.pop("database_url")
        return Engine.open(url, upgrade=upgrade, clock=self.clock, intakes=[self], **given)

    def answers(self, onboarding: Onboarding) -> bool:
        """Whether a code sent to this number now is read; windows are left to the engine."""
        return self.reads_codes and onboarding.code_window is None

    def answers_pool(self, number: PoolNumber) -> bool:
        """Whether a code sent to this number of the pool now is read."""
        del number
        return self.reads_codes

    # What people do

    def request(
        self, phone_number: str, display_name: str = "Lucky Shrub", **fields: Any
    ) -> Onboarding:
        """Request a number, on the scenario's first WABA unless ``waba_id`` is given."""
        given = {"waba_id": self.first_waba_id, **fields}
        request = NumberRequest(phone_number=phone_number, display_name=display_name, **given)
        return self.engine.request(request).onboarding

    @property
    def first_waba_id(self) -> str:
        """The id of the scenario's first WABA."""
        return self.simulator.scenario.businesses[0].wabas[0].id

    def sign_up(
        self,
        phone_number: str,
        display_name: str = "Lucky Shrub",
        *,
        at: datetime | None = None,
        waba_id: str | None = None,
    ) -> str:
        """Let a customer finish Embedded Signup, now or earlier; return the phone number id."""
        done = {
            "waba_id": waba_id or self.first_waba_id,
            "phone_number": phone_number,
            "verified_name": display_name,
            "at": iso(at or self.clock.now()),
        }
        created: str = self.tell("/embedded_signup", done)["id"]
        return created

    def messages(self, phone_number: str) -> list[str]:
        """Return the texts of the codes that arrived on a phone, oldest first."""
        answer = self.control.get(f"/inbox/{phone_number}").raise_for_status()
        return [str(message["text"]) for message in answer.json()["messages"]]

    def last_code(self, phone_number: str) -> str:
        """Return the digits of the code that arrived last on a phone."""
        return parse_code(self.messages(phone_number)[-1])

    # What Meta does

    def tell(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Post to a control endpoint of the simulator, and return its answer."""
        answer: dict[str, Any] = self.control.post(path, json=body).raise_for_status().json()
        return answer

    def fail(self, kind: str, endpoint: str | None = None, **fault: Any) -> str:
        """Arm a fault of the simulator; return its name."""
        armed = {"kind": kind, "endpoint": endpoint, **fault}
        name: str = self.tell("/faults", armed)["name"]
        return name

    def calls(self, *endpoints: str) -> list[dict[str, Any]]:
        """Return the Graph calls that were made, in order; those of some endpoints, or all."""
        logged = self.control.get("/calls").raise_for_status().json()["calls"]
        return [call for call in logged if not endpoints or call["endpoint"] in endpoints]

    # Time

    def move_to(self, instant: datetime) -> None:
        """Move both clocks on to an instant; what falls due on the way waits for a pass."""
        self.clock.move_to(instant)
        self.tell("/clock", {"set": iso(instant)})

    def settle(self) -> None:
        """Do passes at the present instant until nothing more is due.

        Raises:
            RuntimeError: it does not come to rest.
        """
        are_read = False  # the phones, since anything was done that a code may come of
        for _ in range(_MOST_PASSES):
            is_idle = self.engine.advance().is_idle
            are_read = (is_idle and are_read) or not self._hand_in_codes()
            if is_idle and are_read:
                return
        raise RuntimeError("the engine does not come to rest; see the log of `onboarding`")

    def run(
        self, *, most: timedelta = _MONTH, until: Callable[[], bool] = lambda: False
    ) -> datetime:
        """Let time pass, from one due instant to the next.

        Lists of numbers that rest are read once a day if time passes anyway; it does not for them.

        Args:
            most: at most so long.
            until: ends it as soon as this is true.

        Returns:
            The present: when nothing was due any more, ``until`` was true, or the time was up.

        Raises:
            RuntimeError: something is due that may not be taken, as a lost worker still holds it.
        """
        end = self.clock.now() + most
        while True:
            self.settle()
            due = self._next_due_at()
            if due is None or until():
                return self.clock.now()
            if due > end:
                self.move_to(end)
                return end
            self.move_to(due)

    def _next_due_at(self) -> datetime | None:
        """Return when engine or simulator have something to do next; daily reads can wait."""
        due, now = self.engine.next_due_at(at_rest=False), self.clock.now()
        if due is not None and due <= now:
            raise RuntimeError("something is due that nobody may take: its lease runs in real time")
        event_at = self.tell_clock()["next_event_at"]
        return earliest(due, parse_iso(event_at) if event_at else None)

    def tell_clock(self) -> dict[str, Any]:
        """Return how the simulator's clock stands."""
        status: dict[str, Any] = self.control.get("/clock").raise_for_status().json()
        return status

    def _hand_in_codes(self) -> int:
        """Hand in what arrived on the phones since the last look; return how many were taken."""
        if not self.reads_codes:
            return 0
        answer = self.control.get("/inbox", params={"after": self._read}).raise_for_status()
        taken = 0
        for message in answer.json()["messages"]:
            self._read = int(message["seq"])
            taken += self._hand_in(f"+{message['to']}", message["text"])
        return taken

    def _hand_in(self, phone_number: str, text: str) -> bool:
        """Hand a code in for whoever asked for it: an onboarding, or a number of the pool."""
        for submit in (self.engine.submit_code, self.engine.pool.submit_code):
            try:
                submit(phone_number, text, actor="holder")
            except OnboardingError:
                continue  # a code that nobody asked for any more
            return True
        return False
