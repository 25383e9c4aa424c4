"""What only a person can settle: a call whose effect neither an answer nor the list can tell."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from onboarding.engine.advance import claim_due
from onboarding.engine.intents import write_intents
from onboarding.engine.open_operation import OpenOperation
from onboarding.errors import (
    ConflictError,
    InputError,
    NotFoundError,
    OnboardingError,
    TransitionRefusedError,
)
from onboarding.model import JournaledOperation, OperationStatus, Owner, Reason, State
from tests.engine.rehearsing import HOUR, MINUTE, NUMBER, SECOND, Rehearsed, Seam

OTHER = "+493012345672"
WHY = "seen in WhatsApp Manager"


def left_open(meta: Rehearsed, endpoint: str = "create_number", *, effect: bool = True) -> str:
    """Let a call go unanswered, and its settle time pass while no worker runs; return its id."""
    meta.fail(f"drop_{'after' if effect else 'before'}_effect", endpoint, times=1)
    meta.ask()
    meta.run(until=lambda: bool(meta.engine.open_operations()))
    (held,) = meta.engine.open_operations()
    assert held.operation.name == endpoint
    meta.move_to(max(meta.clock.now(), held.operation.settle_at))
    return held.operation.id


def parked(meta: Rehearsed) -> OpenOperation:
    """Let two creates be lost for good, so that the number waits for a person."""
    meta.fail("drop_before_effect", "create_number", times=2)
    meta.ask()
    meta.run(most=HOUR)
    (held,) = meta.engine.open_operations()
    return held


def operation(meta: Rehearsed, id_: str) -> JournaledOperation:
    return next(op for op in meta.engine.operations(NUMBER) if op.id == id_)


def id_at_meta(meta: Rehearsed, number: str = NUMBER) -> str:
    numbers: list[dict[str, Any]] = meta.control.get("/state").json()["numbers"]
    (id_,) = [each["id"] for each in numbers if each["digits"] == number.removeprefix("+")]
    return str(id_)


def last_of(meta: Rehearsed, id_: str) -> tuple[str, str, str]:
    """Return trigger, actor and reason of the entry that settled a call."""
    entry = [e for _, e in meta.engine.history(NUMBER) if e.operation == id_][-1]
    return entry.trigger, entry.actor, entry.reason


def test_a_create_that_is_found_is_adopted_and_never_made_again(meta: Rehearsed) -> None:
    id_ = left_open(meta)
    its = id_at_meta(meta)
    row = meta.engine.resolve_operation(id_, found=its, reason=WHY, actor="ada")
    assert (row.state, row.phone_number_id) == (State.CREATED, its)
    settled = operation(meta, id_)
    assert (settled.status, settled.resolved_by) == (OperationStatus.SUCCEEDED, "operator")
    trigger, actor, reason = last_of(meta, id_)
    assert (trigger, actor) == ("number_created", "ada")
    assert reason.endswith(WHY)
    meta.run_to(State.REGISTERED)
    assert len(meta.calls("create_number")) == 1


def test_a_create_that_is_absent_is_repeated_once_the_list_agrees(meta: Rehearsed) -> None:
    id_ = left_open(meta, effect=False)
    row = meta.engine.resolve_operation(id_, absent=True, reason="not there", actor="ada")
    assert (row.state, row.waiting) == (State.REQUESTED, Reason.LISTING)
    assert last_of(meta, id_)[:2] == ("create_number_absent", "ada")
    meta.run_to(State.REGISTERED)
    assert [call["effect"] for call in meta.calls("create_number")] == [False, True]


def test_a_person_who_errs_about_absence_brings_about_no_second_create(meta: Rehearsed) -> None:
    id_ = left_open(meta)
    meta.engine.resolve_operation(id_, absent=True, reason="overlooked")
    meta.run_to(State.REGISTERED)
    assert len(meta.calls("create_number")) == 1


def test_a_create_that_is_given_up_holds_its_number_and_is_looked_for_after_release(
    meta: Rehearsed,
) -> None:
    id_ = left_open(meta)
    row = meta.engine.resolve_operation(id_, abandon=True, reason="nobody can tell", actor="ada")
    assert (row.hold, row.hold_by, row.hold_text) == (Reason.HELD, "ada", "nobody can tell")
    assert operation(meta, id_).status is OperationStatus.ABANDONED
    assert last_of(meta, id_)[:2] == ("create_number_abandoned", "ada")
    meta.wait(HOUR)
    assert meta.endpoints("create_number") == ["create_number"]
    meta.engine.release(NUMBER, "go on")
    meta.run_to(State.REGISTERED)
    assert len(meta.calls("create_number")) == 1


@pytest.mark.parametrize("answer", ["absent", "found"])
def test_a_number_that_is_parked_after_lost_creates_goes_on(meta: Rehearsed, answer: str) -> None:
    held = parked(meta)
    assert (held.waiting_for, held.is_resolvable) == (Owner.OPERATOR, True)
    assert "a person" in held.waits_for
    found = meta.sign_up(NUMBER) if answer == "found" else None
    meta.engine.resolve_operation(
        held.operation.id, found=found, absent=answer == "absent", reason=WHY
    )
    assert meta.row().hold is None
    assert meta.engine.open_operations() == [] or answer == "absent"
    meta.run_to(State.REGISTERED)
    assert len(meta.calls("create_number")) == (2 if answer == "found" else 3)


def test_a_parked_number_may_be_given_up(meta: Rehearsed) -> None:
    held = parked(meta)
    row = meta.engine.resolve_operation(held.operation.id, abandon=True, reason="x", actor="ada")
    assert (row.hold, row.hold_by) == (Reason.HELD, "ada")
    assert meta.engine.open_operations() == []


def test_nothing_is_settled_while_the_call_may_be_on_its_way(meta: Rehearsed) -> None:
    meta.fail("drop_after_effect", "create_number", times=1)
    meta.ask()
    meta.settle()
    (held,) = meta.engine.open_operations()
    assert (held.waiting_for, held.is_resolvable) == (Owner.ENGINE, False)
    meta.move_to(held.operation.settle_at - SECOND)
    before = meta.row()
    with pytest.raises(TransitionRefusedError, match="still be on its way"):
        meta.engine.resolve_operation(held.operation.id, absent=True, reason=WHY)
    assert meta.row() == before
    assert operation(meta, held.operation.id) == held.operation


def test_nothing_is_settled_while_a_worker_holds_a_call_without_an_outcome(
    meta: Rehearsed,
) -> None:
    meta.ask()
    (sent,) = write_intents(meta.engine.context, claim_due(meta.engine.context, 10))
    meta.move_to(sent.operation.settle_at)
    with pytest.raises(TransitionRefusedError, match="in the hands of worker"):
        meta.engine.resolve_operation(sent.operation.id, absent=True, reason=WHY)
    meta.end_leases()
    meta.engine.resolve_operation(sent.operation.id, absent=True, reason=WHY)
    meta.run_to(State.REGISTERED)
    assert len(meta.calls("create_number")) == 1


def test_what_is_settled_stays_settled(meta: Rehearsed) -> None:
    meta.register()
    before = meta.row()
    for settled in meta.engine.operations(NUMBER):
        with pytest.raises(TransitionRefusedError, match="settled already"):
            meta.engine.resolve_operation(settled.id, abandon=True, reason=WHY)
    assert meta.row() == before


def test_an_id_of_another_number_is_not_taken(meta: Rehearsed) -> None:
    meta.register(OTHER)
    id_ = left_open(meta)
    others = meta.row(OTHER).phone_number_id
    with pytest.raises(ConflictError, match="of another number"):
        meta.engine.resolve_operation(id_, found=others, reason=WHY)
    with pytest.raises(InputError, match="not a phone number id"):
        meta.engine.resolve_operation(id_, found="+49 30", reason=WHY)
    assert (meta.state(), operation(meta, id_).is_open) == (State.REQUESTED, True)


def test_one_answer_and_a_reason_are_needed(meta: Rehearsed) -> None:
    id_ = left_open(meta)
    with pytest.raises(InputError, match="one answer"):
        meta.engine.resolve_operation(id_, reason=WHY)
    with pytest.raises(InputError, match="one answer"):
        meta.engine.resolve_operation(id_, absent=True, abandon=True, reason=WHY)
    with pytest.raises(InputError, match="reason"):
        meta.engine.resolve_operation(id_, absent=True, reason=" ")
    with pytest.raises(NotFoundError):
        meta.engine.resolve_operation("ffffff", absent=True, reason=WHY)
    assert operation(meta, id_).is_open


def test_a_registration_that_is_found_waits_for_its_proof(meta: Rehearsed) -> None:
    id_ = left_open(meta, "register")
    with pytest.raises(InputError, match="was made for the number id"):
        meta.engine.resolve_operation(id_, found="10000000", reason=WHY)
    row = meta.engine.resolve_operation(id_, found=meta.row().phone_number_id, reason=WHY)
    assert row.register_accepted_at == operation(meta, id_).intent_at
    meta.run_to(State.REGISTERED)
    assert len(meta.calls("register")) == 1


def test_a_code_whose_call_is_absent_is_never_sent_again(meta: Rehearsed) -> None:
    id_ = left_open(meta, "verify_code", effect=False)
    row = meta.engine.resolve_operation(id_, absent=True, reason=WHY)
    assert not row.has_code
    meta.run_to(State.REGISTERED)
    sent = [call["params"]["code_digest"] for call in meta.calls("verify_code")]
    assert len(sent) == len(set(sent)) == 2


def test_a_worker_that_holds_the_number_meanwhile_changes_nothing_any_more(
    meta: Rehearsed,
) -> None:
    id_ = left_open(meta)
    claimed = claim_due(meta.engine.context, 10)
    assert len(claimed) == 1
    meta.engine.resolve_operation(id_, found=id_at_meta(meta), reason=WHY)
    before = meta.row()
    assert write_intents(meta.engine.context, claimed) == []
    assert meta.row() == before


def test_of_a_worker_and_a_person_one_settles_it(meta: Rehearsed) -> None:
    meta.reads_codes = False
    for place in range(5):
        number = f"+49301234568{place}"
        meta.fail("drop_after_effect", "create_number", number=number, times=1)
        meta.ask(number)
        meta.settle()
        (held,) = meta.engine.open_operations()
        id_ = held.operation.id
        meta.move_to(held.operation.settle_at)
        its = id_at_meta(meta, number)
        ready, refused = threading.Barrier(2), list[str]()
        with meta.open_engine() as second:

            def work(ready: threading.Barrier = ready, second: Any = second) -> None:
                ready.wait()
                while not second.advance().is_idle:
                    continue

            worker = threading.Thread(target=work)
            worker.start()
            ready.wait()
            try:
                meta.engine.resolve_operation(id_, found=its, reason=WHY)
            except OnboardingError as error:
                refused.append(str(error))
            worker.join()
        entries = [e for _, e in meta.engine.history(number) if e.operation == id_]
        settling = [entry for entry in entries if entry.trigger == "number_created"]
        assert [entry.actor for entry in settling] == ["engine" if refused else "rehearsal"]
        assert meta.row(number).phone_number_id == its


def test_an_answer_that_comes_after_its_call_was_given_up_is_kept(meta: Rehearsed) -> None:
    meta.ask()
    frozen: list[str] = []
    with meta.open_engine() as second:

        def freeze(endpoints: list[str]) -> None:
            if "create_number" in endpoints and not frozen:
                frozen.extend(endpoints)
                meta.end_leases()
                meta.move_to(meta.clock.now() + 3 * MINUTE)
                (held,) = second.open_operations()
                second.resolve_operation(held.operation.id, abandon=True, reason="no answer")

        Seam(meta.engine, after=freeze)
        meta.engine.advance()
    (given_up,) = meta.engine.operations(NUMBER)
    assert (given_up.status, given_up.resolved_by) == (OperationStatus.ABANDONED, "late")
    meta.settle()
    row = meta.row()
    assert (row.state, row.hold) == (State.CREATED, Reason.HELD)
    assert row.phone_number_id == id_at_meta(meta)
