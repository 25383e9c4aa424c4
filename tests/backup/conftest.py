"""Copies of live deployments, and what goes on with them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from onboarding import Engine
from onboarding.engine.backing_up import back_up
from tests.engine.conftest import _own_settings, deployments, rehearse
from tests.engine.rehearsing import Rehearsed
from tests.postgres import _BINARIES, create_database, drop_database

__all__ = ["_own_settings", "deployments", "rehearse"]

Copy = Callable[[Rehearsed], dict[str, Any]]


@pytest.fixture(autouse=True)
def copies(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[Rehearsed], dict[str, Any]]]:
    """Copy a live deployment as its operators do; return the settings that open the copy.

    It is used by all, so that copies are there until the oracle has looked at them.
    """
    with ExitStack() as dropped:

        def copied(meta: Rehearsed) -> dict[str, Any]:
            settings = meta.engine.context.settings
            if backend == "sqlite":
                file = back_up(settings, tmp_path / f"copy-{len(list(tmp_path.iterdir()))}.db").file
                return {"database_url": f"sqlite:///{file}", "secret_key_file": settings.key_file()}
            url = create_database(request.getfixturevalue("postgres_url"))
            dropped.callback(drop_database, url)
            dump = tmp_path / "dump"
            run("pg_dump", "-Fc", "--file", dump, f"--dbname={plain(settings.database_url)}")
            run("pg_restore", "--no-owner", f"--dbname={plain(url)}", dump)
            return {"database_url": url}

        yield copied


def plain(url: str) -> str:
    """Return the URL as PostgreSQL's own programs take it."""
    bare = make_url(url).set(drivername="postgresql")
    return bare.render_as_string(hide_password=False)


def run(program: str, *arguments: object) -> None:
    """Run a client program of PostgreSQL."""
    command = [str(each) for each in (_BINARIES / "bin" / program, *arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(autouse=True)
def take_over(copies: object) -> Iterator[Callable[[Rehearsed, dict[str, Any]], Engine]]:
    """Stop the original for good, and go on with its copy in its place.

    It is used by all, so that the copy stays open until the oracle has looked at it.
    """
    del copies
    with ExitStack() as opened:

        def taken(meta: Rehearsed, copy: dict[str, Any]) -> Engine:
            meta.engine.close()
            meta.engine = opened.enter_context(meta.open_engine(**copy))
            return meta.engine

        yield taken
