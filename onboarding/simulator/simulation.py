"""Ways to run a simulation: within a program, and as a program of its own."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from onboarding.simulator.build import build_world
from onboarding.simulator.clock import VirtualClock
from onboarding.simulator.scenario import Scenario
from onboarding.simulator.scenario_file import load_scenario, make_scenario
from onboarding.simulator.server import CONTROL_PREFIX, Server
from onboarding.simulator.snapshot import load_snapshot, save_snapshot
from onboarding.simulator.timekeeper import Timekeeper
from onboarding.simulator.world import World

LOOPBACK = "127.0.0.1"
GivenScenario = Scenario | Mapping[str, Any] | Path | str | None


class Simulator:
    """Meta's Graph API in a thread of this process, for as long as the ``with`` block lasts.

    ::

        with Simulator() as simulator:
            httpx.get(f"{simulator.base_url}/v25.0/{waba_id}/phone_numbers", ...)

    Args:
        scenario: a scenario, a mapping, or the path of a file; without it, the default one.
        host: the address to listen on.
        port: the port to listen on; 0 takes a free one.
        snapshot: a file to start from, if it exists, and to save to at the end.
    """

    def __init__(
        self,
        scenario: GivenScenario = None,
        *,
        host: str = LOOPBACK,
        port: int = 0,
        snapshot: Path | None = None,
    ) -> None:
        self.scenario = _resolve(scenario)
        self._host, self._port, self._snapshot = host, port, snapshot
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self.base_url = ""
        self.token = ""

    @property
    def control_url(self) -> str:
        """Where the control endpoints are."""
        return f"{self.base_url}{CONTROL_PREFIX}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(self, _kind: object, error: object, _traceback: object) -> None:
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread is not None:
            self._thread.join()
        if self._failure is not None and error is None:
            raise self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as failure:  # noqa: BLE001 - raised again in the other thread
            self._failure = failure
        finally:
            self._started.set()

    async def _serve(self) -> None:
        timekeeper = _make_timekeeper(self.scenario, self._snapshot)
        server = Server(timekeeper)
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self.base_url = await server.start(self._host, self._port)
        self.token = _first_token(timekeeper.world)
        self._started.set()
        try:
            await self._stopping.wait()
        finally:
            await server.stop()
            _save(timekeeper, self._snapshot)


def run(scenario: Scenario, host: str, port: int, snapshot_path: Path | None) -> None:
    """Serve until SIGTERM or SIGINT; blocks.

    Prints the base URL, then a token, each on a line of its own and at once. With a path the
    simulation starts from that snapshot, if the file exists, and is saved to it at the end.

    Raises:
        ScenarioError: the scenario names an impossible number.
        SnapshotError: the file is no snapshot.
        OSError: the address cannot be listened on.
    """
    asyncio.run(_run_until_signal(scenario, host, port, snapshot_path))


async def _run_until_signal(
    scenario: Scenario, host: str, port: int, snapshot_path: Path | None
) -> None:
    timekeeper = _make_timekeeper(scenario, snapshot_path)
    server, stopping = Server(timekeeper), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    base_url = await server.start(host, port)
    sys.stdout.write(f"{base_url}\n{_first_token(timekeeper.world)}\n")
    sys.stdout.flush()
    try:
        await stopping.wait()
    finally:
        await server.stop()
        _save(timekeeper, snapshot_path)


def _resolve(given: GivenScenario) -> Scenario:
    match given:
        case None:
            return Scenario()
        case Scenario():
            return given
        case Path() | str():
            return load_scenario(given)
        case _:
            return make_scenario(given)


def _make_timekeeper(scenario: Scenario, snapshot: Path | None) -> Timekeeper:
    clock = VirtualClock(scenario.clock.mode, scenario.clock.start)
    if snapshot is not None and snapshot.exists():
        return Timekeeper(load_snapshot(snapshot, scenario, clock), clock)
    return Timekeeper(build_world(scenario, clock.now()), clock)


def _save(timekeeper: Timekeeper, snapshot: Path | None) -> None:
    if snapshot is not None:
        timekeeper.now()
        save_snapshot(snapshot, timekeeper.world, timekeeper.clock)


def _first_token(world: World) -> str:
    return next((token.value for token in world.state.tokens.values() if not token.is_dead), "")
