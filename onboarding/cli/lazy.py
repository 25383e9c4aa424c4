"""Commands that are imported when they run, so that ``--help`` and completion stay instant."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command


@dataclass(frozen=True, slots=True)
class Target:
    """Where a command is, and the one line that the list of commands shows of it.

    Attributes:
        path: ``module:attribute``; the attribute is a ``typer.Typer`` or a function that is
            annotated for Typer.
        summary: the first line of the command's own help; a test holds the two together.
    """

    path: str
    summary: str


class LazyGroup(TyperGroup):
    """A group that knows its commands by name and loads one when it is called."""

    targets: dict[str, Target]

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, target in self.targets.items():
            self.commands[name] = _Deferred(name, target)
        _keep_examples(self)


class _Deferred(TyperCommand):
    """Stands in for a command until somebody calls it."""

    def __init__(self, name: str, target: Target) -> None:
        super().__init__(name, help=target.summary, rich_markup_mode=None)
        self._target = target

    def make_context(self, *args: Any, **settings: Any) -> Any:
        """Load the command and let it make the context; from here on it is the command."""
        return load_command(str(self.name), self._target).make_context(*args, **settings)


def load_command(name: str, target: Target) -> Any:
    """Return the command that a target points at."""
    module, _, attribute = target.path.partition(":")
    found = getattr(import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(name)(found)
        found = alone
    command = get_command(found)
    command.name = name
    _keep_examples(command)
    return command


def _keep_examples(command: Any) -> None:
    """Mark the examples in the help, so that their lines are not joined."""
    if command.help:
        command.help = command.help.replace("\n\nExample:\n", "\n\n\b\nExample:\n")
    for each in getattr(command, "commands", {}).values():
        _keep_examples(each)
