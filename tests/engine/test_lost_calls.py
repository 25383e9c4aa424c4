"""Calls that are lost on the way there or back: none is repeated before it was looked into."""

from __future__ import annotations

from itertools import product
from typing import Any

from onboarding.model import OperationStatus, Owner, Reason, State
from tests.engine.rehearsing import MINUTE, NUMBER, SECOND, Rehearse, Rehearsed, roomy

LOST: dict[str, dict[str, Any]] = {
    "request lost": {"kind": "drop_before_effect"},
    "response lost": {"kind": "drop_after_effect"},
    "half a response": {"kind": "half_body"},
    "page of a proxy": {"kind": "html_502"},
    "page of a proxy after the effect": {"kind": "html_502", "after_effect": True},
    "passing error": {"kind": "error_500_transient"},
    "passing error after the effect": {"kind": "error_500_transient", "after_effect": True},
}
HAS_EFFECT = {name for name, fault in LOST.items() if fault.get("after_effect")} | {
    "response lost", "half a response",
}  # fmt: skip


CALLS = ("create_number", "request_code", "verify_code", "register")


def test_a_lost_call_delays_a_registration_and_repeats_nothing_that_took_effect(
    rehearse: Rehearse,
) -> None:
    """Every call of the way, lost in every way, each for a number of its own."""
    meta = rehearse(scenario=roomy())
    cases = {
        f"+4930123457{place:02}": (endpoint, loss)
        for place, (endpoint, loss) in enumerate(product(CALLS, LOST))
    }
    for number, (endpoint, loss) in cases.items():
        meta.fail(endpoint=endpoint, number=number, times=1, **LOST[loss])
        meta.ask(number)
    meta.run()
    for number, (endpoint, loss) in cases.items():
        assert meta.state(number) is State.REGISTERED, f"{endpoint}, {loss}: {meta.story(number)}"
        assert not [op for op in meta.engine.operations(number) if op.is_open]
        made = [call["effect"] for call in meta.calls(endpoint) if call["number"] == number[1:]]
        if endpoint in {"create_number", "verify_code"}:
            assert sum(made) == 1, (endpoint, loss)
        if loss in HAS_EFFECT and endpoint != "register":
            assert len(made) == 1, (endpoint, loss)  # register: its proof may come too late


def test_a_lost_change_of_name_is_submitted_once(meta: Rehearsed) -> None:
    cases = {f"+4930123458{place:02}": loss for place, loss in enumerate(LOST)}
    for number, loss in cases.items():
        meta.fail(endpoint="set_display_name", number=number, times=1, **LOST[loss])
        meta.ask(number)
    meta.run()
    for number in cases:
        meta.engine.rename(number, "Luckier Shrub")
    meta.run()
    for number, loss in cases.items():
        assert meta.state(number) is State.REGISTERED, f"{loss}: {meta.story(number)}"
        assert meta.row(number).display_name == "Luckier Shrub"
        made = [c for c in meta.calls("set_display_name") if c["number"] == number[1:]]
        assert sum(call["effect"] for call in made) == 1, loss
        assert meta.shown(number)["verified_name"] == "Luckier Shrub"


def test_silence_is_shown_as_such_until_the_settle_time_is_over(meta: Rehearsed) -> None:
    meta.fail("drop_after_effect", "create_number", times=1)
    meta.ask()
    meta.settle()
    row = meta.row()
    assert (row.state, row.waiting, row.waiting_for) == (
        State.REQUESTED, Reason.SETTLING, Owner.ENGINE,
    )  # fmt: skip
    (operation,) = meta.engine.operations(NUMBER)
    assert operation.status is OperationStatus.UNKNOWN
    meta.wait(119 * SECOND)
    assert meta.endpoints() == ["create_number"]  # nothing is even looked at before
    meta.run_to(State.OTP_PENDING, most=2 * MINUTE)
    (operation, *_) = meta.engine.operations(NUMBER)
    assert (operation.status, operation.resolved_by) == (OperationStatus.SUCCEEDED, "probe")
    assert "took effect" in meta.story()


def test_a_create_that_is_lost_twice_asks_a_person(meta: Rehearsed) -> None:
    meta.fail("drop_before_effect", "create_number")
    meta.ask()
    meta.run()
    row = meta.row()
    assert (row.state, row.waiting, row.waiting_for) == (
        State.REQUESTED, Reason.REFUSED, Owner.OPERATOR,
    )  # fmt: skip
    assert len(meta.calls("create_number")) == 2
    assert row.hold_text is not None
    assert "lost more than once" in row.hold_text


def test_a_server_that_is_down_costs_no_attempt_and_nothing_is_lost(rehearse: Rehearse) -> None:
    meta = rehearse(graph_base_url="http://127.0.0.1:9", connect_timeout_seconds=1)
    meta.ask()
    meta.settle()
    row = meta.row()
    assert (row.state, row.waiting) == (State.REQUESTED, Reason.RETRY)
    (operation,) = meta.engine.operations(NUMBER)
    assert operation.status is OperationStatus.UNSENT
    with meta.open_engine(graph_base_url=meta.simulator.base_url) as reached:
        meta.engine, broken = reached, meta.engine
        meta.run_to(State.REGISTERED)
        meta.engine = broken
    assert len(meta.calls("create_number")) == 1


def test_a_create_that_keeps_failing_in_passing_asks_a_person(meta: Rehearsed) -> None:
    meta.fail("refuse", "create_number", code=133004, status=503)
    meta.ask()
    meta.run()
    assert meta.row().waiting in {Reason.REFUSED, Reason.RETRY}
    assert meta.row().state is State.REQUESTED


def test_a_lagging_list_is_no_proof_of_absence(meta: Rehearsed) -> None:
    meta.fail("lagging_list", "create_number", seconds="90s")
    meta.register()
    assert len(meta.calls("create_number")) == 1
