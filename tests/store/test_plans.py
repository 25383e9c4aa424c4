"""Query plans: what is asked often uses its index, however many machines rest."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

from onboarding.model import OperationStatus, Reason, State
from onboarding.store import (
    accounts,
    deadlines,
    finding,
    history,
    journal,
    leases,
    onboardings,
    pools,
)
from onboarding.store.purses import Counts, load_counts
from tests.store.making import (
    DAY,
    MINUTE,
    REAL,
    START,
    WABA,
    a_deadline,
    a_row,
    an_entry,
    an_operation,
    claim,
    rows,
    store,
    write,
)

#: So many copies are made on PostgreSQL, whose planner reads a table that is small from end to end.
COPIES = 70

_COPY = """
INSERT INTO {table}
SELECT (jsonb_populate_record(made, changes.changed)).*
FROM {table} AS made, generate_series(1, :copies) AS copy, LATERAL ({changes}) AS changes
"""
_CHANGES = {
    "account": "SELECT jsonb_build_object('waba_id', waba_id || copy) AS changed",
    "onboarding": "SELECT jsonb_build_object('id', id || '-' || copy, 'waba_id', waba_id || copy, "
    "'number_key', number_key || copy, 'key', key || '-' || copy) AS changed",
    "operation": "SELECT jsonb_build_object('id', id || copy, "
    "'onboarding_id', onboarding_id || '-' || copy, 'waba_id', waba_id || copy, "
    "'number_key', number_key || copy, 'natural_key', natural_key || copy) AS changed",
    # Its rows are small, so that there must be more of them: some of later cycles.
    "deadline": "SELECT jsonb_build_object('onboarding_id', onboarding_id || '-' || copy, "
    "'cycle', later) AS changed FROM generate_series(1, 4) AS later",
    "history": "SELECT jsonb_build_object("
    "'onboarding_id', onboarding_id || '-' || copy) AS changed",
}


@pytest.fixture(scope="module")
def full(shared_database: Engine) -> Engine:
    """A database with enough in it for a planner to care; PostgreSQL's has 21,300 machines."""
    database = shared_database
    resting = [
        a_row(
            place, next_due_at=START + DAY if place % 3 else None, state=State.REGISTERED,
            key=f"k{place}", waiting=Reason.DUE if place % 10 else Reason.BUDGET,
            register_by=START if place % 10 else START + 9 * DAY,
        )
        for place in range(300)
    ]  # fmt: skip
    store(database, resting)
    made = [
        an_operation(row, status=OperationStatus.PENDING if not place else OperationStatus.ABSENT)
        for place, row in enumerate(resting)
    ]
    write(database, lambda conn: journal.insert_intents(conn, made, "worker"))
    write(database, lambda c: deadlines.set_deadlines(c, [a_deadline(row) for row in resting]))
    first, heads = [an_entry("requested", source="")], {row.id: (0, "") for row in resting}
    write(database, lambda c: history.append(c, {row.id: first for row in resting}, heads))
    if database.dialect.name == "postgresql":
        for table, changes in _CHANGES.items():
            copying = text(_COPY.format(table=table, changes=changes))
            write(database, lambda c, copying=copying: c.execute(copying, {"copies": COPIES}))  # type: ignore[misc]
    write(database, lambda conn: conn.execute(text("ANALYZE")))
    return database


def plan_of(database: Engine, work: Callable[[Connection], Any]) -> str:
    """Return how the database runs the last statement of the work; nothing of it stays."""
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        seen.append((statement, parameters))

    explain = "EXPLAIN QUERY PLAN" if database.dialect.name == "sqlite" else "EXPLAIN"
    with database.connect() as conn, conn.begin() as transaction:
        event.listen(database, "before_cursor_execute", note)
        try:
            work(conn)
        finally:
            event.remove(database, "before_cursor_execute", note)
        statement, parameters = seen[-1]
        explained = conn.exec_driver_sql(f"{explain} {statement}", parameters).all()
        transaction.rollback()
    return "\n".join(str(row[-1]) for row in explained)


def reads_whole(plan: str, table: str) -> bool:
    """Whether a plan reads a table from end to end."""
    return re.search(rf"(SCAN {table}|Seq Scan on {table}\b.*)$", plan, re.MULTILINE) is not None


def _counts(conn: Connection) -> Counts:
    return load_counts(conn, ["app"], now=START, codes_since=START, before=START + DAY)


QUERIES: dict[str, tuple[Callable[[Connection], Any], str]] = {
    "the next due instant": (lambda conn: leases.next_due(conn, 1), "ix_onboarding_claim_order"),
    "by number": (
        lambda c: finding.load_by_number(c, ["493000000001"]),
        "ix_onboarding_number_key",
    ),
    "by key": (
        lambda c: finding.load_by_key(c, ["k"]),
        "sqlite_autoindex_onboarding|uq_onboarding_key",
    ),
    "of an account": (
        lambda c: finding.load_observable(c, WABA),
        "ix_onboarding_waba_id_state",
    ),
    "woken by an account": (
        lambda c: leases.wake_account(c, WABA, START, [Reason.ACCOUNT_HELD]),
        "ix_onboarding_waba_id_state",
    ),
    "codes that are out": (
        _counts,
        "ix_onboarding_code_sent_at_pending",
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
        lambda c: journal.codes_used(c, ["1/mac"]),
        "uq_operation_natural_key_verify",
    ),
    "open calls": (journal.count_open, "uq_operation_(onboarding|pool_number)_id_open"),
    "deadlines of an onboarding": (
        lambda c: deadlines.load_deadlines(c, ["row-000001"]),
        "autoindex_deadline|pk_deadline",
    ),
    "who waits for a budget": (
        _counts,
        "ix_onboarding_waba_id_register_by_budget",
    ),
    "rungs that are due": (
        lambda c: deadlines.find_climbable(c, START + DAY, 100),
        "ix_deadline_next_rung_at",
    ),
    "the next rung": (deadlines.next_rung_at, "ix_deadline_next_rung_at"),
    "a history": (lambda c: history.read(c, "row-000001"), "autoindex_history|pk_history"),
}  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_uses_its_index(full: Engine, query: str) -> None:
    work, index = QUERIES[query]
    plan = plan_of(full, work)
    assert re.search(index, plan), plan
    for table in ("onboarding", "operation", "history", "deadline"):
        assert not reads_whole(plan, table), plan


@pytest.mark.on("sqlite")
def test_an_account_is_loaded_by_its_key(full: Engine) -> None:
    plan = plan_of(full, lambda conn: accounts.load_accounts(conn, [WABA]))
    assert "autoindex_account" in plan
    assert not reads_whole(plan, "account"), plan


@pytest.mark.on("sqlite")
def test_numbers_of_pools_that_are_due_are_found_by_their_index(full: Engine) -> None:
    plan = plan_of(full, lambda conn: pools.claim_due(conn, START, 10))
    assert "ix_pool_number_next_due_at_due" in plan
    assert not reads_whole(plan, "pool_number"), plan


CLAIM: dict[str, Any] = {
    "worker": "one", "now": START, "real_now": REAL, "lease_until": REAL + MINUTE,
    "wake_at": START + MINUTE, "definition": 1, "limit": 100, "soon": START + DAY,
}  # fmt: skip


def test_a_claim_reads_only_what_is_due(full: Engine) -> None:
    plan = plan_of(full, lambda conn: leases.claim_due(conn, **CLAIM))
    assert "ix_onboarding_claim_order" in plan
    assert not reads_whole(plan, "onboarding"), plan
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan
    assert "Sort" not in of_longest(plan)
    assert claim(full) == []


def of_longest(plan: str) -> str:
    """Return the part of a claim's plan that takes those that are due longest.

    The few that are urgent may be sorted, where that is less than their index.
    """
    return plan.partition("CTE longest")[2].partition("CTE picked")[0] or plan


@pytest.mark.on("postgresql")
@pytest.mark.parametrize("days", [0, 1, 9])
def test_a_claim_reads_the_earliest_first_however_many_are_due(full: Engine, days: int) -> None:
    """In a hundred times as many, too: the plan is that of the limit, and not of the table."""
    now = START + days * DAY
    changed = {**CLAIM, "now": now, "soon": now + DAY}
    plan = plan_of(full, lambda conn: leases.claim_due(conn, **changed))
    assert "Index Scan using ix_onboarding_claim_order" in plan
    assert "Index Scan using pk_onboarding" in plan
    assert not reads_whole(plan, "onboarding"), plan
    assert "Sort" not in of_longest(plan)
    assert "CTE longest" in plan


def test_a_claim_reads_the_urgent_by_their_deadline(full: Engine) -> None:
    """However many are due: those of the next day are in order already."""
    changed = {**CLAIM, "now": START + 8 * DAY, "soon": START + 9 * DAY}
    plan = plan_of(full, lambda conn: leases.claim_due(conn, **changed))
    assert "ix_onboarding_register_by_next_due_at_id_awake" in plan
    assert not reads_whole(plan, "onboarding"), plan
    assert "Sort" not in plan
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan


@pytest.mark.on("postgresql")
def test_a_claim_keeps_its_plan_when_the_driver_prepares_it(full: Engine) -> None:
    """A plan for any limit would read the whole table; PostgreSQL must not come to prefer it."""
    plans = (
        "SELECT generic_plans, custom_plans FROM pg_prepared_statements "
        "WHERE statement LIKE 'WITH urgent%'"
    )
    with full.connect() as conn, conn.begin() as transaction:
        for _ in range(20):
            leases.claim_due(conn, **CLAIM)
        prepared = conn.execute(text(plans)).all()
        transaction.rollback()
    assert [row.generic_plans for row in prepared] == [0]
    assert prepared[0].custom_plans > 5


def test_a_write_of_many_looks_rows_up_by_their_keys(full: Engine) -> None:
    plan = plan_of(full, lambda conn: onboardings.write_step(conn, rows(50)))
    assert re.search("SEARCH onboarding USING|Index Scan using pk_onboarding", plan), plan
    assert not reads_whole(plan, "onboarding"), plan


@pytest.mark.parametrize("lock", [False, True])
def test_rows_are_loaded_by_their_keys(full: Engine, lock: bool) -> None:  # noqa: FBT001 - a parameter of the test
    ids = [row.id for row in rows(50)]
    plan = plan_of(full, lambda conn: onboardings.load_onboardings(conn, ids, lock=lock))
    assert not reads_whole(plan, "onboarding"), plan
