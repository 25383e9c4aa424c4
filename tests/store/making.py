"""Rows as the tests of the store need them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, event

from onboarding.core.chain import Entry as HistoryEntry
from onboarding.model import (
    Account,
    Deadline,
    DeadlineReason,
    Entry,
    JournaledOperation,
    Onboarding,
    Operation,
    OperationStatus,
    State,
)
from onboarding.store import leases, onboardings
from onboarding.store.database import reading, writing

T = TypeVar("T")

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
WABA, OTHER_WABA = "102290129340398", "103390129340399"

#: Real time, which is not business time.
REAL = datetime(2030, 1, 1, tzinfo=UTC)


def an_account(waba_id: str = WABA, **changes: Any) -> Account:
    """Return an account that nothing is due for."""
    fields = {"waba_id": waba_id, "token_sealed": "sealed", "created_at": START}
    return Account(**{**fields, **changes})


def a_row(place: int = 0, **changes: Any) -> Onboarding:
    """Return an onboarding that is due at ``START``; each place has a number of its own."""
    number = f"4930{place:08}"
    fields: dict[str, Any] = {
        "id": f"row-{place:06}", "content_digest": "0", "waba_id": WABA, "number_key": number,
        "phone_number": f"+{number}", "cc": "49", "national_number": number[2:], "region": "DE",
        "display_name": "Lucky Shrub", "entry": Entry.NEW, "requested_by": "tester",
        "created_at": START, "state": State.REQUESTED, "state_since": START, "definition": 1,
        "next_due_at": START, "waiting_since": START,
    }  # fmt: skip
    return Onboarding(**{**fields, **changes})


def rows(count: int, **changes: Any) -> list[Onboarding]:
    """Return so many onboardings."""
    return [a_row(place, **changes) for place in range(count)]


def an_operation(
    row: Onboarding, name: Operation = Operation.REGISTER, **changes: Any
) -> JournaledOperation:
    """Return the intent of a call."""
    fields: dict[str, Any] = {
        "id": f"op-{row.id}-{name}", "onboarding_id": row.id, "waba_id": row.waba_id,
        "number_key": row.number_key, "cycle": 1, "name": name, "natural_key": f"{row.id}/1",
        "attempt": 1, "status": OperationStatus.PENDING, "intent_at": START,
        "settle_at": START + 2 * MINUTE,
    }  # fmt: skip
    return JournaledOperation(**{**fields, **changes})


def an_entry(trigger: str = "noted", **changes: Any) -> HistoryEntry:
    """Return an entry of a history that stays in its state."""
    fields: dict[str, Any] = {
        "at": START, "trigger": trigger, "source": "requested", "dest": "requested",
        "actor": "tester", "reason": "because",
    }  # fmt: skip
    return HistoryEntry(**{**fields, **changes})


def a_deadline(row: Onboarding, **changes: Any) -> Deadline:
    """Return a deadline of fourteen days, whose first rung is due at half of them."""
    fields: dict[str, Any] = {
        "onboarding_id": row.id, "cycle": 1, "reason": DeadlineReason.POLICY,
        "anchor_source": "requested", "starts_at": START, "due_at": START + 14 * DAY,
        "next_rung": 0, "next_rung_at": START + 7 * DAY,
    }  # fmt: skip
    return Deadline(**{**fields, **changes})


def store(database: Engine, stored: Sequence[Onboarding]) -> list[Onboarding]:
    """Insert onboardings and return them."""
    with writing(database) as conn:
        onboardings.insert_onboardings(conn, stored)
    return list(stored)


def write(database: Engine, work: Callable[[Connection], T]) -> T:
    """Do something in a writing transaction of its own."""
    with writing(database) as conn:
        return work(conn)


def read(database: Engine, work: Callable[[Connection], T]) -> T:
    """Do something in a reading transaction of its own."""
    with reading(database) as conn:
        return work(conn)


def load(database: Engine, id_: str = "row-000000") -> Onboarding:
    """Return an onboarding as it is stored."""
    return read(database, lambda conn: onboardings.load_onboardings(conn, [id_]))[id_]


def claim(
    database: Engine, worker: str = "one", now: datetime = START, **changes: Any
) -> list[Onboarding]:
    """Claim what is due."""
    fields: dict[str, Any] = {
        "worker": worker, "now": now, "real_now": REAL, "lease_until": REAL + 90 * SECOND,
        "wake_at": now + 90 * SECOND, "definition": 1, "limit": 100,
        "soon": now + DAY,
    }  # fmt: skip

    def taken(conn: Connection) -> list[Onboarding]:
        claimed = leases.claim_due(conn, **{**fields, **changes})
        rows = onboardings.load_onboardings(conn, [each.id for each in claimed])
        return [rows[each.id] for each in claimed]

    return write(database, taken)


@contextmanager
def counted(database: Engine) -> Iterator[list[str]]:
    """Collect the statements that are executed; one with many parameter sets counts each.

    That PostgreSQL is asked for the time is left out: it is once a second, whatever is done.
    """
    seen: list[str] = []

    def count(
        _conn: Any,
        _cursor: Any,
        statement: str,
        parameters: Any,
        _context: Any,
        many: bool,  # noqa: FBT001 - as above
    ) -> None:
        if "clock_timestamp()" not in statement:
            seen.extend([statement] * (len(parameters) if many else 1))

    event.listen(database, "before_cursor_execute", count)
    try:
        yield seen
    finally:
        event.remove(database, "before_cursor_execute", count)
