"""Seals in the database: what grew is noted, and what was sealed stays."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from onboarding.core.seals import Head, make_seal
from onboarding.store import history, onboardings, seals
from tests.store.making import REAL, WABA, a_row, an_entry, read, rows, store, write

REFUSED = {
    "update": "UPDATE seal SET lines = ''",
    "delete": "DELETE FROM seal",
    "a second one": "INSERT INTO seal SELECT seq, bucket, '', '', '' FROM seal",
}
REFUSED_BY_SQLITE = {
    "replace": "REPLACE INTO seal SELECT seq, 'x', '', '', '' FROM seal",
    "replace by bucket": "INSERT OR REPLACE INTO seal SELECT 9, bucket, '', '', '' FROM seal",
}


def grow(conn: Connection, *ids: str) -> None:
    """Append an entry to each history."""
    found = onboardings.load_onboardings(conn, ids, lock=True)
    heads = {id_: (row.history_seq, row.head_hash) for id_, row in found.items()}
    history.append(conn, {id_: [an_entry()] for id_ in ids}, heads)


@pytest.fixture
def grown(database: Engine) -> Engine:
    """A database with three histories of onboardings and one of an account."""
    store(database, rows(3))
    write(database, lambda conn: grow(conn, "row-000000", "row-000001", "row-000002"))
    entry = {WABA: [an_entry("account_added", source="", dest="open")]}
    write(database, lambda conn: history.append(conn, entry, {WABA: (0, "")}, history.ACCOUNTS))
    return database


def take(database: Engine, limit: int = 100) -> list[tuple[str, str]]:
    return sorted(write(database, lambda conn: seals.take_unsealed(conn, limit)))


def test_histories_that_grew_are_noted_once_taken(grown: Engine) -> None:
    write(grown, lambda conn: grow(conn, "row-000001"))
    assert len(take(grown, 2)) == 2
    assert len(take(grown)) == 3  # the account, one of the three, and the one that grew again
    assert take(grown) == []
    write(grown, lambda conn: grow(conn, "row-000001"))
    assert take(grown) == [("onboarding", "row-000001")]


def test_what_was_rolled_back_is_not_noted(grown: Engine) -> None:
    take(grown)

    def undone(conn: Connection) -> None:
        grow(conn, "row-000000")
        raise LookupError

    with pytest.raises(LookupError):
        write(grown, undone)
    assert take(grown) == []


@pytest.mark.on("postgresql")
def test_what_a_slow_transaction_wrote_waits_for_the_next_seal(grown: Engine) -> None:
    """It got its place before those that are sealed, and is committed after them."""
    take(grown)
    appended, commit = threading.Event(), threading.Event()

    def slowly(conn: Connection) -> None:
        grow(conn, "row-000000")
        appended.set()
        commit.wait(10)

    slow = threading.Thread(target=write, args=(grown, slowly))
    slow.start()
    assert appended.wait(10)
    write(grown, lambda conn: grow(conn, "row-000001"))
    assert take(grown) == [("onboarding", "row-000001")]
    commit.set()
    slow.join(10)
    assert take(grown) == [("onboarding", "row-000000")]


def test_heads_are_as_the_histories(grown: Engine) -> None:
    def look(conn: Connection) -> None:
        every = list(seals.all_heads(conn))
        assert [(h.kind, h.id, h.seq) for h in every] == [
            ("onboarding", "row-000000", 1), ("onboarding", "row-000001", 1),
            ("onboarding", "row-000002", 1), ("account", WABA, 1),
        ]  # fmt: skip
        assert seals.count_heads(conn) == 4
        beyond = Head("onboarding", "row-000001", 2, "")
        found = seals.hashes_at(conn, history.ONBOARDINGS, [every[0], beyond])
        assert found == {"row-000000": every[0].head_hash}

    read(grown, look)


@pytest.fixture
def sealed(grown: Engine) -> Engine:
    """A database with one seal."""
    heads = read(grown, lambda conn: list(seals.all_heads(conn)))
    seal = make_seal(None, heads, at=REAL, bucket=REAL)
    write(grown, lambda conn: seals.insert_seal(conn, seal))
    assert read(grown, seals.last_seal) == seal
    assert read(grown, lambda conn: seals.load_seal(conn, 1)) == seal
    return grown


def refuse(database: Engine, how: str) -> None:
    before = read(database, seals.last_seal)
    with pytest.raises(DBAPIError):
        write(database, lambda conn: conn.execute(text(how)))
    assert read(database, seals.last_seal) == before
    assert read(database, seals.seal_numbers) == [1]


@pytest.mark.parametrize("how", REFUSED)
def test_what_was_sealed_stays(sealed: Engine, how: str) -> None:
    refuse(sealed, REFUSED[how])


@pytest.mark.on("sqlite")
@pytest.mark.parametrize("how", REFUSED_BY_SQLITE)
def test_what_was_sealed_stays_on_sqlite(sealed: Engine, how: str) -> None:
    refuse(sealed, REFUSED_BY_SQLITE[how])


@pytest.mark.on("postgresql")
def test_what_was_sealed_stays_on_postgresql(sealed: Engine) -> None:
    refuse(sealed, "TRUNCATE seal")


def test_one_span_of_time_has_one_seal(sealed: Engine) -> None:
    first = read(sealed, seals.last_seal)
    again = make_seal(first, [], at=REAL, bucket=REAL)
    with pytest.raises(DBAPIError):
        write(sealed, lambda conn: seals.insert_seal(conn, again))
    assert not read(sealed, lambda conn: seals.is_due(conn, REAL))
    later = REAL + timedelta(minutes=10)
    assert read(sealed, lambda conn: seals.is_due(conn, later))
    take(sealed)
    assert not read(sealed, lambda conn: seals.is_due(conn, later))


def test_a_new_onboarding_without_an_entry_is_not_sealed(database: Engine) -> None:
    store(database, [a_row()])
    assert read(database, seals.count_heads) == 0
    assert take(database) == []
