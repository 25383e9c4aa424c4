"""Alerts: what somebody must hear of, who was told, and who has taken it on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, null, select, update

from onboarding.model import AlertKind
from onboarding.store.columns import Instant
from onboarding.store.rowset import given, listed, packed, packed_list, upsert
from onboarding.store.tables import acknowledgement as a
from onboarding.store.tables import alert as t


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What somebody must hear of.

    Attributes:
        kind: a rung that was raised, a requirement, an account on hold, an approval, the digest.
        subject: the id of an onboarding or of a WABA, or ``fleet``.
        what: which rung or need.
        since: since when.
        step: how many were told, one after the other.
        next_at: when the next one is told; ``None``: nobody is.
        closed_at: when it was done with.
    """

    kind: AlertKind
    subject: str
    what: str
    since: datetime
    step: int = 0
    next_at: datetime | None = None
    closed_at: datetime | None = None


_COLUMNS = list(t.columns)


def _packed(alerts: Sequence[Alert]) -> dict[str, str]:
    rows = ({c.name: getattr(alert, c.name) for c in _COLUMNS} for alert in alerts)
    return packed(_COLUMNS, rows)


def open_alerts(conn: Connection, alerts: Sequence[Alert]) -> None:
    """Note what somebody must hear of, with one statement.

    One that is open already with the same ``what`` goes on as it was: a code that was sent anew
    is still the code that somebody waits for.
    """
    if alerts:
        conn.execute(_open(conn.dialect.name), _packed(alerts))


@cache
def _open(dialect: str) -> Any:
    def kept(name: str) -> Any:
        def change(stored: Any, new: Any) -> Any:
            goes_on = and_(stored.what == new.what, stored.closed_at.is_(None))
            return case((goes_on, stored[name]), else_=new[name])

        return change

    changes = {name: kept(name) for name in ("what", "since", "step", "next_at")}
    changes["closed_at"] = lambda _stored, _new: null()
    return upsert(dialect, t, [c.name for c in _COLUMNS], changes)


def close_alerts(
    conn: Connection, subjects: Sequence[str], kinds: Sequence[AlertKind], now: datetime
) -> None:
    """Note that these need to be heard of no more."""
    if subjects:
        wanted = packed_list(t.c.subject, subjects)
        conn.execute(_close(conn.dialect.name, tuple(kinds)), {"now": now, **wanted})


@cache
def _close(dialect: str, kinds: tuple[AlertKind, ...]) -> Any:
    return (
        update(t)
        .where(
            t.c.subject.in_(listed(dialect, t.c.subject)),
            t.c.kind.in_(kinds),
            t.c.closed_at.is_(None),
        )
        .values(closed_at=bindparam("now", type_=Instant), next_at=null())
    )


def find_due(conn: Connection, now: datetime, limit: int) -> list[Alert]:
    """Return the alerts of which somebody is to be told now, the earliest first."""
    query = select(t).where(t.c.next_at <= now).order_by(t.c.next_at).limit(limit)
    return [_to_alert(row) for row in conn.execute(query)]


@cache
def _load(dialect: str) -> Any:
    query = select(t).where(t.c.subject.in_(listed(dialect, t.c.subject)))
    query = query.order_by(t.c.subject, t.c.kind)
    return query.with_for_update() if dialect == "postgresql" else query


def lock_alerts(conn: Connection, subjects: Sequence[str]) -> list[Alert]:
    """Return the alerts of these subjects; nobody else changes them until the transaction ends."""
    found = conn.execute(_load(conn.dialect.name), packed_list(t.c.subject, subjects))
    return [_to_alert(row) for row in found]


def write_alerts(conn: Connection, alerts: Sequence[Alert]) -> None:
    """Write how far these alerts are, with one statement."""
    if alerts:
        conn.execute(_write(conn.dialect.name), _packed(alerts))


@cache
def _write(dialect: str) -> Any:
    rows = given(dialect, _COLUMNS)
    return (
        update(t)
        .where(t.c.kind == rows.c.kind, t.c.subject == rows.c.subject)
        .values({name: rows.c[name] for name in ("what", "since", "step", "next_at", "closed_at")})
    )


def next_alert_at(conn: Connection) -> datetime | None:
    """Return when somebody is to be told of something next."""
    due: datetime | None = conn.execute(_NEXT).scalar()
    return due


_NEXT = select(t.c.next_at).where(t.c.next_at.is_not(None)).order_by(t.c.next_at).limit(1)


def is_due(now: Any) -> Any:
    """Return SQL that tells whether somebody is to be told of something at an instant, as SQL."""
    return select(t.c.subject).where(and_(t.c.next_at.is_not(None), t.c.next_at <= now)).exists()


def _to_alert(row: Any) -> Alert:
    return Alert(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


# Acknowledgements


def acknowledge(conn: Connection, subject: str, by: str, at: datetime, until: datetime) -> None:
    """Note who has taken something on, and until when; a later word takes the place of this."""
    row = {"subject": subject, "by": by, "at": at, "until": until}
    conn.execute(_acknowledge(conn.dialect.name), packed(list(a.columns), [row]))


@cache
def _acknowledge(dialect: str) -> Any:
    changes = {name: lambda _s, new, name=name: new[name] for name in ("by", "at", "until")}
    return upsert(dialect, a, [c.name for c in a.columns], changes)


def load_acknowledged(
    conn: Connection, subjects: Sequence[str], now: datetime
) -> dict[str, tuple[str, datetime]]:
    """Return who has taken these on, and until when, as far as that is still to come."""
    wanted = listed(conn.dialect.name, a.c.subject)
    query = select(a.c.subject, a.c.by, a.c.until).where(a.c.subject.in_(wanted), a.c.until > now)
    found = conn.execute(query, packed_list(a.c.subject, subjects))
    return {row.subject: (row.by, row.until) for row in found}
