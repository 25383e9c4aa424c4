"""The name's whole way: declined and mended, renamed and registered again, with every instant."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from onboarding.core.timing import parse_iso
from onboarding.errors import TransitionRefusedError
from onboarding.model import Deadline, DeadlineReason, NumberStatus, Owner, Reason, State
from tests.engine.rehearsing import DAY, HOUR, MINUTE, NUMBER, Rehearse, Rehearsed, scenario

RULES = [
    {"name": "Slow*", "first": "PENDING_REVIEW", "after": "2d"},
    {
        "name": "Casino*", "first": "PENDING_REVIEW", "after": "1d", "decision": "DECLINED",
        "rejection_reason": "NAME_NOT_CONSISTENT",
    },
    {"name": "Never*", "first": "PENDING_REVIEW", "decision": "never"},
]  # fmt: skip


@pytest.fixture
def meta(rehearse: Rehearse) -> Rehearsed:
    """A Graph API whose reviewer takes its time, and declines casinos."""
    return rehearse(scenario=scenario(reviewer={"rules": RULES}))


def hand_over(meta: Rehearsed) -> None:
    """Hand every webhook that Meta has sent over to the engine, as a receiver would."""
    for event in meta.control.get("/webhooks").raise_for_status().json()["webhooks"]:
        meta.engine.ingest(event["payload"])


def status_changes(meta: Rehearsed) -> list[tuple[str, str | None, str]]:
    details = [
        e.detail for _, e in meta.engine.history(NUMBER) if e.trigger == "name_status_changed"
    ]
    return [(d["field"], d.get("from"), d["to"]) for d in details]


def name_change(meta: Rehearsed) -> Deadline:
    told = meta.engine.deadlines(NUMBER)
    return next(d for d in told if d.reason is DeadlineReason.NAME_CHANGE)


def test_each_change_of_either_status_is_in_the_history_once(meta: Rehearsed) -> None:
    meta.register(name="Slow Shrub")
    meta.engine.rename(NUMBER, "Slow Garden")
    meta.run_to(State.NAME_REVIEW)
    meta.run_to(State.REGISTERED)
    meta.wait(2 * DAY)
    assert status_changes(meta) == [
        ("name_status", "PENDING_REVIEW", "APPROVED"),
        ("new_name_status", None, "PENDING_REVIEW"),
        ("new_name_status", "PENDING_REVIEW", "APPROVED"),
    ]
    row = meta.row()
    assert (row.name_status, row.new_name_status) == ("APPROVED", "APPROVED")


def test_a_webhook_and_the_read_after_it_are_one_change(meta: Rehearsed) -> None:
    meta.register()
    meta.engine.rename(NUMBER, "Casino Shrub")
    meta.run_to(State.NAME_REVIEW)
    meta.run(most=2 * DAY, until=lambda: meta.shown()["new_name_status"] == "DECLINED")
    hand_over(meta)
    meta.run(most=DAY)
    hand_over(meta)
    assert status_changes(meta)[-1] == ("new_name_status", "PENDING_REVIEW", "DECLINED")
    assert [to for _, _, to in status_changes(meta)].count("DECLINED") == 1


def test_a_declined_rename_says_why_and_asks_the_partner(meta: Rehearsed) -> None:
    meta.register()
    meta.engine.rename(NUMBER, "Casino Shrub", actor="eve")
    meta.run(most=3 * DAY)
    hand_over(meta)
    row = meta.row()
    assert (row.state, row.waiting, row.waiting_for, row.rejection_reason) == (
        State.NAME_REVIEW, Reason.NAME_DECLINED, Owner.PARTNER, "NAME_NOT_CONSISTENT",
    )  # fmt: skip
    assert meta.shown()["status"] == NumberStatus.CONNECTED
    assert len(meta.calls("register")) == 1
    meta.engine.rename(NUMBER, "Luckier Shrub", actor="bob")
    meta.run_to(State.REGISTERED)
    meta.wait(HOUR)
    told = meta.engine.name_submissions(NUMBER)
    assert [(v.version, v.name, v.given_by, v.decision, v.rejection_reason) for v in told] == [
        (1, "Lucky Shrub", "rehearsal", "AVAILABLE_WITHOUT_REVIEW", None),
        (2, "Casino Shrub", "eve", "DECLINED", "NAME_NOT_CONSISTENT"),
        (3, "Luckier Shrub", "bob", "APPROVED", None),
    ]
    assert all(v.submitted_at is not None for v in told)
    assert "appears elsewhere" in told[1].why
    assert meta.row().rejection_reason is None


def test_a_first_name_that_is_declined_without_a_webhook_has_no_reason(meta: Rehearsed) -> None:
    meta.ask(name="Casino Shrub")
    meta.run(most=3 * DAY)
    [version] = meta.engine.name_submissions(NUMBER)
    assert (version.decision, version.source, version.rejection_reason) == (
        "DECLINED", "list", None,
    )  # fmt: skip
    assert version.why.startswith("not given")


def test_deferred_means_keep_waiting(meta: Rehearsed) -> None:
    meta.ask(name="Never Shrub")
    meta.run_to(State.NAME_REVIEW)
    for days in range(3):
        meta.decide_name("DEFERRED")
        hand_over(meta)
        meta.wait(DAY)
        row = meta.row()
        assert (row.state, row.waiting) == (State.NAME_REVIEW, Reason.NAME_IN_REVIEW), days
    assert meta.calls("register") == []
    meta.decide_name("APPROVED")
    meta.run_to(State.REGISTERED, most=DAY)


def test_a_webhook_tells_when_a_rename_was_approved(meta: Rehearsed) -> None:
    meta.register()
    meta.fail("refuse", "register", code=133016)
    meta.engine.rename(NUMBER, "Slow Shrub")
    meta.run_to(State.NAME_REVIEW)
    meta.run(most=3 * DAY, until=lambda: meta.shown()["new_name_status"] == "APPROVED")
    hand_over(meta)
    meta.run_to(State.REGISTER_DEADLINE, most=DAY)
    deadline = name_change(meta)
    approved = parse_iso(meta.shown()["name_approved_at"])
    assert (deadline.anchor_source, deadline.due_at - deadline.starts_at) == ("webhook", 14 * DAY)
    assert abs(deadline.starts_at - approved) < MINUTE
    assert meta.row().name_approved_at == deadline.starts_at


def test_a_webhook_that_comes_after_the_read_corrects_the_anchor(meta: Rehearsed) -> None:
    meta.register()
    meta.fail("refuse", "register", code=133016)
    meta.engine.rename(NUMBER, "Slow Shrub")
    meta.run_to(State.REGISTER_DEADLINE)
    before = name_change(meta)
    assert before.anchor_source == "last_read_before_approval"
    hand_over(meta)
    meta.run(most=HOUR)
    after = name_change(meta)
    assert after.anchor_source == "webhook"
    assert before.starts_at < after.starts_at
    assert meta.row().register_by == after.due_at
    assert meta.triggers().count("deadline_set") == 1


def test_a_registration_again_that_meta_is_not_ready_for_keeps_its_own_schedule(
    meta: Rehearsed,
) -> None:
    meta.register()
    meta.fail("refuse", "register", code=100, subcode=2388001, attempts=(2, 3, 4))
    meta.engine.rename(NUMBER, "Luckier Shrub")
    meta.run_to(State.NAME_REVIEW)
    meta.run_to(State.REGISTERED)
    times = [parse_iso(call["at"]) for call in meta.calls("register")][1:]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    for gap, least in zip(gaps, (15 * MINUTE, HOUR, 6 * HOUR), strict=True):
        assert least <= gap <= least * 1.2
    assert name_change(meta).closed_how == "met"
    digests = {call["params"]["pin_digest"] for call in meta.calls("register")}
    assert digests == {meta.shown()["pin_digest"]}


def test_a_registration_again_that_was_missed_submits_the_name_again(meta: Rehearsed) -> None:
    meta.register()
    meta.fail("refuse", "register", code=131031)
    meta.engine.rename(NUMBER, "Luckier Shrub", actor="eve")
    meta.run_to(State.REGISTER_DEADLINE)
    meta.run(most=14 * DAY + HOUR)
    meta.control.delete("/faults").raise_for_status()
    meta.engine.release(NUMBER, "the account is unlocked")
    meta.run_to(State.NAME_REVIEW)
    assert (name_change(meta).closed_how, meta.row().register_by) == ("expired", None)
    meta.run_to(State.REGISTERED)
    assert meta.shown()["verified_name"] == "Luckier Shrub"
    told = meta.engine.name_submissions(NUMBER)
    assert [(v.name, v.given_by, v.decision) for v in told[1:]] == [
        ("Luckier Shrub", "eve", "EXPIRED"),
        ("Luckier Shrub", "engine", "APPROVED"),
    ]
    assert len(meta.calls("set_display_name")) == 2


def test_ten_changes_in_thirty_days_and_the_eleventh_waits(meta: Rehearsed) -> None:
    meta.register()
    for change in range(10):
        meta.engine.rename(NUMBER, f"Luckier Shrub {change}")
        meta.run_to(State.NAME_REVIEW)
        meta.run_to(State.REGISTERED)
        meta.wait(12 * HOUR)
    first = parse_iso(meta.calls("set_display_name")[0]["at"])
    row = meta.engine.rename(NUMBER, "Luckiest Shrub")
    assert row.waiting is Reason.BUDGET
    assert row.next_due_at is not None
    assert abs(row.next_due_at - first - 30 * DAY) < MINUTE
    meta.run(most=5 * DAY)
    assert len(meta.calls("set_display_name")) == 10
    meta.run_to(State.REGISTERED)
    assert meta.shown()["verified_name"] == "Luckiest Shrub"


def test_a_name_is_not_submitted_while_a_review_runs(meta: Rehearsed) -> None:
    meta.register()
    meta.engine.rename(NUMBER, "Never Shrub")
    meta.run_to(State.NAME_REVIEW)
    meta.run(most=DAY)
    with pytest.raises(TransitionRefusedError, match="review runs"):
        meta.engine.rename(NUMBER, "Luckier Shrub")
    assert len(meta.calls("set_display_name")) == 1


def test_a_lost_submission_is_one_version(meta: Rehearsed) -> None:
    meta.register()
    meta.fail("drop_after_effect", "set_display_name", times=1)
    meta.engine.rename(NUMBER, "Luckier Shrub", actor="eve")
    meta.run_to(State.NAME_REVIEW)
    meta.run_to(State.REGISTERED)
    told = meta.engine.name_submissions(NUMBER)
    assert [(v.name, v.given_by, v.decision) for v in told] == [
        ("Lucky Shrub", "rehearsal", "AVAILABLE_WITHOUT_REVIEW"),
        ("Luckier Shrub", "eve", "APPROVED"),
    ]


def test_a_change_of_a_number_on_hold_is_noted_too(meta: Rehearsed) -> None:
    meta.register()
    meta.engine.hold(NUMBER, "a pause")
    meta.edit(name_status="DECLINED")
    meta.engine.ingest(review_hint())
    meta.run(most=HOUR)
    assert status_changes(meta) == [("name_status", "AVAILABLE_WITHOUT_REVIEW", "DECLINED")]


def review_hint() -> Any:
    """Return a webhook that says nothing of a number, but brings the next read forward."""
    change = {"field": "account_review_update", "value": {"decision": "APPROVED"}}
    entry = {"id": "102290129340398", "time": 1772442000, "changes": [change]}
    return {"object": "whatsapp_business_account", "entry": [entry]}
