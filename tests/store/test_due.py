"""Whose turn it is over the fleet: in order, page by page, and never by reading everything."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.dialects import sqlite

from onboarding.core.attribution import Turn
from onboarding.model import Onboarding, Owner, Reason, State
from onboarding.store import due, tables, turns
from onboarding.store.database import reading
from tests.store.making import DAY, START, a_row, read, store, write

HOUR = timedelta(hours=1)


def fleet() -> list[Onboarding]:
    """Return onboardings in the order in which they are due; the last four are due from nobody."""
    holder = {"waiting": Reason.CODE, "waiting_for": Owner.HOLDER, "next_due_at": None}
    meta = {"waiting": Reason.CONNECTING, "waiting_for": Owner.META, "next_due_at": None}
    engine = {"waiting": Reason.DUE, "waiting_for": Owner.ENGINE, "next_due_at": START - HOUR}
    done = {"waiting": Reason.DONE, "state": State.REGISTERED, "next_due_at": None}
    over = {"waiting": Reason.OVER, "state": State.EXPIRED, "next_due_at": None}
    return [
        a_row(7, register_by=START + DAY, **holder),
        a_row(8, register_by=START + DAY, **holder),
        a_row(1, register_by=START + DAY, **meta),
        a_row(2, register_by=START + 2 * DAY, **engine),
        a_row(3, register_by=START + 2 * DAY, **holder),
        a_row(0, register_by=None, **engine),
        a_row(9, register_by=None, **holder),
        a_row(4, register_by=None, **done),
        a_row(5, register_by=START, **over),
    ]


def ids(found: list[Onboarding]) -> list[int]:
    return [int(row.id[-2:]) for row in found]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_follow_one_another_in_order(database: Engine, limit: int) -> None:
    store(database, fleet())
    seen: list[int] = []
    after = None
    while True:
        with reading(database) as conn:
            rows = due.page(conn, who=None, now=START, before=None, after=after, limit=limit)
        seen += ids(rows)
        if len(rows) < limit:
            break
        after = due.place_of(rows[-1])
    assert seen == [7, 8, 1, 2, 3, 0, 9]


@pytest.mark.parametrize(
    ("who", "before", "found"),
    [
        (Owner.HOLDER, None, [7, 8, 3, 9]),
        (Owner.META, None, [1]),
        (Owner.ENGINE, None, [2, 0]),
        (None, START + DAY, [7, 8, 1]),
        (Owner.HOLDER, START + 2 * DAY, [7, 8, 3]),
        (Owner.PARTNER, None, []),
    ],
)
def test_conditions(database: Engine, who: Owner | None, before: object, found: list[int]) -> None:
    store(database, fleet())
    with reading(database) as conn:
        rows = due.page(conn, who=who, now=START, before=before, after=None, limit=100)  # type: ignore[arg-type]  # an instant or none
    assert ids(rows) == found


@pytest.mark.on("sqlite")
def test_the_index_serves_each_part(database: Engine) -> None:
    asked: list[str] = []
    order = ("register_by", "waiting_for", "id")
    with reading(database) as conn:
        for part in due._parts(None, None):
            query = (
                select(tables.onboarding.c.id)
                .where(due._SOMEBODYS_TURN, part)
                .order_by(*(tables.onboarding.c[name] for name in order))
                .limit(5)
            )
            compiled = query.compile(
                dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}
            )
            asked += [row[3] for row in conn.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))]
    assert len(asked) == 2
    for line in asked:
        assert "USING INDEX ix_onboarding_register_by_waiting_for_id_due" in line


def test_turns_are_kept_as_they_were_first_written(database: Engine) -> None:
    first = Turn(
        onboarding_id="row-000001", version=2, since=START, owner=Owner.HOLDER,
        waiting=Reason.CODE,
    )  # fmt: skip
    rest = Turn(
        onboarding_id="row-000001", version=5, since=START + DAY, owner=None, waiting=Reason.DONE
    )
    write(database, lambda conn: turns.append(conn, [rest, first]))
    again = Turn(
        onboarding_id="row-000001", version=2, since=START + DAY, owner=Owner.META,
        waiting=Reason.CODE,
    )  # fmt: skip
    write(database, lambda conn: turns.append(conn, [again]))
    write(database, lambda conn: turns.append(conn, []))
    found = read(database, lambda conn: turns.load(conn, ["row-000001", "row-000002"]))
    assert found == {"row-000001": [first, rest]}
