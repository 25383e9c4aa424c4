"""Meta's Graph API for onboarding WhatsApp phone numbers, as a server on loopback.

Plays the lifecycle of a phone number with a clock that can be moved: create, codes, display
name review, registration, windows, budgets and faults. Knows nothing of the engine.
"""

from __future__ import annotations

from onboarding.simulator.scenario import Scenario
from onboarding.simulator.scenario_file import ScenarioError, load_scenario, make_scenario
from onboarding.simulator.simulation import Simulator, run
from onboarding.simulator.snapshot import SnapshotError

__all__ = [
    "Scenario",
    "ScenarioError",
    "Simulator",
    "SnapshotError",
    "load_scenario",
    "make_scenario",
    "run",
]
