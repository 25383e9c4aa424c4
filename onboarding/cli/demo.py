"""``onboarding demo``: 240 numbers and three weeks of a simulated Graph API, in about a minute."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    folder: Annotated[
        Path, typer.Option(help="Where the demo's database is made; an earlier one is replaced.")
    ] = Path(".demo"),
) -> None:
    """240 numbers, three weeks, about a minute.

    Everything runs on this machine: a simulated Graph API, a SQLite database, a worker on a clock
    that skips idle time, and the holders of the phones.

    Example: onboarding demo
    """
    from onboarding.bundled import bundled
    from onboarding.cli.demo_run import DemoRun
    from onboarding.cli.demo_view import DemoView

    run = DemoRun(
        folder=folder,
        scenario_file=bundled("examples/demo.yaml"),
        numbers_file=bundled("examples/numbers.csv"),
    )
    view = DemoView(run)
    with run:
        view.show_until(run.is_over)
        as_expected = view.summarise()
    if not as_expected:
        raise typer.Exit(1)
