"""Rehearsals: an engine of its own for each test, against a simulated Graph API."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from onboarding import Engine
from onboarding.testing import FrozenClock
from tests.engine.oracle import faults_of
from tests.engine.rehearsing import OTHER_WABA, WABA, Rehearse, Rehearsed
from tests.postgres import create_database, drop_database


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine that runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith("ONBOARDING_"):
            monkeypatch.delenv(name)


class Deployments:
    """Empty deployments on one kind of database, each a copy of one that was made once."""

    def __init__(self, backend: str, folder: Path, postgres_url: str | None) -> None:
        self._template, self._server_url = folder, postgres_url
        self._url = create_database(postgres_url) if postgres_url else self._sqlite(folder)
        self._key: dict[str, Any] = (
            {} if backend == "sqlite" else {"secret_key": Fernet.generate_key().decode()}
        )
        Engine.open(self._url, upgrade=True, **self._key).close()

    @staticmethod
    def _sqlite(folder: Path) -> str:
        return f"sqlite:///{folder / 'onboarding.db'}"

    @contextmanager
    def copy(self, folder: Path) -> Iterator[dict[str, Any]]:
        """Make one; yield the settings that open it."""
        shutil.copytree(self._template, folder)
        if self._server_url is None:
            yield {"database_url": self._sqlite(folder)}
            return
        url = create_database(self._server_url, self._url)
        yield {"database_url": url, **self._key}
        drop_database(url)


@pytest.fixture(scope="session")
def deployments(
    backend: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Deployments:
    """Empty deployments on this kind of database."""
    server = request.getfixturevalue("postgres_url") if backend == "postgresql" else None
    return Deployments(backend, tmp_path_factory.mktemp("deployment"), server)


@pytest.fixture
def rehearse(tmp_path: Path, deployments: Deployments) -> Iterator[Rehearse]:
    """Open rehearsals; when the test is over, none may have made a call that it must not make."""
    opened: list[Rehearsed] = []
    with ExitStack() as stack:

        def opening(**given: object) -> Rehearsed:
            folder = tmp_path / f"deployment-{len(opened)}"
            copied = stack.enter_context(deployments.copy(folder))
            made = stack.enter_context(Rehearsed(folder=folder, **{**copied, **given}))
            opened.append(made)
            return made

        yield opening
        found = [fault for rehearsal in opened for fault in faults_of(rehearsal)]
        assert not found, "\n".join(found)


@pytest.fixture
def offline(tmp_path: Path, deployments: Deployments) -> Iterator[Engine]:
    """An engine with two accounts and no Graph behind it."""
    with ExitStack() as stack:
        given = stack.enter_context(deployments.copy(tmp_path / "offline"))
        url = given.pop("database_url")
        engine = stack.enter_context(Engine.open(url, clock=FrozenClock(), actor="tester", **given))
        for waba_id in (WABA, OTHER_WABA):
            engine.add_account(waba_id, "EAAtesttoken0123456789")
        yield engine


@pytest.fixture
def meta(rehearse: Rehearse) -> Rehearsed:
    """An engine and a Graph API with one empty WABA, where codes are read at once."""
    return rehearse()


#: Whose quick run is on both databases: what depends on locks, races and the order of commits.
_ON_BOTH = (
    "between", "crashes", "feed", "fences", "guards", "lost_calls", "main_path",
    "pool", "settling", "slots", "threads",
)  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the rest of the rules on PostgreSQL to the long run: they hold no statement of SQL."""
    here = Path(__file__).parent
    for item in items:
        cell = getattr(item, "callspec", None)
        if item.path.parent == here and cell is not None:
            is_rule = item.path.stem.removeprefix("test_") not in _ON_BOTH
            if is_rule and cell.params.get("backend") == "postgresql":
                item.add_marker(pytest.mark.slow)
