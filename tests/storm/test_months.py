"""Random schedules of reviews, codes, outages and people around a real engine, for months."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.conftest import Deployments
from tests.engine.rehearsing import Rehearsed
from tests.storm.months import NUMBERS, Months, Number, Step, numbers, schedules, world

#: Schedules of the quick run and of the long one.
QUICK, LONG = {"sqlite": 5, "postgresql": 2}, {"sqlite": 150, "postgresql": 40}


def run(deployments: Deployments, folder: Path, examples: int) -> None:
    places = count()

    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        begun=st.lists(numbers, min_size=len(NUMBERS), max_size=len(NUMBERS)), schedule=schedules
    )
    def live(begun: list[Number], schedule: list[Step]) -> None:
        place = folder / str(next(places))
        with ExitStack() as stack:
            copied = stack.enter_context(deployments.copy(place))
            meta = stack.enter_context(Rehearsed(folder=place, scenario=world(), **copied))
            Months(meta).live(begun, schedule)

    live()


@pytest.mark.quick_on("sqlite")
def test_for_months_every_instant_is_one_s_turn_and_no_deadline_passes_unseen(
    deployments: Deployments, backend: str, tmp_path: Path
) -> None:
    run(deployments, tmp_path, QUICK[backend])


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_same_for_years(deployments: Deployments, backend: str, tmp_path: Path) -> None:
    run(deployments, tmp_path, LONG[backend])
