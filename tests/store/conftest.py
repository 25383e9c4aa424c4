"""A database for each test, copied from one that was upgraded once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from onboarding.store import schema
from onboarding.store.accounts import insert_account
from onboarding.store.database import open_database, sqlite_path, writing
from tests.postgres import create_database, drop_database
from tests.store.making import OTHER_WABA, WABA, an_account


@pytest.fixture(scope="session")
def template(
    backend: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The URL of a database with the schema and two accounts."""
    if backend == "postgresql":
        url = create_database(request.getfixturevalue("postgres_url"))
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('store') / 'template.db'}"
    database = open_database(url)
    schema.upgrade(database)
    with writing(database) as conn:
        insert_account(conn, an_account(WABA))
        insert_account(conn, an_account(OTHER_WABA))
    database.dispose()
    return url


@contextmanager
def copy_of(template: str, folder: Path) -> Iterator[str]:
    """Copy a database; yield the copy's URL."""
    if (file := sqlite_path(template)) is not None:
        shutil.copy2(file, folder / "onboarding.db")
        yield f"sqlite:///{folder / 'onboarding.db'}"
        return
    copied = create_database(template, template)
    yield copied
    drop_database(copied)


@pytest.fixture
def url(template: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with two accounts."""
    with copy_of(template, tmp_path) as copied:
        yield copied


@pytest.fixture(scope="module")
def shared_database(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database with two accounts that the tests of a module share; they leave it as it is."""
    with copy_of(template, tmp_path_factory.mktemp("shared")) as copied:
        opened = open_database(copied)
        yield opened
        opened.dispose()


@pytest.fixture
def database(url: str) -> Iterator[Engine]:
    """A database with two accounts."""
    opened = open_database(url)
    yield opened
    opened.dispose()
