"""One Graph call while it happens, and how it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from onboarding.simulator.faults import Hit, Target
from onboarding.simulator.routing import Request, Route
from onboarding.simulator.world import World


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked of which world at which instant, and which faults hit it."""

    world: World
    request: Request
    route: Route
    target: Target
    hits: list[Hit]
    now: datetime
    trace_id: str


@dataclass(slots=True)
class Outcome:
    """How a call ended at Meta; ``body`` is JSON, or the text of a page."""

    status: int
    body: dict[str, Any] | str
    effect: bool = False
    created_id: str | None = None

    @property
    def error(self) -> Mapping[str, Any]:
        """The error object of the body, empty for a success."""
        return self.body.get("error", {}) if isinstance(self.body, dict) else {}
