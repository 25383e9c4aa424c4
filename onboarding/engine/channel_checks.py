"""How each channel stands: set up, told of something, with messages that wait or are dead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from onboarding.engine.context import Context
from onboarding.engine.findings import Finding, failed, ok, problem, warning
from onboarding.errors import ConfigurationError
from onboarding.model import DeliveryStatus
from onboarding.notify import shapes
from onboarding.notify.configuration import missing
from onboarding.settings import Settings
from onboarding.store import outbox
from onboarding.store.database import reading

_LATE = timedelta(hours=1)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelStanding:
    """How a channel stands.

    Attributes:
        name: as the file names it.
        kind: ``log``, ``webhook``, ``email``, ``chat`` or ``command``; ``None``: the file knows
            it no more, and messages for it are left.
        told_of: rungs, needs and events, in words.
        pending: messages that wait.
        dead: messages that were given up.
        pending_since: since when the oldest waits.
        lacks: what must be set here before anything can be sent.
    """

    name: str
    kind: str | None
    told_of: tuple[str, ...]
    pending: int
    dead: int
    pending_since: datetime | None
    lacks: str | None


def look_at_channels(ctx: Context) -> list[ChannelStanding]:
    """Return how each channel stands, those of the file first."""
    known = ctx.notifications.channels
    with reading(ctx.database) as conn:
        counts, since = outbox.count(conn), outbox.oldest_pending(conn)
    left = sorted({c for (c, status) in counts if status in _UNSETTLED} - set(known))
    return [
        ChannelStanding(
            name=name,
            kind=known[name].kind if name in known else None,
            told_of=ctx.notifications.told_of(name),
            pending=counts.get((name, DeliveryStatus.PENDING), 0),
            dead=counts.get((name, DeliveryStatus.DEAD), 0),
            pending_since=since.get(name),
            lacks=missing(known[name]) if name in known else "it is not in the file",
        )
        for name in (*known, *left)
    ]


_UNSETTLED = (DeliveryStatus.PENDING, DeliveryStatus.DEAD)


def examine_file(settings: Settings) -> Iterator[Finding]:
    """Check the file that says who is told what."""
    try:
        found = settings.notifications()
    except ConfigurationError as error:
        yield failed("notify file", error)
        return
    if found.file is None:
        yield ok(
            "notify file",
            "none: rungs and alerts reach the log only (ONBOARDING_NOTIFY_FILE names one)",
        )
        return
    yield ok("notify file", f"{found.file}: {', '.join(found.channels)}")
    for name, given in found.channels.items():
        if isinstance(given, shapes.Webhook | shapes.Chat) and _is_in_the_clear(given.url):
            yield warning(
                f"channel {name}", "messages travel in the clear", "give an https:// address"
            )


def _is_in_the_clear(url: str | None) -> bool:
    parts = urlsplit(url or "")
    return parts.scheme == "http" and parts.hostname not in _LOOPBACK


def examine_channels(ctx: Context) -> Iterator[Finding]:
    """Check what each channel lacks, and what waits for it."""
    now = ctx.clock.now()
    for each in look_at_channels(ctx):
        name = f"channel {each.name}"
        if each.lacks is not None:
            remedy = "set it for every process that delivers"
            if each.kind is None:
                remedy = f"run: onboarding outbox drop --channel {each.name}"
            yield problem(name, each.lacks, remedy)
        elif each.pending_since is not None and now - each.pending_since > _LATE:
            yield problem(
                name,
                f"{each.pending} messages wait, the oldest since "
                f"{each.pending_since:%Y-%m-%d %H:%M} UTC",
                f"run: onboarding notify test {each.name}",
            )
        elif each.dead:
            yield warning(
                name,
                f"{each.dead} messages were given up",
                f"run: onboarding outbox list --channel {each.name}",
            )
        else:
            yield ok(name, f"{each.kind}, nothing is late")
