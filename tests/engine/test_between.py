"""What happens between the transactions of a step, or while a list is being read."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest

from onboarding.engine import outcomes
from onboarding.engine.advance import advance_due, claim_due
from onboarding.engine.intents import write_intents
from onboarding.engine.observe import ask_for_list, observe_due
from onboarding.model import OperationStatus, Reason, State
from tests.engine.rehearsing import (
    DAY,
    HOUR,
    MINUTE,
    NUMBER,
    OTHER_WABA,
    SECOND,
    WABA,
    Outage,
    Rehearse,
    Rehearsed,
    Seam,
    roomy,
)

LATE = "+493012345672"


def hint(at: int) -> dict[str, Any]:
    """Return a webhook that asks for nothing but a look at the list."""
    change = {"field": "account_update", "value": {"event": "PARTNER_ADDED"}}
    return {"entry": [{"id": WABA, "time": at, "changes": [change]}]}


def while_listing(meta: Rehearsed, act: Any) -> None:
    """Do something once, after the first list was answered and before it is stored."""
    pending = [act]

    def after(endpoints: list[str]) -> None:
        if "list_numbers" in endpoints and pending:
            meta.move_to(meta.clock.now() + SECOND)
            pending.pop()()

    Seam(meta.engine, after=after)


def test_a_number_that_is_asked_for_while_the_list_is_read_is_looked_for(meta: Rehearsed) -> None:
    def ask() -> None:
        meta.ask(LATE, entry="embedded_signup", onboarded_at=meta.clock.now())
        advance_due(meta.engine.context, 100)

    while_listing(meta, ask)
    meta.engine.ingest(hint(1))
    meta.settle()
    assert meta.row(LATE).waiting is Reason.LISTING
    meta.sign_up(LATE)
    meta.run_to(State.REGISTERED, LATE, most=HOUR)


def test_a_hint_that_comes_while_the_list_is_read_has_it_read_again(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask()
    meta.settle()
    assert meta.row().waiting is Reason.CODE_READY

    def news() -> None:
        meta.edit(code_verification_status="VERIFIED")
        meta.engine.ingest(hint(2))

    while_listing(meta, news)
    meta.engine.ingest(hint(1))
    meta.run_to(State.REGISTERED, most=HOUR)


def test_a_list_whose_reader_died_is_read_by_the_next(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask()
    meta.settle()
    ask_for_list(meta.engine.context, WABA)
    lists = len(meta.calls("list_numbers"))

    def die(_endpoints: list[str]) -> None:
        raise KeyboardInterrupt

    client = meta.engine.context
    Seam(meta.engine, before=die)
    meta.move_to(meta.clock.now() + 2 * MINUTE)
    with pytest.raises(KeyboardInterrupt):
        observe_due(meta.engine.context, 10)
    meta.engine.context = client
    assert meta.engine.advance().observed == 0
    meta.end_leases()
    assert meta.engine.advance().observed == 1
    assert len(meta.calls("list_numbers")) == lists + 1


def test_what_was_seen_after_the_claim_counts(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask()
    meta.settle()
    meta.engine.hold(NUMBER, "a pause", until=meta.clock.now() + 2 * HOUR)
    meta.move_to(meta.clock.now() + 2 * HOUR)
    meta.edit(code_verification_status="VERIFIED")
    context = meta.engine.context
    ask_for_list(context, WABA)
    claimed = claim_due(context, 100)
    observe_due(context, 100)
    assert write_intents(context, claimed) == []
    meta.run_to(State.REGISTERED, most=HOUR)


def test_a_machine_that_was_moved_after_the_claim_is_left_alone(meta: Rehearsed) -> None:
    meta.ask()
    context = meta.engine.context
    claimed = claim_due(context, 100)
    meta.engine.cancel(NUMBER, "not wanted")
    assert write_intents(context, claimed) == []
    assert meta.state() is State.CANCELLED
    assert meta.calls("create_number") == []


def test_one_machine_that_cannot_be_written_keeps_no_other_back(
    meta: Rehearsed, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = [f"+4930123456{place:02}" for place in range(7)]
    ids = [meta.ask(number) for number in numbers]
    meta.refuse("INSERT ON operation", f"NEW.onboarding_id = '{ids[3]}'")
    meta.engine.advance()
    states = [meta.state(number) for number in numbers]
    assert states == [State.CREATED] * 3 + [State.REQUESTED] + [State.CREATED] * 3
    assert "intent_not_written" in caplog.text


def test_an_answer_outlives_a_database_that_is_away(
    rehearse: Rehearse, monkeypatch: pytest.MonkeyPatch
) -> None:
    meta = rehearse(busy_timeout_seconds=0.01)
    outage = Outage(meta)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            outage.end()

    def hold(endpoints: list[str]) -> None:
        if "create_number" in endpoints:
            outage.begin()

    monkeypatch.setattr(outcomes, "time", SimpleNamespace(sleep=pause, monotonic=time.monotonic))
    meta.ask()
    Seam(meta.engine, after=hold)
    meta.engine.advance()
    assert pauses == [0.1, 0.5]
    assert meta.state() is State.CREATED
    (operation,) = meta.engine.operations(NUMBER)
    assert (operation.status, operation.resolved_by) == (OperationStatus.SUCCEEDED, "response")


def test_who_has_hours_left_does_not_stand_behind_hundreds_with_days(rehearse: Rehearse) -> None:
    meta = rehearse(
        scenario=roomy(limits={"management_calls": 100}),
        waba_calls_per_hour=100,
        active_waba_calls_per_hour=100,
        batch_size=20,
    )
    for place in range(120):
        meta.ask(f"+49301234{1000 + place}")
    signed_up = meta.clock.now() - 14 * DAY + 3 * HOUR
    meta.sign_up(LATE, at=signed_up)
    meta.ask(LATE, entry="embedded_signup", onboarded_at=signed_up)
    meta.run_to(State.REGISTERED, LATE, most=3 * HOUR)


@pytest.mark.quick_on("postgresql")
def test_a_waba_with_few_numbers_does_not_stand_behind_one_with_many(rehearse: Rehearse) -> None:
    other = {"id": "98", "wabas": [{"id": OTHER_WABA}]}
    given = roomy()
    given["businesses"].append(other)
    meta = rehearse(scenario=given, app_calls_per_hour=60, batch_size=20)
    for place in range(100):
        meta.ask(f"+49301234{1000 + place}")
    meta.move_to(meta.clock.now() + SECOND)
    few = [meta.ask(f"+49301235{1000 + place}", waba_id=OTHER_WABA) for place in range(2)]
    meta.settle()
    assert {meta.state(id_) for id_ in few} == {State.REQUESTED}  # the first hour is spent
    meta.run(most=5 * HOUR)  # all of them need more than seven
    assert {meta.state(id_) for id_ in few} == {State.REGISTERED}
    assert len(meta.engine.find(states=[State.REGISTERED], waba_id=WABA).items) < 75


def test_engines_that_work_at_once_spend_no_call_twice(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=roomy(), waba_calls_per_hour=30)
    for place in range(40):
        meta.ask(f"+49301234{1000 + place}")
    meta.reads_codes = False
    with ExitStack() as stack:
        engines = [meta.engine, *(stack.enter_context(meta.open_engine()) for _ in range(3))]
        pool = stack.enter_context(ThreadPoolExecutor(len(engines)))
        for _ in range(3):
            for done in [pool.submit(engine.advance) for engine in engines]:
                done.result()
    writes = len(meta.calls("create_number", "request_code", "verify_code", "register"))
    assert 25 <= writes <= 30
