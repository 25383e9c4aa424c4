"""The databases that tests run on: SQLite, and a real PostgreSQL."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests.compiling import compile_once
from tests.hurrying import hurry_sqlite
from tests.postgres import EXISTING, PostgresServer

BACKENDS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a PostgreSQL server on which databases may be made; it starts when first used."""
    if EXISTING:
        yield EXISTING
        return
    with PostgresServer(is_durable=False) as server:
        yield server.url()


def pytest_collection_finish() -> None:
    """Keep the collector from walking thousands of tests again during each of them."""
    gc.collect()
    gc.freeze()


def pytest_configure(config: pytest.Config) -> None:
    """Declare what tests may be marked with; compile each statement once, and wait for no disk."""
    compile_once()
    hurry_sqlite()
    config.addinivalue_line("markers", "on(backend): runs on this database only")
    config.addinivalue_line("markers", "quick_on(backend): elsewhere it runs with the slow ones")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave long tests on the other database to the long run."""
    for item in items:
        quick = item.get_closest_marker("quick_on")
        cell = getattr(item, "callspec", None)
        if quick is not None and cell is not None and cell.params.get("backend") not in quick.args:
            item.add_marker(pytest.mark.slow)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that needs ``backend``, itself or through fixtures, on every database."""
    if "backend" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("on")
        metafunc.parametrize("backend", only.args if only else BACKENDS, scope="session")
