"""What a channel is: something that takes one message, or says why it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message for one channel.

    Attributes:
        id: the idempotency key: the same however often the message is sent.
        event: what happened, as ``docs/reference/events.md`` describes it, with its ``seq``.
        title: what it is about, in one line.
        text: what is due, from whom, by when, and the command that gives it.
    """

    id: str
    event: Mapping[str, Any]
    title: str
    text: str


class Channel(Protocol):
    """Takes messages, one at a time; any number of threads may use it."""

    def send(self, message: Message) -> None:
        """Deliver a message, within the channel's total timeout.

        A message may come again with the same ``id``: when it was taken and that could not be
        noted.

        Raises:
            ChannelError: it was not taken, as far as we know; the text holds no secret.
        """
        ...
