"""On a terminal: secrets are typed unseen, tables are drawn, and a bar shows the progress."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.cli.harness import NAME, NUMBER, PIN, WABA, Deployment


@dataclass
class Terminal:
    """A process on a terminal of its own, and what it showed so far."""

    process: subprocess.Popen[bytes]
    master: int
    shown: str = ""

    def read_until(self, text: str) -> None:
        """Read until a text is shown."""
        while text not in self.shown:
            assert self._read(), self.shown

    def read_all(self) -> str:
        """Read until the process has ended."""
        while self._read():
            pass
        assert self.process.wait(60) == 0, self.shown
        return self.shown

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self.master, f"{text}\n".encode())

    def _read(self) -> bool:
        try:
            chunk = os.read(self.master, 65536)
        except OSError:  # Linux's way to say that the other end is closed
            return False
        self.shown += chunk.decode(errors="replace")
        return bool(chunk)


@contextmanager
def _terminal(deployment: Deployment, *args: str) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "onboarding", *args],
        env={**os.environ, **deployment.env, "TERM": "xterm", "COLUMNS": "120"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        close_fds=True,
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def test_a_pin_is_typed_unseen(deployment: Deployment) -> None:
    id_ = deployment.request()
    with _terminal(deployment, "secrets", "set-pin", id_) as terminal:
        terminal.read_until("PIN: ")  # the blank comes once nothing is echoed any more
        terminal.type(PIN)
        shown = terminal.read_all()
    assert PIN not in shown
    assert "the next registration uses this PIN" in shown
    assert deployment.ok("secrets", "reveal-pin", id_, "--reason", "x").out == f"{PIN}\n"


def test_tables_are_drawn_and_text_from_outside_is_harmless(deployment: Deployment) -> None:
    id_ = deployment.request(name="[bold]Shop")
    deployment.ok("hold", id_, "--reason", "\x1b[2Jevil")
    for command in ("list",), ("history", id_):
        with _terminal(deployment, *command) as terminal:
            shown = terminal.read_all()
        assert "─" in shown
        assert "[bold]Shop" in shown
        assert "\x1b[2J" not in shown


def test_the_progress_of_an_import_is_shown(deployment: Deployment) -> None:
    file = deployment.folder / "numbers.csv"
    file.write_text(f"waba_id,phone_number,display_name\n{WABA},{NUMBER},{NAME}\n")
    with _terminal(deployment, "import", str(file)) as terminal:
        shown = terminal.read_all()
    assert "━" in shown
    assert "1 rows: 1 created" in shown
