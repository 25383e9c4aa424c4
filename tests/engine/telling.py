"""What tests of messages share: files that say who is told what, and what was told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import text

from onboarding import Engine
from onboarding.notify.message import Message
from onboarding.store.database import again_if_unlucky, writing
from tests.engine.rehearsing import Rehearsed

SECRET = "a-secret-of-the-receiver"


def webhook(name: str, url: str, *, more: str = "") -> str:
    """Return the lines that set a webhook up."""
    return (
        f'[channels.{name}]\nkind = "webhook"\nurl = "{url}"\nsecret_env = "OPS_SECRET"\n{more}\n'
    )


def file_of(folder: Path, *parts: str) -> Path:
    """Write a file that says who is told what."""
    file = folder / "notify.toml"
    file.write_text("\n".join(parts))
    return file


def told(meta: Rehearsed, *types: str) -> list[dict[str, Any]]:
    """Return what happened, of these types."""
    return [dict(e) for e in meta.engine.events(limit=5000) if not types or e["type"] in types]


class Listening:
    """A channel that keeps what it is sent, and does something with each message first."""

    def __init__(self, first: Callable[[Message], None] = lambda _: None) -> None:
        self.messages: list[Message] = []
        self._first = first

    def send(self, message: Message) -> None:
        """Take a message."""
        self._first(message)
        self.messages.append(message)

    @property
    def types(self) -> list[str]:
        """The types of the events that were told, in order."""
        return [str(message.event["type"]) for message in self.messages]


def listen(meta: Rehearsed, *names: str) -> dict[str, Listening]:
    """Put listening channels in the place of those of the file."""
    made = {name: Listening() for name in names}
    channels: Any = meta.engine.context.channels
    channels.update(made)
    return made


def end_leases(engine: Engine) -> None:
    """Let the real time pass that the leases of lost workers on messages still have."""
    ended = "'2000-01-01T00:00:00.000000Z'"
    held = f"UPDATE delivery SET lease_until = {ended} WHERE lease_until IS NOT NULL"  # noqa: S608 - our own

    def end() -> None:
        with writing(engine.context.database) as conn:
            conn.execute(text(held))

    again_if_unlucky(end)
