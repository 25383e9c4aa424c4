"""Numbers that are to leave the Cloud API: by whose word, within which budget, and never by two."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from onboarding.core.chain import Entry
from onboarding.errors import (
    ConflictError,
    InputError,
    NotFoundError,
    TransitionRefusedError,
)
from onboarding.model import ApprovalStatus, Operation, OperationStatus, Owner, Reason, State
from tests.engine.rehearsing import DAY, HOUR, MINUTE, NUMBER, Rehearse, Rehearsed

LEAVES = "the customer has left"


@pytest.fixture
def meta(meta: Rehearsed) -> Rehearsed:
    meta.register()
    return meta


@pytest.fixture
def guarded(rehearse: Rehearse) -> Rehearsed:
    """A registered number whose leaving a second person must approve."""
    meta = rehearse(approvals="offboard, display_name")
    meta.register()
    return meta


def last_entry(meta: Rehearsed, trigger: str) -> Entry:
    return [e for _, e in meta.engine.history(NUMBER) if e.trigger == trigger][-1]


def test_a_registered_number_is_taken_off_and_has_left(meta: Rehearsed) -> None:
    meta.engine.offboarding.ask(NUMBER, LEAVES, actor="ada")
    meta.run()
    assert meta.state() is State.LEFT
    assert (meta.shown()["platform_type"], meta.shown()["status"]) == (
        "NOT_APPLICABLE", "DISCONNECTED",
    )  # fmt: skip
    (call,) = [op for op in meta.engine.operations(NUMBER) if op.name is Operation.DEREGISTER]
    assert (call.status, call.resolved_by) == (OperationStatus.SUCCEEDED, "response")
    asked = last_entry(meta, "offboard_requested")
    assert (asked.actor, asked.reason) == ("ada", LEAVES)
    assert last_entry(meta, "number_left").operation == call.id
    assert meta.engine.due().items == ()


def test_the_list_is_read_before_the_call_is_made(meta: Rehearsed) -> None:
    before = len(meta.calls())
    meta.engine.offboarding.ask(NUMBER, LEAVES)
    meta.run()
    assert [call["endpoint"] for call in meta.calls()[before:]] == ["list_numbers", "deregister"]


def test_a_number_that_moved_to_the_business_app_is_never_taken_off(meta: Rehearsed) -> None:
    meta.engine.offboarding.ask(NUMBER, LEAVES)
    meta.edit(is_on_biz_app=True)
    meta.run(most=2 * DAY)
    assert (meta.state(), meta.row().waiting) == (State.REGISTERED, Reason.NOT_OURS)
    assert meta.calls("deregister") == []
    meta.engine.offboarding.withdraw(NUMBER, "it is the app's now")
    with pytest.raises(TransitionRefusedError, match="Business app"):
        meta.engine.offboarding.ask(NUMBER, LEAVES)


def test_a_lost_answer_is_found_on_the_list(meta: Rehearsed) -> None:
    meta.fail("drop_after_effect", "deregister", times=1)
    meta.engine.offboarding.ask(NUMBER, LEAVES)
    meta.run()
    assert meta.state() is State.LEFT
    assert len(meta.calls("deregister")) == 1
    (call,) = [op for op in meta.engine.operations(NUMBER) if op.name is Operation.DEREGISTER]
    assert (call.status, call.resolved_by) == (OperationStatus.SUCCEEDED, "probe")


def test_a_lost_call_is_made_again(meta: Rehearsed) -> None:
    meta.fail("drop_before_effect", "deregister", times=2)
    meta.engine.offboarding.ask(NUMBER, LEAVES)
    meta.run()
    assert meta.state() is State.LEFT
    assert [call["effect"] for call in meta.calls("deregister")] == [False, False, True]


def test_a_number_that_is_off_already_needs_no_call(meta: Rehearsed) -> None:
    meta.edit(platform_type="NOT_APPLICABLE", status="DISCONNECTED")
    meta.engine.offboarding.ask(NUMBER, LEAVES)
    meta.run()
    assert meta.state() is State.LEFT
    assert meta.calls("deregister") == []


def test_a_refusal_is_not_taken_for_its_leaving(meta: Rehearsed) -> None:
    """Meta says that there is no such thing also of what a token may not see; the list decides."""
    meta.fail("refuse", "deregister", code=803, times=9)
    meta.engine.offboarding.ask(NUMBER, LEAVES)
    meta.run(most=DAY)
    row = meta.row()
    assert (row.state, row.hold) == (State.REGISTERED, Reason.REFUSED)
    assert len(meta.calls("deregister")) == 2
    assert meta.shown()["status"] == "CONNECTED"


def test_eight_calls_are_made_in_72_hours_whatever_comes_of_them(meta: Rehearsed) -> None:
    meta.fail("drop_before_effect", "deregister", times=8)
    meta.engine.offboarding.ask(NUMBER, LEAVES)
    began = meta.clock.now()
    meta.run(until=lambda: meta.row().waiting is Reason.BUDGET)
    assert len(meta.calls("deregister")) == 8
    assert meta.clock.now() - began < timedelta(hours=72)
    meta.run_to(State.LEFT)
    assert len(meta.calls("deregister")) == 9
    assert meta.clock.now() - began >= timedelta(hours=72)


def test_what_is_not_registered_is_not_taken_off(meta: Rehearsed) -> None:
    meta.engine.offboarding.ask(NUMBER, LEAVES)
    with pytest.raises(ConflictError, match="already"):
        meta.engine.offboarding.ask(NUMBER, LEAVES)
    with pytest.raises(TransitionRefusedError, match="deregistered"):
        meta.engine.rename(NUMBER, "Luckier Shrub")
    meta.run()
    with pytest.raises(TransitionRefusedError, match="'left'"):
        meta.engine.offboarding.ask(NUMBER, LEAVES)
    with pytest.raises(TransitionRefusedError):
        meta.engine.offboarding.withdraw(NUMBER, "no")
    assert len(meta.calls("deregister")) == 1


def test_a_number_that_is_renamed_stays_until_that_has_ended(meta: Rehearsed) -> None:
    meta.engine.rename(NUMBER, "Luckier Shrub")
    with pytest.raises(TransitionRefusedError, match="new name"):
        meta.engine.offboarding.ask(NUMBER, LEAVES)
    assert meta.row().offboard_at is None


def test_what_is_withdrawn_in_time_stays(meta: Rehearsed) -> None:
    meta.engine.offboarding.ask(NUMBER, LEAVES)
    meta.engine.offboarding.withdraw(NUMBER, "the customer stays", actor="bea")
    meta.run(most=DAY)
    assert (meta.state(), meta.row().waiting) == (State.REGISTERED, Reason.DONE)
    assert meta.calls("deregister") == []
    assert last_entry(meta, "offboard_withdrawn").actor == "bea"


def test_nothing_is_withdrawn_while_a_call_is_on_its_way(meta: Rehearsed) -> None:
    meta.fail("drop_after_effect", "deregister", times=1)
    meta.engine.offboarding.ask(NUMBER, LEAVES)
    meta.run(most=MINUTE)
    with pytest.raises(ConflictError, match="not known yet"):
        meta.engine.offboarding.withdraw(NUMBER, "the customer stays")
    meta.run_to(State.LEFT)


def test_a_number_that_left_comes_back_by_a_restart(meta: Rehearsed) -> None:
    meta.engine.offboarding.ask(NUMBER, LEAVES)
    meta.run()
    meta.engine.restart(NUMBER, "the customer is back")
    meta.run_to(State.REGISTERED)
    assert (meta.row().cycle, meta.row().offboard_at) == (2, None)
    assert meta.shown()["status"] == "CONNECTED"


# A second person


def test_nothing_happens_until_a_second_person_agrees(guarded: Rehearsed) -> None:
    meta = guarded
    meta.engine.offboarding.ask(NUMBER, LEAVES, actor="ada")
    meta.run(most=DAY)
    assert meta.row().offboard_at is None
    assert meta.calls("deregister") == []
    (asked,) = meta.engine.approvals.list(NUMBER)
    assert (asked.asked_by, asked.reason) == ("ada", LEAVES)
    with pytest.raises(ConflictError, match="asked for that already"):
        meta.engine.offboarding.ask(NUMBER, LEAVES, actor="cyd")


def asked_for(meta: Rehearsed, who: Sequence[Owner] = ()) -> list[tuple[str, Owner, str]]:
    items = meta.engine.due(who=who).items
    return [
        (each.requirement.what, each.requirement.from_whom, each.onboarding.id) for each in items
    ]


def test_the_second_person_is_told_and_asked_until_it_is_decided(guarded: Rehearsed) -> None:
    meta = guarded
    id_ = meta.row().id
    assert asked_for(meta) == []
    meta.engine.offboarding.ask(NUMBER, LEAVES, actor="ada")
    (asked,) = meta.engine.approvals.list(NUMBER)
    for who in ((), (Owner.OPERATOR,), (Owner.OPERATOR, Owner.META)):
        assert asked_for(meta, who) == [("approval", Owner.OPERATOR, id_)]
    assert asked_for(meta, [Owner.PARTNER]) == []
    (required,) = meta.engine.requirements(NUMBER)
    assert LEAVES in required.why
    assert "ada asked" in required.why
    assert f"approval approve {asked.id}" in required.how
    assert any("ada asked" in line for line in meta.engine.why(NUMBER).now)
    told = [e for e in meta.engine.events() if e["data"].get("what") == "approval"]
    assert [each["type"] for each in told] == ["requirement"]
    assert f"approval approve {asked.id}" in told[0]["data"]["command"]
    meta.run(most=DAY)
    told = [e for e in meta.engine.events() if e["data"].get("what") == "approval"]
    assert [each["type"] for each in told] == ["requirement", "overdue"]
    assert last_entry(meta, "overdue").detail["what"] == "approval"
    meta.engine.approvals.approve(asked.id, actor="bea")
    meta.run_to(State.LEFT)
    assert asked_for(meta) == []


def test_nobody_is_told_any_more_of_what_was_refused(guarded: Rehearsed) -> None:
    meta = guarded
    meta.engine.offboarding.ask(NUMBER, LEAVES, actor="ada")
    (asked,) = meta.engine.approvals.list()
    meta.engine.approvals.refuse(asked.id, "the contract runs on", actor="bea")
    assert asked_for(meta) == []
    meta.run(most=DAY)
    assert [e for e in meta.engine.events() if e["type"] == "overdue"] == []
    meta.engine.offboarding.ask(NUMBER, LEAVES, actor="ada")
    meta.run(most=DAY)
    assert len([e for e in meta.engine.events() if e["type"] == "overdue"]) == 1


def test_pages_of_what_is_due_hold_approvals_in_their_place(guarded: Rehearsed) -> None:
    meta = guarded
    for place in range(3):
        meta.register(f"+49301234568{place}")
        meta.engine.offboarding.ask(f"+49301234568{place}", LEAVES, actor="ada")
    meta.engine.offboarding.ask(NUMBER, LEAVES, actor="ada")
    meta.engine.hold(meta.ask("+493012345690"), "a pause")
    page = meta.engine.due(limit=1)
    found = [each.onboarding.id for each in page.items]
    while page.next_cursor is not None:
        page = meta.engine.due(limit=1, cursor=page.next_cursor)
        found += [each.onboarding.id for each in page.items]
    assert found == [each.onboarding.id for each in meta.engine.due().items]
    assert len(found) == len(set(found)) == 5


@pytest.mark.parametrize("same", ["ada", "Ada", " ADA "])
def test_who_asked_cannot_approve(guarded: Rehearsed, same: str) -> None:
    meta = guarded
    meta.engine.offboarding.ask(NUMBER, LEAVES, actor="ada")
    (asked,) = meta.engine.approvals.list()
    with pytest.raises(ConflictError, match="another person"):
        meta.engine.approvals.approve(asked.id, actor=same)
    meta.run(most=DAY)
    assert meta.state() is State.REGISTERED
    assert [each.status for each in meta.engine.approvals.list()] == [ApprovalStatus.PENDING]


def test_once_approved_it_leaves_and_the_history_tells_who_did_what(guarded: Rehearsed) -> None:
    meta = guarded
    asked_at = meta.clock.now()
    meta.engine.offboarding.ask(NUMBER, LEAVES, actor="ada")
    (asked,) = meta.engine.approvals.list()
    meta.wait(HOUR)
    meta.engine.approvals.approve(asked.id, reason="agreed with sales", actor="bea")
    meta.run_to(State.LEFT)
    given = last_entry(meta, "approval_given")
    assert (given.actor, given.reason, given.at) == ("bea", "agreed with sales", asked_at + HOUR)
    assert given.detail["asked_by"] == "ada"
    assert given.detail["asked_at"] == f"{asked_at:%Y-%m-%dT%H:%M:%SZ}"
    assert last_entry(meta, "approval_asked").actor == "ada"
    assert last_entry(meta, "offboard_requested").actor == "ada"
    assert meta.engine.require_verified()
    (done,) = meta.engine.approvals.list(with_decided=True)
    assert (done.status, done.decided_by) == (ApprovalStatus.APPROVED, "bea")
    with pytest.raises(TransitionRefusedError, match="before"):
        meta.engine.approvals.approve(asked.id, actor="cyd")


def test_what_is_refused_stays_and_can_be_asked_for_again(guarded: Rehearsed) -> None:
    meta = guarded
    meta.engine.offboarding.ask(NUMBER, LEAVES, actor="ada")
    (asked,) = meta.engine.approvals.list()
    with pytest.raises(InputError, match="reason"):
        meta.engine.approvals.refuse(asked.id, " ", actor="bea")
    meta.engine.approvals.refuse(asked.id, "the contract runs on", actor="bea")
    meta.run(most=DAY)
    assert (meta.state(), meta.row().offboard_at) == (State.REGISTERED, None)
    assert last_entry(meta, "approval_refused").reason == "the contract runs on"
    meta.engine.offboarding.ask(NUMBER, LEAVES, actor="ada")
    assert len(meta.engine.approvals.list()) == 1


def test_what_is_not_possible_any_more_is_not_approved(guarded: Rehearsed) -> None:
    meta = guarded
    meta.engine.offboarding.ask(NUMBER, LEAVES, actor="ada")
    (asked,) = meta.engine.approvals.list()
    meta.edit(deleted=True)
    meta.engine.ingest({"object": "whatsapp_business_account", "entry": []})
    meta.engine.advance(NUMBER)
    meta.run(most=MINUTE)
    row = meta.row()
    if row.state is State.REGISTERED:
        meta.engine.rename(NUMBER, "Luckier Shrub")
    with pytest.raises(TransitionRefusedError):
        meta.engine.approvals.approve(asked.id, actor="bea")
    assert [each.status for each in meta.engine.approvals.list()] == [ApprovalStatus.PENDING]
    assert meta.calls("deregister") == []


def test_an_approval_that_is_not_there_is_told(guarded: Rehearsed) -> None:
    with pytest.raises(NotFoundError):
        guarded.engine.approvals.approve("019999999999", actor="bea")
    assert guarded.engine.approvals.list() == []


def declined(meta: Rehearsed, name: str) -> None:
    meta.engine.rename(NUMBER, name, actor="ada")
    meta.run(until=lambda: meta.row().name_submitted_at is not None)
    meta.run(most=5 * MINUTE)
    meta.decide_name("DECLINED")
    meta.run(until=lambda: meta.row().waiting is Reason.NAME_DECLINED)


def test_the_third_resubmission_of_a_name_needs_a_second_person(guarded: Rehearsed) -> None:
    meta = guarded
    for name in ("Shrub One", "Shrub Two"):
        declined(meta, name)
    assert meta.engine.approvals.list() == []
    meta.engine.rename(NUMBER, "Shrub Three", actor="ada")
    meta.run(most=HOUR)
    (asked,) = meta.engine.approvals.list()
    assert (asked.kind, asked.detail) == ("display_name", "Shrub Three")
    assert len(meta.calls("set_display_name")) == 2
    meta.engine.approvals.approve(asked.id, actor="bea")
    meta.run(until=lambda: len(meta.calls("set_display_name")) == 3)
    versions = meta.engine.name_submissions(NUMBER)
    assert (versions[-1].name, versions[-1].given_by) == ("Shrub Three", "ada")


def test_without_the_setting_nobody_has_to_agree(meta: Rehearsed) -> None:
    for name in ("Shrub One", "Shrub Two", "Shrub Three"):
        declined(meta, name)
    assert len(meta.calls("set_display_name")) == 3
    assert meta.engine.approvals.list() == []


def test_a_word_that_names_nothing_is_refused_at_the_start(rehearse: Rehearse) -> None:
    with pytest.raises(Exception, match=r"ONBOARDING_APPROVALS.*offboard, display_name"):
        rehearse(approvals="everything")


def test_a_dead_token_burns_no_call_of_the_window(meta: Rehearsed) -> None:
    meta.fail("refuse", "deregister", code=190, times=99)
    meta.engine.offboarding.ask(NUMBER, LEAVES)
    meta.run(most=HOUR)
    assert len(meta.calls("deregister")) == 1
    assert meta.row().waiting is Reason.ACCOUNT_HELD
