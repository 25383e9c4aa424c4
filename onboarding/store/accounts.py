"""Accounts: a WABA with its token, and when it is to be looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Row,
    String,
    and_,
    bindparam,
    case,
    func,
    null,
    or_,
    select,
    update,
)

from onboarding.model import Account
from onboarding.store.columns import Instant
from onboarding.store.rowset import given, insert_rows, listed, packed, packed_list, storable
from onboarding.store.tables import account as t

_FIELDS = tuple(f.name for f in fields(Account))
_WANT = (
    Column("waba_id", String(32)),
    Column("observe_at", Instant),
    Column("check_at", Instant),
)


def to_account(row: Row[Any]) -> Account:
    """Return the account of a full row."""
    return Account(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


def insert_account(conn: Connection, account: Account) -> None:
    """Store a new account."""
    insert_rows(conn, t, [{name: getattr(account, name) for name in _FIELDS}])


def load_accounts(
    conn: Connection, waba_ids: Sequence[str] | None = None, *, lock: bool = False
) -> dict[str, Account]:
    """Return these accounts, or all of them, by WABA id."""
    if waba_ids is None:
        found = conn.execute(select(t).order_by(t.c.waba_id))
    else:
        statement = _load(conn.dialect.name, lock=lock)
        found = conn.execute(statement, packed_list(t.c.waba_id, waba_ids))
    return {row.waba_id: to_account(row) for row in found}


@cache
def _load(dialect: str, *, lock: bool) -> Any:
    query = select(t).where(t.c.waba_id.in_(listed(dialect, t.c.waba_id))).order_by(t.c.waba_id)
    return query.with_for_update(key_share=True) if lock else query


def update_account(conn: Connection, waba_id: str, **changes: Any) -> None:
    """Write some fields of an account."""
    clean = {name: storable(v) if type(v) is str else v for name, v in changes.items()}
    conn.execute(_update(tuple(clean)), {"waba": waba_id, **clean})


@cache
def _update(names: tuple[str, ...]) -> Any:
    given_values = {name: bindparam(name, type_=t.c[name].type) for name in names}
    of_account = update(t).where(t.c.waba_id == bindparam("waba"))
    return of_account.values(version=t.c.version + 1, **given_values)


def want(
    conn: Connection,
    observe: Mapping[str, datetime],
    check: Mapping[str, datetime],
) -> None:
    """Bring accounts' next reads forward, never back, with one statement.

    Args:
        conn: an open transaction.
        observe: from when a read of the list would help, by WABA id.
        check: from when the app's subscription must be looked at, by WABA id.
    """
    wanted = [
        {"waba_id": waba_id, "observe_at": observe.get(waba_id), "check_at": check.get(waba_id)}
        for waba_id in sorted({*observe, *check})
    ]
    if not wanted:
        return
    conn.execute(_want(conn.dialect.name), packed(_WANT, wanted))


@cache
def _want(dialect: str) -> Any:
    rows = given(dialect, _WANT)
    return (
        update(t)
        .where(t.c.waba_id == rows.c.waba_id)
        .values(
            observe_due_at=_sooner(t.c.observe_due_at, rows.c.observe_at),
            check_due_at=_sooner(t.c.check_due_at, rows.c.check_at),
        )
    )


def _sooner(stored: Any, wanted: Any) -> Any:
    """Return SQL for the earlier of two instants that may each be missing."""
    earlier = case((wanted < stored, wanted), else_=stored)
    return func.coalesce(earlier, stored, wanted)


def claim_accounts(
    conn: Connection,
    *,
    now: datetime,
    read_before: datetime,
    watched_before: datetime,
    real_now: datetime,
    lease_until: datetime,
    limit: int,
) -> list[Account]:
    """Take the accounts whose list or subscription is due, those waiting longest first.

    And held ones whose token is read from elsewhere, when that place is to be looked at.

    All accounts are read for it: they are some thousands where numbers are a million.

    What was wished for is granted by that: a wish that is there afterwards was made meanwhile,
    and stands. An account that a worker took and never let go is due again, for both.

    Args:
        conn: an open transaction.
        now: business time.
        read_before: only lists whose last read began before this: the least interval.
        watched_before: a list with registered numbers that was last read before this is due.
        real_now: real time: which leases have run out.
        lease_until: real time until which they are this worker's.
        limit: at most so many.

    Returns:
        The accounts as they were: with what they were due for, and the lease that ran out.
    """
    dialect = conn.dialect.name
    instants = {"now": now, "read_before": read_before, "watched_before": watched_before}
    due = conn.execute(_due(dialect), {**instants, "real_now": real_now, "most": limit})
    claimed = [to_account(row) for row in due]
    if claimed:
        taken = packed_list(t.c.waba_id, [account.waba_id for account in claimed])
        conn.execute(_take(dialect), {**instants, "until": lease_until, **taken})
    return claimed


def _goes_on() -> Any:
    """Return SQL for accounts that something is done for: a held one's token may come back."""
    return or_(t.c.hold.is_(None), t.c.token_source.is_not(None))


def _to_be_read() -> Any:
    rested = or_(t.c.listed_at.is_(None), t.c.listed_at <= bindparam("read_before", type_=Instant))
    wanted = (t.c.observe_due_at <= bindparam("now", type_=Instant)) & rested
    unread = t.c.listed_at <= bindparam("watched_before", type_=Instant)
    # A read that is put off, or failed, has a time of its own.
    return or_(wanted, and_(t.c.active, t.c.observe_due_at.is_(None), unread))


def _to_be_checked() -> Any:
    return t.c.check_due_at <= bindparam("now", type_=Instant)


@cache
def _due(dialect: str) -> Any:
    is_let_go = t.c.lease_until.is_(None)
    is_abandoned = t.c.lease_until <= bindparam("real_now", type_=Instant)
    asked_for = func.coalesce(t.c.observe_due_at, t.c.check_due_at)
    query = (
        select(t)
        .where(
            _goes_on(),
            or_(is_let_go & or_(_to_be_read(), _to_be_checked()), is_abandoned),
        )
        # Lists that are only watched come last: nobody waits for them.
        .order_by(asked_for.is_(None), asked_for, t.c.listed_at)
        .limit(bindparam("most"))
    )
    if dialect == "postgresql":
        # Without KEY SHARE it would wait for every journaled call that refers to the account.
        return query.with_for_update(skip_locked=True, key_share=True)
    return query


@cache
def _take(dialect: str) -> Any:
    return (
        update(t)
        .where(t.c.waba_id.in_(listed(dialect, t.c.waba_id)))
        .values(
            lease_until=bindparam("until", type_=Instant),
            observe_due_at=case((_to_be_read(), null()), else_=t.c.observe_due_at),
            check_due_at=case((_to_be_checked(), null()), else_=t.c.check_due_at),
        )
    )


def next_account_due(
    conn: Connection, list_interval: timedelta, watch_interval: timedelta | None = None
) -> datetime | None:
    """Return when the earliest account is due, the least interval between lists included.

    With ``watch_interval``, also when the list of registered numbers is due that merely rest.
    """
    instants = []
    for row in conn.execute(_LOOKED_AT):
        rests = row.active and row.observe_due_at is None and row.listed_at is not None
        if watch_interval is not None and rests:
            instants.append(row.listed_at + watch_interval)
        if row.observe_due_at is not None:
            earliest = row.listed_at + list_interval if row.listed_at else row.observe_due_at
            instants.append(max(row.observe_due_at, earliest))
        if row.check_due_at is not None:
            instants.append(row.check_due_at)
    return min(instants, default=None)


_LOOKED_AT = select(t.c.observe_due_at, t.c.check_due_at, t.c.listed_at, t.c.active).where(
    _goes_on()
)
