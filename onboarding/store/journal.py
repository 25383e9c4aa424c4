"""The journal of operations: the intent before a call, the outcome after it, and what is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, or_, select, update

from onboarding.model import OPEN, JournaledOperation, Operation, OperationStatus, Outcome
from onboarding.store.rowset import insert_rows, rowset
from onboarding.store.tables import operation as t

_FIELDS = tuple(f.name for f in fields(JournaledOperation))


def to_operation(row: Row[Any]) -> JournaledOperation:
    """Return the operation of a full row."""
    mapping = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
    return JournaledOperation(**{name: mapping[name] for name in _FIELDS})


def insert_intents(
    conn: Connection, operations: Sequence[JournaledOperation], worker: str
) -> set[str]:
    """Write intents with one statement.

    Returns:
        The ids that were written. One that is missing is refused by an index: its onboarding has
        an open call, or its natural key was used; it must not be sent.
    """
    rows = [{name: getattr(op, name) for name in _FIELDS} | {"worker": worker} for op in operations]
    return set(insert_rows(conn, t, rows, skip_conflicts=True, returning=t.c.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What is written about one operation: a status, and the outcome if there is one."""

    id: str
    status: OperationStatus
    outcome: Outcome | None
    outcome_at: datetime
    applied: bool
    resolved_by: str


def write_results(conn: Connection, results: Sequence[Result]) -> set[str]:
    """Write what came of open operations, by id and with one statement.

    This is never fenced by the onboarding's version: the fact of a call must be kept even if
    somebody moved the onboarding meanwhile.

    Returns:
        The ids that were open. One that is missing was settled before its answer came.
    """
    if not results:
        return set()
    names = [f.name for f in fields(Result)]
    given = rowset(
        conn, [t.c[name] for name in names], [{n: getattr(r, n) for n in names} for r in results]
    )
    statement = (
        update(t)
        .where(t.c.id == given.c.id, t.c.status.in_(OPEN))
        .values({name: given.c[name] for name in names if name != "id"})
        .returning(t.c.id)
    )
    return set(conn.execute(statement).scalars())


def keep_late(conn: Connection, results: Sequence[Result]) -> None:
    """Keep answers that came after their operation was settled as absent.

    The operation stays absent (a repeat may stand in its place), but its answer is no longer
    applied, so that the next look at the onboarding takes it into account.
    """
    if not results:
        return
    names = ("id", "outcome", "outcome_at")
    given = rowset(
        conn, [t.c[name] for name in names], [{n: getattr(r, n) for n in names} for r in results]
    )
    conn.execute(
        update(t)
        .where(t.c.id == given.c.id, t.c.status == OperationStatus.ABSENT)
        .values(
            outcome=given.c.outcome,
            outcome_at=given.c.outcome_at,
            applied=False,
            resolved_by="late",
        )
    )


def mark_applied(conn: Connection, ids: Sequence[str], *, applied: bool) -> None:
    """Note whether the onboardings' rows show these outcomes."""
    if not ids:
        return
    given = rowset(conn, [t.c.id], [{"id": id_} for id_ in ids])
    conn.execute(update(t).where(t.c.id.in_(select(given.c.id))).values(applied=applied))


def load_pressing(conn: Connection, onboarding_ids: Sequence[str]) -> list[JournaledOperation]:
    """Return the open operations of these onboardings, and the answered ones not yet applied."""
    given = rowset(conn, [t.c.onboarding_id], [{"onboarding_id": id_} for id_ in onboarding_ids])
    query = (
        select(t)
        .where(
            t.c.onboarding_id.in_(select(given.c.onboarding_id)),
            or_(t.c.status.in_(OPEN), t.c.applied.is_(False)),
        )
        .order_by(t.c.intent_at)
    )
    return [to_operation(row) for row in conn.execute(query)]


def load_attempts(
    conn: Connection, number_keys: Sequence[str], since: datetime
) -> dict[str, list[JournaledOperation]]:
    """Return the calls made for these numbers since then, and every create there ever was."""
    given = rowset(conn, [t.c.number_key], [{"number_key": key} for key in number_keys])
    query = select(t).where(
        t.c.number_key.in_(select(given.c.number_key)),
        or_(t.c.intent_at > since, t.c.name == Operation.CREATE_NUMBER),
    )
    found: dict[str, list[JournaledOperation]] = {}
    for row in conn.execute(query.order_by(t.c.intent_at)):
        found.setdefault(row.number_key, []).append(to_operation(row))
    return found


def load_operations(conn: Connection, onboarding_id: str) -> list[JournaledOperation]:
    """Return every operation of an onboarding, oldest first."""
    query = select(t).where(t.c.onboarding_id == onboarding_id).order_by(t.c.intent_at, t.c.id)
    return [to_operation(row) for row in conn.execute(query)]


def open_onboarding_ids() -> Select[Any]:
    """Return the query for the onboardings that have an open call."""
    return select(t.c.onboarding_id).where(t.c.status.in_(OPEN), t.c.onboarding_id.is_not(None))


def count_open(conn: Connection) -> int:
    """Return how many calls are open."""
    count = select(func.count()).select_from(t).where(t.c.status.in_(OPEN))
    return conn.execute(count).scalar_one()


def code_was_used(conn: Connection, natural_key: str) -> bool:
    """Whether this code was sent to Meta before."""
    used = select(t.c.id).where(
        t.c.name == Operation.VERIFY_CODE,
        t.c.natural_key == natural_key,
        t.c.status != OperationStatus.UNSENT,
    )
    return conn.execute(used.limit(1)).first() is not None
