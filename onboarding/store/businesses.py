"""Business portfolios whose token several WABAs take."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import Any

from sqlalchemy import Connection, select

from onboarding.model import Business
from onboarding.store.rowset import packed, upsert
from onboarding.store.tables import account, business

_COLUMNS = list(business.columns)
_CHANGED = ("name", "token_sealed", "token_source", "changed_at")


def load_businesses(conn: Connection) -> dict[str, Business]:
    """Return all of them, by id."""
    rows = conn.execute(select(business).order_by(business.c.business_id))
    return {row.business_id: Business(**row._mapping) for row in rows}  # noqa: SLF001 - public in SQLAlchemy


def put_business(conn: Connection, given: Business) -> None:
    """Store a business, or the token and name of one that is known."""
    conn.execute(_put(conn.dialect.name), packed(_COLUMNS, [asdict(given)]))


@cache
def _put(dialect: str) -> Any:
    changes = {name: lambda _s, new, name=name: new[name] for name in _CHANGED}
    return upsert(dialect, business, [c.name for c in _COLUMNS], changes)


def accounts_taking(conn: Connection, business_id: str) -> list[str]:
    """Return the ids of the WABAs that take the token of a business."""
    query = (
        select(account.c.waba_id)
        .where(account.c.token_business_id == business_id)
        .order_by(account.c.waba_id)
    )
    return list(conn.execute(query).scalars())
