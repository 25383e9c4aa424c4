"""The reference of the command line: the help of every command, as the program prints it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.testing import CliRunner

from docs.generating.markdown import block
from onboarding.cli.app import COMMANDS, app
from onboarding.cli.lazy import load_command

_RUNNER = CliRunner(env={"COLUMNS": "88", "TERM": "dumb"})


def all_commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the words and the object of every command, those of groups included."""
    for name, target in COMMANDS.items():
        command = load_command(name, target)
        yield (name,), command
        for inner_name, inner in getattr(command, "commands", {}).items():
            yield (name, inner_name), inner


def runs_alone(command: Any) -> bool:
    """Whether a command does something without a further word: every one but most groups."""
    return not hasattr(command, "commands") or bool(command.invoke_without_command)


def commands() -> str:
    """Return a section per command."""
    parts = [f"### onboarding\n\n{block(_help(()))}"]
    parts += [
        f"### onboarding {' '.join(words)}\n\n{block(_help(words))}"
        for words, command in all_commands()
        if runs_alone(command)
    ]
    return "\n".join(parts)


def _help(words: tuple[str, ...]) -> str:
    return str(_RUNNER.invoke(app, [*words, "--help"], prog_name="onboarding").stdout)
