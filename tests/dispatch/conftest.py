"""Workers and clocks against a simulator; nothing of this machine's settings reaches them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from onboarding.simulator import Simulator
from tests.dispatch.waiting import SKIPPING
from tests.postgres import create_database, drop_database


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine that runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith("ONBOARDING_"):
            monkeypatch.delenv(name)


@pytest.fixture
def database_url(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The URL of a database without a schema; PostgreSQL needs a key, which is set."""
    if backend == "sqlite":
        yield f"sqlite:///{tmp_path / 'onboarding.db'}"
        return
    monkeypatch.setenv("ONBOARDING_SECRET_KEY", Fernet.generate_key().decode())
    url = create_database(request.getfixturevalue("postgres_url"))
    yield url
    drop_database(url)


@pytest.fixture
def skipping() -> Iterator[Simulator]:
    """A simulator whose time skips."""
    with Simulator(SKIPPING) as simulator:
        yield simulator
