"""How many Graph calls a second one worker process makes while each takes 200 ms.

Beside it runs the least that a program must do for the same effect: bare aiohttp, 512 calls in
flight, and one UPDATE and one INSERT per call, committed in groups. Both call the same simulator,
on the same cores, in turns; what counts is the median of the rounds.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import psycopg

from benchmarks.deployed import Run, run, simulating, waba_ids, world
from benchmarks.measure import Measured
from tests.postgres import PostgresServer, create_database

_NUMBERS, _IN_FLIGHT, _GROUP = 4_000, 512, 100
_ROUNDS = 3
_LEAST, _MOST_MB = 0.4, 150
_SLOW = {"faults": [{"kind": "latency", "endpoint": "*", "seconds": "200ms"}]}
_SETTINGS = {"ONBOARDING_MAX_IN_FLIGHT": str(_IN_FLIGHT)}

_TABLES = (
    "CREATE TABLE machine (id INTEGER PRIMARY KEY, state TEXT, version INTEGER)",
    "CREATE TABLE history (id INTEGER, seq INTEGER, entry TEXT, PRIMARY KEY (id, seq))",
)
_FILL = "INSERT INTO machine VALUES ({0}, 'requested', 0)"
_MOVE = "UPDATE machine SET state = {0}, version = 1 WHERE id = {0} AND version = 0"
_TELL = "INSERT INTO history VALUES ({0}, 1, {0})"


def measure(numbers: int = _NUMBERS) -> list[Measured]:
    """Compare the rates on both databases, and weigh the worker process."""
    with PostgresServer() as server, tempfile.TemporaryDirectory() as folder:
        files = [(f"sqlite:///{folder}/{n}.db", f"{folder}/bare{n}.db") for n in range(_ROUNDS)]
        databases = [
            (create_database(server.url()), create_database(server.url())) for _ in range(_ROUNDS)
        ]
        return [
            line
            for name, places in (("SQLite", files), ("PostgreSQL", databases))
            for line in _lines(name, [_round(*place, numbers) for place in places])
        ]


def _round(ours: str, bare: str, numbers: int) -> tuple[Run, float]:
    least = _bare_rate(bare, numbers)
    return run(ours, numbers, settings=_SETTINGS, scenario=_SLOW), least


def _lines(database: str, rounds: Sequence[tuple[Run, float]]) -> list[Measured]:
    rates = [(_steady_rate(made.answered_at), bare) for made, bare in rounds]
    ratios = sorted(rate / bare for rate, bare in rates)
    ratio, size = statistics.median(ratios), max(made.peak_mb for made, _ in rounds)
    rate, bare = next(pair for pair in rates if pair[0] / pair[1] == ratio)
    told = f"{ratio:.2f} x, {ratios[0]:.2f} to {ratios[-1]:.2f}"
    return [
        Measured(
            what=f"calls of 200 ms beside bare aiohttp with group commit, {database}",
            value=f"{told} (at the median {rate:.0f}/s beside {bare:.0f}/s)",
            bound=f"at least {_LEAST} x",
            is_met=ratio >= _LEAST,
        ),
        Measured(
            what=f"resident size of that worker at most, {database}",
            value=f"{size:.0f} MiB",
            bound=f"under {_MOST_MB} MiB",
            is_met=size < _MOST_MB,
        ),
    ]


def _steady_rate(answered_at: list[datetime]) -> float:
    """Return the rate of the first half of the calls; the others wait for Meta's list as well."""
    half = answered_at[: len(answered_at) // 2]
    return len(half) / (half[-1] - half[0]).total_seconds()


def _bare_rate(database: str, numbers: int) -> float:
    with (
        tempfile.TemporaryDirectory() as folder,
        simulating(world(numbers) | _SLOW, Path(folder)) as (base_url, token),
        _connect(database) as connection,
    ):
        mark = "%s" if isinstance(connection, psycopg.Connection) else "?"
        for table in _TABLES:
            connection.execute(table)
        connection.cursor().executemany(_FILL.format(mark), [(n,) for n in range(numbers)])
        connection.commit()
        started = time.perf_counter()
        asyncio.run(_call_all(base_url, token, connection, mark, numbers))
        return numbers / (time.perf_counter() - started)


def _connect(database: str) -> Any:
    if database.startswith("postgresql"):
        return psycopg.connect(database.replace("+psycopg", ""))
    connection = sqlite3.connect(database, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


async def _call_all(base_url: str, token: str, connection: Any, mark: str, numbers: int) -> None:
    arrived: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
    slots, wabas = asyncio.Semaphore(_IN_FLIGHT), waba_ids(numbers)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_IN_FLIGHT),
        headers={"Authorization": f"Bearer {token}"},
    ) as session:

        async def call(n: int) -> None:
            url = f"{base_url}/v25.0/{wabas[n % len(wabas)]}/phone_numbers"
            body = {"cc": "49", "phone_number": str(15110000000 + n), "verified_name": f"Amber {n}"}
            async with slots, session.post(url, json=body) as response:
                response.raise_for_status()
                arrived.put_nowait((n, json.dumps(await response.json())))

        calls = asyncio.gather(*(call(n) for n in range(numbers)))
        await _commit_groups(arrived, connection, mark, numbers)
        await calls


async def _commit_groups(
    arrived: asyncio.Queue[tuple[int, str]], connection: Any, mark: str, numbers: int
) -> None:
    left = numbers
    while left:
        group = [await arrived.get()]
        while len(group) < _GROUP and not arrived.empty():
            group.append(arrived.get_nowait())
        await asyncio.to_thread(_commit, connection, mark, group)
        left -= len(group)


def _commit(connection: Any, mark: str, group: list[tuple[int, str]]) -> None:
    cursor = connection.cursor()
    moves = [("created", n) for n, _ in group]
    cursor.executemany(_MOVE.format(mark), moves)
    cursor.executemany(_TELL.format(mark), group)
    connection.commit()
