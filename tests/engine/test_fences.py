"""Many hands on one machine: what comes second is kept, and the machine goes on at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from onboarding.core.plan import Plan, plan
from onboarding.core.policy import Policy
from onboarding.core.steps import Snapshot
from onboarding.engine import looking
from onboarding.engine.advance import claim_due
from onboarding.model import Onboarding, OperationStatus, Owner, Reason, State
from tests.engine.rehearsing import DAY, HOUR, MINUTE, NUMBER, WABA, Rehearsed, Seam


def name_update(decision: str, number: str = NUMBER) -> dict[str, object]:
    value = {
        "display_phone_number": number[1:], "decision": decision,
        "requested_verified_name": "Lucky Shrub", "rejection_reason": None,
    }  # fmt: skip
    change = {"field": "phone_number_name_update", "value": value}
    return {"entry": [{"id": WABA, "time": 1772442000, "changes": [change]}]}


@pytest.mark.parametrize("endpoint", ["create_number", "request_code", "verify_code", "register"])
def test_a_webhook_while_a_call_is_on_its_way_delays_nothing(
    meta: Rehearsed, endpoint: str
) -> None:
    meta.ask()
    taken: list[str] = []

    def ingest(endpoints: list[str]) -> None:
        if endpoint in endpoints and not taken:
            taken.append(endpoint)
            meta.engine.ingest(name_update("PENDING"))

    Seam(meta.engine, before=ingest)
    meta.run_to(State.REGISTERED, most=5 * MINUTE)
    assert taken
    assert len(meta.calls(endpoint)) == 1


def test_an_answer_that_comes_after_its_call_was_settled_as_absent_is_adopted(
    meta: Rehearsed,
) -> None:
    """A worker froze between the answer and the commit; the list lagged meanwhile."""
    meta.fail("lagging_list", "create_number", seconds="1h")
    meta.ask()
    frozen: list[str] = []
    with meta.open_engine() as second:

        def freeze(endpoints: list[str]) -> None:
            if "create_number" in endpoints and not frozen:
                frozen.extend(endpoints)
                meta.end_leases()
                second.hold(NUMBER, "no second create while we look")
                meta.move_to(meta.clock.now() + 3 * MINUTE)
                for _ in range(3):
                    second.advance()

        Seam(meta.engine, after=freeze)
        meta.engine.advance()
    (operation,) = meta.engine.operations(NUMBER)
    assert (operation.status, operation.resolved_by) == (OperationStatus.ABSENT, "late")
    meta.settle()
    row = meta.row()
    assert row.state is State.CREATED
    assert operation.outcome is not None
    assert row.phone_number_id == operation.outcome.phone_number_id
    meta.engine.release(NUMBER, "go on")
    meta.run_to(State.REGISTERED, most=2 * HOUR)
    assert len(meta.calls("create_number")) == 1


def test_an_answer_on_which_the_rules_fail_is_applied_by_a_later_look(
    meta: Rehearsed, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = list[str]()

    def fail_once(snap: Snapshot, now: datetime, policy: Policy) -> Plan:
        if snap.unapplied and not failed:
            failed.append(snap.row.id)
            raise ValueError
        return plan(snap, now, policy)

    monkeypatch.setattr(looking, "plan", fail_once)
    meta.ask()
    meta.engine.advance()
    (operation,) = meta.engine.operations(NUMBER)
    assert (operation.status, operation.applied) == (OperationStatus.SUCCEEDED, False)
    assert failed == [meta.row().id]
    meta.settle()
    meta.end_leases()
    meta.run_to(State.REGISTERED, most=2 * HOUR)
    assert len(meta.calls("create_number")) == 1


def test_two_engines_share_the_work_and_repeat_nothing(meta: Rehearsed) -> None:
    numbers = [f"+4930123456{place:02}" for place in range(20)]
    for number in numbers:
        meta.ask(number)
    with meta.open_engine(batch_size=3) as second:
        for _ in range(60):
            passes = [second.advance(), meta.engine.advance()]
            if not meta._hand_in_codes() and all(one.is_idle for one in passes):
                due = meta._next_due_at()
                if due is None:
                    break
                meta.move_to(due)
        assert {meta.state(number) for number in numbers} == {State.REGISTERED}
    for endpoint in ("create_number", "request_code", "verify_code", "register"):
        assert len(meta.calls(endpoint)) == len(numbers)


def test_an_outcome_that_the_database_refuses_takes_no_other_with_it(
    meta: Rehearsed, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = [f"+4930123456{place:02}" for place in range(7)]
    ids = [meta.ask(number) for number in numbers]
    meta.refuse("UPDATE ON onboarding", f"NEW.id = '{ids[3]}' AND NEW.state = 'created'")
    meta.engine.advance()
    states = [meta.state(number) for number in numbers]
    assert states == [State.CREATED] * 3 + [State.REQUESTED] + [State.CREATED] * 3
    assert "outcome_not_written" in caplog.text
    (operation,) = meta.engine.operations(numbers[3])
    assert operation.status is OperationStatus.PENDING
    meta.refuse_no_more("onboarding")
    meta.end_leases()
    meta.run()
    assert {meta.state(number) for number in numbers} == {State.REGISTERED}
    assert len(meta.calls("create_number")) == len(numbers)


def test_a_machine_whose_workers_keep_dying_is_parked_for_a_person(meta: Rehearsed) -> None:
    meta.ask()
    other = meta.ask("+493012345672")
    meta.engine.hold(other, "not this one", until=meta.clock.now() + HOUR)
    for _ in range(4):
        assert [row.id for row in claim_due(meta.engine.context, 10)] == [meta.row().id]
        meta.end_leases()
        meta.move_to(meta.clock.now() + 2 * MINUTE)
    meta.settle()
    row = meta.row()
    assert (row.waiting, row.waiting_for) == (Reason.STUCK, Owner.OPERATOR)
    needs = [told for told in meta.engine.events() if told["type"] == "requirement"]
    told = [need["data"]["from"] for need in needs if need["onboarding"]["id"] == row.id]
    assert told == ["operator"]
    assert meta.calls("create_number") == []
    meta.engine.release(NUMBER, "the worker was mended")
    meta.run()
    assert meta.state() is meta.state(other) is State.REGISTERED


class Broken:
    """An intake with a fault of its own."""

    def answers(self, onboarding: Onboarding) -> bool:
        """Fail for one number."""
        if onboarding.phone_number == NUMBER:
            raise RuntimeError("no connection to the phones")
        return True


def test_an_intake_that_fails_stops_no_other_number(meta: Rehearsed) -> None:
    other = "+493012345672"
    meta.ask()
    meta.ask(other)
    context = meta.engine.context
    meta.engine.context = replace(context, intakes=(Broken(),))
    meta.run(most=DAY)
    assert (meta.state(), meta.row().waiting) == (State.CREATED, Reason.CODE_READY)
    assert meta.state(other) is State.REGISTERED
