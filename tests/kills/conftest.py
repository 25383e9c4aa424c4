"""Deployments of real processes, on every database; nothing of this machine's settings is there."""

from __future__ import annotations

import pytest

from onboarding.engine.crash_points import POINTS
from onboarding.model import Operation
from tests.conftest import BACKENDS
from tests.engine.conftest import _own_settings, deployments

__all__ = ["_own_settings", "deployments"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a third of the kill matrix be quick, spread over points and operations."""
    for item in items:
        cell = getattr(item, "callspec", None)
        if cell is None or not {"point", "operation", "backend"} <= set(cell.params):
            continue
        place = [*POINTS, "sent"].index(cell.params["point"])
        row = list(Operation).index(cell.params["operation"])
        if (place + row + BACKENDS.index(cell.params["backend"])) % 3:
            item.add_marker(pytest.mark.slow)
