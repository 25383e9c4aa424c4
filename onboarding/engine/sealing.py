"""Sealing the histories: now and then by one worker, at once for somebody who asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from onboarding.core.seals import Head, Seal, heads_of, make_seal
from onboarding.engine.context import Context
from onboarding.store import seals
from onboarding.store.database import again_if_raced, reading, writing
from onboarding.store.refusals import is_taken
from onboarding.telemetry import log

#: How often histories may have grown that one seal covers; more waits for the next one.
_MOST = 20_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was sealed: the latest seal, if there is any, and how many histories are new in it."""

    seal: Seal | None
    histories: int


def seal_due(ctx: Context) -> int:
    """Make the seal of this span of time, unless some worker did or no history grew.

    Returns:
        How many histories it covers.
    """
    span = timedelta(minutes=ctx.settings.seal_interval_minutes)
    with reading(ctx.database) as conn:
        now = ctx.real_now(conn)
        bucket = now - (now - _EPOCH) % span
        if not seals.is_due(conn, bucket):
            return 0
    try:
        _, made, heads = _seal(ctx, bucket)
    except IntegrityError as error:
        if is_taken(error):
            return 0  # another worker made it meanwhile
        raise
    if made is not None:
        log.info("histories_sealed", seal=made.seq, histories=heads)
    return heads


def seal_now(ctx: Context) -> Sealed:
    """Seal every history that grew since it was sealed last."""
    histories, taken = 0, _MOST
    while taken == _MOST:
        taken, _, heads = again_if_raced(lambda: _seal(ctx, None))
        histories += heads
    with reading(ctx.database) as conn:
        return Sealed(seals.last_seal(conn), histories)


def _seal(ctx: Context, bucket: datetime | None) -> tuple[int, Seal | None, int]:
    """Make a seal, of the present instant if of no bucket.

    Returns:
        How often histories had grown, the seal unless there was nothing new in it, and how many
        histories it covers.
    """
    with writing(ctx.database) as conn:
        now = ctx.real_now(conn)
        previous = seals.last_seal(conn)
        if bucket and not seals.is_due(conn, bucket):
            return 0, None, 0  # another worker was first
        grown = seals.take_unsealed(conn, _MOST)
        heads = set(_heads(conn, grown)) - set(heads_of(previous) if previous else ())
        if not heads:
            return len(grown), None, 0
        seal = make_seal(previous, heads, at=now, bucket=bucket or now)
        seals.insert_seal(conn, seal)
        return len(grown), seal, len(heads)


def _heads(conn: Connection, grown: Iterable[tuple[str, str]]) -> Iterable[Head]:
    by_kind: dict[str, set[str]] = {}
    for kind, owner in grown:
        by_kind.setdefault(kind, set()).add(owner)
    for kind, owners in by_kind.items():
        yield from seals.load_heads(conn, seals.LEDGERS[kind], sorted(owners))
