"""What Embedded Signup handed over, until its number is asked for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from onboarding.store.rowset import insert_rows, storable
from onboarding.store.tables import signup as t


@dataclass(frozen=True, slots=True, kw_only=True)
class Signup:
    """A session of Embedded Signup that was handed over.

    Attributes:
        event: how it ended.
        key: a key of the caller's for the request that follows.
        onboarded_at: when it was finished.
        settled_at: when its number was asked for, or it was clear that none is to be.
        result: what came of it, in words.
    """

    id: str
    waba_id: str
    event: str
    phone_number_id: str | None = None
    business_id: str | None = None
    key: str | None = None
    onboarded_at: datetime
    taken_by: str
    taken_at: datetime
    code_mac: str | None = field(default=None, repr=False)
    settled_at: datetime | None = None
    result: str | None = None


def insert_signup(conn: Connection, given: Signup) -> None:
    """Store what was handed over."""
    insert_rows(conn, t, [asdict(given)])


def load_signup(conn: Connection, id_: str) -> Signup | None:
    """Return one of them."""
    return _load(conn, t.c.id == id_)


def load_by_code(conn: Connection, code_mac: str) -> Signup | None:
    """Return the one that came with a code."""
    return _load(conn, t.c.code_mac == code_mac)


def load_unsettled(conn: Connection, waba_id: str | None = None) -> list[Signup]:
    """Return those whose number is still to be asked for, of one WABA or of all."""
    query = _UNSETTLED if waba_id is None else _UNSETTLED_OF
    return [_to_signup(row) for row in conn.execute(query, {"waba": waba_id})]


_UNSETTLED = select(t).where(t.c.settled_at.is_(None)).order_by(t.c.taken_at, t.c.id)
_UNSETTLED_OF = _UNSETTLED.where(t.c.waba_id == bindparam("waba"))


def load_latest(conn: Connection, limit: int) -> list[Signup]:
    """Return the latest, the latest first."""
    rows = conn.execute(select(t).order_by(t.c.taken_at.desc(), t.c.id.desc()).limit(limit))
    return [_to_signup(row) for row in rows]


def settle(conn: Connection, id_: str, now: datetime, result: str) -> None:
    """Note what came of one, unless that is known."""
    conn.execute(
        update(t)
        .where(t.c.id == id_, t.c.settled_at.is_(None))
        .values(settled_at=now, result=storable(result))
    )


def note(conn: Connection, id_: str, result: str) -> None:
    """Note how one stands that is not settled."""
    conn.execute(
        update(t).where(t.c.id == id_, t.c.settled_at.is_(None)).values(result=storable(result))
    )


def forget_code(conn: Connection, id_: str) -> None:
    """Let a code be handed over again that was not sent."""
    conn.execute(update(t).where(t.c.id == id_).values(code_mac=None))


def _load(conn: Connection, condition: Any) -> Signup | None:
    row = conn.execute(select(t).where(condition).order_by(t.c.taken_at, t.c.id)).first()
    return _to_signup(row) if row else None


def _to_signup(row: Any) -> Signup:
    return Signup(**row._mapping)  # noqa: SLF001 - public in SQLAlchemy
