"""Rehearsals: an engine of its own for each test, against a simulated Graph API."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from onboarding import Engine
from onboarding.testing import FrozenClock
from tests.engine.oracle import faults_of
from tests.engine.rehearsing import OTHER_WABA, WABA, Rehearse, Rehearsed


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine that runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith("ONBOARDING_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an empty deployment: the schema and a key."""
    folder = tmp_path_factory.mktemp("deployment")
    Engine.open(f"sqlite:///{folder / 'onboarding.db'}", upgrade=True).close()
    return folder


@pytest.fixture
def rehearse(tmp_path: Path, deployment: Path) -> Iterator[Rehearse]:
    """Open rehearsals; when the test is over, none may have made a call that it must not make."""
    opened: list[Rehearsed] = []
    with ExitStack() as stack:

        def opening(**given: object) -> Rehearsed:
            folder = tmp_path / f"deployment-{len(opened)}"
            shutil.copytree(deployment, folder)
            made = stack.enter_context(Rehearsed(folder=folder, **given))
            opened.append(made)
            return made

        yield opening
        found = [fault for rehearsal in opened for fault in faults_of(rehearsal)]
        assert not found, "\n".join(found)


@pytest.fixture
def offline(tmp_path: Path, deployment: Path) -> Iterator[Engine]:
    """An engine with two accounts and no Graph behind it."""
    shutil.copytree(deployment, tmp_path / "offline")
    url = f"sqlite:///{tmp_path / 'offline' / 'onboarding.db'}"
    with Engine.open(url, clock=FrozenClock(), actor="tester") as engine:
        for waba_id in (WABA, OTHER_WABA):
            engine.add_account(waba_id, "EAAtesttoken0123456789")
        yield engine


@pytest.fixture
def meta(rehearse: Rehearse) -> Rehearsed:
    """An engine and a Graph API with one empty WABA, where codes are read at once."""
    return rehearse()
