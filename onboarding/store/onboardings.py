"""Onboardings: insert, claim, and write under the fence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    null,
    or_,
    select,
    union_all,
    update,
)

from onboarding.core.budgets import BUCKET
from onboarding.core.lifecycle import LIVE
from onboarding.model import OPEN, Onboarding, Operation, Reason, changed, onboarding_of
from onboarding.store.columns import Instant
from onboarding.store.rowset import given, insert_rows, listed, packed, packed_list
from onboarding.store.step_columns import ALL, ALWAYS, GROUPS, HISTORY, SEEN, groups_changed
from onboarding.store.tables import onboarding as t
from onboarding.store.tables import operation

_FIELDS = tuple(f.name for f in fields(Onboarding))

_SEEN_COLUMNS = [t.c.id, *(t.c[name] for name in SEEN)]

#: The number of entries that a history had when its row was read.
_READ_SEQ = Column("read_seq", Integer)


def to_onboarding(row: Row[Any]) -> Onboarding:
    """Return the onboarding of a full row."""
    return onboarding_of(dict(zip(_FIELDS, row, strict=True)))  # the columns are the fields


def insert_onboardings(conn: Connection, rows: Sequence[Onboarding]) -> None:
    """Store new onboardings with one statement.

    They are stored in the order of their numbers: of two batches that overlap, the second waits
    for the first in a unique index, and not each for the other.

    Raises:
        IntegrityError: a key or a live number is taken; the caller checks both first.
    """
    insert_rows(conn, t, sorted(map(vars, rows), key=itemgetter("number_key")))


@cache
def _load(dialect: str, *, lock: bool) -> Select[Any]:
    query = select(t).where(t.c.id.in_(listed(dialect, t.c.id))).order_by(t.c.id)
    return query.with_for_update(key_share=True) if lock else query


def load_onboardings(
    conn: Connection, ids: Sequence[str], *, lock: bool = False
) -> dict[str, Onboarding]:
    """Return the onboardings with these ids, in their order; unknown ids are left out.

    Locked rows may be referred to meanwhile, and not written.
    """
    found = conn.execute(_load(conn.dialect.name, lock=lock), packed_list(t.c.id, ids))
    return {row.id: to_onboarding(row) for row in found}


@dataclass(frozen=True, slots=True)
class Claimed:
    """A machine that is this worker's, as long as its row has this version."""

    id: str
    version: int


def _free() -> Any:
    return or_(t.c.lease_until.is_(None), t.c.lease_until <= bindparam("real_now", type_=Instant))


@cache
def _claim_due(dialect: str) -> Any:
    now, most = bindparam("now", type_=Instant), bindparam("most", type_=Integer)
    is_due = (t.c.next_due_at <= now, _free(), t.c.definition <= bindparam("known_definition"))
    is_urgent = (t.c.register_by > now, t.c.register_by <= bindparam("soon", type_=Instant))
    urgent = (
        select(t.c.id)
        .where(*is_urgent, *is_due)
        .order_by(t.c.register_by, t.c.next_due_at, t.c.id)
        .limit(most)
    )
    longest = select(t.c.id).where(*is_due).order_by(t.c.next_due_at, t.c.id).limit(most)
    if dialect == "postgresql":
        urgent = urgent.with_for_update(skip_locked=True, key_share=True)
        longest = longest.with_for_update(skip_locked=True, key_share=True)
    parts = [
        # MATERIALIZED: without it a nested-loop plan of PostgreSQL may ignore the LIMIT.
        part.cte(name).prefix_with("MATERIALIZED", dialect="postgresql")
        for name, part in (("urgent", urgent), ("longest", longest))
    ]
    both = union_all(*(select(part.c.id) for part in parts)).subquery("due")
    return _claim(select(both.c.id).limit(most))


@cache
def _claim_these(dialect: str) -> Any:
    chosen = select(t.c.id).where(
        t.c.id.in_(listed(dialect, t.c.id)),
        _free(),
        t.c.definition <= bindparam("known_definition"),
    )
    if dialect == "postgresql":
        chosen = chosen.with_for_update(skip_locked=True, key_share=True)
    return _claim(chosen)


def _claim(chosen: Select[tuple[str]]) -> Any:
    # MATERIALIZED: the same.
    picked = chosen.cte("picked").prefix_with("MATERIALIZED", dialect="postgresql")
    return (
        update(t)
        .where(t.c.id.in_(select(picked.c.id)))
        .values(
            lease_owner=bindparam("worker"),
            lease_until=bindparam("until", type_=Instant),
            next_due_at=bindparam("wake_at", type_=Instant),
            version=t.c.version + 1,
            reclaims=case((t.c.lease_owner.is_not(None), t.c.reclaims + 1), else_=0),
        )
        .returning(t.c.id, t.c.version)
    )


def claim_due(
    conn: Connection,
    *,
    worker: str,
    now: datetime,
    real_now: datetime,
    lease_until: datetime,
    wake_at: datetime,
    definition: int,
    limit: int,
    soon: datetime,
) -> list[Claimed]:
    """Take the machines that are due, so that no other worker has them.

    Those whose deadline is near come first, the nearest before the others; then those that are due
    longest, and of those the one that was asked for first.

    Args:
        conn: an open transaction.
        worker: who takes them.
        now: business time: what is due.
        real_now: real time: which leases have run out.
        lease_until: real time until which they are this worker's.
        wake_at: business time at which they are due again if nothing comes of it.
        definition: the newest definition that this release understands.
        limit: at most so many.
        soon: a deadline that is still ahead, and no later than this, is near.
    """
    parameters = {
        "worker": worker,
        "now": now,
        "real_now": real_now,
        "until": lease_until,
        "wake_at": wake_at,
        "known_definition": definition,
        "most": limit,
        "soon": soon,
    }
    claimed = conn.execute(_claim_due(conn.dialect.name), parameters)
    return [Claimed(row.id, row.version) for row in claimed]


def claim_these(
    conn: Connection,
    ids: Sequence[str],
    *,
    worker: str,
    real_now: datetime,
    lease_until: datetime,
    wake_at: datetime,
    definition: int,
) -> list[Claimed]:
    """Take certain machines, due or not, unless another worker has them."""
    parameters = {
        "worker": worker,
        "real_now": real_now,
        "until": lease_until,
        "wake_at": wake_at,
        "known_definition": definition,
        **packed_list(t.c.id, ids),
    }
    claimed = conn.execute(_claim_these(conn.dialect.name), parameters)
    return [Claimed(row.id, row.version) for row in claimed]


@cache
def _step_columns(groups: tuple[str, ...], *, grows: bool) -> list[Column[Any]]:
    names = [*ALWAYS, *(name for group in groups for name in GROUPS[group])]
    head = [*(t.c[name] for name in HISTORY), _READ_SEQ] if grows else []
    return [t.c.id, t.c.version, *(t.c[name] for name in names), *head]


@cache
def _write_step(dialect: str, groups: tuple[str, ...], *, grows: bool) -> Any:
    columns = _step_columns(groups, grows=grows)
    rows = given(dialect, columns)
    is_as_read = [t.c.id == rows.c.id, t.c.version == rows.c.version]
    if grows:
        is_as_read.append(t.c.history_seq == rows.c.read_seq)
    apart = {"id", "version", _READ_SEQ.name}
    return (
        update(t)
        .where(*is_as_read)
        .values(
            {c.name: rows.c[c.name] for c in columns if c.name not in apart}
            | {"version": t.c.version + 1}
        )
        .returning(t.c.id, t.c.history_seq, t.c.head_hash)
    )


def write_step(
    conn: Connection,
    rows: Sequence[Onboarding],
    *,
    read: Mapping[str, Onboarding] | None = None,
    heads: Mapping[str, tuple[int, str]] | None = None,
) -> dict[str, Onboarding]:
    """Write rows whose version is still the one that was read, with one statement.

    What a read of the list writes, and the head of the history, are left as they are, unless it is
    told what was read, or how the histories grow.

    Args:
        conn: an open transaction.
        rows: the rows as they are to be, with the version and the head of the history as read.
        read: the rows as they were read in this transaction, under lock: of what is the same in
            all of them, little is written. Without it, all that a step may change is.
        heads: number of entries and last hash of the histories that grow with the step; their
            heads must still be those that were read. The entries are to be written after it, of
            the rows that it returns.

    Returns:
        The rows that were written, with the head of their history as it is now. A row that is
        missing lost the fence: somebody else moved it, and nothing of it was written.
    """
    if not rows:
        return {}
    groups = ALL if read is None else groups_changed((row, read[row.id]) for row in rows)
    statement = _write_step(conn.dialect.name, groups, grows=bool(heads))
    given_rows = {row.id: row for row in rows}
    steps = _with_heads(rows, heads) if heads else map(vars, rows)
    written = conn.execute(statement, packed(_step_columns(groups, grows=bool(heads)), steps))
    return {
        id_: changed(
            given_rows[id_],
            version=given_rows[id_].version + 1,
            history_seq=history_seq,
            head_hash=head_hash,
        )
        for id_, history_seq, head_hash in written
    }


def _with_heads(
    rows: Iterable[Onboarding], heads: Mapping[str, tuple[int, str]]
) -> Iterator[dict[str, Any]]:
    for row in rows:
        seq, head_hash = heads.get(row.id, (row.history_seq, row.head_hash))
        head = {"history_seq": seq, "head_hash": head_hash, _READ_SEQ.name: row.history_seq}
        yield vars(row) | head


@cache
def _write_seen(dialect: str) -> Any:
    rows = given(dialect, _SEEN_COLUMNS)
    earlier = or_(t.c.seen_at.is_(None), t.c.seen_at < rows.c.seen_at)
    return (
        update(t).where(t.c.id == rows.c.id, earlier).values({name: rows.c[name] for name in SEEN})
    )


def write_seen(conn: Connection, rows: Sequence[Onboarding]) -> None:
    """Store what the list showed of these numbers, unless a later read is there already."""
    if rows:
        conn.execute(_write_seen(conn.dialect.name), packed(_SEEN_COLUMNS, map(vars, rows)))


@cache
def _wake(dialect: str) -> Any:
    due = update(t).where(t.c.id.in_(listed(dialect, t.c.id)))
    held = t.c.lease_owner == bindparam("worker")
    return due.values(
        next_due_at=bindparam("now", type_=Instant),
        lease_owner=case((held, null()), else_=t.c.lease_owner),
        lease_until=case((held, null()), else_=t.c.lease_until),
    )


def wake(conn: Connection, ids: Sequence[str], now: datetime, *, worker: str) -> None:
    """Make machines due now; a lease of this worker on them ends, for it is done with them."""
    if ids:
        parameters = {"now": now, "worker": worker, **packed_list(t.c.id, ids)}
        conn.execute(_wake(conn.dialect.name), parameters)


def wake_account(conn: Connection, waba_id: str, now: datetime, waiting: Sequence[Reason]) -> None:
    """Make the account's living machines that wait for one of these reasons due now."""
    conn.execute(
        update(t)
        .where(
            t.c.waba_id == waba_id,
            t.c.state.in_(LIVE),
            t.c.waiting.in_(waiting),
            t.c.lease_owner.is_(None),
        )
        .values(next_due_at=now)
    )


def next_due(conn: Connection) -> datetime | None:
    """Return when the earliest machine is due."""
    due: datetime | None = conn.execute(_NEXT_DUE).scalar()
    return due


_NEXT_DUE = (
    select(t.c.next_due_at).where(t.c.next_due_at.is_not(None)).order_by(t.c.next_due_at).limit(1)
)


def leased(conn: Connection) -> int:
    """Return how many machines are in some worker's hands."""
    return conn.execute(_LEASED).scalar_one()


_LEASED = select(func.count()).select_from(t).where(t.c.lease_owner.is_not(None))


def count_codes_out(conn: Connection, since: datetime) -> dict[str, int]:
    """Return how many codes sent since then may still be given back to Meta, by account."""
    return Counter(conn.execute(CODES_OUT, {"codes_since": since}).scalars())


#: Those that arrived or will, and those that are being asked for. Written out and not bound, as
#: SQLite uses a partial index only for the very words it was made with.
CODES_OUT = union_all(
    select(t.c.waba_id).where(
        t.c.state == literal_column("'otp_pending'"),
        t.c.code_sent_at > bindparam("codes_since", type_=Instant),
    ),
    select(operation.c.waba_id).where(
        operation.c.name == Operation.REQUEST_CODE,
        operation.c.status.in_([literal_column(f"'{status.value}'") for status in OPEN]),
    ),
)


def count_refused(conn: Connection, now: datetime, before: datetime) -> dict[str, int]:
    """Return the accounts with numbers that wait for the next bucket of a budget of calls.

    A number that waits for longer waits for a window of its own, and no call would help it.

    Args:
        conn: an open transaction.
        now: business time.
        before: which of them are urgent: those to be registered before this.

    Returns:
        How many of each account's are urgent, by WABA id.
    """
    found = conn.execute(REFUSED, refused_parameters(now, before))
    return {row.waba_id: row.urgent for row in found}


def refused_parameters(now: datetime, before: datetime) -> dict[str, datetime]:
    """Return the parameters of the query for who waits for the next bucket of a budget."""
    return {"bucket_ends": now + BUCKET, "before": before}


_is_near = t.c.next_due_at <= bindparam("bucket_ends", type_=Instant)
_is_urgent = and_(_is_near, t.c.register_by < bindparam("before", type_=Instant))
REFUSED = (
    select(t.c.waba_id, func.count(case((_is_urgent, 1))).label("urgent"))
    .where(t.c.waiting == literal_column("'budget'"))
    .group_by(t.c.waba_id)
    .having(func.count(case((_is_near, 1))) > 0)
)
