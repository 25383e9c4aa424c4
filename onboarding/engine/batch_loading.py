"""Importing a file into a batch: begun once, taken up again after an interruption, and ended."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from onboarding.core.batches import WAY, Batch, Standing
from onboarding.engine.batch_changes import change_batch
from onboarding.engine.context import Context, Ids
from onboarding.engine.request_files import RequestFile
from onboarding.engine.taking_in import Into
from onboarding.errors import ConflictError, InputError
from onboarding.model import State
from onboarding.store import batches
from onboarding.store.database import again_if_raced, again_if_unlucky, writing

_LONGEST_NAME = 200
_MOST_CANARIES = 1000
_AT_ONCE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOrder:
    """The batch that a file is to go into.

    Attributes:
        name: its name.
        canary: how many of its numbers go first; 0: none.
        canary_state: what they have to reach before the rest begins.
    """

    name: str
    canary: int = 0
    canary_state: State = State.REGISTERED

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > _LONGEST_NAME:
            raise InputError(
                "a batch needs a name", field="batch", hint=f"1 to {_LONGEST_NAME} characters"
            )
        if not 0 <= self.canary <= _MOST_CANARIES:
            raise InputError(
                f"{self.canary} canaries are too many or too few",
                field="canary",
                hint=f"0 to {_MOST_CANARIES}",
            )
        if self.canary_state not in WAY:
            raise InputError(
                f"no canary is asked to come to '{self.canary_state}'",
                field="canary_state",
                hint=f"one of: {', '.join(WAY)}",
            )


def begin(ctx: Context, order: BatchOrder, file: RequestFile, actor: str) -> Into:
    """Begin a batch, or take up an import into it that was interrupted; or add to one that stands.

    Until the import has ended, no number of a new batch begins.

    Raises:
        ConflictError: it was cancelled, another file is being imported into it, or it has other
            canaries.
    """
    digest = _digest(file)
    return again_if_raced(lambda: _begin(ctx, order, file.shown, digest, actor))


def _begin(ctx: Context, order: BatchOrder, source: str, digest: str, actor: str) -> Into:
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        there = batches.find_batch(conn, order.name, lock=True)
        if there is not None:
            _require_same(there, order, digest)
            is_begun_again = there.loaded_at is None
            last = 0 if is_begun_again else batches.last_line(conn, there.id)
            return Into(
                batch_id=there.id, name=there.name, is_begun_again=is_begun_again, after_line=last
            )
        batch = _new(order, source, digest, actor, now)
        batches.insert_batch(conn, batch)
        change_batch(
            conn, batch, "batch_begun", reason=_told(batch), actor=actor, now=now, changes={}
        )
        return Into(batch_id=batch.id, name=batch.name)


def _new(order: BatchOrder, source: str, digest: str, actor: str, now: datetime) -> Batch:
    return Batch(
        id=Ids(now).next(),
        name=order.name,
        source=source,
        digest=digest,
        created_by=actor,
        created_at=now,
        canary=order.canary,
        canary_state=order.canary_state,
        changed_by=actor,
    )


def _told(batch: Batch) -> str:
    first = f"; {batch.canary} go first, to '{batch.canary_state}'" if batch.canary else ""
    return f"{batch.source} is imported{first}"


def _require_same(there: Batch, order: BatchOrder, digest: str) -> None:
    if there.standing is Standing.CANCELLED:
        raise ConflictError(
            f"the batch '{there.name}' was cancelled", field="batch", hint="give it another name"
        )
    if there.loaded_at is None and there.digest != digest:
        raise ConflictError(
            f"another file ({there.source}) is being imported into the batch '{there.name}'",
            field="batch",
            hint="import that file to its end first (--leave-out), or give another name",
        )
    asked = order.canary, order.canary_state
    if order.canary and asked != (there.canary, there.canary_state):
        raise ConflictError(
            f"the batch '{there.name}' has other canaries ({there.canary} to "
            f"'{there.canary_state}')",
            field="canary",
            hint="leave the canaries out, or give another name",
        )


def _digest(file: RequestFile) -> str:
    """Return what differs for files that hold other requests, or are read otherwise."""
    made = hashlib.sha256(repr((file.columns.pairs, file.sheet)).encode())
    with file.path.open("rb") as opened:
        while some := opened.read(_AT_ONCE):
            made.update(some)
    return made.hexdigest()


def end(ctx: Context, into: Into, actor: str) -> None:
    """End an import: its canaries begin, or all of its numbers if it has none."""
    again_if_unlucky(lambda: _end(ctx, into, actor))


def _end(ctx: Context, into: Into, actor: str) -> None:
    with writing(ctx.database) as conn:
        batch = batches.find_batch(conn, into.name, lock=True)
        if batch is None or batch.loaded_at is not None:
            return
        now = ctx.clock.now()
        after = change_batch(
            conn,
            batch,
            "batch_loaded",
            reason=f"{batch.source} was imported to its end",
            actor=actor,
            now=now,
            changes={"loaded_at": now, "digest": None},
        )
        is_canary = after.standing is Standing.CANARY
        batches.wake_batch(conn, batch.id, now, until_line=batch.canary_line if is_canary else None)
