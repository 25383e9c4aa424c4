"""Databases at every revision, and settings that are the tests' own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from onboarding.store.database import open_database


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine that runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith("ONBOARDING_"):
            monkeypatch.delenv(name)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The URL of a database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'onboarding.db'}"


@pytest.fixture
def database(url: str) -> Iterator[Engine]:
    """A database without a schema."""
    opened = open_database(url)
    yield opened
    opened.dispose()
