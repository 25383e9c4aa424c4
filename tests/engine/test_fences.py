"""Many hands on one machine: what comes second is kept, and the machine goes on at once."""

from __future__ import annotations

import pytest

from onboarding.model import OperationStatus, State
from tests.engine.rehearsing import HOUR, MINUTE, NUMBER, SECOND, WABA, Rehearsed, Seam


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
            if "create_number" not in endpoints or frozen:
                return
            frozen.append("create_number")
            meta.end_leases()
            for _ in range(3):
                meta.move_to(meta.clock.now() + 2 * MINUTE + SECOND)
                second.hold(NUMBER, "no second create in this test") if len(frozen) == 1 else None
                frozen.append("hold")
                second.advance()
                second.advance()
            assert [op.status for op in second.operations(NUMBER)] == [OperationStatus.ABSENT]

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
