"""Query plans: what is asked often uses its index, however many machines rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

from onboarding.model import State
from onboarding.store import accounts, deadlines, finding, history, journal, onboardings
from tests.store.making import (
    DAY,
    MINUTE,
    REAL,
    START,
    WABA,
    a_deadline,
    a_row,
    an_operation,
    claim,
    rows,
    store,
    write,
)


@pytest.fixture
def full(database: Engine) -> Engine:
    """A database with enough in it for a planner to care."""
    resting = [
        a_row(place, next_due_at=None, state=State.REGISTERED, key=f"k{place}")
        for place in range(300)
    ]
    store(database, resting)
    made = [an_operation(row) for row in resting]
    write(database, lambda conn: journal.insert_intents(conn, made, "worker"))
    write(database, lambda c: deadlines.set_deadlines(c, [a_deadline(row) for row in resting]))
    write(database, lambda conn: conn.execute(text("ANALYZE")))
    return database


def plan_of(database: Engine, work: Callable[[Connection], Any]) -> str:
    """Return how SQLite runs the last statement of the work."""
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        seen.append((statement, parameters))

    event.listen(database, "before_cursor_execute", note)
    try:
        write(database, work)
    finally:
        event.remove(database, "before_cursor_execute", note)
    statement, parameters = seen[-1]
    explained = write(
        database,
        lambda conn: conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all(),
    )
    return "\n".join(str(row.detail) for row in explained)


QUERIES: dict[str, tuple[Callable[[Connection], Any], str]] = {
    "the next due instant": (onboardings.next_due, "ix_onboarding_next_due_at"),
    "by number": (
        lambda c: finding.load_by_number(c, ["493000000001"]),
        "ix_onboarding_number_key",
    ),
    "by key": (lambda c: finding.load_by_key(c, ["k"]), "sqlite_autoindex_onboarding"),
    "of an account": (
        lambda c: finding.load_observable(c, WABA),
        "ix_onboarding_waba_id_state",
    ),
    "woken by an account": (
        lambda c: onboardings.wake_account(c, WABA, START, ()),
        "ix_onboarding_waba_id_state",
    ),
    "codes that are out": (
        lambda c: onboardings.count_codes_out(c, [WABA], START),
        "ix_onboarding_waba_id_state",
    ),
    "calls of a number": (
        lambda c: journal.load_attempts(c, ["493000000001"], START),
        "ix_operation_number_key_intent_at",
    ),
    "pressing calls": (
        lambda c: journal.load_pressing(c, ["row-000001"]),
        "ix_operation_onboarding_id",
    ),
    "a code that was used": (
        lambda c: journal.code_was_used(c, "1/mac"),
        "uq_operation_natural_key_verify",
    ),
    "open calls": (journal.count_open, "uq_operation_onboarding_id_open"),
    "deadlines of an onboarding": (
        lambda c: deadlines.load_deadlines(c, ["row-000001"]),
        "autoindex_deadline",
    ),
    "who waits for a budget and is urgent": (
        lambda c: onboardings.count_urgent(c, START + DAY),
        "ix_onboarding_waiting_register_by_budget",
    ),
    "rungs that are due": (
        lambda c: deadlines.find_climbable(c, START + DAY, 100),
        "ix_deadline_next_rung_at",
    ),
    "the next rung": (deadlines.next_rung_at, "ix_deadline_next_rung_at"),
    "a history": (lambda c: history.read(c, "row-000001"), "autoindex_history"),
    "an account": (lambda c: accounts.load_accounts(c, [WABA]), "autoindex_account"),
}  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_uses_its_index(full: Engine, query: str) -> None:
    work, index = QUERIES[query]
    plan = plan_of(full, work)
    assert index in plan
    for table in ("onboarding", "operation", "history", "deadline", "account"):
        assert f"SCAN {table}\n" not in f"{plan}\n"


def test_a_claim_reads_only_what_is_due(full: Engine) -> None:
    fields: dict[str, Any] = {
        "worker": "one", "now": START, "real_now": REAL, "lease_until": REAL + MINUTE,
        "wake_at": START + MINUTE, "definition": 1, "limit": 100,
    }  # fmt: skip
    plan = plan_of(full, lambda conn: onboardings.claim_due(conn, **fields))
    assert "ix_onboarding_next_due_at" in plan
    assert "SCAN onboarding" not in plan
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan
    assert claim(full) == []


def test_a_write_of_many_looks_rows_up_by_their_keys(full: Engine) -> None:
    many = rows(50)
    plan = plan_of(full, lambda conn: onboardings.write_step(conn, many))
    assert "SEARCH onboarding USING" in plan
    assert "SCAN onboarding" not in plan
