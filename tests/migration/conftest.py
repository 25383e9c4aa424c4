"""Databases at every revision, and settings that are the tests' own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Engine

from onboarding.store.database import open_database
from tests.postgres import create_database, drop_database


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine that runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith("ONBOARDING_"):
            monkeypatch.delenv(name)


@pytest.fixture
def empty_url(
    backend: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    _own_settings: None,
) -> Iterator[Callable[[str], str]]:
    """Make databases without a schema; PostgreSQL needs a key, which is set."""
    with ExitStack() as stack:

        def make(name: str) -> str:
            if backend == "sqlite":
                return f"sqlite:///{tmp_path / name}.db"
            made = create_database(request.getfixturevalue("postgres_url"))
            stack.callback(drop_database, made)
            return made

        if backend == "postgresql":
            monkeypatch.setenv("ONBOARDING_SECRET_KEY", Fernet.generate_key().decode())
        yield make


@pytest.fixture
def url(empty_url: Callable[[str], str]) -> str:
    """The URL of a database without a schema; a SQLite file does not exist yet."""
    return empty_url("onboarding")


@pytest.fixture
def database(url: str) -> Iterator[Engine]:
    """A database without a schema."""
    opened = open_database(url)
    yield opened
    opened.dispose()
