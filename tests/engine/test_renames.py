"""Display names: reviews, declined names, and new names of registered numbers."""

from __future__ import annotations

from typing import Any

import pytest

from onboarding.errors import ConflictError, InputError, TransitionRefusedError
from onboarding.model import Deadline, DeadlineReason, Owner, Reason, State
from tests.engine.rehearsing import DAY, HOUR, NUMBER, START, Rehearse, Rehearsed, scenario

RULES = [
    {"name": "Slow*", "first": "PENDING_REVIEW", "after": "2d"},
    {"name": "Casino*", "first": "PENDING_REVIEW", "after": "1d", "decision": "DECLINED"},
    {"name": "Never*", "first": "PENDING_REVIEW", "decision": "never"},
    {"name": "Later*", "first": "NONE", "after": "6h"},
]


@pytest.fixture
def meta(rehearse: Rehearse) -> Rehearsed:
    """A Graph API whose reviewer takes its time, and declines casinos."""
    return rehearse(scenario=scenario(reviewer={"rules": RULES}))


@pytest.mark.parametrize(("name", "least"), [("Slow Shrub", 2 * DAY), ("Later Shrub", 6 * HOUR)])
def test_a_name_in_review_is_waited_for(meta: Rehearsed, name: str, least: Any) -> None:
    meta.register(name=name)
    assert "name_review" in meta.path()
    assert least <= meta.clock.now() - START <= least + 7 * HOUR


def test_a_declined_name_asks_the_partner_for_another(meta: Rehearsed) -> None:
    meta.ask(name="Casino Royal")
    meta.run(most=3 * DAY)
    row = meta.row()
    assert (row.state, row.waiting, row.waiting_for) == (
        State.NAME_REVIEW, Reason.NAME_DECLINED, Owner.PARTNER,
    )  # fmt: skip
    meta.engine.rename(NUMBER, "Slow Shrub", actor="ada")
    meta.run_to(State.REGISTERED)
    assert meta.row().display_name == "Slow Shrub"
    assert meta.shown()["verified_name"] == "Slow Shrub"
    assert len(meta.calls("set_display_name")) == 1
    assert len(meta.calls("register")) == 1
    given = next(e for _, e in meta.engine.history(NUMBER) if e.trigger == "name_given")
    assert given.actor == "ada"


def test_a_name_declined_twice_asks_twice(meta: Rehearsed) -> None:
    meta.ask(name="Casino Royal")
    meta.run(most=3 * DAY)
    meta.engine.rename(NUMBER, "Casino Grande")
    meta.run(most=3 * DAY)
    assert meta.row().waiting is Reason.NAME_DECLINED
    meta.engine.rename(NUMBER, "Lucky Shrub")
    meta.run_to(State.REGISTERED)
    assert len(meta.calls("set_display_name")) == 2


def test_a_registered_number_gets_a_new_name_by_registering_again(meta: Rehearsed) -> None:
    meta.register()
    meta.engine.rename(NUMBER, "Slow Shrub")
    meta.run(most=HOUR)
    row = meta.row()
    assert (row.state, row.renaming, row.waiting) == (
        State.NAME_REVIEW, True, Reason.NAME_IN_REVIEW,
    )  # fmt: skip
    assert row.display_name == "Lucky Shrub"
    meta.run_to(State.REGISTERED)
    row = meta.row()
    assert (row.display_name, row.new_display_name, row.renaming) == ("Slow Shrub", None, False)
    assert len(meta.calls("register")) == 2
    assert meta.calls("create_number", "verify_code")[2:] == []
    deadline = next(
        d for d in meta.engine.deadlines(NUMBER) if d.reason is DeadlineReason.NAME_CHANGE
    )
    assert deadline.closed_how == "met"
    assert deadline.due_at - deadline.starts_at == 14 * DAY
    assert deadline.starts_at <= meta.clock.now()


def test_a_second_new_name_has_a_deadline_and_a_ladder_of_its_own(meta: Rehearsed) -> None:
    meta.register()
    rounds = []
    for name in ("Luckier Shrub", "Luckiest Shrub"):
        before = len(meta.triggers())
        meta.engine.rename(NUMBER, name)
        meta.fail("refuse", "register", code=133016)
        meta.wait(10 * DAY)
        meta.control.delete("/faults").raise_for_status()
        meta.run_to(State.REGISTERED, most=4 * DAY)
        entries = [entry for _, entry in meta.engine.history(NUMBER)][before:]
        rounds.append([e.detail["rung"] for e in entries if e.trigger == "escalated"])
    assert rounds == [["inform"], ["inform"]]


def test_a_rename_long_after_the_signup_window_does_not_expire_the_number(meta: Rehearsed) -> None:
    meta.sign_up(NUMBER, at=START)
    meta.ask(entry="embedded_signup", onboarded_at=START)
    meta.run_to(State.REGISTERED)
    meta.wait(30 * DAY)
    meta.engine.rename(NUMBER, "Slow Shrub")
    meta.run_to(State.REGISTERED)
    assert "expired" not in meta.path()
    assert meta.row().display_name == "Slow Shrub"


def test_a_name_that_the_number_has_is_not_submitted(meta: Rehearsed) -> None:
    meta.register()
    for name in (meta.row().display_name, f"  {meta.row().display_name} "):
        with pytest.raises(ConflictError, match="already"):
            meta.engine.rename(NUMBER, name)
    assert meta.state() is State.REGISTERED


def test_a_declined_new_name_leaves_the_number_registered_at_meta(meta: Rehearsed) -> None:
    meta.register()
    meta.engine.rename(NUMBER, "Casino Royal")
    meta.run(most=3 * DAY)
    row = meta.row()
    assert (row.state, row.waiting, row.waiting_for) == (
        State.NAME_REVIEW, Reason.NAME_DECLINED, Owner.PARTNER,
    )  # fmt: skip
    assert meta.shown()["status"] == "CONNECTED"
    with pytest.raises(TransitionRefusedError):
        meta.engine.cancel(NUMBER, "never mind")
    meta.engine.rename(NUMBER, "Luckier Shrub")
    meta.run_to(State.REGISTERED)
    assert meta.shown()["verified_name"] == "Luckier Shrub"


def test_a_name_is_replaced_before_the_number_is_created(meta: Rehearsed) -> None:
    meta.ask(name="Casino Royal")
    meta.engine.rename(NUMBER, "Lucky Shrub")
    meta.run_to(State.REGISTERED)
    (create,) = meta.calls("create_number")
    assert create["params"]["verified_name"] == "Lucky Shrub"
    assert meta.calls("set_display_name") == []


def test_a_name_is_not_changed_while_meta_reviews_it(meta: Rehearsed) -> None:
    meta.ask(name="Never Shrub")
    meta.run_to(State.NAME_REVIEW)
    meta.run(most=HOUR)
    with pytest.raises(TransitionRefusedError, match="review runs"):
        meta.engine.rename(NUMBER, "Lucky Shrub")
    meta.register("+493012345672")
    meta.engine.rename("+493012345672", "Never Shrub")
    meta.run(most=HOUR)
    with pytest.raises(TransitionRefusedError, match="review runs"):
        meta.engine.rename("+493012345672", "Lucky Shrub")


def test_a_name_that_was_not_submitted_yet_may_still_be_replaced(meta: Rehearsed) -> None:
    meta.register()
    meta.engine.rename(NUMBER, "Casino Royal")
    meta.engine.rename(NUMBER, "Luckier Shrub")
    meta.run_to(State.REGISTERED)
    names = [call["params"]["new_display_name"] for call in meta.calls("set_display_name")]
    assert names == ["Luckier Shrub"]


@pytest.mark.parametrize("lost", ["create_number", "set_display_name"])
def test_a_name_is_not_replaced_while_a_call_that_carries_it_is_unanswered(
    meta: Rehearsed, lost: str
) -> None:
    """Else Meta would show the one name, and we another."""
    meta.fail("drop_after_effect", lost, times=1)
    if lost == "create_number":
        meta.ask()
    else:
        meta.register(name="Lucky Garden")
        meta.engine.rename(NUMBER, "Lucky Shrub")
    meta.engine.advance()
    before = meta.triggers()
    with pytest.raises(ConflictError, match=f"what became of {lost} is not known yet"):
        meta.engine.rename(NUMBER, "Luckier Shrub")
    assert meta.triggers() == before
    meta.run_to(State.REGISTERED)
    assert meta.shown()["verified_name"] == meta.row().display_name == "Lucky Shrub"
    assert len(meta.calls(lost)) == 1


def test_a_name_that_no_state_has_room_for(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask()
    with pytest.raises(InputError, match="2 to 75"):
        meta.engine.rename(NUMBER, "x")
    meta.settle()
    with pytest.raises(TransitionRefusedError, match="cannot be changed"):
        meta.engine.rename(NUMBER, "Luckier Shrub")


def test_an_approved_change_that_nobody_registered_in_time_is_submitted_again(
    meta: Rehearsed,
) -> None:
    meta.register()
    meta.engine.rename(NUMBER, "Luckier Shrub")
    meta.settle()
    meta.engine.hold(NUMBER, "a pause")
    meta.wait(20 * DAY)
    meta.engine.release(NUMBER, "on again")
    meta.run(most=DAY)
    row = meta.row()
    assert (row.state, row.waiting, row.waiting_for) == (
        State.NAME_REVIEW, Reason.NAME_EXPIRED, Owner.PARTNER,
    )  # fmt: skip
    meta.engine.rename(NUMBER, "Luckier Shrub")
    meta.run_to(State.REGISTERED)
    assert meta.shown()["verified_name"] == "Luckier Shrub"
    assert meta.row().display_name == "Luckier Shrub"


def rungs(meta: Rehearsed) -> list[str]:
    entries = [entry for _, entry in meta.engine.history(NUMBER)]
    return [entry.detail["rung"] for entry in entries if entry.trigger == "escalated"]


def name_change(meta: Rehearsed) -> Deadline:
    told = meta.engine.deadlines(NUMBER)
    return next(d for d in told if d.reason is DeadlineReason.NAME_CHANGE)


def approved_and_locked(meta: Rehearsed, name: str = "Luckier Shrub") -> None:
    """Have a new name approved, and the number's account locked before it is registered."""
    meta.fail("refuse", "register", code=131031)
    meta.engine.rename(NUMBER, name)
    meta.run_to(State.REGISTER_DEADLINE)


def test_a_change_that_is_approved_again_has_a_ladder_of_its_own(meta: Rehearsed) -> None:
    meta.register()
    approved_and_locked(meta)
    meta.run(most=14 * DAY + HOUR)
    assert rungs(meta) == ["inform", "urge", "page", "end"]
    meta.control.delete("/faults").raise_for_status()
    meta.engine.release(NUMBER, "the account is unlocked")
    meta.run(most=HOUR, until=lambda: meta.state() is State.NAME_REVIEW)
    assert (name_change(meta).closed_how, meta.row().register_by) == ("expired", None)
    meta.fail("refuse", "register", code=131031)
    meta.run_to(State.REGISTER_DEADLINE)
    meta.run(most=15 * DAY)
    assert rungs(meta) == ["inform", "urge", "page", "end"] * 2


def test_no_rung_is_raised_for_an_approval_that_was_taken_back(meta: Rehearsed) -> None:
    meta.register()
    approved_and_locked(meta)
    meta.engine.release(NUMBER, "to be seen")
    meta.control.delete("/faults").raise_for_status()
    meta.fail("refuse", "register", code=133016)
    meta.settle()
    meta.edit(new_name_status="DECLINED")
    meta.run(most=30 * DAY)
    assert (meta.state(), meta.row().waiting) == (State.NAME_REVIEW, Reason.NAME_DECLINED)
    assert (name_change(meta).closed_how, rungs(meta)) == ("over", [])
