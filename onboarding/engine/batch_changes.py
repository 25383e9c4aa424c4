"""Changes of a batch that its history tells of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onboarding.core.batches import Batch, Standing, Verdict, judge_canaries
from onboarding.core.chain import Entry
from onboarding.core.telling import CANARY
from onboarding.engine.context import Context
from onboarding.model import AlertKind
from onboarding.store import alerts, batches, history, outbox
from onboarding.store.alerts import Alert
from onboarding.store.database import again_if_unlucky, reading, writing
from onboarding.telemetry import log

ENGINE = "engine"


def change_batch(
    conn: Connection,
    before: Batch,
    note: str,
    *,
    reason: str,
    actor: str,
    now: datetime,
    changes: dict[str, Any],
) -> Batch:
    """Write a locked batch's changes together with the entry that tells of them.

    Args:
        conn: an open transaction.
        before: the batch, as read in this transaction.
        note: what happened, as the history names it.
        reason: why, in words.
        actor: who did it.
        now: business time.
        changes: fields of the batch.

    Returns:
        The batch as it is now.
    """
    batches.update_batch(conn, before.id, **changes, changed_by=actor, reason=reason)
    after = batches.load_batches(conn, [before.id])[before.id]
    entry = Entry(
        at=now,
        trigger=note,
        source=before.standing.value if before.history_seq else "",
        dest=after.standing.value,
        actor=actor,
        reason=reason,
    )
    heads = {before.id: (before.history_seq, before.head_hash)}
    history.append(conn, {before.id: [entry]}, heads, history.BATCHES)
    return batches.load_batches(conn, [before.id])[before.id]


def judge_batches(ctx: Context) -> int:
    """Start the rest of batches whose canaries came through; pause those with one that did not.

    Returns:
        How many batches that were.
    """
    with reading(ctx.database) as conn:
        proving = [
            batch.name
            for batch in batches.load_proving(conn)
            if judge_canaries(batch, batches.load_canaries(conn, batch))[0] is not Verdict.WAIT
        ]
    return sum(again_if_unlucky(lambda name=name: _judge(ctx, name)) for name in proving)  # type: ignore[misc]  # a name of its own


def _judge(ctx: Context, name: str) -> bool:
    with writing(ctx.database) as conn:
        batch = batches.find_batch(conn, name, lock=True)
        if batch is None or batch.standing is not Standing.CANARY:
            return False  # somebody else was first
        verdict, why = judge_canaries(batch, batches.load_canaries(conn, batch))
        now = ctx.clock.now()
        if verdict is Verdict.WAIT:
            return False
        note, changes = "canaries_passed", {"canary_passed_at": now}
        if verdict is Verdict.FAILED:
            note, changes = "canaries_failed", {"paused_at": now}
            alerts.open_alerts(conn, list(stopped(ctx, [(batch, now)])))
        change_batch(conn, batch, note, reason=why, actor=ENGINE, now=now, changes=changes)
        batches.wake_batch(conn, batch.id, now)
    log.warning("batch_judged", batch=name, verdict=verdict.value, reason=why)
    return True


def stopped(ctx: Context, failed: Iterable[tuple[Batch, datetime]]) -> Iterator[Alert]:
    """Yield the alert of each batch whose canaries failed, with the instant when they did."""
    rule = ctx.rules.overdue.get(CANARY)
    for batch, since in failed:
        if rule is not None:
            yield Alert(
                kind=AlertKind.BATCH,
                subject=batch.id,
                what=CANARY,
                since=since,
                next_at=since + rule.longer_than,
            )


def decided(conn: Connection, batch: Batch, now: datetime) -> None:
    """Tell nobody any more that canaries failed: a person went on with the batch, or gave it up."""
    alerts.close_alerts(conn, [batch.id], [AlertKind.BATCH], now)
    outbox.cancel(conn, [(batch.id, AlertKind.BATCH)], "somebody decided on the batch")


def has_failed(conn: Connection, batch: Batch) -> bool:
    """Whether the pause of a batch is that of a canary that failed: a person has to look at it."""
    is_proven = not batch.canary or batch.canary_passed_at is not None
    if is_proven or batch.standing is not Standing.PAUSED:
        return False
    entries = history.read(conn, batch.id, history.BATCHES)
    return any(entry.trigger == "canaries_failed" for _, entry in entries)


def load_failed(conn: Connection) -> list[tuple[Batch, datetime]]:
    """Return the batches that stand still since a canary failed, and since when."""
    return [
        (batch, batch.paused_at)
        for batch in batches.list_batches(conn)
        if batch.paused_at is not None and has_failed(conn, batch)
    ]
