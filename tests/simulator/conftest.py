"""Fixtures: simulators that stop at the end of each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from onboarding.simulator import Simulator
from tests.simulator.harness import PROFILES, Rig, scenario
from tests.simulator.migrating import two_sides

RigMaker = Callable[..., Rig]


@pytest.fixture
def start() -> Iterator[RigMaker]:
    """Start simulators; the keywords are keys of the scenario."""
    with ExitStack() as stack:

        def make(**given: Any) -> Rig:
            simulator = stack.enter_context(Simulator(scenario(given)))
            rig = Rig(simulator)
            stack.enter_context(closing(rig.http))
            return rig

        yield make


@pytest.fixture
def rig(start: RigMaker) -> Rig:
    """One simulator with the plain scenario."""
    return start()


@pytest.fixture(params=PROFILES)
def profile(request: pytest.FixtureRequest) -> str:
    """Both columns of the table of refusals."""
    value: str = request.param
    return value


@pytest.fixture
def sides(start: RigMaker, profile: str) -> Rig:
    """A number on one WABA that may be migrated to another, in each profile."""
    return start(profile=profile, businesses=two_sides())
