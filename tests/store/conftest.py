"""A database for each test, copied from one that was upgraded once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from onboarding.store import schema
from onboarding.store.accounts import insert_account
from onboarding.store.database import open_database, writing
from tests.store.making import OTHER_WABA, WABA, an_account


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the schema and two accounts."""
    file = tmp_path_factory.mktemp("store") / "template.db"
    database = open_database(f"sqlite:///{file}")
    schema.upgrade(database)
    with writing(database) as conn:
        insert_account(conn, an_account(WABA))
        insert_account(conn, an_account(OTHER_WABA))
    database.dispose()
    return file


@pytest.fixture
def url(template: Path, tmp_path: Path) -> str:
    """The URL of a database with two accounts."""
    shutil.copy2(template, tmp_path / "onboarding.db")
    return f"sqlite:///{tmp_path / 'onboarding.db'}"


@pytest.fixture
def database(url: str) -> Iterator[Engine]:
    """A database with two accounts."""
    opened = open_database(url)
    yield opened
    opened.dispose()
