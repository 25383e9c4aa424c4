"""How many Graph calls a registered number costs, for 1,000 numbers on one WABA."""

from __future__ import annotations

import tempfile
import threading
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import httpx

from benchmarks.measure import Measured
from onboarding import Engine, NumberRequest, State
from onboarding.dispatch.holder import Holder
from onboarding.dispatch.skipping import Follower, SkippingClock, Standing
from onboarding.dispatch.worker import Worker
from onboarding.model import Read
from onboarding.simulator import Simulator

_NUMBERS = 1_000
_WABA = "102290129340398"
_MOST_WRITES, _MOST_READS = 5.0, 0.5
_CALLS_PER_HOUR = 10_000

#: Meta's caps are raised so that one WABA can hold them all; the budgets stay on.
_SCENARIO: dict[str, Any] = {
    "clock": {"mode": "skipping", "start": "2026-03-02T09:00:00Z", "participants": 3},
    "businesses": [{"id": "506914307650004", "verified": True, "wabas": [{"id": _WABA}]}],
    "limits": {
        "numbers_per_verified_business": _NUMBERS,
        "numbers_per_waba": _NUMBERS,
        "management_calls": _CALLS_PER_HOUR,
        "management_calls_active": _CALLS_PER_HOUR,
    },
    "reviewer": {
        "rules": [{"name": "* Clinic", "first": "PENDING_REVIEW", "after": "2d"}],
    },
}
_SETTINGS: dict[str, Any] = {
    "numbers_per_business": 0,
    "numbers_per_waba": 0,
    "send_within_seconds": 4,
    "call_timeout_seconds": 5,
    "settle_seconds": 10,
    "waba_calls_per_hour": _CALLS_PER_HOUR,
    "active_waba_calls_per_hour": _CALLS_PER_HOUR,
}
_PATIENCE = timedelta(days=10)


def measure() -> list[Measured]:
    """Take 1,000 numbers from requested to registered; a tenth waits two days for its name."""
    with Simulator(_SCENARIO) as simulator, tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        registered = _run(simulator, folder)
        taken = time.perf_counter() - started
        calls = _calls(simulator.control_url)
    reads = sum(calls[read.value] for read in Read)
    writes = sum(calls.values()) - reads
    assert registered == _NUMBERS
    return [
        Measured(
            what="Graph writes per registered number (1,000 on one WABA)",
            value=f"{writes / registered:.2f}",
            bound=f"at most {_MOST_WRITES:.0f}",
            is_met=writes / registered <= _MOST_WRITES,
        ),
        Measured(
            what="Graph reads per registered number (1,000 on one WABA)",
            value=f"{reads / registered:.2f}",
            bound=f"at most {_MOST_READS}",
            is_met=reads / registered <= _MOST_READS,
        ),
        Measured(
            what="requested to registered, simulator and holders on the same 2 cores",
            value=f"{registered / taken:.0f} numbers/s",
            bound="reported",
            is_met=None,
        ),
    ]


def _run(simulator: Simulator, folder: str) -> int:
    clock = SkippingClock(simulator.control_url)
    delay = (timedelta(seconds=20), timedelta(minutes=6))
    holder = Holder(control_url=simulator.control_url, delay=delay)
    engine = Engine.open(
        f"sqlite:///{folder}/onboarding.db",
        upgrade=True,
        clock=clock,
        intakes=[holder],
        graph_base_url=simulator.base_url,
        **_SETTINGS,
    )
    engine.add_account(_WABA, simulator.token)
    engine.request_many([_request(n) for n in range(_NUMBERS)])
    worker, over = Worker(engine), threading.Event()
    until = clock.now() + _PATIENCE
    mine = SkippingClock(simulator.control_url)

    def stands() -> Standing:
        states = engine.overview().states
        if states.get(State.REGISTERED, 0) == _NUMBERS or mine.now() >= until:
            over.set()
            return Standing(is_idle=False)
        return Standing(is_idle=True, next_due_at=until)

    followers = [Follower(clock, "worker", worker.stands), Follower(mine, "bench", stands)]
    worker.start()
    for follower in followers:
        follower.start()
    holder.start(engine)
    over.wait(600)
    for follower in reversed(followers):
        follower.stop()
    holder.stop()
    worker.stop()
    registered = engine.overview().states.get(State.REGISTERED, 0)
    engine.close()
    return registered


def _request(number: int) -> NumberRequest:
    trade = "Clinic" if number % 10 == 0 else "Bakery"
    return NumberRequest(
        waba_id=_WABA,
        phone_number=f"+4915{110_000_000 + number}",
        display_name=f"Amber {number} {trade}",
    )


def _calls(control_url: str) -> Counter[str]:
    answer = httpx.get(f"{control_url}/calls", timeout=60, trust_env=False)
    return Counter(call["endpoint"] for call in answer.json()["calls"])
