"""A deployment of real processes: a simulator, one worker, and this one, which has the phones."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from cryptography.fernet import Fernet

from onboarding import Engine, NumberRequest, State
from onboarding.core.timing import parse_iso

_PER_WABA = 100
_CALLS_PER_HOUR = 1_000_000
_SETTINGS = {
    "ONBOARDING_SECRET_KEY": Fernet.generate_key().decode(),
    "ONBOARDING_WABA_CALLS_PER_HOUR": str(_CALLS_PER_HOUR),
    "ONBOARDING_ACTIVE_WABA_CALLS_PER_HOUR": str(_CALLS_PER_HOUR),
    "ONBOARDING_APP_CALLS_PER_HOUR": str(_CALLS_PER_HOUR),
    "ONBOARDING_NUMBERS_PER_BUSINESS": "0",
    "ONBOARDING_NUMBERS_PER_WABA": "0",
    "ONBOARDING_LIST_INTERVAL_SECONDS": "5",
}
_PATIENCE_S = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run took.

    Attributes:
        numbers: how many were taken from requested to registered.
        seconds: from the start of the worker to the last registration.
        cpu_s: seconds of CPU of the worker process.
        peak_mb: its largest resident size, in MiB.
        answered_at: when the simulator answered each Graph call.
    """

    numbers: int
    seconds: float
    cpu_s: float
    peak_mb: float
    answered_at: list[datetime]


def run(
    database_url: str,
    numbers: int,
    *,
    settings: Mapping[str, str] | None = None,
    scenario: Mapping[str, Any] | None = None,
    under: Sequence[str] = (),
) -> Run:
    """Take numbers, 100 to a WABA, from requested to registered with one worker process.

    Meta's caps are raised and the budgets stay on. Every code is handed in at once, by this
    process.

    Args:
        database_url: an empty database.
        numbers: how many.
        settings: of the worker, by the names of their variables.
        scenario: what is otherwise at Meta.
        under: a command that runs the worker as its only child, and ends with it.
    """
    with tempfile.TemporaryDirectory() as folder, _environment(database_url, settings or {}):
        wabas = waba_ids(numbers)
        with simulating(world(numbers) | dict(scenario or {}), Path(folder)) as (base_url, token):
            os.environ["ONBOARDING_GRAPH_BASE_URL"] = base_url
            with Engine.open(upgrade=True) as engine:
                for waba_id in wabas:
                    engine.add_account(waba_id, token)
                engine.request_many([_request(n, wabas) for n in range(numbers)])
                return _work(engine, f"{base_url}/_sim", numbers, under)


def waba_ids(numbers: int) -> list[str]:
    """Return the WABAs that so many numbers go to."""
    return [str(102290129340000 + n) for n in range(-(-numbers // _PER_WABA))]


def world(numbers: int) -> dict[str, Any]:
    """Return the scenario for so many numbers, with Meta's caps raised."""
    wabas = waba_ids(numbers)
    return {
        "businesses": [{"id": "506914307650004", "wabas": [{"id": id_} for id_ in wabas]}],
        "limits": {
            "numbers_per_verified_business": numbers,
            "numbers_per_waba": _PER_WABA,
            "management_calls": _CALLS_PER_HOUR,
            "management_calls_active": _CALLS_PER_HOUR,
            "app_calls": None,
        },
        "codes": {"delivery": ["0s", "0s"]},
        "registration": {"connected_after": ["0s", "0s"]},
    }


def _request(n: int, wabas: list[str]) -> NumberRequest:
    return NumberRequest(
        waba_id=wabas[n % len(wabas)],
        phone_number=f"+4915{110_000_000 + n}",
        display_name=f"Amber {n} Bakery",
        code_ready=True,
    )


@contextmanager
def _environment(database_url: str, settings: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update({**_SETTINGS, "ONBOARDING_DATABASE_URL": database_url, **settings})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def simulating(scenario: Mapping[str, Any], folder: Path) -> Iterator[tuple[str, str]]:
    """Run a simulator in a process of its own; yield its base URL and a token."""
    path = folder / "scenario.yaml"
    path.write_text(json.dumps(scenario))  # JSON is YAML
    with _program("simulator", "--port", "0", "--scenario", str(path)) as process:
        assert process.stdout is not None
        base_url, token = (process.stdout.readline().split()[-1] for _ in range(2))
        yield base_url, token


@contextmanager
def _program(*arguments: str, under: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
    command = [*under, sys.executable, "-m", "onboarding", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        try:
            yield process
        finally:
            os.kill(_program_of(process.pid), signal.SIGTERM)
            process.communicate()  # with its last words said into an open pipe


def _program_of(pid: int) -> int:
    """Return the process of the program itself: the child of what it runs under, if of anything."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else pid


def _work(engine: Engine, control_url: str, numbers: int, under: Sequence[str]) -> Run:
    over = threading.Event()
    phones = threading.Thread(target=_read_codes, args=(engine, control_url, over))
    with _program("worker", under=under) as worker:
        started = time.perf_counter()
        phones.start()
        try:
            _until_registered(engine, numbers)
            seconds = time.perf_counter() - started
            pid = _program_of(worker.pid)
            cpu_s, peak_mb = _cpu_of(pid), _peak_of(pid)
        finally:
            over.set()
            phones.join()
    answer = httpx.get(f"{control_url}/calls", timeout=120, trust_env=False)
    answered_at = [parse_iso(call["real_at"]) for call in answer.json()["calls"]]
    return Run(
        numbers=numbers, seconds=seconds, cpu_s=cpu_s, peak_mb=peak_mb, answered_at=answered_at
    )


def _until_registered(engine: Engine, numbers: int) -> None:
    give_up_at = time.monotonic() + _PATIENCE_S
    while engine.overview().states.get(State.REGISTERED, 0) < numbers:
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"not done after {_PATIENCE_S} s: {engine.overview().states}")
        time.sleep(0.5)


def _read_codes(engine: Engine, control_url: str, over: threading.Event) -> None:
    seen = 0
    with httpx.Client(base_url=control_url, timeout=60, trust_env=False) as http:
        while not over.wait(0.2):
            messages = http.get("/inbox", params={"after": seen}).json()["messages"]
            seen = max((message["seq"] for message in messages), default=seen)
            engine.submit_codes([(message["to"], message["text"]) for message in messages])


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_of(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
