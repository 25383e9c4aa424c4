"""Fixtures: a deployment of its own for each test, and a simulated Graph API where it is needed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from onboarding.engine.facade import Engine
from onboarding.simulator import Simulator
from tests.cli.harness import TOKEN, WABA, Deployment, Meta, scenario


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine that runs the tests reaches them."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("ONBOARDING_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("USER", "osuser")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an upgraded database that has one account."""
    folder = tmp_path_factory.mktemp("template")
    url = f"sqlite:///{folder / 'onboarding.db'}"
    with Engine.open(url, upgrade=True) as engine:
        engine.add_account(WABA, TOKEN, name="Lucky Shrub", actor="tester")
    return folder


@pytest.fixture
def empty(tmp_path: Path) -> Deployment:
    """A folder without a database."""
    return Deployment(tmp_path)


@pytest.fixture
def deployment(tmp_path: Path, template: Path) -> Deployment:
    """A database with one account and no onboarding."""
    for file in template.iterdir():
        shutil.copy2(file, tmp_path / file.name)
    return Deployment(tmp_path)


@pytest.fixture
def meta(deployment: Deployment) -> Iterator[Meta]:
    """The deployment's Graph API, and the phones."""
    with Simulator(scenario(start=deployment.clock.now())) as simulator:
        made = Meta(simulator, deployment)
        with made.control:
            yield made
