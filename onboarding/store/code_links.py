"""Links for holders: made, found, used, revoked. All of it under the lock of their onboarding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from onboarding.core.code_links import CodeLink
from onboarding.store.rowset import insert_rows, storable
from onboarding.store.tables import code_link as t

_FIELDS = tuple(f.name for f in fields(CodeLink))


def _to_link(row: Row[Any]) -> CodeLink:
    mapping = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
    return CodeLink(**{name: mapping[name] for name in _FIELDS})


def insert_link(conn: Connection, link: CodeLink) -> None:
    """Store a new link."""
    insert_rows(conn, t, [asdict(link)])


def load_link(conn: Connection, link_id: str) -> CodeLink | None:
    """Return the link with this id."""
    row = conn.execute(select(t).where(t.c.id == storable(link_id))).one_or_none()
    return _to_link(row) if row is not None else None


def load_links_by_prefix(conn: Connection, prefix: str, limit: int) -> list[CodeLink]:
    """Return links whose id starts like this."""
    query = select(t).where(t.c.id.startswith(storable(prefix), autoescape=True)).limit(limit)
    return [_to_link(row) for row in conn.execute(query)]


def load_links(conn: Connection, onboarding_ids: Sequence[str] | None) -> list[CodeLink]:
    """Return the links of some onboardings, or of all, latest first."""
    query = select(t).order_by(t.c.made_at.desc(), t.c.id)
    if onboarding_ids is not None:
        query = query.where(t.c.onboarding_id.in_(onboarding_ids))
    return [_to_link(row) for row in conn.execute(query)]


def count_code(conn: Connection, link_id: str, now: datetime) -> None:
    """Note that a code was handed in with a link."""
    conn.execute(update(t).where(t.c.id == link_id).values(codes=t.c.codes + 1, used_at=now))


def revoke_link(conn: Connection, link_id: str, now: datetime, by: str) -> None:
    """Take a link back; it works no more."""
    conn.execute(update(t).where(t.c.id == link_id).values(revoked_at=now, revoked_by=by))
