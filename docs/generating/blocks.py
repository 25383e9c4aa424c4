"""The blocks of a page that can be run: commands, and what they print.

A block is fenced as ``console``; its commands start with ``$ ``, the lines after each are what it
prints (``...`` stands for any number of lines). The comment above it says how it is run:

- ``<!-- run -->``: each command once.
- ``<!-- run until it shows this -->``: again and again until it prints what is shown.
- ``<!-- run in terminal NAME -->``: in a terminal of its own, where it goes on.
- ``<!-- stop terminal NAME -->``: no block; Ctrl-C in that terminal.
- ``<!-- prepare: COMMAND -->``: no block; what readers of the page have done already.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_STEP = re.compile(
    r"<!-- run(?P<until> until it shows this)?(?: in terminal (?P<terminal>\w+))? -->\n"
    r"```console\n(?P<body>.*?)```"
    r"|<!-- stop terminal (?P<stopped>\w+) -->"
    r"|<!-- prepare: (?P<prepared>.+?) -->",
    re.DOTALL,
)
_PROMPT = "$ "
_MORE = "> "
_ANY = "..."


@dataclass
class Command:
    """A command of a page, and what the page says that it prints."""

    text: str
    shown: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """What to do next on a page.

    Attributes:
        commands: to run, in order; none if a terminal is stopped.
        terminal: the terminal they run in, or that is stopped; empty for the reader's own.
        until: run the command again until it prints what is shown.
        span: where its body stands in the page; empty if it is not shown.
    """

    commands: list[Command]
    terminal: str
    until: bool
    span: tuple[int, int]


def find_steps(text: str) -> list[Step]:
    """Return the steps of a page, in order."""
    return [_step(match) for match in _STEP.finditer(text)]


def _step(match: re.Match[str]) -> Step:
    if match["stopped"]:
        return Step([], match["stopped"], until=False, span=(0, 0))
    if match["prepared"]:
        return Step([Command(match["prepared"], [_ANY])], "", until=False, span=(0, 0))
    commands = _commands(match["body"])
    return Step(commands, match["terminal"] or "", bool(match["until"]), match.span("body"))


def _commands(body: str) -> list[Command]:
    found: list[Command] = []
    for line in body.splitlines():
        if line.startswith(_PROMPT):
            found.append(Command(line.removeprefix(_PROMPT)))
        elif line.startswith(_MORE) and not found[-1].shown:
            found[-1].text += "\n" + line.removeprefix(_MORE)
        else:
            found[-1].shown.append(line)
    return found


def write_commands(commands: list[Command]) -> str:
    """Return the body of a block."""
    lines: list[str] = []
    for command in commands:
        first, *more = command.text.split("\n")
        lines += [_PROMPT + first, *(_MORE + line for line in more), *command.shown]
    return "".join(f"{line}\n" for line in lines)


def matches(shown: list[str], printed: list[str]) -> bool:
    """Whether what was printed is what is shown; ``...`` stands for any lines."""
    if not shown:
        return not printed
    if shown[0] == _ANY:
        return any(matches(shown[1:], printed[skip:]) for skip in range(len(printed) + 1))
    return bool(printed) and shown[0] == printed[0] and matches(shown[1:], printed[1:])


_CHANGING = (
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d([.,]\d+)?)?( UTC|Z)?"), "INSTANT"),
    (re.compile(r"\b\d\d-\d\d \d\d:\d\dZ"), "INSTANT"),
    (re.compile(r"(in )?\d+(\.\d+)? (days|hours|minutes|seconds)( ago)?"), "SPAN"),
    (re.compile(r"\S+:\d+:[0-9a-f]{8}\b"), "WORKER"),
    (re.compile(r"\b[0-9a-f]{22}\b"), "ID"),
    (re.compile(r"\b\d+ MiB\b"), "SIZE"),
    (re.compile(r'"epoch": \d+'), "EPOCH"),
    (re.compile(r"(?<=  )[\w-]{11}$"), "TRACE"),
    (re.compile(r"\s{2,}|\s+$"), "  "),
)


def stable(line: str) -> str:
    """Return a printed line without what differs from run to run."""
    for pattern, name in _CHANGING:
        line = pattern.sub(name, line)
    return line.strip()
