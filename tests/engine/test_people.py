"""What people do with an onboarding: each act is named in the history, and none loses a call."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from onboarding.engine.facade import Engine
from onboarding.errors import ConflictError, NotFoundError, TransitionRefusedError
from onboarding.model import Owner, Reason, State
from tests.engine.rehearsing import DAY, HOUR, MINUTE, NUMBER, START, Rehearse, Rehearsed, Seam

Act = Callable[[Engine], object]


@pytest.mark.parametrize(
    ("act", "trigger"),
    [
        (lambda engine: engine.hold(NUMBER, "why", actor="ada"), "held"),
        (lambda engine: engine.cancel(NUMBER, "why", actor="ada"), "cancelled"),
        (lambda engine: engine.code_ready(NUMBER, actor="ada"), "code_ready"),
        (lambda engine: engine.set_pin(NUMBER, "271828", actor="ada"), "pin_given"),
        (lambda engine: engine.rename(NUMBER, "Luckier Shrub", actor="ada"), "renamed"),
    ],
)
def test_every_act_names_its_actor_in_the_history(meta: Rehearsed, act: Act, trigger: str) -> None:
    meta.ask()
    act(meta.engine)
    entry = meta.engine.history(NUMBER)[-1][1]
    assert (entry.trigger, entry.actor) == (trigger, "ada")
    assert meta.engine.require_verified()


def test_nothing_is_called_for_a_number_on_hold(meta: Rehearsed) -> None:
    meta.ask()
    meta.engine.hold(NUMBER, "the contract is not signed", actor="ada")
    meta.run(most=3 * DAY)
    row = meta.row()
    assert (row.state, row.waiting, row.waiting_for) == (
        State.REQUESTED, Reason.HELD, Owner.OPERATOR,
    )  # fmt: skip
    assert (row.hold_text, row.hold_by) == ("the contract is not signed", "ada")
    assert meta.endpoints("create_number") == []
    meta.engine.release(NUMBER, "signed", actor="bob")
    meta.run_to(State.REGISTERED)
    assert meta.row().hold is None


def test_a_hold_may_end_by_itself(meta: Rehearsed) -> None:
    meta.ask()
    meta.engine.hold(NUMBER, "over the weekend", until=START + DAY)
    meta.run(most=DAY - HOUR)
    assert meta.calls("create_number") == []
    meta.run_to(State.REGISTERED, most=2 * HOUR)
    assert "released" in meta.triggers()


def test_a_cancelled_number_is_left_alone_and_may_be_requested_again(meta: Rehearsed) -> None:
    meta.reads_codes = False
    first = meta.ask()
    meta.settle()
    meta.engine.cancel(NUMBER, "the customer left", actor="ada")
    meta.run(most=20 * DAY)
    row = meta.row(first)
    assert (row.state, row.waiting, row.next_due_at) == (State.CANCELLED, Reason.OVER, None)
    assert [call["endpoint"] for call in meta.calls() if call["method"] == "POST"] == [
        "create_number"
    ]
    with pytest.raises(TransitionRefusedError):
        meta.engine.restart(first, "after all")
    meta.reads_codes = True
    second = meta.ask(again=True)
    assert second != first
    meta.run_to(State.REGISTERED, second)
    assert sum(call["effect"] for call in meta.calls("create_number")) == 1
    assert meta.row(NUMBER).id == second


def test_a_failed_number_is_started_again(meta: Rehearsed) -> None:
    meta.sign_up(NUMBER, at=START)
    meta.fail("refuse", "register", code=131031, status=403)
    meta.fail("refuse", "request_code", code=100, subcode=2593109)
    meta.reads_codes = False
    meta.ask(entry="embedded_signup", onboarded_at=START - 20 * DAY)
    meta.run_to(State.EXPIRED, most=20 * DAY)
    meta.control.delete("/faults").raise_for_status()
    again = meta.clock.now()
    meta.sign_up(NUMBER, at=again)
    row = meta.engine.restart(NUMBER, "signed up again", onboarded_at=again, actor="ada")
    assert (row.state, row.cycle, row.onboarded_at) == (State.REQUESTED, 2, again)
    meta.run_to(State.REGISTERED, most=2 * DAY)
    restarted = next(e for _, e in meta.engine.history(NUMBER) if e.trigger == "restarted")
    assert (restarted.actor, restarted.reason) == ("ada", "signed up again")


def test_a_number_that_left_and_came_back_is_created_again(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask()
    meta.settle()
    meta.edit(deleted=True)
    meta.run_to(State.LEFT, most=2 * DAY)
    meta.reads_codes = True
    meta.engine.restart(NUMBER, "it is ours again")
    meta.settle()
    meta.recreated.add(NUMBER)
    meta.run_to(State.REGISTERED, most=DAY)
    assert [call["effect"] for call in meta.calls("create_number")] == [True, True]


def test_a_restart_needs_the_number_to_be_free(meta: Rehearsed) -> None:
    meta.ask(entry="embedded_signup", onboarded_at=START - 15 * DAY)
    meta.run_to(State.EXPIRED, most=DAY)
    expired = meta.row().id
    second = meta.ask(name="Luckier Shrub")
    with pytest.raises(ConflictError) as refused:
        meta.engine.restart(expired, "again")
    assert second in str(refused.value)


def test_a_number_names_its_living_onboarding(meta: Rehearsed) -> None:
    """An older one that was started again is meant, not the later one that is over."""
    meta.ask(entry="embedded_signup", onboarded_at=START - 15 * DAY)
    meta.run_to(State.EXPIRED, most=DAY)
    first = meta.row().id
    meta.move_to(meta.clock.now() + HOUR)
    second = meta.ask(name="Luckier Shrub")
    meta.engine.cancel(second, "a mistake")
    meta.engine.restart(first, "this one it is")
    assert meta.row(NUMBER).id == first


@pytest.mark.parametrize(
    "act",
    [
        lambda engine: engine.release(NUMBER, "why"),
        lambda engine: engine.restart(NUMBER, "why"),
    ],
)
def test_an_act_that_the_state_does_not_allow_changes_nothing(meta: Rehearsed, act: Act) -> None:
    meta.ask()
    before = meta.row()
    with pytest.raises(TransitionRefusedError):
        act(meta.engine)
    assert meta.row() == before
    assert meta.triggers() == ["requested"]


@pytest.mark.parametrize("reference", ["+493099999999", "ffffffffff", "", "019c"])
def test_an_onboarding_that_is_not_there(meta: Rehearsed, reference: str) -> None:
    meta.ask()
    with pytest.raises(NotFoundError):
        meta.engine.cancel(reference, "why")


def test_an_onboarding_is_known_by_the_start_of_its_id(meta: Rehearsed) -> None:
    id_ = meta.ask()
    assert meta.row(id_[:20]).id == id_
    meta.ask("+493012345672")
    with pytest.raises(NotFoundError, match="more than one"):
        meta.row(id_[:10])


def test_a_try_that_is_asked_for_skips_a_wait_of_our_own(rehearse: Rehearse) -> None:
    meta = rehearse(graph_base_url="http://127.0.0.1:9", connect_timeout_seconds=1)
    meta.ask()
    meta.settle()
    assert meta.row().waiting is Reason.RETRY
    with meta.open_engine(graph_base_url=meta.simulator.base_url) as reached:
        assert reached.advance().advanced == 0
        reached.advance(NUMBER)
    assert meta.state() is State.CREATED


def test_a_try_that_is_asked_for_skips_no_wait_of_metas(meta: Rehearsed) -> None:
    meta.fail("refuse", "register", code=133016, times=1)
    meta.ask()
    meta.run(most=DAY)
    assert meta.row().waiting is Reason.THROTTLED
    meta.engine.advance(NUMBER)
    assert len(meta.calls("register")) == 1


@pytest.mark.parametrize("endpoint", ["create_number", "request_code", "verify_code", "register"])
def test_a_hold_while_a_call_is_on_its_way_keeps_what_came_of_it(
    meta: Rehearsed, endpoint: str
) -> None:
    """The person's change wins the fence; the answer is kept, and applied at the next look."""
    meta.ask()
    interrupted: list[str] = []

    def interrupt(endpoints: list[str]) -> None:
        if endpoint in endpoints and not interrupted:
            interrupted.append(endpoint)
            meta.engine.hold(NUMBER, "wait")

    Seam(meta.engine, before=interrupt)
    meta.run(most=MINUTE)
    assert interrupted
    assert meta.row().waiting is Reason.HELD
    assert len(meta.calls(endpoint)) == 1
    assert not [op for op in meta.engine.operations(NUMBER) if op.is_open or not op.applied]
    meta.engine.release(NUMBER, "go on")
    meta.run_to(State.REGISTERED)
    assert len(meta.calls(endpoint)) == 1
