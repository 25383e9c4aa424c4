"""Finding: by key, number, the start of an id, or conditions; and the counts for people."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from onboarding.model import Operation, OperationStatus, Owner, Reason, State
from onboarding.store import deadlines, finding, journal, webhooks, workers
from onboarding.store.views import overview
from tests.store.making import (
    DAY,
    OTHER_WABA,
    REAL,
    SECOND,
    START,
    WABA,
    a_deadline,
    a_row,
    an_operation,
    read,
    rows,
    store,
    write,
)


def found(database: Engine, **conditions: Any) -> list[str]:
    given: dict[str, Any] = {
        "states": (), "waiting_for": None, "waba_id": None, "number_key": None,
        "due_before": None, "after_id": None, "limit": 100,
    }  # fmt: skip
    return [row.id for row in read(database, lambda c: finding.find(c, **{**given, **conditions}))]


@pytest.fixture
def fleet(database: Engine) -> Engine:
    """Five onboardings, two of them of one number."""
    store(
        database,
        [
            a_row(0, key="a", register_by=START),
            a_row(1, key="b", state=State.CREATED, register_by=START + DAY),
            a_row(2, state=State.CANCELLED, waba_id=OTHER_WABA, created_at=START - DAY),
            a_row(3, number_key="493000000002", state=State.REGISTERED, waba_id=OTHER_WABA),
            a_row(4, state=State.NAME_REVIEW, waiting=Reason.NAME_DECLINED,
                  waiting_for=Owner.PARTNER),
        ],
    )  # fmt: skip
    return database


def test_conditions_narrow_down(fleet: Engine) -> None:
    everything = [row.id for row in rows(5)]
    assert found(fleet) == everything
    assert found(fleet, states=[State.CREATED, State.CANCELLED]) == everything[1:3]
    assert found(fleet, waba_id=OTHER_WABA) == everything[2:4]
    assert found(fleet, number_key="493000000002") == everything[2:4]
    assert found(fleet, due_before=START) == everything[:1]
    assert found(fleet, waiting_for=Owner.PARTNER) == everything[4:]
    assert found(fleet, after_id=everything[2]) == everything[3:]
    assert found(fleet, limit=2) == everything[:2]
    assert found(fleet, waba_id="' OR 1=1 --") == []
    assert found(fleet, waba_id="\udcff") == []


def test_keys_and_numbers_and_prefixes(fleet: Engine) -> None:
    by_key = read(fleet, lambda conn: finding.load_by_key(conn, ["a", "b", "c"]))
    assert {key: row.id for key, row in by_key.items()} == {"a": "row-000000", "b": "row-000001"}
    by_number = read(fleet, lambda conn: finding.load_by_number(conn, ["493000000002", "1"]))
    assert [row.id for row in by_number["493000000002"]] == ["row-000002", "row-000003"]

    def prefixed(prefix: str) -> list[str]:
        return [r.id for r in read(fleet, lambda c: finding.load_by_prefix(c, prefix, 2))]

    assert prefixed("row-000003") == ["row-000003"]
    assert len(prefixed("row-")) == 2
    for wild in ("%", "row_0000", "\udcff", "ROW-000003x"):
        assert prefixed(wild) == []


def test_a_list_tells_about_the_living_and_those_with_an_open_call(fleet: Engine) -> None:
    over = a_row(5, state=State.CANCELLED)
    open_call = a_row(6, state=State.LEFT)
    store(fleet, [over, open_call])
    call = an_operation(open_call, status=OperationStatus.UNKNOWN)
    write(fleet, lambda conn: journal.insert_intents(conn, [call], "worker"))
    told = write(fleet, lambda conn: finding.load_observable(conn, WABA))
    assert sorted(row.id for row in told) == [
        "row-000000", "row-000001", "row-000004", "row-000006",
    ]  # fmt: skip


def test_the_overview_counts(fleet: Engine) -> None:
    row = a_row(0)
    calls = [
        an_operation(row, Operation.CREATE_NUMBER, status=OperationStatus.SUCCEEDED),
        an_operation(row, Operation.REGISTER),
    ]
    write(fleet, lambda conn: journal.insert_intents(conn, calls, "worker"))
    made = [a_deadline(row), replace(a_deadline(a_row(1)), due_at=START - SECOND)]
    write(fleet, lambda conn: deadlines.set_deadlines(conn, made))
    rung = {
        "onboarding_id": row.id, "cycle": 1, "reason": made[0].reason, "raised_at": START,
    }  # fmt: skip
    raised = [
        {**rung, "rung": "inform", "collapsed_into": "urge"},
        {**rung, "rung": "urge", "collapsed_into": None},
    ]
    write(fleet, lambda conn: deadlines.insert_escalations(conn, raised))
    seen = read(fleet, lambda conn: overview(conn, START))
    assert seen.states == {
        State.REQUESTED: 1, State.CREATED: 1, State.CANCELLED: 1, State.REGISTERED: 1,
        State.NAME_REVIEW: 1,
    }  # fmt: skip
    assert seen.waiting == {
        (Reason.DUE, Owner.ENGINE): 2, (Reason.NAME_DECLINED, Owner.PARTNER): 1,
    }  # fmt: skip
    assert seen.nearest_deadline == START + 14 * DAY
    assert seen.calls == {Operation.CREATE_NUMBER: 1, Operation.REGISTER: 1}
    assert (seen.open_calls, seen.escalations) == (1, {"urge": 1})


def test_an_empty_fleet(database: Engine) -> None:
    seen = read(database, lambda conn: overview(conn, START))
    assert (seen.states, seen.waiting, seen.calls) == ({}, {}, {})
    assert (seen.nearest_deadline, seen.open_calls) == (None, 0)


def test_workers_come_and_go(database: Engine) -> None:
    for place, name in enumerate(["host:1:a", "host:2:b"]):
        at = REAL + place * SECOND
        write(database, lambda conn, n=name, at=at: workers.insert_worker(conn, n, at))  # type: ignore[misc] # bound now
    loops = {"advance": "2026-03-02T09:00:00Z"}
    write(database, lambda c: workers.touch_worker(c, "host:1:a", REAL + DAY, loops))
    write(database, lambda conn: workers.stop_worker(conn, "host:2:b", REAL + 2 * SECOND))
    second, first = read(database, lambda conn: workers.load_workers(conn, REAL))
    assert (first["id"], first["seen_at"], first["loops"]) == ("host:1:a", REAL + DAY, loops)
    assert (second["stopped_at"], first["stopped_at"]) == (REAL + 2 * SECOND, None)
    assert [w["id"] for w in read(database, lambda c: workers.load_workers(c, REAL + DAY))] == [
        "host:1:a"
    ]


def test_a_webhook_event_is_new_once(database: Engine) -> None:
    def take(*digests: str) -> set[str]:
        events = [
            {"digest": digest, "received_at": START, "field": "account_update", "waba_id": None}
            for digest in digests
        ]
        return write(database, lambda conn: webhooks.insert_events(conn, events))

    assert take("a", "b") == {"a", "b"}
    assert take("b", "c") == {"c"}
    assert take() == set()
