"""``onboarding simulator``: a Graph API of your own on loopback."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

_OPTIONAL_PATH = Optional[Path]  # noqa: UP045 - Typer reads annotations at run time


def simulator(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8080,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    scenario: Annotated[
        _OPTIONAL_PATH, typer.Option(help="YAML or TOML file that scripts businesses and rules.")
    ] = None,
    snapshot: Annotated[
        _OPTIONAL_PATH, typer.Option(help="File to start from, and to save the state to.")
    ] = None,
) -> None:
    """Run a Graph API of your own on loopback.

    Prints its base URL and a token first. The control endpoints are under /_sim.

    Example: onboarding simulator --port 0 --scenario examples/demo.yaml
    """
    from onboarding.errors import ConfigurationError
    from onboarding.simulator import (
        Scenario,
        ScenarioError,
        SnapshotError,
        load_scenario,
        run,
    )

    if scenario is not None and not scenario.is_file():
        raise ConfigurationError(f"there is no scenario file {scenario}", hint="check the path")
    try:
        chosen = load_scenario(scenario) if scenario else Scenario()
        run(chosen, host, port, snapshot)
    except (ScenarioError, SnapshotError) as error:
        raise ConfigurationError(str(error), hint="see docs/reference/simulator.md") from None
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}:{port}: {error.strerror}", hint="choose another --port"
        ) from None
