"""The history: appended, verified, and refused to anybody who would change it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing

import psycopg
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from onboarding.core.chain import Broken, Entry
from onboarding.store import history, onboardings
from onboarding.store.database import open_database, reading, sqlite_path
from tests.store.making import (
    WABA,
    a_row,
    an_entry,
    load,
    read,
    rows,
    store,
    write,
)

REFUSED = {
    "update": "UPDATE history SET entry = '{}' WHERE seq = 1",
    "update of a hash": "UPDATE history SET hash = 'x'",
    "delete": "DELETE FROM history",
    "delete of one": "DELETE FROM history WHERE seq = 2",
    "upsert": "INSERT INTO history VALUES ('row-000000', 1, '{}', 'x') "
    "ON CONFLICT (onboarding_id, seq) DO UPDATE SET entry = excluded.entry",
}  # fmt: skip

#: What only one of the databases understands.
REFUSED_BY_SQLITE = {
    "replace": "REPLACE INTO history VALUES ('row-000000', 1, '{}', 'x')",
    "insert or replace": "INSERT OR REPLACE INTO history VALUES ('row-000000', 2, '{}', 'x')",
    "update or replace": "UPDATE OR REPLACE history SET seq = 1 WHERE seq = 2",
}  # fmt: skip
_MERGE = (
    "MERGE INTO history USING (SELECT 2 AS seq) AS given ON history.seq = given.seq WHEN MATCHED"
)
REFUSED_BY_POSTGRESQL = {
    "truncate": "TRUNCATE history",
    "truncate with others": "TRUNCATE history, webhook_event CASCADE",
    "merge that updates": f"{_MERGE} THEN UPDATE SET entry = '{{}}'",
    "merge that deletes": f"{_MERGE} THEN DELETE",
    "delete by a query": "WITH gone AS (DELETE FROM history RETURNING seq) SELECT * FROM gone",
}  # fmt: skip
#: Truncates the histories too, by way of what they refer to.
_CASCADE = "TRUNCATE account CASCADE"

_SECOND_FIRST = "INSERT INTO history VALUES ('row-000000', 1, '{}', 'x')"


def stranger(database: Engine, *statements: str) -> None:
    """Run statements as another program does: with the bare driver, and none of our settings."""
    path = sqlite_path(database.url.render_as_string(hide_password=False))
    if path is not None:
        with closing(sqlite3.connect(path)) as conn, conn:
            for statement in statements:
                conn.execute(statement)
        return
    plain = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connected:
        for statement in statements:
            connected.execute(statement.encode())


def forge(database: Engine, *statements: str, table: str = "history") -> None:
    """Run statements as the owner of the database, who switched the triggers off."""
    by = {"sqlite": ("update", "delete", "replace"), "postgresql": ("update", "delete", "truncate")}
    off = "DROP TRIGGER {}"
    if database.dialect.name == "postgresql":
        off = f"ALTER TABLE {table} DISABLE TRIGGER {{}}"
    names = [f"{table}_refuses_{what}" for what in by[database.dialect.name]]
    stranger(database, *(off.format(name) for name in names), *statements)


def append(database: Engine, id_: str, *entries: Entry) -> None:
    """Append to one history, from its present head."""

    def work(conn: Connection) -> None:
        row = onboardings.load_onboardings(conn, [id_], lock=True)[id_]
        history.append(conn, {id_: entries}, {id_: (row.history_seq, row.head_hash)})

    write(database, work)


def verified(database: Engine) -> list[Broken | None]:
    return read(database, lambda conn: list(history.verify_all(conn)))


@pytest.fixture
def told(database: Engine) -> Engine:
    """A database with one onboarding and three entries."""
    store(database, [a_row()])
    append(database, "row-000000", an_entry("requested", source=""))
    append(database, "row-000000", an_entry(reason='Zoë 🌿 "x" \\ \n'), an_entry(operation="o"))
    return database


def test_entries_are_read_as_they_were_written(told: Engine) -> None:
    found = read(told, lambda conn: history.read(conn, "row-000000"))
    assert [seq for seq, _ in found] == [1, 2, 3]
    assert found[1][1] == an_entry(reason='Zoë 🌿 "x" \\ \n')
    assert found[2][1] == an_entry(operation="o")
    verbatim = read(told, lambda conn: history.read_verbatim(conn, "row-000000"))
    row = load(told)
    assert (row.history_seq, row.head_hash) == (3, verbatim[-1][2])
    assert verified(told) == [None]


def test_a_reason_that_is_no_utf8_does_not_break_the_chain(told: Engine) -> None:
    append(told, "row-000000", an_entry(reason="bytes \udcff of a shell, and \x00"))
    assert verified(told) == [None]
    assert len(read(told, lambda conn: history.read(conn, "row-000000"))) == 4


def test_many_histories_are_appended_at_once(database: Engine) -> None:
    made = store(database, rows(100))
    heads = {row.id: (0, "") for row in made}
    story = [an_entry("requested", source=""), an_entry()]
    first = {row.id: story[: n % 3] for n, row in enumerate(made)}
    write(database, lambda conn: history.append(conn, first, heads))
    assert verified(database) == [None] * 100
    counts = [load(database, row.id).history_seq for row in made[:6]]
    assert counts == [0, 1, 2, 0, 1, 2]


def test_two_appends_from_one_head_are_refused(told: Engine) -> None:
    row = load(told)

    def twice(conn: Connection) -> None:
        for _ in range(2):
            head = (row.history_seq, row.head_hash)
            history.append(conn, {row.id: [an_entry()]}, {row.id: head})

    with pytest.raises(IntegrityError):
        write(told, twice)
    assert verified(told) == [None]
    assert load(told) == row


def refused(told: Engine, how: str) -> None:
    """Nobody may do it: not this package, not another program, not PostgreSQL's replication."""
    before = read(told, lambda conn: history.read_verbatim(conn, "row-000000"))
    with pytest.raises(DBAPIError, match="append-only"):
        write(told, lambda conn: conn.execute(text(how)))
    with pytest.raises((sqlite3.IntegrityError, psycopg.Error), match="append-only"):
        stranger(told, how)
    if told.dialect.name == "postgresql":
        with pytest.raises(psycopg.Error, match="append-only"):
            stranger(told, "SET session_replication_role = replica", how)
    assert read(told, lambda conn: history.read_verbatim(conn, "row-000000")) == before
    assert verified(told) == [None]


@pytest.mark.parametrize("how", REFUSED)
def test_what_was_written_stays(told: Engine, how: str) -> None:
    refused(told, REFUSED[how])


@pytest.mark.on("sqlite")
@pytest.mark.parametrize("how", REFUSED_BY_SQLITE)
def test_what_was_written_stays_on_sqlite(told: Engine, how: str) -> None:
    refused(told, REFUSED_BY_SQLITE[how])


@pytest.mark.on("postgresql")
@pytest.mark.parametrize("how", REFUSED_BY_POSTGRESQL)
def test_what_was_written_stays_on_postgresql(told: Engine, how: str) -> None:
    refused(told, REFUSED_BY_POSTGRESQL[how])


@pytest.mark.on("postgresql")
def test_histories_go_with_nothing_that_they_refer_to(told: Engine) -> None:
    refused(told, _CASCADE)


def test_an_entry_has_one_place(told: Engine) -> None:
    before = read(told, lambda conn: history.read_verbatim(conn, "row-000000"))
    with pytest.raises(DBAPIError):
        write(told, lambda conn: conn.execute(text(_SECOND_FIRST)))
    with pytest.raises((sqlite3.IntegrityError, psycopg.Error)):
        stranger(told, _SECOND_FIRST)
    assert read(told, lambda conn: history.read_verbatim(conn, "row-000000")) == before


FORGERIES: dict[str, tuple[Sequence[str], str]] = {
    "a changed reason": (
        ["UPDATE history SET entry = replace(entry, 'because', 'no cause') WHERE seq = 3"],
        "changed",
    ),
    "a changed hash": (["UPDATE history SET hash = replace(hash, 'a', 'b')"], "changed"),
    "an entry taken out": (
        ["DELETE FROM history WHERE seq = 2"],
        "missing",
    ),
    "a cut tail": (["DELETE FROM history WHERE seq = 3"], "tail"),
    "a state that no entry leads to": (["UPDATE onboarding SET state = 'registered'"], "ends in"),
    "everything gone": (["DELETE FROM history"], "tail"),
    "an entry that is no JSON": (["UPDATE history SET entry = 'x' WHERE seq = 1"], "changed"),
}  # fmt: skip


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forgery_shows(told: Engine, forgery: str) -> None:
    statements, shows = FORGERIES[forgery]
    forge(told, *statements)
    (broken,) = verified(told)
    assert broken is not None
    assert shows in broken.what
    assert broken.owner == "row-000000"


def test_one_broken_history_does_not_hide_the_others(database: Engine) -> None:
    made = store(database, rows(5))
    for row in made:
        append(database, row.id, an_entry("requested", source=""))
    forge(database, "DELETE FROM history WHERE onboarding_id = 'row-000002'")
    found = verified(database)
    assert [broken is None for broken in found] == [True, True, False, True, True]


@pytest.fixture
def kept(database: Engine) -> Engine:
    """A database with an account and three entries about it."""
    entries = [
        an_entry("account_added", source="", dest="open"),
        an_entry("account_held", source="open", dest="held"),
        an_entry("account_released", source="held", dest="open"),
    ]
    heads = {WABA: (0, "")}
    write(database, lambda conn: history.append(conn, {WABA: entries}, heads, history.ACCOUNTS))
    return database


def of_accounts(statement: str) -> str:
    """Return what is done to the history of an onboarding, done to that of an account."""
    for ours, theirs in (
        (r"\bhistory\b", "account_history"),
        ("onboarding_id", "waba_id"),
        ("row-000000", WABA),
    ):
        statement = re.sub(ours, theirs, statement)
    return statement


def refused_about_accounts(kept: Engine, how: str) -> None:
    ledger = history.ACCOUNTS
    before = read(kept, lambda conn: history.read_verbatim(conn, WABA, ledger))
    assert len(before) == 3
    with pytest.raises(DBAPIError, match="append-only"):
        write(kept, lambda conn: conn.execute(text(of_accounts(how))))
    with pytest.raises((sqlite3.IntegrityError, psycopg.Error), match="append-only"):
        stranger(kept, of_accounts(how))
    if kept.dialect.name == "postgresql":
        with pytest.raises(psycopg.Error, match="append-only"):
            stranger(kept, "SET session_replication_role = replica", of_accounts(how))
    assert read(kept, lambda conn: history.read_verbatim(conn, WABA, ledger)) == before


@pytest.mark.parametrize("how", REFUSED)
def test_what_was_written_about_an_account_stays(kept: Engine, how: str) -> None:
    refused_about_accounts(kept, REFUSED[how])


@pytest.mark.on("sqlite")
@pytest.mark.parametrize("how", REFUSED_BY_SQLITE)
def test_what_was_written_about_an_account_stays_on_sqlite(kept: Engine, how: str) -> None:
    refused_about_accounts(kept, REFUSED_BY_SQLITE[how])


@pytest.mark.on("postgresql")
@pytest.mark.parametrize("how", REFUSED_BY_POSTGRESQL)
def test_what_was_written_about_an_account_stays_on_postgresql(kept: Engine, how: str) -> None:
    refused_about_accounts(kept, REFUSED_BY_POSTGRESQL[how])


@pytest.mark.parametrize(
    ("forgery", "shows"),
    [
        ("UPDATE account_history SET entry = replace(entry, 'tester', 'nobody') ", "changed"),
        ("DELETE FROM account_history WHERE seq = 2", "missing"),
        ("DELETE FROM account_history WHERE seq = 3", "tail"),
        ("UPDATE account SET hold = 'account_held'", "ends in"),
    ],
)
def test_a_forgery_about_an_account_shows(kept: Engine, forgery: str, shows: str) -> None:
    def verified() -> list[Broken | None]:
        return read(kept, lambda conn: list(history.verify_all(conn, history.ACCOUNTS)))

    assert verified() == [None, None]
    forge(kept, forgery, table="account_history")
    broken = next(each for each in verified() if each is not None and each.owner == WABA)
    assert shows in broken.what


def test_an_entry_of_an_account_is_none_of_an_onboarding(database: Engine) -> None:
    """Histories of the two kinds cannot be exchanged, even if their owners had one id."""
    entry = an_entry("account_added", source="", dest="open")
    write(
        database,
        lambda conn: history.append(conn, {WABA: [entry]}, {WABA: (0, "")}, history.ACCOUNTS),
    )
    ((_, account_entry, _),) = read(
        database, lambda conn: history.read_verbatim(conn, WABA, history.ACCOUNTS)
    )
    assert f'"account":"{WABA}"' in account_entry.replace(" ", "")


def test_a_history_that_grows_while_all_are_verified_is_not_called_broken(
    url: str, told: Engine
) -> None:
    """Entries and heads are read one after the other, from one state of the database."""
    other = open_database(url)
    with reading(told) as conn:
        assert load_onboardings(conn) == 3
        append(other, "row-000000", an_entry())
        assert list(history.verify_all(conn)) == [None]
        assert load_onboardings(conn) == 3
    assert load(told).history_seq == 4
    assert verified(told) == [None]
    other.dispose()


def load_onboardings(conn: Connection) -> int:
    return onboardings.load_onboardings(conn, ["row-000000"])["row-000000"].history_seq
