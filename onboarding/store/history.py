"""The histories: appended in the transaction of the change they tell of, and never touched again.

Onboardings, accounts and numbers of the pool have histories of the same make, each in a table of
their own.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

from sqlalchemy import Column, Connection, Table, case, literal, select, update

from onboarding.core.chain import GENESIS, Broken, Entry, entry_text, link, parse_entry, verify
from onboarding.store import tables
from onboarding.store.rowset import given, insert_rows, packed

#: Number of entries of a history, and the hash of the last.
Head = tuple[int, str]


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """Histories of one kind: where the entries are, and whose rows remember the heads.

    Attributes:
        kind: what owns such a history, as its entries say.
        entries: the append-only table.
        owners: the table of the owners, with ``history_seq`` and ``head_hash``.
        owner: the column of ``entries`` that names the owner.
        key: the primary key of ``owners``.
        state: SQL for the owner's present state.
    """

    kind: str
    entries: Table
    owners: Table
    owner: Column[str]
    key: Column[str]
    state: Any


ONBOARDINGS = Ledger(
    kind="onboarding",
    entries=tables.history,
    owners=tables.onboarding,
    owner=tables.history.c.onboarding_id,
    key=tables.onboarding.c.id,
    state=tables.onboarding.c.state,
)
ACCOUNTS = Ledger(
    kind="account",
    entries=tables.account_history,
    owners=tables.account,
    owner=tables.account_history.c.waba_id,
    key=tables.account.c.waba_id,
    state=case((tables.account.c.hold.is_(None), literal("open")), else_=literal("held")),
)
BATCHES = Ledger(
    kind="batch",
    entries=tables.batch_history,
    owners=tables.batch,
    owner=tables.batch_history.c.batch_id,
    key=tables.batch.c.id,
    state=tables.standing,
)
POOL_NUMBERS = Ledger(
    kind="pool_number",
    entries=tables.pool_history,
    owners=tables.pool_number,
    owner=tables.pool_history.c.pool_number_id,
    key=tables.pool_number.c.id,
    state=tables.pool_number.c.state,
)
LEDGERS = (ONBOARDINGS, ACCOUNTS, POOL_NUMBERS, BATCHES)


@dataclass(frozen=True, slots=True)
class Growth:
    """How histories of one kind grow.

    Attributes:
        rows: what is to be inserted, by owner.
        heads: number of entries and last hash afterwards, of those that grow.
    """

    rows: dict[str, list[dict[str, Any]]]
    heads: dict[str, Head]


def grown(
    entries: Mapping[str, Sequence[Entry]], heads: Mapping[str, Head], ledger: Ledger = ONBOARDINGS
) -> Growth:
    """Hash entries onto the histories that they are of; nothing is written yet.

    Args:
        entries: what to append, by owner.
        heads: number of entries and last hash of each, as read in this transaction.
        ledger: the kind.
    """
    growth = Growth({}, {})
    for owner, new in entries.items():
        seq, head = heads[owner]
        rows: list[dict[str, Any]] = []
        for entry in new:
            seq += 1
            text = entry_text(owner, seq, entry, kind=ledger.kind)
            head = link(head or GENESIS, text)
            rows.append({ledger.owner.name: owner, "seq": seq, "entry": text, "hash": head})
        if new:
            growth.rows[owner], growth.heads[owner] = rows, (seq, head)
    return growth


def insert(
    conn: Connection, growth: Growth, owners: Container[str], ledger: Ledger = ONBOARDINGS
) -> None:
    """Write the new entries of these owners, whose rows have the new heads already."""
    rows = [row for owner, new in growth.rows.items() if owner in owners for row in new]
    insert_rows(conn, ledger.entries, rows)


def append(
    conn: Connection,
    entries: Mapping[str, Sequence[Entry]],
    heads: Mapping[str, Head],
    ledger: Ledger = ONBOARDINGS,
) -> dict[str, Head]:
    """Append entries to several histories of one kind, with two statements in all.

    Args:
        conn: a transaction that holds the rows of the owners: it wrote or locked them.
        entries: what to append, by owner.
        heads: number of entries and last hash of each, as read in this transaction.
        ledger: the kind.

    Returns:
        Number of entries and last hash of those that grew.
    """
    growth = grown(entries, heads, ledger)
    if growth.rows:
        insert(conn, growth, growth.rows, ledger)
        moved = [
            {ledger.key.name: owner, "history_seq": seq, "head_hash": head}
            for owner, (seq, head) in growth.heads.items()
        ]
        conn.execute(_move_heads(conn.dialect.name, ledger), packed(_head(ledger), moved))
    return growth.heads


def _head(ledger: Ledger) -> list[Column[Any]]:
    return [ledger.key, ledger.owners.c.history_seq, ledger.owners.c.head_hash]


@cache
def _move_heads(dialect: str, ledger: Ledger) -> Any:
    rows = given(dialect, _head(ledger))
    return (
        update(ledger.owners)
        .where(ledger.key == rows.c[ledger.key.name])
        .values(history_seq=rows.c.history_seq, head_hash=rows.c.head_hash)
    )


def read(conn: Connection, owner: str, ledger: Ledger = ONBOARDINGS) -> list[tuple[int, Entry]]:
    """Return a history, oldest first, each entry with its number."""
    return [(seq, parse_entry(text)) for seq, text, _ in read_verbatim(conn, owner, ledger)]


def read_verbatim(
    conn: Connection, owner: str, ledger: Ledger = ONBOARDINGS
) -> list[tuple[int, str, str]]:
    """Return number, text and hash of each entry, as stored."""
    t = ledger.entries.c
    query = select(t.seq, t.entry, t.hash).where(ledger.owner == owner).order_by(t.seq)
    return [(row.seq, row.entry, row.hash) for row in conn.execute(query)]


def verify_all(conn: Connection, ledger: Ledger = ONBOARDINGS) -> Iterator[Broken | None]:
    """Check every chain, one after the other; yield where it breaks, or ``None`` where it holds."""
    owners, t = ledger.owners.c, ledger.entries.c
    heads = select(
        ledger.key.label("owner"), owners.history_seq, owners.head_hash, ledger.state.label("state")
    ).order_by(ledger.key)
    stored = select(ledger.owner.label("owner"), t.seq, t.entry, t.hash).order_by(
        ledger.owner, t.seq
    )
    streaming = conn.execution_options(yield_per=1000)
    chains = groupby(streaming.execute(stored), key=lambda row: row.owner)
    current = next(chains, None)
    for head in conn.execute(heads).all():
        entries: list[tuple[int, str, str]] = []
        if current is not None and current[0] == head.owner:
            entries = [(row.seq, row.entry, row.hash) for row in current[1]]
            current = next(chains, None)
        yield verify(
            head.owner,
            entries,
            head_seq=head.history_seq,
            head_hash=head.head_hash,
            state=str(head.state),
            kind=ledger.kind,
        )
