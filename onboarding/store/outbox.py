"""The outbox: what is still to be sent to each channel, and what became of what was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    String,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    update,
)

from onboarding.model import AlertKind, DeliveryStatus
from onboarding.store.columns import Instant
from onboarding.store.rowset import given, listed, packed, packed_list, storable
from onboarding.store.tables import delivery as t
from onboarding.store.tables import event

#: Written out and not bound: SQLite uses a partial index only for the very words it was made with.
_PENDING = t.c.status == literal_column("'pending'")

_NEW = [
    t.c.id, t.c.channel, t.c.subject, t.c.topic, t.c.status, t.c.created_at, t.c.next_at, t.c.tries,
]  # fmt: skip
_EVENT_ID = Column("event_id", String(32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message for one channel.

    Attributes:
        id: the idempotency key: the same however often it is sent.
        event_seq: number of the event that it tells of.
        subject: whose event it is; of these, a channel gets one after the other.
        topic: what it asks for; once that is done and it was not sent, it is cancelled.
        next_at: business time of the next try.
        tries: how often it was tried.
        tried_at: when it was tried last.
        error: why it was not taken the last time; never holds a secret.
        settled_by: who retried, dropped or cancelled it.
    """

    id: str
    event_seq: int
    channel: str
    subject: str
    topic: str | None
    status: DeliveryStatus
    created_at: datetime
    next_at: datetime
    tries: int
    tried_at: datetime | None
    error: str | None
    settled_by: str | None
    type: str
    body: str


_SHOWN = (
    t.c.id, t.c.event_seq, t.c.channel, t.c.subject, t.c.topic, t.c.status, t.c.created_at,
    t.c.next_at, t.c.tries, t.c.tried_at, t.c.error, t.c.settled_by, event.c.type, event.c.body,
)  # fmt: skip


def insert_deliveries(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Put messages into the outbox, with one statement.

    Each row names its event by ``event_id``; the event is there already. What comes after a
    message of the same subject that waits to be tried again waits with it.
    """
    conn.execute(_insert(conn.dialect.name), packed([*_NEW, _EVENT_ID], rows))


@cache
def _insert(dialect: str) -> Any:
    rows, before = given(dialect, [*_NEW, _EVENT_ID]), t.alias("before")
    waits = (
        select(func.max(before.c.next_at))
        .where(
            before.c.subject == rows.c.subject,
            before.c.channel == rows.c.channel,
            before.c.status == literal_column("'pending'"),
        )
        .correlate(rows)
        .scalar_subquery()
    )
    next_at = case((waits > rows.c.next_at, waits), else_=rows.c.next_at)
    names = [c.name for c in _NEW if c.name != "next_at"]
    chosen = select(*(rows.c[name] for name in names), event.c.seq, next_at).join(
        event, event.c.id == rows.c.event_id
    )
    return t.insert().from_select([*names, "event_seq", "next_at"], chosen)


def claim(
    conn: Connection,
    channel: str,
    *,
    worker: str,
    now: datetime,
    real_now: datetime,
    lease_until: datetime,
    limit: int,
) -> list[Delivery]:
    """Take messages that a channel is to get now; of each subject the first, and no other.

    Args:
        conn: an open transaction.
        channel: which channel.
        worker: who takes them.
        now: business time: what is due.
        real_now: real time: which leases have run out.
        lease_until: real time until which they are this worker's.
        limit: at most so many.
    """
    parameters = {
        "of_channel": channel, "worker": worker, "now": now, "real_now": real_now,
        "until": lease_until, "most": limit,
    }  # fmt: skip
    ids = list(conn.execute(_claim(conn.dialect.name), parameters).scalars())
    return load(conn, ids) if ids else []


@cache
def _claim(dialect: str) -> Any:
    earlier = t.alias("earlier")
    is_behind = (
        select(earlier.c.id)
        .where(
            earlier.c.subject == t.c.subject,
            earlier.c.channel == t.c.channel,
            earlier.c.status == literal_column("'pending'"),
            earlier.c.event_seq < t.c.event_seq,
        )
        .exists()
    )
    free = or_(t.c.lease_until.is_(None), t.c.lease_until <= bindparam("real_now", type_=Instant))
    due = (
        select(t.c.id)
        .where(
            _PENDING,
            t.c.channel == bindparam("of_channel"),
            t.c.next_at <= bindparam("now", type_=Instant),
            free,
            ~is_behind,
        )
        .order_by(t.c.next_at, t.c.event_seq)
        .limit(bindparam("most"))
    )
    if dialect == "postgresql":
        due = due.with_for_update(skip_locked=True)
    picked = due.cte("picked").prefix_with("MATERIALIZED", dialect="postgresql")
    return (
        update(t)
        .where(t.c.id.in_(select(picked.c.id)))
        .values(lease_owner=bindparam("worker"), lease_until=bindparam("until", type_=Instant))
        .returning(t.c.id)
    )


def load(conn: Connection, ids: Sequence[str]) -> list[Delivery]:
    """Return these messages, in the order of their events."""
    chosen = listed(conn.dialect.name, t.c.id)
    query = select(*_SHOWN).join(event, event.c.seq == t.c.event_seq).where(t.c.id.in_(chosen))
    found = conn.execute(query.order_by(t.c.event_seq), packed_list(t.c.id, ids))
    return [_to_delivery(row) for row in found]


def note_sent(conn: Connection, id_: str, now: datetime) -> None:
    """Note that a channel took a message, even if it was cancelled on the way."""
    conn.execute(
        update(t)
        .where(t.c.id == id_, t.c.status.in_((DeliveryStatus.PENDING, DeliveryStatus.CANCELLED)))
        .values(
            status=DeliveryStatus.SENT, tries=t.c.tries + 1, tried_at=now, error=None, **_LET_GO
        )
    )


_LET_GO: dict[str, Any] = {"lease_owner": None, "lease_until": None}


def note_failed(
    conn: Connection, failed: Delivery, now: datetime, error: str, again_at: datetime | None
) -> None:
    """Note that a channel did not take a message.

    What comes after it for the same subject waits with it.

    Args:
        conn: an open transaction.
        failed: which message.
        now: business time.
        error: why, without secrets.
        again_at: when it is tried again; ``None``: never by itself, it is a dead letter.
    """
    status = DeliveryStatus.PENDING if again_at is not None else DeliveryStatus.DEAD
    conn.execute(
        update(t)
        .where(t.c.id == failed.id, _PENDING)
        .values(
            status=status,
            tries=t.c.tries + 1,
            tried_at=now,
            error=storable(error),
            next_at=again_at or t.c.next_at,
            **_LET_GO,
        )
    )
    if again_at is not None:
        conn.execute(
            update(t)
            .where(
                _PENDING,
                t.c.subject == failed.subject,
                t.c.channel == failed.channel,
                t.c.next_at < again_at,
            )
            .values(next_at=again_at)
        )


def put_off(conn: Connection, channel: str, until: datetime) -> None:
    """Let everything that a channel is to get wait until then."""
    conn.execute(
        update(t)
        .where(_PENDING, t.c.channel == channel, t.c.next_at < until, t.c.lease_owner.is_(None))
        .values(next_at=until)
    )


def let_go(conn: Connection, ids: Sequence[str], worker: str) -> None:
    """Give up messages that were taken and not tried."""
    if ids:
        conn.execute(update(t).where(t.c.id.in_(ids), t.c.lease_owner == worker).values(**_LET_GO))


def cancel(conn: Connection, topics: Sequence[tuple[str, AlertKind]], why: str) -> None:
    """Cancel what was not sent of what is done by now, with one statement.

    Args:
        conn: an open transaction.
        topics: whose messages, and of what.
        why: in a few words.
    """
    if topics:
        rows = [{"subject": subject, "topic": kind.value} for subject, kind in topics]
        columns = [t.c.subject, t.c.topic]
        conn.execute(_cancel(conn.dialect.name), {"why": why, **packed(columns, rows)})


@cache
def _cancel(dialect: str) -> Any:
    rows = given(dialect, [t.c.subject, t.c.topic])
    return (
        update(t)
        .where(_PENDING, t.c.subject == rows.c.subject, t.c.topic == rows.c.topic)
        .values(status=DeliveryStatus.CANCELLED, settled_by=bindparam("why"))
    )


def settle(
    conn: Connection, ids: Sequence[str], status: DeliveryStatus, by: str, now: datetime
) -> list[str]:
    """Put messages that were not sent back into the outbox, or take them out for good.

    Returns:
        The ids of those that it concerned; one that was sent stays sent.
    """
    anew = {"tries": 0, "next_at": now} if status is DeliveryStatus.PENDING else {}
    changed = conn.execute(
        update(t)
        .where(t.c.id.in_(ids), t.c.status != DeliveryStatus.SENT)
        .values(status=status, settled_by=storable(by), **anew, **_LET_GO)
        .returning(t.c.id)
    )
    return list(changed.scalars())


def find(
    conn: Connection,
    *,
    statuses: Sequence[DeliveryStatus] = (),
    channel: str | None = None,
    subject: str | None = None,
    id_start: str | None = None,
    limit: int,
) -> list[Delivery]:
    """Return messages that fit every condition given, the latest first."""
    query = select(*_SHOWN).join(event, event.c.seq == t.c.event_seq)
    if statuses:
        query = query.where(t.c.status.in_(statuses))
    if channel is not None:
        query = query.where(t.c.channel == storable(channel))
    if subject is not None:
        query = query.where(t.c.subject == subject)
    if id_start is not None:
        query = query.where(t.c.id.startswith(storable(id_start), autoescape=True))
    found = conn.execute(query.order_by(t.c.event_seq.desc(), t.c.id).limit(limit))
    return [_to_delivery(row) for row in found]


def count(conn: Connection) -> dict[tuple[str, DeliveryStatus], int]:
    """Return how many messages each channel has, by how they stand."""
    query = select(t.c.channel, t.c.status, func.count()).group_by(t.c.channel, t.c.status)
    return {(row[0], row[1]): row[2] for row in conn.execute(query)}


def oldest_pending(conn: Connection) -> dict[str, datetime]:
    """Return since when each channel has had something to be sent."""
    query = select(t.c.channel, func.min(t.c.created_at)).where(_PENDING).group_by(t.c.channel)
    return {row[0]: row[1] for row in conn.execute(query)}


def next_due(conn: Connection, channels: Sequence[str]) -> dict[str, datetime]:
    """Return when each of these channels is to get something next."""
    return {row[0]: row[1] for row in conn.execute(_NEXT_DUE, {"channels": channels})}


_NEXT_DUE = (
    select(t.c.channel, func.min(t.c.next_at))
    .where(_PENDING, t.c.channel.in_(bindparam("channels", expanding=True)))
    .group_by(t.c.channel)
)


def is_due(now: Any, channels: Any) -> Any:
    """Return SQL that tells whether one of these channels, as SQL, is to get something then."""
    return (
        select(t.c.id).where(and_(_PENDING, t.c.channel.in_(channels), t.c.next_at <= now)).exists()
    )


def _to_delivery(row: Any) -> Delivery:
    return Delivery(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
