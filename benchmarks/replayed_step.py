"""What our durable step costs the database alone: ``python -m benchmarks.replayed_step HOW URL``.

The step is done once, and its statements are noted down with their parameters. Then they are sent
again, by psycopg and nothing else, to a copy of the database as it was before: no rule is asked,
no row is made into an object, no text is put together and no hash is computed. It is the floor of
these statements, sent one after the other, in whatever language the rules are written; fewer of
them, or some of them sent together, could be below it.

``least`` is below that, and so is ``onboard_least``: only the statements that lock and read the
rows and write what changed, all those of a transaction sent before any answer is waited for. No
program that stores the same rows in the same transactions can do the step in less. ``ruled`` adds
the rules, which run in memory (see ``rules_alone``), one after the other: no program that decides
by these rules, as they are written here, and stores the same rows can apply one in less but by
doing both at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy import Engine as Database
from sqlalchemy import event, func, make_url, select

from benchmarks.measure import seconds_of, tell_rate
from benchmarks.our_step import Done, Timing, observe, onboard
from benchmarks.rules_alone import rule
from onboarding.dispatch.worker import collect_rarely
from onboarding.engine.context import Context
from onboarding.store.database import open_database
from onboarding.store.tables import history, onboarding, operation
from tests.postgres import create_database, drop_database

_BEGIN, _COMMIT = "BEGIN", "COMMIT"

#: How the statements begin without which nothing is claimed, read or kept.
_LEAST = (
    "WITH urgent ", "SELECT onboarding.id,", "UPDATE onboarding SET ", "INSERT INTO operation ",
    "UPDATE operation SET ", "INSERT INTO history ", "INSERT INTO turn ", "INSERT INTO event ",
)  # fmt: skip

#: A statement and its parameters, in the driver's own form.
Statement = tuple[str, Any]
Send = Callable[[psycopg.Connection, Sequence[Statement]], None]


@dataclass
class Noting(Timing):
    """Notes every statement down from the moment at which everything is set up.

    Attributes:
        copy_url: the database as it was at that moment.
        pieces: the statements of each piece of work, and before each those that prepare it.
    """

    copy_url: str = ""
    pieces: list[tuple[list[Statement], list[Statement]]] = field(default_factory=list)
    _now: list[Statement] = field(default_factory=list)

    def opened(self, ctx: Context) -> None:
        """Copy the database, and listen to what is sent to it from now on."""
        database = ctx.database
        database.dispose()  # of a database in use no copy can be made
        url = database.url.render_as_string(hide_password=False)
        self.copy_url = create_database(url, url)
        self._listen(database)

    def seconds_of(self, work: Callable[[], object]) -> float:
        """Do a piece of work, and keep its statements apart from those that prepare it."""
        prepared, self._now = self._now, []
        taken = super().seconds_of(work)
        self.pieces.append((prepared, self._now))
        self._now = []
        return taken

    def _listen(self, database: Database) -> None:
        @event.listens_for(database, "before_cursor_execute", named=True)
        def _statement(statement: str, parameters: Any, **_others: Any) -> None:
            self._now.append((statement, parameters))

        @event.listens_for(database, "begin")
        def _begin(_conn: Any) -> None:
            self._now.append((_BEGIN, None))

        @event.listens_for(database, "commit")
        def _commit(_conn: Any) -> None:
            self._now.append((_COMMIT, None))


def send_again(noting: Noting, first: int, send: Send) -> float:
    """Send all statements to the copy; return the seconds that the pieces took from one on."""
    url = make_url(noting.copy_url).set(drivername="postgresql")
    taken = 0.0
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as conn:
        for place, (prepared, worked) in enumerate(noting.pieces):
            _send(conn, prepared)
            seconds = seconds_of(lambda worked=worked: send(conn, worked))  # type: ignore[misc]  # bound now
            taken += seconds if place >= first else 0.0
    return taken


def _send(conn: psycopg.Connection, statements: Sequence[Statement]) -> None:
    for statement, parameters in statements:
        cursor = conn.execute(statement.encode(), parameters)
        if cursor.description is not None:
            cursor.fetchall()


def _send_least(conn: psycopg.Connection, statements: Sequence[Statement]) -> None:
    for transaction in _transactions(statements):
        with conn.pipeline(), conn.transaction():
            for statement, parameters in transaction:
                conn.execute(statement.encode(), parameters)


def _transactions(statements: Sequence[Statement]) -> Iterator[list[Statement]]:
    """Yield what is kept of each transaction, if it is anything."""
    kept: list[Statement] = []
    for each in statements:
        if each[0].startswith(_LEAST):
            kept.append(each)
        elif each[0] == _COMMIT and kept:
            yield kept
            kept = []


_HOW: dict[str, tuple[Callable[[str, Timing], Done], Send]] = {
    "observe": (observe, _send),
    "least": (observe, _send_least),
    "ruled": (observe, _send_least),
    "onboard": (onboard, _send),
    "onboard_least": (onboard, _send_least),
}


def main(how: str, url: str) -> None:
    """Do the steps, and tell how many a second their statements alone come to."""
    noting = Noting()
    step, send = _HOW[how]
    done = step(url, noting)
    collect_rarely()
    taken = send_again(noting, len(noting.pieces) - done.pieces, send)
    if how == "ruled":
        taken += rule(url, done.pieces)
    assert _standing(noting.copy_url) == _standing(url)  # every statement met the rows that it met
    drop_database(noting.copy_url)
    tell_rate(done.steps, taken)


def _standing(url: str) -> tuple[int, int, int]:
    """Return how many entries and answered calls there are, and how often rows were written."""
    with open_database(url).connect() as conn:
        entries = conn.execute(select(func.count()).select_from(history)).scalar_one()
        answered = conn.execute(select(func.count(operation.c.outcome_at))).scalar_one()
        writes = conn.execute(select(func.sum(onboarding.c.version))).scalar_one()
    return entries, answered, writes


if __name__ == "__main__":
    main(*sys.argv[1:])
