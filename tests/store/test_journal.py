"""The journal: at most one open call per onboarding, and nothing twice that must be once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from onboarding.model import (
    OPEN,
    Effect,
    JournaledOperation,
    Operation,
    OperationStatus,
    Outcome,
)
from onboarding.store import journal
from onboarding.store.journal import Result
from tests.store.making import (
    DAY,
    MINUTE,
    SECOND,
    START,
    a_row,
    an_operation,
    read,
    rows,
    store,
    write,
)

DONE = Outcome(effect=Effect.DONE, phone_number_id="1", fbtrace_id="A")
SETTLED = [status for status in OperationStatus if status not in OPEN]


def intend(database: Engine, *operations: JournaledOperation) -> set[str]:
    return write(database, lambda conn: journal.insert_intents(conn, operations, "worker one"))


def a_result(operation: JournaledOperation, **changes: Any) -> Result:
    fields: dict[str, Any] = {
        "id": operation.id, "status": OperationStatus.SUCCEEDED, "outcome": DONE,
        "outcome_at": START + SECOND, "applied": False, "resolved_by": "response",
    }  # fmt: skip
    return Result(**{**fields, **changes})


def settle(database: Engine, *results: Result) -> set[str]:
    return write(database, lambda conn: journal.write_results(conn, results))


def operations(database: Engine, id_: str = "row-000000") -> list[JournaledOperation]:
    return read(database, lambda conn: journal.load_operations(conn, id_))


@pytest.mark.parametrize("status", OPEN)
def test_an_onboarding_has_at_most_one_open_call(database: Engine, status: OperationStatus) -> None:
    one, two = store(database, rows(2))
    first = an_operation(one, Operation.REGISTER, status=status)
    assert intend(database, first) == {first.id}
    second, other = an_operation(one, Operation.SET_PIN), an_operation(two)
    assert intend(database, second, other) == {other.id}
    settle(database, a_result(first))
    assert intend(database, second) == {second.id}


def test_calls_of_an_account_do_not_count_as_an_onboardings(database: Engine) -> None:
    (row,) = store(database, [a_row()])
    nobodys: dict[str, Any] = {"onboarding_id": None, "number_key": None}
    calls = [an_operation(row, Operation.SUBSCRIBE_APP, id=f"op-{n}", **nobodys) for n in range(2)]
    assert intend(database, *calls) == {"op-0", "op-1"}
    assert read(database, journal.count_open) == 2
    assert operations(database) == []


@pytest.mark.parametrize("status", OperationStatus)
def test_a_number_is_created_again_only_after_its_create_is_known_to_be_void(
    database: Engine, status: OperationStatus
) -> None:
    one, two = store(database, rows(2))
    first = an_operation(one, Operation.CREATE_NUMBER, natural_key="waba/49/1", status=status)
    again = an_operation(two, Operation.CREATE_NUMBER, natural_key="waba/49/1")
    intend(database, first)
    blocked = status in {*OPEN, OperationStatus.SUCCEEDED}
    assert intend(database, again) == (set() if blocked else {again.id})
    next_one = replace(again, id="next", natural_key="waba/49/2")
    assert intend(database, next_one) == ({"next"} if blocked else set())  # one open call


@pytest.mark.parametrize("status", SETTLED)
def test_a_code_is_sent_once_whatever_came_of_it(database: Engine, status: OperationStatus) -> None:
    (row,) = store(database, [a_row()])
    first = an_operation(row, Operation.VERIFY_CODE, natural_key="1/mac", status=status)
    intend(database, first)
    again = replace(first, id="again", status=OperationStatus.PENDING)
    never_left = status is OperationStatus.UNSENT
    assert intend(database, again) == ({"again"} if never_left else set())
    used = read(database, lambda conn: journal.codes_used(conn, ["1/mac"]))
    assert used
    assert not read(database, lambda conn: journal.codes_used(conn, ["1/other"]))


def test_a_code_that_never_left_was_not_used(database: Engine) -> None:
    (row,) = store(database, [a_row()])
    unsent = an_operation(
        row, Operation.VERIFY_CODE, natural_key="1/mac", status=OperationStatus.UNSENT
    )
    intend(database, unsent)
    assert not read(database, lambda conn: journal.codes_used(conn, ["1/mac"]))


def test_registrations_may_be_repeated_one_after_the_other(database: Engine) -> None:
    (row,) = store(database, [a_row()])
    for attempt in range(1, 4):
        call = an_operation(row, id=f"op-{attempt}", attempt=attempt)
        assert intend(database, call) == {call.id}
        settle(database, a_result(call, status=OperationStatus.REFUSED))
    assert [op.attempt for op in operations(database)] == [1, 2, 3]


def test_a_result_is_written_to_an_open_call_and_no_other(database: Engine) -> None:
    (row,) = store(database, [a_row()])
    call = an_operation(row)
    intend(database, call)
    assert settle(database, a_result(call), a_result(replace(call, id="nobody"))) == {call.id}
    stored = replace(
        call, status=OperationStatus.SUCCEEDED, outcome=DONE, outcome_at=START + SECOND,
        resolved_by="response",
    )  # fmt: skip
    assert operations(database) == [stored]
    assert settle(database, a_result(call, status=OperationStatus.REFUSED)) == set()
    assert operations(database) == [stored]
    assert settle(database) == set()


def test_an_answer_after_the_settlement_is_kept_and_looked_at(database: Engine) -> None:
    one, two = store(database, rows(2))
    absent, refused = an_operation(one), an_operation(two)
    intend(database, absent, refused)
    settle(
        database,
        a_result(absent, status=OperationStatus.ABSENT, outcome=None, applied=True),
        a_result(refused, status=OperationStatus.REFUSED, applied=True),
    )
    late = [a_result(absent, outcome_at=START + DAY), a_result(refused, outcome_at=START + DAY)]
    write(database, lambda conn: journal.keep_late(conn, late))
    (kept,) = operations(database, one.id)
    assert (kept.status, kept.outcome, kept.applied, kept.resolved_by) == (
        OperationStatus.ABSENT, DONE, False, "late",
    )  # fmt: skip
    (untouched,) = operations(database, two.id)
    assert untouched.applied
    assert untouched.outcome_at == START + SECOND
    pressing = read(database, lambda conn: journal.load_pressing(conn, [one.id, two.id]))
    assert [op.id for op in pressing] == [absent.id]
    write(database, lambda conn: journal.keep_late(conn, []))


def test_what_presses_is_open_or_not_yet_applied(database: Engine) -> None:
    (row,) = store(database, [a_row()])
    applied = an_operation(row, id="a", intent_at=START)
    waiting = an_operation(row, id="b", intent_at=START + SECOND)
    opened = an_operation(row, id="c", intent_at=START + MINUTE)
    for call in (applied, waiting):
        intend(database, call)
        settle(database, a_result(call))
    intend(database, opened)
    write(database, lambda conn: journal.mark_applied(conn, ["a"]))
    write(database, lambda conn: journal.mark_applied(conn, []))
    pressing = read(database, lambda conn: journal.load_pressing(conn, [row.id]))
    assert [op.id for op in pressing] == ["b", "c"]


def test_attempts_are_those_of_the_number_whatever_onboarding_made_them(database: Engine) -> None:
    one, two = store(database, rows(2))
    same: dict[str, Any] = {"number_key": one.number_key, "status": OperationStatus.REFUSED}
    made = [
        an_operation(one, id="old create", name=Operation.CREATE_NUMBER, intent_at=START - 90 * DAY,
                     natural_key="a", **same),
        an_operation(one, id="old", intent_at=START - 4 * DAY, **same),
        an_operation(two, id="other's", intent_at=START - DAY, **same),
        an_operation(one, id="own", intent_at=START, **same),
        an_operation(two, id="another number's"),
    ]  # fmt: skip
    intend(database, *made)
    since = START - 3 * DAY
    found = read(database, lambda conn: journal.load_attempts(conn, [one.number_key], since))
    assert [op.id for op in found[one.number_key]] == ["old create", "other's", "own"]


def test_open_and_settling_calls_are_counted(database: Engine) -> None:
    one, two = store(database, rows(2))
    intend(
        database,
        an_operation(one, settle_at=START),
        an_operation(two, settle_at=START + SECOND, status=OperationStatus.UNKNOWN),
    )
    assert read(database, journal.count_open) == 2
    assert read(database, lambda conn: journal.count_settling(conn, START)) == 1
    assert read(database, lambda conn: journal.count_settling(conn, START + DAY)) == 0
