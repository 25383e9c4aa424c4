"""Deployments of real processes, on every database; nothing of this machine's settings is there."""

from __future__ import annotations

from collections.abc import Generator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from onboarding.engine.crash_points import POINTS
from onboarding.model import Operation
from tests.conftest import BACKENDS
from tests.engine.conftest import _own_settings, deployments

__all__ = ["_own_settings", "deployments"]

_HERE = Path(__file__).parent


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Let a third of the kill matrix be quick, and all of it run beside tests that compute."""
    for item in items:
        if _is_cell(item) and _place(_given(item)) % 3:
            item.add_marker(pytest.mark.slow)
    yield
    # What is made once for a database is made anew whenever the next test is of another.
    runs = groupby(items, lambda item: _given(item).get("backend"))
    items[:] = [item for _, run in runs for item in _mixed(list(run))]


def _given(item: pytest.Item) -> dict[str, Any]:
    cell = getattr(item, "callspec", None)
    return {} if cell is None else cell.params


def _is_cell(item: pytest.Item) -> bool:
    return {"point", "operation", "backend"} <= set(_given(item))


def _place(cell: dict[str, Any]) -> int:
    """Return a number by which every third cell is one of each point, operation and database."""
    point = [*POINTS, "sent"].index(cell["point"])
    operation = list(Operation).index(cell["operation"])
    return point + operation + BACKENDS.index(cell["backend"])


def _mixed(run: list[pytest.Item]) -> list[pytest.Item]:
    """Spread the tests of this folder, which mostly wait, between the modules of the others."""
    waiting = [item for item in run if item.path.parent == _HERE]
    computing = [item for item in run if item.path.parent != _HERE]
    if not computing:
        return waiting
    mixed: list[pytest.Item] = []
    placed = computed = 0
    for _, module in groupby(computing, lambda item: item.path):
        these = list(module)
        computed += len(these)
        until = len(waiting) * computed // len(computing)
        mixed += [*these, *waiting[placed:until]]
        placed = until
    return mixed
