"""Seals: appended like the histories, with what is needed to compare them later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Column, Connection, Integer, String, and_, bindparam, delete, func, select

from onboarding.core.seals import Head, Seal
from onboarding.store.history import LEDGERS as _LEDGERS
from onboarding.store.history import Ledger
from onboarding.store.rowset import given, insert_rows, listed, packed, packed_list
from onboarding.store.tables import seal as t
from onboarding.store.tables import unsealed

LEDGERS = {ledger.kind: ledger for ledger in _LEDGERS}

_POINT = (Column("id", String(32)), Column("seq", Integer))


def insert_seal(conn: Connection, seal: Seal) -> None:
    """Store a seal.

    Raises:
        IntegrityError: there is one with its number or for its bucket.
    """
    insert_rows(conn, t, [asdict(seal)])


def last_seal(conn: Connection) -> Seal | None:
    """Return the latest seal."""
    row = conn.execute(select(t).order_by(t.c.seq.desc()).limit(1)).one_or_none()
    return None if row is None else Seal(**row._mapping)  # noqa: SLF001 - public in SQLAlchemy


def load_seal(conn: Connection, seq: int) -> Seal | None:
    """Return a seal by its number."""
    row = conn.execute(select(t).where(t.c.seq == seq)).one_or_none()
    return None if row is None else Seal(**row._mapping)  # noqa: SLF001 - public in SQLAlchemy


def seal_numbers(conn: Connection) -> list[int]:
    """Return the numbers of all seals, in order."""
    return list(conn.execute(select(t.c.seq).order_by(t.c.seq)).scalars())


def is_due(conn: Connection, bucket: datetime) -> bool:
    """Whether a history grew since it was sealed, and this span of time has no seal yet."""
    taken = conn.execute(select(t.c.seq).where(t.c.bucket == bucket)).scalar()
    return taken is None and conn.execute(select(unsealed.c.position).limit(1)).scalar() is not None


@cache
def _take() -> Any:
    first = select(unsealed.c.position).order_by(unsealed.c.position).limit(bindparam("most"))
    chosen = delete(unsealed).where(unsealed.c.position.in_(first))
    return chosen.returning(unsealed.c.kind, unsealed.c.owner)


def take_unsealed(conn: Connection, limit: int) -> list[tuple[str, str]]:
    """Return kind and owner of histories that grew, and forget that they did.

    One that grew several times is there as often. What is written meanwhile by transactions that
    are open stays for the next seal, whatever their order.
    """
    return [(row.kind, row.owner) for row in conn.execute(_take(), {"most": limit})]


def load_heads(conn: Connection, ledger: Ledger, ids: Iterable[str]) -> Iterator[Head]:
    """Yield how far these histories of one kind went."""
    query = _heads(ledger).where(ledger.key.in_(listed(conn.dialect.name, ledger.key)))
    yield from _as_heads(ledger, conn.execute(query, packed_list(ledger.key, ids)))


def count_heads(conn: Connection) -> int:
    """Return how many histories there are."""
    counts = (
        select(func.count()).select_from(each.owners).where(each.owners.c.history_seq > 0)
        for each in LEDGERS.values()
    )
    return sum(conn.execute(count).scalar_one() for count in counts)


def all_heads(conn: Connection) -> Iterator[Head]:
    """Yield how far every history went, in a stream."""
    streaming = conn.execution_options(yield_per=1000)
    for ledger in LEDGERS.values():
        query = _heads(ledger).where(ledger.owners.c.history_seq > 0).order_by(ledger.key)
        yield from _as_heads(ledger, streaming.execute(query))


def _heads(ledger: Ledger) -> Any:
    owners = ledger.owners.c
    return select(ledger.key.label("owner"), owners.history_seq, owners.head_hash)


def _as_heads(ledger: Ledger, rows: Iterable[Any]) -> Iterator[Head]:
    for row in rows:
        yield Head(ledger.kind, row.owner, row.history_seq, row.head_hash)


def hashes_at(conn: Connection, ledger: Ledger, heads: Sequence[Head]) -> dict[str, str]:
    """Return the stored hash of the entry that each of these heads ends with, by owner.

    Owners whose history does not reach so far are left out. An owner must be there once.
    """
    points = given(conn.dialect.name, _POINT)
    entries = ledger.entries.c
    query = select(ledger.owner.label("owner"), entries.hash).join(
        points, and_(ledger.owner == points.c.id, entries.seq == points.c.seq)
    )
    wanted = packed(_POINT, [{"id": head.id, "seq": head.seq} for head in heads])
    return {row.owner: row.hash for row in conn.execute(query, wanted)}
