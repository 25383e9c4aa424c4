"""Workers and clocks against a simulator; nothing of this machine's settings reaches them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from onboarding.simulator import Simulator
from tests.dispatch.waiting import SKIPPING


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine that runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith("ONBOARDING_"):
            monkeypatch.delenv(name)


@pytest.fixture
def skipping() -> Iterator[Simulator]:
    """A simulator whose time skips."""
    with Simulator(SKIPPING) as simulator:
        yield simulator
