"""The history: appended in the transaction of the change it tells of, and never touched again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, select, update

from onboarding.core.chain import GENESIS, Broken, Entry, entry_text, link, parse_entry, verify
from onboarding.store.rowset import given, insert_rows, packed
from onboarding.store.tables import history as t
from onboarding.store.tables import onboarding

_HEAD = [onboarding.c.id, onboarding.c.history_seq, onboarding.c.head_hash]


def append(
    conn: Connection,
    entries: Mapping[str, Sequence[Entry]],
    heads: Mapping[str, tuple[int, str]],
) -> None:
    """Append entries to the histories of several onboardings, with two statements in all.

    Args:
        conn: a transaction that holds the rows of these onboardings: it wrote or locked them.
        entries: what to append, by onboarding id.
        heads: number of entries and last hash of each, as read in this transaction.
    """
    rows: list[dict[str, Any]] = []
    ends: list[dict[str, Any]] = []
    for onboarding_id, new in entries.items():
        seq, head = heads[onboarding_id]
        for entry in new:
            seq += 1
            text = entry_text(onboarding_id, seq, entry)
            head = link(head or GENESIS, text)
            rows.append({"onboarding_id": onboarding_id, "seq": seq, "entry": text, "hash": head})
        if new:
            ends.append({"id": onboarding_id, "history_seq": seq, "head_hash": head})
    if not rows:
        return
    insert_rows(conn, t, rows)
    conn.execute(_move_heads(conn.dialect.name), packed(_HEAD, ends))


@cache
def _move_heads(dialect: str) -> Any:
    rows = given(dialect, _HEAD)
    return (
        update(onboarding)
        .where(onboarding.c.id == rows.c.id)
        .values(history_seq=rows.c.history_seq, head_hash=rows.c.head_hash)
    )


def read(conn: Connection, onboarding_id: str) -> list[tuple[int, Entry]]:
    """Return the history of an onboarding, oldest first, each entry with its number."""
    query = select(t.c.seq, t.c.entry).where(t.c.onboarding_id == onboarding_id).order_by(t.c.seq)
    return [(row.seq, parse_entry(row.entry)) for row in conn.execute(query)]


def read_verbatim(conn: Connection, onboarding_id: str) -> list[tuple[int, str, str]]:
    """Return number, text and hash of each entry, as stored."""
    query = select(t.c.seq, t.c.entry, t.c.hash).where(t.c.onboarding_id == onboarding_id)
    return [(row.seq, row.entry, row.hash) for row in conn.execute(query.order_by(t.c.seq))]


def verify_all(conn: Connection) -> Iterator[Broken | None]:
    """Check every chain, one after the other; yield where it breaks, or ``None`` where it holds."""
    heads = select(
        onboarding.c.id, onboarding.c.history_seq, onboarding.c.head_hash, onboarding.c.state
    ).order_by(onboarding.c.id)
    stored = select(t.c.onboarding_id, t.c.seq, t.c.entry, t.c.hash).order_by(
        t.c.onboarding_id, t.c.seq
    )
    streaming = conn.execution_options(yield_per=1000)
    chains = groupby(streaming.execute(stored), key=lambda row: row.onboarding_id)
    current = next(chains, None)
    for head in conn.execute(heads).all():
        entries: list[tuple[int, str, str]] = []
        if current is not None and current[0] == head.id:
            entries = [(row.seq, row.entry, row.hash) for row in current[1]]
            current = next(chains, None)
        yield verify(
            head.id,
            entries,
            head_seq=head.history_seq,
            head_hash=head.head_hash,
            state=head.state.value,
        )
