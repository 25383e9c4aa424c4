"""The simulator as a program, and as a context manager that cleans up."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from onboarding.simulator import Simulator
from tests.simulator.harness import WABA, Rig, scenario

PROGRAM = """
import sys
from pathlib import Path
from onboarding.simulator import load_scenario, run
snapshot = Path(sys.argv[2]) if len(sys.argv) > 2 else None
run(load_scenario(sys.argv[1]), "127.0.0.1", 0, snapshot)
"""


@contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PROGRAM, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_program_prints_url_and_token_and_saves_its_snapshot(
    tmp_path: Path, end: signal.Signals
) -> None:
    path, snapshot = tmp_path / "s.yaml", tmp_path / "snapshot.json"
    path.write_text("tokens: [{value: EAAgiven}]\nclock: {mode: manual}", encoding="utf-8")
    with program(str(path), str(snapshot)) as process:
        base_url, token = read_line(process), read_line(process)
        assert base_url.startswith("http://127.0.0.1:")
        assert token == "EAAgiven"
        headers = {"Authorization": f"Bearer {token}"}
        params = {"phone_number": "14195551518", "verified_name": "Lucky"}
        url = f"{base_url}/v25.0/{WABA}/phone_numbers"
        number_id = httpx.post(url, json=params, headers=headers).json()["id"]
        process.send_signal(end)
        assert process.wait(timeout=30) == 0
    assert number_id in json.loads(snapshot.read_text(encoding="utf-8"))["state"]["numbers"]
    with program(str(path), str(snapshot)) as process:
        base_url, token = read_line(process), read_line(process)
        shown = httpx.get(f"{base_url}/v25.0/{number_id}", headers=headers)
        assert shown.json()["id"] == number_id


def test_program_stops_at_once_though_a_request_is_in_flight(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    fault = "{kind: timeout_after_effect, seconds: 600s}"
    path.write_text(f"tokens: [{{value: EAAx}}]\nfaults: [{fault}]", encoding="utf-8")
    with program(str(path)) as process:
        url = httpx.URL(read_line(process))
        with socket.create_connection((url.host, url.port)) as connection:
            ask = f"GET /v25.0/{WABA}?access_token=EAAx HTTP/1.1\r\nHost: {url.host}\r\n\r\n"
            connection.sendall(ask.encode())
            while not httpx.get(f"{url}/_sim/calls").json()["calls"]:
                pass
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0
            assert connection.recv(1) == b""


def test_context_manager_stops_its_thread_and_closes_its_port() -> None:
    with Simulator(scenario({})) as simulator:
        assert httpx.get(f"{simulator.control_url}/health").status_code == 200
    assert not [one for one in threading.enumerate() if one.name == "simulator"]
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{simulator.control_url}/health")


def test_only_loopback_is_bound() -> None:
    with Simulator() as simulator:
        assert httpx.URL(simulator.base_url).host == "127.0.0.1"


def test_port_that_is_taken_is_told_where_the_simulator_was_started() -> None:
    with Simulator() as first:
        port = httpx.URL(first.base_url).port
        assert port is not None
        with pytest.raises(OSError, match="address"), Simulator(port=port):
            pass


def test_error_of_the_block_is_not_hidden() -> None:
    with pytest.raises(RuntimeError, match="mine"), Simulator():
        raise RuntimeError("mine")


def test_scenario_may_be_a_path(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("profile: documented", encoding="utf-8")
    with Simulator(path) as simulator:
        rig = Rig(simulator)
        assert rig.control("GET", "health")["profile"] == "documented"
        rig.http.close()
