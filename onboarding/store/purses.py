"""What a purse is opened with: what was spent, what is on its way, and who waits to spend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    String,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    select,
    union_all,
)

from onboarding.core.budgets import BUCKET, HOUR, bucket_of
from onboarding.model import OPEN, Operation
from onboarding.store import budgets
from onboarding.store.columns import Instant
from onboarding.store.rowset import packed_list
from onboarding.store.tables import budget, operation
from onboarding.store.tables import onboarding as t


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


#: Codes that arrived or will, and those that are being asked for. Written out and not bound, as
#: SQLite uses a partial index only for the very words it was made with.
_CODES_OUT = union_all(
    select(t.c.waba_id).where(
        t.c.state == literal_column("'otp_pending'"),
        t.c.code_sent_at > bindparam("codes_since", type_=Instant),
    ),
    select(operation.c.waba_id).where(
        operation.c.name == Operation.REQUEST_CODE,
        operation.c.status.in_([literal_column(f"'{status.value}'") for status in OPEN]),
    ),
)

_is_near = t.c.next_due_at <= bindparam("bucket_ends", type_=Instant)
_is_urgent = and_(_is_near, t.c.register_by < bindparam("before", type_=Instant))
_REFUSED = (
    select(t.c.waba_id, func.count(case((_is_urgent, 1))).label("urgent"))
    .where(t.c.waiting == literal_column("'budget'"))
    .group_by(t.c.waba_id)
    .having(func.count(case((_is_near, 1))) > 0)
)


@cache
def _counts(dialect: str) -> Any:
    codes_out = _CODES_OUT.subquery("codes_out")
    counted = select(codes_out.c.waba_id, func.count()).group_by(codes_out.c.waba_id)
    return union_all(
        _as("used", budgets.used(dialect)),
        _as("codes_out", counted),
        _as("refused", _REFUSED),
    )


def _as(kind: str, query: Select[Any]) -> Select[Any]:
    key, count = query.selected_columns
    return query.with_only_columns(
        literal_column(f"'{kind}'", String).label("kind"), key.label("key"), count.label("number")
    )


def load_counts(
    conn: Connection, keys: Sequence[str], *, now: datetime, codes_since: datetime, before: datetime
) -> Counts:
    """Return all three counts, with one query.

    A number that waits for longer than a bucket of a budget waits for a window of its own, and no
    call would help it.

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
        "bucket_ends": now + BUCKET,
        "before": before,
        **packed_list(budget.c.key, keys),
    }
    counts = Counts()
    for row in conn.execute(_counts(conn.dialect.name), wanted):
        getattr(counts, row.kind)[row.key] = int(row.number)
    return counts
