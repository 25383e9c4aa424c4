"""Values that a file names and does not hold: secrets in variables of the environment or files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from onboarding.errors import ChannelError


def read_secrets(variable: str | None, file: Path | None) -> list[str]:
    """Return the secrets that a variable holds, or a file with one per line, the first one first.

    They are read anew each time, so that one can be rotated while a worker runs.

    Raises:
        ChannelError: there are none; the text names where they should be.
    """
    where, text = _read(variable, file)
    if found := [line.strip() for line in text.splitlines() if line.strip()]:
        return found
    raise ChannelError(f"{where} holds no secret", hint="set it for every process that delivers")


def secret(variable: str | None, file: Path | None) -> Callable[[], str]:
    """Return what reads the first of those secrets."""
    return lambda: read_secrets(variable, file)[0]


def _read(variable: str | None, file: Path | None) -> tuple[str, str]:
    if variable is not None:
        return f"the variable {variable}", os.environ.get(variable, "")
    try:
        return f"the file {file}", file.read_text() if file is not None else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ChannelError(
            f"the file {file} cannot be read ({type(error).__name__})", hint="who may read it?"
        ) from None
