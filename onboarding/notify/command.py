"""A command of yours: the message on its standard input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Literal

from onboarding.errors import ChannelError
from onboarding.notify.message import Message

#: What a command is given of our environment: our own settings hold secrets.
_HANDED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "USER")


class CommandChannel:
    """Runs a command for each message; exit code 0 takes it.

    The command gets ``NOTIFY_ID`` (the idempotency key), ``NOTIFY_TYPE`` and ``NOTIFY_TITLE``, and
    none of our settings. No shell reads the arguments.

    Args:
        argv: the program and its arguments.
        stdin: ``text``, or ``json`` for the event.
        timeout_s: after this long it is killed, with what it started.
    """

    def __init__(
        self, argv: Sequence[str], stdin: Literal["text", "json"], timeout_s: float
    ) -> None:
        self._argv, self._stdin, self._timeout_s = list(argv), stdin, timeout_s

    def send(self, message: Message) -> None:
        """Run the command."""
        given = json.dumps(message.event) if self._stdin == "json" else _text(message)
        try:
            running = subprocess.Popen(  # noqa: S603 - the operator's own command, and no shell
                self._argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(message),
                start_new_session=True,
            )
        except OSError as error:
            raise ChannelError(
                f"the command cannot be run: {error.strerror}", hint="check: argv"
            ) from None
        self._finish(running, given.encode())

    def _finish(self, running: subprocess.Popen[bytes], given: bytes) -> None:
        try:
            running.communicate(given, timeout=self._timeout_s)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            running.communicate()
            raise ChannelError(f"the command did not end within {self._timeout_s:g} s") from None
        if running.returncode:
            raise ChannelError(f"the command ended with {running.returncode}")


def _text(message: Message) -> str:
    return f"{message.title}\n\n{message.text}"


def _environment(message: Message) -> Mapping[str, str]:
    ours = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
    return ours | {
        "NOTIFY_ID": message.id,
        "NOTIFY_TYPE": str(message.event["type"]),
        "NOTIFY_TITLE": message.title,
    }
