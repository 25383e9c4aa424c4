"""What a purse is opened with: what was spent, what is on its way, and who waits to spend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, String, func, literal_column, select, union_all

from onboarding.core.budgets import HOUR, bucket_of
from onboarding.store import budgets, onboardings
from onboarding.store.rowset import packed_list
from onboarding.store.tables import budget


@dataclass(frozen=True, slots=True)
class Counts:
    """What budgets were used for, and will be.

    Attributes:
        used: calls of the last hour, by budget.
        codes_out: codes that may still be given back to Meta, by account.
        refused: how many of an account's numbers that wait for a budget are urgent, by account.
    """

    used: dict[str, int] = field(default_factory=dict)
    codes_out: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)


@cache
def _counts(dialect: str) -> Any:
    codes_out = onboardings.CODES_OUT.subquery("codes_out")
    counted = select(codes_out.c.waba_id, func.count()).group_by(codes_out.c.waba_id)
    return union_all(
        _as("used", budgets.used(dialect)),
        _as("codes_out", counted),
        _as("refused", onboardings.REFUSED),
    )


def _as(kind: str, query: Select[Any]) -> Select[Any]:
    key, count = query.selected_columns
    return query.with_only_columns(
        literal_column(f"'{kind}'", String).label("kind"), key.label("key"), count.label("number")
    )


def load_counts(
    conn: Connection, keys: Sequence[str], *, now: datetime, codes_since: datetime, before: datetime
) -> Counts:
    """Return what ``load_used``, ``count_codes_out`` and ``count_refused`` do, with one query.

    Args:
        conn: an open transaction, which holds the budgets.
        keys: the budgets.
        now: business time.
        codes_since: codes sent since then may still be given back.
        before: what is to be registered before this is urgent.
    """
    wanted = {
        "since": bucket_of(now - HOUR),
        "codes_since": codes_since,
        **onboardings.refused_parameters(now, before),
        **packed_list(budget.c.key, keys),
    }
    counts = Counts()
    for row in conn.execute(_counts(conn.dialect.name), wanted):
        getattr(counts, row.kind)[row.key] = int(row.number)
    return counts
