"""Runs the blocks of a page as a reader would: in a shell, with other terminals beside it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from docs.generating.blocks import Command, Step, find_steps, matches, stable, write_commands

ROOT = Path(__file__).resolve().parent.parent.parent

#: The port that the pages use; a free one takes its place.
_PORT = "8080"
_PATIENCE_S = 40.0
_PAUSE_S = 0.2


def has_runs(page: Path) -> bool:
    """Whether a page has blocks that can be run."""
    return bool(find_steps(page.read_text()))


@dataclass(frozen=True)
class Ran:
    """One command as it was run.

    Attributes:
        command: as the page has it.
        printed: the lines that it printed.
    """

    command: Command
    printed: list[str]

    @property
    def is_as_shown(self) -> bool:
        """Whether it printed what the page shows, but for ids, instants and the like."""
        return matches(list(map(stable, self.command.shown)), list(map(stable, self.printed)))


@dataclass(frozen=True)
class RanPage:
    """A page with everything that was run."""

    text: str
    steps: list[tuple[Step, list[Ran]]]

    def as_markdown(self) -> str:
        """Return the page as it is if it shows what was printed, else with what was printed."""
        text = self.text
        if all(each.is_as_shown for _, ran in self.steps for each in ran):
            return text
        for step, ran in reversed(self.steps):
            if any(step.span):
                new = write_commands([_as_printed(each) for each in ran])
                text = text[: step.span[0]] + new + text[step.span[1] :]
        return text


def _as_printed(ran: Ran) -> Command:
    """Return a command with what it printed; lines that were left out stay left out."""
    keeps = ran.is_as_shown and "..." in ran.command.shown
    return ran.command if keeps else Command(ran.command.text, ran.printed)


def run_page(page: Path, folder: Path) -> RanPage:
    """Run all blocks of a page in a folder, in order."""
    text = page.read_text()
    with Session.open(folder) as session:
        return RanPage(text, [(step, session.run(step)) for step in find_steps(text)])


@dataclass
class Session:
    """A shell in a folder that looks like a checkout, and the terminals opened beside it."""

    home: Path
    folder: Path
    port: str
    environment: dict[str, str]
    _terminals: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[Self]:
        """Open a session; at the end whatever still runs is stopped."""
        checkout = folder / "onboarding"
        checkout.mkdir()
        (checkout / "examples").symlink_to(ROOT / "examples")
        session = cls(folder, checkout, _free_port(), _environment(folder))
        try:
            yield session
        finally:
            for terminal in list(session._terminals):
                session.stop(terminal)

    def run(self, step: Step) -> list[Ran]:
        """Do one step of a page."""
        if not step.commands:
            self.stop(step.terminal)
            return []
        if step.terminal:
            return [self._start(step.terminal, command) for command in step.commands]
        if step.until:
            return [self._repeat(command) for command in step.commands]
        return [self._once(command) for command in step.commands]

    def stop(self, terminal: str) -> None:
        """Press Ctrl-C in a terminal, and wait for the program to end."""
        process = self._terminals.pop(terminal)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=_PATIENCE_S)

    def _once(self, command: Command) -> Ran:
        kept = self.home / "environment"
        script = f"{self._here(command.text)}\nstatus=$?\nenv > {kept}\npwd > {kept}.pwd"
        done = subprocess.run(  # noqa: S602 - the pages are our own
            f"{script}\nexit $status",
            shell=True,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_PATIENCE_S,
        )
        self.environment = dict(
            line.split("=", 1) for line in kept.read_text().splitlines() if "=" in line
        )
        self.folder = Path(Path(f"{kept}.pwd").read_text().strip())
        return Ran(command, self._there(done.stdout))

    def _repeat(self, command: Command) -> Ran:
        until = time.monotonic() + _PATIENCE_S
        while not (ran := self._once(command)).is_as_shown and time.monotonic() < until:
            time.sleep(_PAUSE_S)
        return ran

    def _start(self, terminal: str, command: Command) -> Ran:
        process = subprocess.Popen(  # noqa: S602 - the pages are our own
            f"exec {self._here(command.text)}",
            shell=True,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._terminals[terminal] = process
        assert process.stdout is not None, "piped"  # noqa: S101 - for the type checker
        lines = [process.stdout.readline() for _ in command.shown]
        return Ran(command, self._there("".join(lines)))

    def _here(self, text: str) -> str:
        return re.sub(rf"\b{_PORT}\b", self.port, text)

    def _there(self, printed: str) -> list[str]:
        """Return what was printed as the page would show it."""
        text = re.sub(rf"\b{self.port}\b", _PORT, printed).rstrip()
        text = text.replace(f"{socket.gethostname()}:", "host:")
        return text.replace(str(self.home), "/home/you").splitlines()


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def _environment(folder: Path) -> dict[str, str]:
    """Return the environment of somebody who has just activated ``.venv``."""
    inherited = {name: value for name, value in os.environ.items() if name[:11] != "ONBOARDING_"}
    tools = [str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)]
    if shutil.which("curl") is None:
        tools.append(str(Path(__file__).parent / "stand_ins"))
    here = {"HOME": str(folder), "USER": "you", "LOGNAME": "you", "TZ": "UTC"}
    return inherited | here | {"PATH": os.pathsep.join(tools), "PYTHONUNBUFFERED": "1"}
