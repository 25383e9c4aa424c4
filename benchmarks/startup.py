"""How long the command line takes to say anything, beside an import of its own framework."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.measure import Measured, interleaved

_MOST = 3.0


def measure() -> list[Measured]:
    """Compare ``onboarding --help`` with ``import typer``."""
    times = interleaved(
        {
            "help": lambda: _run("-m", "onboarding", "--help"),
            "typer": lambda: _run("-c", "import typer"),
        },
        rounds=11,
    )
    ratio = times["help"] / times["typer"]
    return [
        Measured(
            what="`onboarding --help` beside `python -c 'import typer'`",
            value=f"{ratio:.2f} x ({times['help'] * 1000:.0f} ms beside "
            f"{times['typer'] * 1000:.0f} ms)",
            bound=f"at most {_MOST:.0f} x",
            is_met=ratio <= _MOST,
        )
    ]


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own program
