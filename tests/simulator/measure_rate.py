"""Measure how many requests per second the simulator answers.

    python -m tests.simulator.measure_rate [REQUESTS]

The server runs as a process of its own on one core; the client needs another one.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import aiohttp

from tests.simulator.harness import WABA

SERVER = """
from onboarding.simulator import make_scenario, run
many = 10**9
limits = {
    "app_calls": None,
    "management_calls": many,
    "management_calls_active": many,
    "numbers_per_waba": many,
    "numbers_per_verified_business": many,
    "request_code_attempts": many,
    "request_code_gap": "0s",
}
run(make_scenario({"limits": limits}), "127.0.0.1", 0, None)
"""
FIELDS = (
    "id,display_phone_number,verified_name,status,code_verification_status,name_status,"
    "new_name_status,new_display_name,platform_type,throughput,account_mode,is_on_biz_app,"
    "is_official_business_account,quality_rating,last_onboarded_time"
)
CONNECTIONS = 32
Job = tuple[str, str, dict[str, Any]]


def create_jobs(count: int) -> Iterator[Job]:
    """Create numbers, each another one."""
    for index in range(count):
        params = {"cc": "1", "phone_number": f"419{2000000 + index}", "verified_name": "Lucky"}
        yield "POST", f"/v25.0/{WABA}/phone_numbers", params


def other_jobs(count: int, ids: list[str]) -> dict[str, list[Job]]:
    """Return the other kinds of calls on numbers that are there."""
    some = [ids[index % len(ids)] for index in range(count)]
    code = {"code_method": "SMS", "language": "en_US"}
    pin = {"messaging_product": "whatsapp", "pin": "123456"}
    listing = f"/v25.0/{WABA}/phone_numbers?fields={FIELDS}"
    return {
        "read one number": [("GET", f"/v25.0/{one}?fields={FIELDS}", {}) for one in some],
        "request a code": [("POST", f"/v25.0/{one}/request_code", code) for one in some],
        "register, refused": [("POST", f"/v25.0/{one}/register", pin) for one in some],
        "list 25": [("GET", listing, {})] * (count // 4),
        "list 100": [("GET", f"{listing}&limit=100", {})] * (count // 8),
    }


async def measure(session: aiohttp.ClientSession, name: str, jobs: list[Job]) -> None:
    """Send all jobs over a few connections and print the rate."""
    waiting = iter(jobs)

    async def send() -> None:
        for method, url, params in waiting:
            async with session.request(method, url, json=params or None) as response:
                await response.read()

    started = time.perf_counter()
    await asyncio.gather(*(send() for _ in range(CONNECTIONS)))
    rate = len(jobs) / (time.perf_counter() - started)
    sys.stdout.write(f"{name:20} {rate:8.0f} requests/s\n")


async def measure_all(base_url: str, token: str, count: int) -> None:
    """Measure each kind of call in turn."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(base_url, headers=headers) as session:
        await measure(session, "create a number", list(create_jobs(count)))
        async with session.get(f"/v25.0/{WABA}/phone_numbers?fields=id&limit=100") as response:
            ids = [one["id"] for one in (await response.json())["data"]]
        for name, jobs in other_jobs(count, ids).items():
            await measure(session, name, jobs)


def main(arguments: list[str]) -> None:
    """Start a server, measure it, stop it."""
    count = int(arguments[0]) if arguments else 8000
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        base_url, token = (process.stdout.readline().strip() for _ in range(2))
        asyncio.run(measure_all(base_url, token, count))
        process.terminate()


if __name__ == "__main__":
    main(sys.argv[1:])
