"""The claim ledger, the shares and the stock levels of pools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, select

from onboarding.core.pool.model import Claim, Share
from onboarding.store.rowset import listed, packed, packed_list, upsert
from onboarding.store.tables import pool_claim as c
from onboarding.store.tables import pool_share as s
from onboarding.store.tables import pool_stock as k

_CLAIM = [c.c[f.name] for f in fields(Claim)]
_SHARE = [s.c[f.name] for f in fields(Share)]


@dataclass(frozen=True, slots=True, kw_only=True)
class StockLevel:
    """How many verified numbers of a country a pool is to have at least."""

    business_id: str
    region: str
    at_least: int
    set_by: str
    set_at: datetime


def to_claim(row: Row[Any]) -> Claim:
    """Return the claim of a full row."""
    return Claim(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


@cache
def _write_claims(dialect: str) -> Any:
    kept = ("id", "pool_number_id", "number_key", "claimed_at")
    changes = {
        col.name: lambda _stored, new, name=col.name: new[name]
        for col in _CLAIM
        if col.name not in kept
    }
    return upsert(dialect, c, [col.name for col in _CLAIM], changes)


def write_claims(conn: Connection, claims: Sequence[Claim]) -> None:
    """Store claims, new ones and those that changed, with one statement.

    Raises:
        IntegrityError: the number, or the onboarding, has another live claim.
    """
    if claims:
        rows = [{col.name: getattr(claim, col.name) for col in _CLAIM} for claim in claims]
        conn.execute(_write_claims(conn.dialect.name), packed(_CLAIM, rows))


def load_live_claims(conn: Connection, pool_number_ids: Sequence[str]) -> dict[str, Claim]:
    """Return the live claims of these numbers of the pool, by their ids."""
    wanted = listed(conn.dialect.name, c.c.pool_number_id)
    query = select(c).where(c.c.pool_number_id.in_(wanted), c.c.released_at.is_(None))
    found = conn.execute(query, packed_list(c.c.pool_number_id, pool_number_ids))
    return {row.pool_number_id: to_claim(row) for row in found}


def load_claims(
    conn: Connection,
    *,
    pool_number_id: str | None = None,
    onboarding_id: str | None = None,
) -> list[Claim]:
    """Return the claims of a number of the pool, of an onboarding, or all; the latest first."""
    query = select(c).order_by(c.c.claimed_at.desc(), c.c.id.desc())
    if pool_number_id is not None:
        query = query.where(c.c.pool_number_id == pool_number_id)
    if onboarding_id is not None:
        query = query.where(c.c.onboarding_id == onboarding_id)
    return [to_claim(row) for row in conn.execute(query)]


@cache
def _write_shares(dialect: str) -> Any:
    names = [col.name for col in _SHARE]
    kept = ("pool_number_id", "partner_business_id")
    changes = {
        name: lambda _stored, new, name=name: new[name] for name in names if name not in kept
    }
    return upsert(dialect, s, names, changes)


def write_shares(conn: Connection, shares: Sequence[Share]) -> None:
    """Store shares as they stand now, with one statement; of one that is given twice the last."""
    if shares:
        last = {(share.pool_number_id, share.partner_business_id): share for share in shares}
        rows = [{col.name: getattr(share, col.name) for col in _SHARE} for share in last.values()]
        conn.execute(_write_shares(conn.dialect.name), packed(_SHARE, rows))


def load_shares(conn: Connection, pool_number_ids: Sequence[str]) -> dict[str, list[Share]]:
    """Return the shares of these numbers, by their ids, in the order of the partners' ids."""
    wanted = listed(conn.dialect.name, s.c.pool_number_id)
    query = select(s).where(s.c.pool_number_id.in_(wanted)).order_by(s.c.partner_business_id)
    found: dict[str, list[Share]] = {}
    for row in conn.execute(query, packed_list(s.c.pool_number_id, pool_number_ids)):
        found.setdefault(row.pool_number_id, []).append(Share(**row._mapping))  # noqa: SLF001 - the same
    return found


def set_level(conn: Connection, level: StockLevel) -> None:
    """Note how many numbers of a country a pool is to have; a later word takes its place."""
    columns = list(k.columns)
    row = {col.name: getattr(level, col.name) for col in columns}
    changes = {
        name: lambda _stored, new, name=name: new[name] for name in ("at_least", "set_by", "set_at")
    }
    statement = upsert(conn.dialect.name, k, [col.name for col in columns], changes)
    conn.execute(statement, packed(columns, [row]))


def load_levels(conn: Connection) -> dict[tuple[str, str], StockLevel]:
    """Return the levels that were set, by pool and country."""
    query = select(k).order_by(k.c.business_id, k.c.region)
    found = [StockLevel(**row._mapping) for row in conn.execute(query)]  # noqa: SLF001 - the same
    return {(level.business_id, level.region): level for level in found}
