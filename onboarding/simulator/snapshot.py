"""The whole simulation as JSON and back: state, clock, nothing of the scenario."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from onboarding.simulator.clock import VirtualClock
from onboarding.simulator.scenario import ClockMode, Scenario
from onboarding.simulator.state import State
from onboarding.simulator.world import World

_FORMAT = 1
_STATE: TypeAdapter[State] = TypeAdapter(State)
_MODE: TypeAdapter[ClockMode] = TypeAdapter(ClockMode)
_INSTANT: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)


class SnapshotError(ValueError):
    """A snapshot cannot be read."""


def take_snapshot(world: World, clock: VirtualClock) -> dict[str, Any]:
    """Return everything that is known, codes and PINs included, as JSON."""
    return {
        "format": _FORMAT,
        "clock": {
            "mode": clock.mode,
            "now": clock.now().isoformat(),
            "offset_s": clock.offset.total_seconds(),
        },
        "state": _STATE.dump_python(world.state, mode="json"),
    }


def restore_snapshot(scenario: Scenario, snapshot: Any, clock: VirtualClock) -> World:
    """Return the world of a snapshot and set the clock to its time.

    A clock in real mode keeps its offset, so time has passed since the snapshot was taken;
    any other goes on where it stood.

    Raises:
        SnapshotError: it is not a snapshot of this release.
    """
    try:
        if snapshot["format"] != _FORMAT:
            raise SnapshotError(f"this release reads snapshots of format {_FORMAT}")
        mode = _MODE.validate_python(snapshot["clock"]["mode"])
        now = _INSTANT.validate_python(snapshot["clock"]["now"])
        if mode == "real":
            now = datetime.now(UTC) + timedelta(seconds=snapshot["clock"]["offset_s"])
        world = World(scenario, _STATE.validate_python(snapshot["state"]))
    except (KeyError, TypeError, ValidationError) as error:
        raise SnapshotError(f"this is not a snapshot: {error}") from error
    clock.restore(mode, now)
    return world


def save_snapshot(path: Path, world: World, clock: VirtualClock) -> None:
    """Write a snapshot to a file that only its owner may read, as a whole or not at all."""
    text = json.dumps(take_snapshot(world, clock))
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def load_snapshot(path: Path, scenario: Scenario, clock: VirtualClock) -> World:
    """Read a snapshot from a file.

    Raises:
        SnapshotError: the file cannot be read, or is no snapshot.
    """
    try:
        snapshot = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SnapshotError(f"{path}: {error}") from error
    return restore_snapshot(scenario, snapshot, clock)
