"""Slots: what the lists of WABAs, our own creates and Meta's words say about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Column, Connection, String, and_, func, literal_column, or_, select

from onboarding.model import Account
from onboarding.store.accounts import to_account
from onboarding.store.columns import Instant
from onboarding.store.rowset import given, listed, packed, packed_list
from onboarding.store.tables import account, onboarding, operation

_SINCE = (
    Column("waba_id", String(32)),
    Column("listed_at", Instant),
    Column("since", Instant),
)


@cache
def _portfolios(dialect: str) -> Any:
    wanted = listed(dialect, account.c.waba_id)
    theirs = select(account.c.business_id).where(account.c.waba_id.in_(wanted))
    return (
        select(account)
        .where(or_(account.c.waba_id.in_(wanted), account.c.business_id.in_(theirs)))
        .order_by(account.c.waba_id)
    )


def load_portfolios(conn: Connection, waba_ids: Sequence[str]) -> list[Account]:
    """Return all accounts of the portfolios that these belong to."""
    found = conn.execute(
        _portfolios(conn.dialect.name), packed_list(account.c.waba_id, sorted(set(waba_ids)))
    )
    return [to_account(row) for row in found]


@cache
def _made(dialect: str) -> Any:
    rows = given(dialect, _SINCE)
    is_shown = and_(onboarding.c.seen_present, onboarding.c.seen_at >= rows.c.listed_at)
    return (
        select(operation.c.waba_id, func.count().label("made"))
        .select_from(
            operation.join(rows, rows.c.waba_id == operation.c.waba_id).join(
                onboarding, onboarding.c.id == operation.c.onboarding_id
            )
        )
        .where(
            # In the words of the partial index.
            operation.c.name == literal_column("'create_number'"),
            operation.c.status.in_(
                [literal_column(f"'{status}'") for status in ("pending", "unknown", "succeeded")]
            ),
            or_(rows.c.since.is_(None), operation.c.intent_at > rows.c.since),
            or_(rows.c.listed_at.is_(None), is_shown.is_not(True)),
        )
        .group_by(operation.c.waba_id)
    )


def count_made(
    conn: Connection, since: Mapping[str, tuple[datetime | None, datetime | None]]
) -> dict[str, int]:
    """Return how many numbers were made, or may have been, that the last list need not show.

    Args:
        conn: an open transaction.
        since: of each WABA, when the last list began, and the intents from which on count.
    """
    rows = [
        {"waba_id": waba_id, "listed_at": listed_at, "since": from_when}
        for waba_id, (listed_at, from_when) in since.items()
    ]
    found = conn.execute(_made(conn.dialect.name), packed(_SINCE, rows))
    return {row.waba_id: row.made for row in found}


def count_queued(conn: Connection) -> dict[str, int]:
    """Return how many numbers wait for a slot, by WABA id."""
    return {row.waba_id: row.queued for row in conn.execute(_QUEUED)}


_QUEUED = (
    select(onboarding.c.waba_id, func.count().label("queued"))
    .where(onboarding.c.waiting == literal_column("'slot'"))
    .group_by(onboarding.c.waba_id)
)
