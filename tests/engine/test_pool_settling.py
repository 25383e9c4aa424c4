"""Calls for numbers of a pool that only a person can settle."""

from __future__ import annotations

from typing import Any

import pytest

from onboarding.core.pool.lifecycle import PoolState
from onboarding.core.pool.model import ShareState
from onboarding.engine.open_operation import OpenOperation
from onboarding.errors import ConflictError, InputError, TransitionRefusedError
from onboarding.model import OperationStatus, Owner, Reason
from tests.engine.rehearsing import DAY, HOUR, MINUTE, SECOND, Rehearse, Rehearsed
from tests.engine.test_pool import OTHER, PARTNER, SPARE, add, run_to, spare, story, world

WHY = "seen in WhatsApp Manager"


def left_open(meta: Rehearsed, endpoint: str = "add_preverified", *, effect: bool = True) -> str:
    """Let a call go unanswered, and its settle time pass while no worker runs; return its id."""
    meta.fail(f"drop_{'after' if effect else 'before'}_effect", endpoint, times=1)
    add(meta, SPARE)
    meta.run(until=lambda: bool(meta.engine.open_operations()))
    (held,) = meta.engine.open_operations()
    assert held.operation.name == endpoint
    assert held.pool_number is not None
    assert held.pool_number.phone_number == SPARE
    meta.move_to(max(meta.clock.now(), held.operation.settle_at))
    return held.operation.id


def parked(meta: Rehearsed) -> OpenOperation:
    """Let two adds be lost for good, so that the number waits for a person."""
    meta.fail("drop_before_effect", "add_preverified", times=2)
    add(meta, SPARE)
    meta.run(most=DAY)
    (held,) = meta.engine.open_operations()
    return held


def id_at_meta(meta: Rehearsed) -> str:
    entries: dict[str, Any] = meta.control.get("/snapshot").json()["state"]["preverified"]
    (id_,) = entries
    return id_


def status_of(meta: Rehearsed, id_: str) -> tuple[OperationStatus, str | None]:
    (found,) = [op for op in meta.engine.pool.operations(SPARE) if op.id == id_]
    return found.status, found.resolved_by


def test_an_add_that_is_found_is_adopted_and_never_made_again(rehearse: Rehearse) -> None:
    meta = rehearse()
    id_ = left_open(meta)
    its = id_at_meta(meta)
    row = meta.engine.pool.resolve(id_, found=its, reason=WHY, actor="ada")
    assert (row.state, spare(meta).preverified_id) == (PoolState.ADDED, its)
    assert status_of(meta, id_) == (OperationStatus.SUCCEEDED, "operator")
    entry = next(e for _, e in meta.engine.pool.history(SPARE) if e.trigger == "added")
    assert (entry.actor, entry.operation) == ("ada", id_)
    assert WHY in entry.reason
    run_to(meta, PoolState.VERIFIED)
    assert len(meta.calls("add_preverified")) == 1


def test_a_person_who_errs_about_absence_brings_about_no_second_add(rehearse: Rehearse) -> None:
    meta = rehearse()
    meta.engine.pool.resolve(left_open(meta), absent=True, reason="overlooked")
    run_to(meta, PoolState.VERIFIED)
    assert len(meta.calls("add_preverified")) == 1


def test_an_add_that_is_absent_is_made_again_once_the_list_agrees(rehearse: Rehearse) -> None:
    meta = rehearse()
    id_ = left_open(meta, effect=False)
    meta.engine.pool.resolve(id_, absent=True, reason="not there", actor="ada")
    assert status_of(meta, id_) == (OperationStatus.ABSENT, "operator")
    assert spare(meta).waiting is Reason.LISTING
    run_to(meta, PoolState.VERIFIED)
    assert [call["effect"] for call in meta.calls("add_preverified")] == [False, True]


def test_an_add_that_is_given_up_holds_its_number_and_is_looked_for_after_release(
    rehearse: Rehearse,
) -> None:
    meta = rehearse()
    id_ = left_open(meta)
    row = meta.engine.pool.resolve(id_, abandon=True, reason="nobody can tell", actor="ada")
    assert (row.hold, row.hold_by, row.hold_text) == (Reason.HELD, "ada", "nobody can tell")
    assert status_of(meta, id_)[0] is OperationStatus.ABANDONED
    meta.wait(HOUR)
    assert meta.engine.open_operations() == []
    meta.engine.pool.release(SPARE, "go on")
    run_to(meta, PoolState.VERIFIED)
    assert len(meta.calls("add_preverified")) == 1


@pytest.mark.parametrize("answer", ["absent", "found", "abandon"])
def test_a_number_that_is_parked_after_lost_adds_goes_on(rehearse: Rehearse, answer: str) -> None:
    meta = rehearse()
    held = parked(meta)
    assert (held.waiting_for, held.is_resolvable) == (Owner.OPERATOR, True)
    assert "a person" in held.waits_for
    meta.engine.pool.resolve(
        held.operation.id,
        found="106540352242922" if answer == "found" else None,
        absent=answer == "absent",
        abandon=answer == "abandon",
        reason=WHY,
    )
    assert meta.engine.open_operations() == []
    if answer == "abandon":
        meta.engine.pool.release(SPARE, "go on")
    if answer == "found":
        assert spare(meta).state is PoolState.ADDED
    else:
        run_to(meta, PoolState.VERIFIED)
        assert len(meta.calls("add_preverified")) == 3


def test_what_a_list_cannot_tell_is_a_persons_turn(rehearse: Rehearse) -> None:
    meta = rehearse()
    id_ = left_open(meta)
    meta.fail("refuse", "list_preverified", code=200, times=100)
    meta.wait(5 * MINUTE)
    (held,) = meta.engine.open_operations()
    assert (held.operation.id, held.waiting_for, held.is_resolvable) == (id_, Owner.OPERATOR, True)
    assert "list" in held.waits_for


def test_a_share_and_a_code_are_settled_by_a_persons_word(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=world())
    add(meta, SPARE)
    run_to(meta, PoolState.VERIFIED)
    meta.fail("drop_after_effect", "share_preverified", times=1)
    meta.engine.pool.share(SPARE, PARTNER)
    meta.run(until=lambda: bool(meta.engine.open_operations()))
    (held,) = meta.engine.open_operations()
    meta.move_to(held.operation.settle_at)
    its = spare(meta).preverified_id
    with pytest.raises(InputError, match="was made for the number id"):
        meta.engine.pool.resolve(held.operation.id, found="12345", reason=WHY)
    meta.engine.pool.resolve(held.operation.id, found=its, reason=WHY)
    assert [s.state for s in meta.engine.pool.shares(SPARE)] == [ShareState.SHARED], story(meta)
    meta.run(most=HOUR)
    assert len(meta.calls("share_preverified")) == 1


def test_a_code_whose_call_is_absent_is_never_sent_again(rehearse: Rehearse) -> None:
    meta = rehearse()
    id_ = left_open(meta, "verify_preverified", effect=False)
    meta.engine.pool.resolve(id_, absent=True, reason="not verified")
    assert spare(meta).code_sealed is None
    run_to(meta, PoolState.VERIFIED)
    assert len(meta.calls("request_preverified_code")) == 2


def test_nothing_is_settled_early_or_twice_or_under_anothers_id(rehearse: Rehearse) -> None:
    meta = rehearse()
    add(meta, OTHER)
    run_to(meta, PoolState.VERIFIED, OTHER)
    taken = spare(meta, OTHER).preverified_id
    meta.fail("drop_after_effect", "add_preverified", times=1)
    add(meta, SPARE)
    meta.run(until=lambda: bool(meta.engine.open_operations()))
    (held,) = meta.engine.open_operations()
    assert (held.waiting_for, held.is_resolvable) == (Owner.ENGINE, False)
    meta.move_to(held.operation.settle_at - SECOND)
    with pytest.raises(TransitionRefusedError, match="still be on its way"):
        meta.engine.pool.resolve(held.operation.id, absent=True, reason=WHY)
    meta.move_to(held.operation.settle_at)
    with pytest.raises(ConflictError, match="of another number"):
        meta.engine.pool.resolve(held.operation.id, found=taken, reason=WHY)
    with pytest.raises(InputError, match="reason"):
        meta.engine.pool.resolve(held.operation.id, absent=True, reason=" ")
    meta.engine.pool.resolve(held.operation.id, absent=True, reason=WHY)
    with pytest.raises(TransitionRefusedError, match="settled already"):
        meta.engine.pool.resolve(held.operation.id, absent=True, reason=WHY)
