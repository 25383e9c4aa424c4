"""The journal of operations: the intent before a call, the outcome after it, and what is open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    String,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    union_all,
    update,
)

from onboarding.model import OPEN, JournaledOperation, Operation, OperationStatus, Outcome
from onboarding.store.columns import Instant
from onboarding.store.rowset import given, insert_rows, listed, packed, packed_list
from onboarding.store.tables import operation as t

_FIELDS = tuple(f.name for f in fields(JournaledOperation))

#: Written out and not bound: SQLite uses a partial index only for the very words it was made with.
_IS_OPEN = t.c.status.in_([literal_column(f"'{status.value}'") for status in OPEN])

#: How a call stands that was settled before any answer came.
_SETTLED_WITHOUT = (OperationStatus.ABSENT, OperationStatus.ABANDONED)


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


_RESULT = [t.c[f.name] for f in fields(Result)]
_LATE = [t.c.id, t.c.outcome, t.c.outcome_at]


def _as_rows(results: Sequence[Result]) -> list[dict[str, Any]]:
    return [{c.name: getattr(result, c.name) for c in _RESULT} for result in results]


@cache
def _write_results(dialect: str) -> Any:
    rows = given(dialect, _RESULT)
    return (
        update(t)
        .where(t.c.id == rows.c.id, t.c.status.in_(OPEN))
        .values({c.name: rows.c[c.name] for c in _RESULT if c.name != "id"})
        .returning(t.c.id)
    )


def write_results(conn: Connection, results: Sequence[Result]) -> set[str]:
    """Write what came of open operations, by id and with one statement.

    This is never fenced by the onboarding's version: the fact of a call must be kept even if
    somebody moved the onboarding meanwhile.

    Returns:
        The ids that were open. One that is missing was settled before its answer came.
    """
    if not results:
        return set()
    statement = _write_results(conn.dialect.name)
    return set(conn.execute(statement, packed(_RESULT, _as_rows(results))).scalars())


def answered(operation: JournaledOperation, result: Result) -> JournaledOperation:
    """Return an open operation as it stands once its result is written."""
    return replace(operation, **{f.name: getattr(result, f.name) for f in fields(Result)})


@cache
def _keep_late(dialect: str) -> Any:
    rows = given(dialect, _LATE)
    return (
        update(t)
        .where(t.c.id == rows.c.id, t.c.status.in_(_SETTLED_WITHOUT))
        .values(
            outcome=rows.c.outcome,
            outcome_at=rows.c.outcome_at,
            applied=False,
            resolved_by="late",
        )
    )


def keep_late(conn: Connection, results: Sequence[Result]) -> None:
    """Keep answers that came after their operation was settled as absent, or given up.

    The operation stays as it is (a repeat may stand in its place), but its answer is no longer
    applied, so that the next look at the onboarding takes it into account.
    """
    if results:
        conn.execute(_keep_late(conn.dialect.name), packed(_LATE, _as_rows(results)))


@cache
def _mark_applied(dialect: str, *, applied: bool) -> Any:
    return update(t).where(t.c.id.in_(listed(dialect, t.c.id))).values(applied=applied)


def mark_applied(conn: Connection, ids: Sequence[str], *, applied: bool = True) -> None:
    """Note that the onboardings' rows show these outcomes, or that they do not yet."""
    if ids:
        conn.execute(_mark_applied(conn.dialect.name, applied=applied), packed_list(t.c.id, ids))


@cache
def _pressing(dialect: str) -> Select[Any]:
    return (
        select(t)
        .where(
            t.c.onboarding_id.in_(listed(dialect, t.c.onboarding_id)),
            or_(t.c.status.in_(OPEN), t.c.applied.is_(False)),
        )
        .order_by(t.c.intent_at)
    )


def load_pressing(conn: Connection, onboarding_ids: Sequence[str]) -> list[JournaledOperation]:
    """Return the open operations of these onboardings, and the answered ones not yet applied."""
    wanted = packed_list(t.c.onboarding_id, onboarding_ids)
    return [to_operation(row) for row in conn.execute(_pressing(conn.dialect.name), wanted)]


@cache
def _attempts(dialect: str) -> Select[Any]:
    recent = t.c.intent_at > bindparam("since", type_=Instant)
    return (
        select(t)
        .where(
            t.c.number_key.in_(listed(dialect, t.c.number_key)),
            or_(recent, t.c.name.in_((Operation.CREATE_NUMBER, Operation.ADD_PREVERIFIED))),
        )
        .order_by(t.c.intent_at)
    )


def load_attempts(
    conn: Connection, number_keys: Sequence[str], since: datetime
) -> dict[str, list[JournaledOperation]]:
    """Return the calls made for these numbers since then, and every create there ever was."""
    found: dict[str, list[JournaledOperation]] = {}
    wanted = {"since": since, **packed_list(t.c.number_key, number_keys)}
    for row in conn.execute(_attempts(conn.dialect.name), wanted):
        found.setdefault(row.number_key, []).append(to_operation(row))
    return found


@dataclass(frozen=True, slots=True)
class Calls:
    """What a look at onboardings needs of the journal.

    Attributes:
        pressing: open calls and answers that are not applied yet, as ``load_pressing`` has them.
        attempts: calls made for the numbers, as ``load_attempts`` has them.
    """

    pressing: list[JournaledOperation]
    attempts: dict[str, list[JournaledOperation]]


@cache
def _calls(dialect: str) -> Any:
    kinds = {"pressing": _pressing(dialect), "attempt": _attempts(dialect)}
    return union_all(
        *(
            query.order_by(None).with_only_columns(
                literal_column(f"'{kind}'", String).label("kind"), *t.c
            )
            for kind, query in kinds.items()
        )
    )


def load_calls(conn: Connection, numbers: Mapping[str, str], since: datetime) -> Calls:
    """Return all that a look at onboardings needs of the journal, with one query.

    Args:
        conn: an open transaction.
        numbers: the number key of each onboarding, by its id.
        since: from when on attempts count; every create does.
    """
    keys = [{"onboarding_id": id_, "number_key": number} for id_, number in numbers.items()]
    wanted = {"since": since, **packed([t.c.onboarding_id, t.c.number_key], keys)}
    calls = Calls([], {})
    # All are fetched at once, and the result is kept by no name: while an error that a row raises
    # is handled, its cursor would hold the lock of SQLite.
    rows = conn.execute(_calls(conn.dialect.name), wanted).all()
    for row in sorted(rows, key=attrgetter("intent_at")):
        made = to_operation(row)
        if row.kind == "pressing":
            calls.pressing.append(made)
        else:
            calls.attempts.setdefault(row.number_key, []).append(made)
    return calls


def load_operations(conn: Connection, onboarding_id: str) -> list[JournaledOperation]:
    """Return every operation of an onboarding, oldest first."""
    query = select(t).where(t.c.onboarding_id == onboarding_id).order_by(t.c.intent_at, t.c.id)
    return [to_operation(row) for row in conn.execute(query)]


def open_onboarding_ids() -> Select[Any]:
    """Return the query for the onboardings that have an open call."""
    return select(t.c.onboarding_id).where(_IS_OPEN, t.c.onboarding_id.is_not(None))


@cache
def _pressing_of_pool(dialect: str) -> Select[Any]:
    return (
        select(t)
        .where(
            t.c.pool_number_id.in_(listed(dialect, t.c.pool_number_id)),
            or_(t.c.status.in_(OPEN), t.c.applied.is_(False)),
        )
        .order_by(t.c.intent_at)
    )


def load_pressing_of_pool(
    conn: Connection, pool_number_ids: Sequence[str]
) -> list[JournaledOperation]:
    """Return the open operations of these numbers of the pool, and those not yet applied."""
    wanted = packed_list(t.c.pool_number_id, pool_number_ids)
    found = conn.execute(_pressing_of_pool(conn.dialect.name), wanted)
    return [to_operation(row) for row in found]


def load_operations_of_pool(conn: Connection, pool_number_id: str) -> list[JournaledOperation]:
    """Return every operation of a number of the pool, oldest first."""
    query = select(t).where(t.c.pool_number_id == pool_number_id)
    return [to_operation(row) for row in conn.execute(query.order_by(t.c.intent_at, t.c.id))]


def count_open(conn: Connection) -> int:
    """Return how many calls are open."""
    return conn.execute(select(func.count()).select_from(t).where(_IS_OPEN)).scalar_one()


def count_settling(conn: Connection, now: datetime) -> int:
    """Return how many open calls are still within their settle window."""
    return conn.execute(_SETTLING, {"now": now}).scalar_one()


_SETTLING = (
    select(func.count())
    .select_from(t)
    .where(_IS_OPEN, t.c.settle_at > bindparam("now", type_=Instant))
)


def abandon_subscriptions(conn: Connection, waba_id: str, now: datetime) -> None:
    """Give up the open calls that subscribe the app to a WABA: it is, whoever made them died."""
    subscribing = (t.c.waba_id == waba_id, t.c.name == Operation.SUBSCRIBE_APP, _IS_OPEN)
    conn.execute(update(t).where(*subscribing).values(_given_up(now)))


def _given_up(now: datetime) -> dict[str, Any]:
    return {
        "status": OperationStatus.ABANDONED, "outcome_at": now, "applied": True,
        "resolved_by": "policy",
    }  # fmt: skip


@cache
def _open_of_accounts(dialect: str) -> Select[Any]:
    names = t.c.name.in_((Operation.SET_CALLBACK, Operation.EXCHANGE_CODE))
    ours = t.c.waba_id.in_(listed(dialect, t.c.waba_id))
    return select(t).where(t.c.onboarding_id.is_(None), _IS_OPEN, names, ours)


def load_open_of_accounts(conn: Connection, waba_ids: Sequence[str]) -> list[JournaledOperation]:
    """Return the open calls of these accounts that nothing at Meta shows the end of."""
    found = conn.execute(_open_of_accounts(conn.dialect.name), packed_list(t.c.waba_id, waba_ids))
    return [to_operation(row) for row in found]


def abandon(conn: Connection, ids: Sequence[str], now: datetime) -> set[str]:
    """Give up open calls; return those that were open until now."""
    if not ids:
        return set()
    given_up = update(t).where(t.c.id.in_(ids), _IS_OPEN).values(_given_up(now)).returning(t.c.id)
    return set(conn.execute(given_up).scalars())


@cache
def _codes_used(dialect: str) -> Select[Any]:
    return select(t.c.natural_key).where(
        t.c.name == Operation.VERIFY_CODE,
        t.c.natural_key.in_(listed(dialect, t.c.natural_key)),
        t.c.status != OperationStatus.UNSENT,
    )


def codes_used(conn: Connection, natural_keys: Sequence[str]) -> set[str]:
    """Return the natural keys, of these, whose code was sent to Meta before."""
    wanted = packed_list(t.c.natural_key, natural_keys)
    return set(conn.execute(_codes_used(conn.dialect.name), wanted).scalars())
