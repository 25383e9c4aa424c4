"""For whom an onboarding waited how long: every instant of its life is somebody's, or at rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from onboarding.core.reasons import AT_REST
from onboarding.model import Onboarding, Owner, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """From when on it was whose turn.

    Attributes:
        onboarding_id: whose life it is of.
        version: of the row that was written with it; orders turns of one instant.
        since: business time.
        owner: whose turn it was; ``None``: nobody's, the onboarding rested.
        waiting: the reason at first.
    """

    onboarding_id: str
    version: int
    since: datetime
    owner: Owner | None
    waiting: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A while in which it was one's turn; ``until`` is not part of it."""

    owner: Owner | None
    since: datetime
    until: datetime

    @property
    def length(self) -> timedelta:
        """How long it was."""
        return self.until - self.since


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """For whom an onboarding waited since it was asked for.

    The spans follow one another without gap or overlap from ``since`` to ``until``.

    Attributes:
        since: when it was asked for.
        until: the instant of the look.
        spans: whose turn it was, in order; an owner of ``None``: it rested.
    """

    since: datetime
    until: datetime
    spans: tuple[Span, ...]

    @property
    def waited(self) -> dict[Owner, timedelta]:
        """How long it waited for each, for all five."""
        return {owner: self._sum(owner) for owner in Owner}

    @property
    def rested(self) -> timedelta:
        """How long it was registered or over, so that nothing was due from anybody."""
        return self._sum(None)

    def _sum(self, owner: Owner | None) -> timedelta:
        return sum((s.length for s in self.spans if s.owner is owner), timedelta())


def turn_of(waiting: Reason, waiting_for: Owner) -> Owner | None:
    """Return whose turn it is by what a row waits for; ``None`` where it rests."""
    return None if waiting in AT_REST else waiting_for


def turn_taken(before: Onboarding | None, after: Onboarding, now: datetime) -> Turn | None:
    """Return the turn that begins with a written row; ``None`` if it was this one's before.

    Args:
        before: the row as it was read; ``None`` if that is not known.
        after: the row as it was written.
        now: business time of the write.
    """
    owner = turn_of(after.waiting, after.waiting_for)
    if before is not None and turn_of(before.waiting, before.waiting_for) is owner:
        return None
    return Turn(
        onboarding_id=after.id, version=after.version, since=now, owner=owner,
        waiting=after.waiting,
    )  # fmt: skip


def attribute(created_at: datetime, turns: Sequence[Turn], now: datetime) -> Attribution:
    """Return for whom was waited from the request until now.

    It begins with the engine's turn. Where hosts' clocks disagree, a turn that seems to begin
    before the one it follows begins with it: no instant is counted twice, and none is left out.
    """
    now = max(now, created_at)
    ordered = sorted(turns, key=lambda turn: turn.version)
    spans = _spans(created_at, ordered, now)
    return Attribution(since=created_at, until=now, spans=tuple(_joined(spans)))


def _spans(created_at: datetime, turns: Iterable[Turn], now: datetime) -> Iterator[Span]:
    owner: Owner | None = Owner.ENGINE
    since = created_at
    for turn in turns:
        until = min(max(turn.since, since), now)
        yield Span(owner=owner, since=since, until=until)
        owner, since = turn.owner, until
    yield Span(owner=owner, since=since, until=now)


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield the spans that have a length, neighbours of one owner as one."""
    last: Span | None = None
    for span in spans:
        if span.since == span.until:
            continue
        if last is not None and last.owner is span.owner:
            last = Span(owner=last.owner, since=last.since, until=span.until)
            continue
        if last is not None:
            yield last
        last = span
    if last is not None:
        yield last
