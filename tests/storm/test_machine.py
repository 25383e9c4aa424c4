"""Hypothesis drives real engines through everything that can go wrong, in any order."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.engine.conftest import Deployments
from tests.engine.rehearsing import Rehearsed, roomy
from tests.storm.machine import EngineChaos

#: Examples of the quick run and of the long one; a new PostgreSQL database is the dearer one.
QUICK, LONG = {"sqlite": 10, "postgresql": 5}, {"sqlite": 150, "postgresql": 60}


def machine_on(deployments: Deployments, folder: Path) -> type[EngineChaos]:
    """Return the machine, with a deployment of its own for each example."""
    places, stack = count(), ExitStack()

    class Machine(EngineChaos):
        @staticmethod
        def opening() -> Rehearsed:
            place = folder / str(next(places))
            given: dict[str, Any] = stack.enter_context(deployments.copy(place))
            return stack.enter_context(Rehearsed(folder=place, scenario=roomy(), **given))

        @staticmethod
        def closing() -> None:
            stack.close()

    return Machine


def run(deployments: Deployments, folder: Path, examples: int) -> None:
    """Run some examples."""
    run_state_machine_as_test(
        machine_on(deployments, folder),
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_whatever_happens_no_call_is_forbidden_and_each_number_ends(
    deployments: Deployments, backend: str, tmp_path: Path
) -> None:
    run(deployments, tmp_path, QUICK[backend])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_same_for_long(deployments: Deployments, backend: str, tmp_path: Path) -> None:
    run(deployments, tmp_path, LONG[backend])
