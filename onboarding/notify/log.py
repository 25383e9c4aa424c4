"""The log: every message as one event of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from onboarding.notify.message import Message


class LogChannel:
    """Writes each message to the log; it is always there, under the name ``log``.

    Args:
        write: writes one event of the log with its fields.
    """

    def __init__(self, write: Callable[..., Any]) -> None:
        self._write = write

    def send(self, message: Message) -> None:
        """Write title and text in one line."""
        text = " | ".join(line.strip() for line in message.text.splitlines() if line.strip())
        self._write(type=message.event["type"], id=message.id, title=message.title, text=text)
