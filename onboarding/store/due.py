"""Whose turn it is over the whole fleet: pages in the order in which numbers must be registered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    func,
    literal_column,
    not_,
    or_,
    select,
    tuple_,
)

from onboarding.core.lifecycle import LIVE
from onboarding.model import Onboarding, Owner
from onboarding.store.approvals import pending_ids
from onboarding.store.onboardings import to_onboarding
from onboarding.store.rowset import storable
from onboarding.store.tables import account
from onboarding.store.tables import onboarding as t

#: Written out and not bound: SQLite uses a partial index only for the very words it was made with.
_SOMEBODYS_TURN = t.c.waiting.not_in([literal_column("'done'"), literal_column("'over'")])

#: What rests, and something was asked for to which a second person has to agree.
_WAITS_FOR_APPROVAL = and_(not_(_SOMEBODYS_TURN), t.c.id.in_(pending_ids()))

_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page ended: the last onboarding's deadline, whose turn it was, and its id."""

    register_by: datetime | None
    waiting_for: Owner
    id: str


def place_of(row: Onboarding) -> Place:
    """Return the place of an onboarding in the order of pages."""
    return Place(register_by=row.register_by, waiting_for=row.waiting_for, id=row.id)


def page(
    conn: Connection,
    *,
    who: Owner | None,
    now: datetime,
    before: datetime | None,
    after: Place | None,
    limit: int,
) -> list[Onboarding]:
    """Return onboardings whose turn is somebody's, nearest deadline first, those without one last.

    Args:
        conn: an open connection.
        who: that may have something to give; the caller looks closer.
        now: business time.
        before: only those that must be registered by then.
        after: where the page before ended.
        limit: at most so many.
    """
    found: list[Onboarding] = []
    for part in _parts(before, after):
        wanted = [and_(_SOMEBODYS_TURN, part, *_whose(who, now))]
        if who in (None, Owner.OPERATOR):
            wanted.append(and_(_WAITS_FOR_APPROVAL, part))
        found += _in_order(conn, wanted, limit - len(found))
        if len(found) >= limit:
            break
    return found


def _in_order(
    conn: Connection, wanted: Sequence[ColumnElement[bool]], limit: int
) -> list[Onboarding]:
    """Return the first onboardings of which one condition holds; each has an index of its own."""
    found: dict[str, Onboarding] = {}
    for condition in wanted:
        query = select(t).where(condition).order_by(t.c.register_by, t.c.waiting_for, t.c.id)
        found |= {row.id: to_onboarding(row) for row in conn.execute(query.limit(limit))}
    # A part has either all deadlines or none.
    ordered = sorted(found.values(), key=lambda row: (row.register_by or _EVER, *_place(row)))
    return ordered[:limit]


def _place(row: Onboarding) -> tuple[str, str]:
    return row.waiting_for.value, row.id


def _parts(before: datetime | None, after: Place | None) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions of those with a deadline, then of those without one.

    Databases disagree on where a missing value sorts, so each part is a query of its own.
    """
    place = (t.c.waiting_for, t.c.id)
    if after is None or after.register_by is not None:
        conditions: list[ColumnElement[bool]] = [t.c.register_by.is_not(None)]
        if before is not None:
            conditions.append(t.c.register_by <= before)
        if after is not None:
            beyond = tuple_(*place) > tuple_(after.waiting_for.value, storable(after.id))
            conditions += [
                t.c.register_by >= after.register_by,
                or_(t.c.register_by > after.register_by, beyond),
            ]
        yield and_(*conditions)
    if before is None:
        without: ColumnElement[bool] = t.c.register_by.is_(None)
        if after is not None and after.register_by is None:
            without &= tuple_(*place) > tuple_(after.waiting_for.value, storable(after.id))
        yield without


def _whose(who: Owner | None, now: datetime) -> list[ColumnElement[bool]]:
    if who is None:
        return []
    mine = t.c.waiting_for == who
    if who is Owner.ENGINE:
        return [or_(mine, t.c.next_due_at <= now)]
    if who is Owner.OPERATOR:
        held = select(account.c.waba_id).where(account.c.hold.is_not(None))
        return [or_(mine, t.c.waba_id.in_(held), t.c.id.in_(pending_ids()))]
    return [mine]


def count_numbers(conn: Connection) -> dict[str, int]:
    """Return how many numbers of living onboardings Meta's list of each WABA has."""
    count = (
        select(t.c.waba_id, func.count().label("numbers"))
        .where(t.c.phone_number_id.is_not(None), t.c.state.in_(LIVE))
        .group_by(t.c.waba_id)
    )
    return {row.waba_id: int(row.numbers) for row in conn.execute(count)}


def are_more_than(conn: Connection, most: int) -> bool:
    """Whether more than so many onboardings are somebody's turn; no more of them are counted."""
    some = select(t.c.id).where(_SOMEBODYS_TURN).limit(most + 1).subquery()
    return conn.execute(select(func.count()).select_from(some)).scalar_one() > most
