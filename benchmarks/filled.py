"""Databases with very many machines, most of which rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from cryptography.fernet import Fernet
from sqlalchemy import Engine as Database
from sqlalchemy import TextClause, bindparam, text

from onboarding import Engine, NumberRequest
from onboarding.store import accounts
from onboarding.store.columns import Instant
from onboarding.store.database import open_database, writing
from onboarding.store.tables import onboarding as t

#: The key that the secrets in these databases are sealed with.
KEY = Fernet.generate_key().decode()

_WABA = "102290129340398"
_LEASE = {"lease_owner": "worker-7.example:4711:8f2c1d", "lease_until": datetime.now(UTC)}


@contextmanager
def filled(
    url: str, machines: int, *, far: datetime, due: datetime | None = None, every: int = 1
) -> Iterator[Database]:
    """Open a database with so many machines that rest until ``far``.

    All have been claimed before, as every machine has that rests: their rows have been longer than
    they are, and the pages that they are on have room.

    Args:
        url: an empty database.
        machines: how many.
        far: when they are due.
        due: by when every so manieth of them is due instead. They lie all over the table, and
            were due one after the other in another order than that in which they were made.
        every: how manieth.
    """
    with Engine.open(url, upgrade=True, secret_key=KEY) as engine:
        engine.add_account(_WABA, "EAAbenchmark")
        engine.request(
            NumberRequest(waba_id=_WABA, phone_number="+16315551000", display_name="Lucky Shrub")
        )
    database = open_database(url)
    with writing(database) as conn:
        conn.execute(
            _copies(database.dialect.name),
            {"machines": machines, "every": every, "due": due or far, "far": far},
        )
        # The account rests as well, and so does the machine that was copied.
        accounts.update_account(conn, _WABA, observe_due_at=None, check_due_at=None)
        conn.execute(t.update().where(t.c.id.not_like("m%")).values(next_due_at=far))
    for lease in _LEASE, dict.fromkeys(_LEASE):
        with writing(database) as conn:
            conn.execute(t.update().values(lease))
        _tidy(database)
    yield database
    database.dispose()


def _tidy(database: Database) -> None:
    """Do what the database does by itself in time: count, and take back what rows have left."""
    chore = {"sqlite": "ANALYZE", "postgresql": "VACUUM ANALYZE"}[database.dialect.name]
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text(chore))
    database.dispose()  # the last connection of SQLite writes its log out as it ends


def _copies(dialect: str) -> TextClause:
    """Return the statement that copies the one machine; those that are due lie all over."""
    ago = "(n / :every * 7919 % 3600)"
    due = {
        "sqlite": f"strftime('%Y-%m-%dT%H:%M:%f000Z', :due, '-' || {ago} || ' seconds')",
        "postgresql": f"CAST(:due AS timestamptz) - make_interval(secs => {ago})",
    }
    is_due = "n % :every = 0 AND :due < :far"
    own = {
        "id": "'m' || n",
        "number_key": "'k' || n",
        "next_due_at": f"CASE WHEN {is_due} THEN {due[dialect]} ELSE :far END",
    }
    names = ", ".join(column.name for column in t.columns)
    values = ", ".join(own.get(column.name, column.name) for column in t.columns)
    numbers, before = "generate_series(1, :machines) AS numbers(n)", ""
    if dialect == "sqlite":
        numbers = "numbers"
        before = (
            "WITH RECURSIVE numbers(n) AS "
            "(SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :machines) "
        )
    insert = f"{before}INSERT INTO onboarding ({names}) SELECT {values} FROM onboarding, {numbers}"  # noqa: S608 - our own names
    return text(insert).bindparams(bindparam("due", type_=Instant), bindparam("far", type_=Instant))
