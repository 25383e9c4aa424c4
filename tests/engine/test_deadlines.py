"""Deadlines: set as soon as the anchor is known, never missed unseen, and the end is the end."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from onboarding.core.timing import parse_iso
from onboarding.model import DeadlineReason, Owner, Reason, State
from onboarding.store.database import reading
from tests.engine.rehearsing import (
    DAY,
    HOUR,
    MINUTE,
    NUMBER,
    SECOND,
    START,
    WABA,
    Rehearse,
    Rehearsed,
    scenario,
)
from tests.escalations import load_escalations

RUNGS = ["inform", "urge", "page", "end"]
IN_REVIEW = {
    "reviewer": {"rules": [{"name": "Slow*", "first": "PENDING_REVIEW", "decision": "never"}]}
}


def raised(meta: Rehearsed) -> list[tuple[str, datetime]]:
    """Return the rungs in the history, with the instant of each."""
    entries = [entry for _, entry in meta.engine.history(NUMBER)]
    return [(e.detail["rung"], e.at) for e in entries if e.trigger == "escalated"]


def recorded(meta: Rehearsed) -> dict[str, str | None]:
    with reading(meta.engine.context.database) as conn:
        rows = load_escalations(conn, meta.row().id)
    return {row["rung"]: row["collapsed_into"] for row in rows}


@pytest.fixture
def slow(rehearse: Rehearse) -> Rehearsed:
    """A number of Embedded Signup, just finished, whose name stays in review for ever."""
    meta = rehearse(scenario=scenario(**IN_REVIEW))
    meta.sign_up(NUMBER, "Slow Shrub", at=START)
    meta.ask(NUMBER, "Slow Shrub", entry="embedded_signup", onboarded_at=START)
    return meta


def test_the_window_is_fourteen_days_from_what_meta_says(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=scenario(**IN_REVIEW))
    finished = START - timedelta(days=2, hours=3)
    meta.sign_up(NUMBER, "Slow Shrub", at=finished)
    meta.ask(NUMBER, "Slow Shrub", entry="embedded_signup", onboarded_at=START)
    assert meta.row().register_by == START + 14 * DAY  # the caller's word, until Meta's is read
    meta.settle()
    row = meta.row()
    assert row.register_by == finished + 14 * DAY
    assert row.register_by_reason is DeadlineReason.EMBEDDED_SIGNUP
    (deadline,) = meta.engine.deadlines(NUMBER)
    assert (deadline.anchor_source, deadline.starts_at) == ("last_onboarded_time", finished)
    assert "deadline_set" in meta.triggers()


def test_a_new_number_has_the_partners_own_deadline(rehearse: Rehearse) -> None:
    meta = rehearse(policy_days=5)
    meta.reads_codes = False
    meta.ask()
    row = meta.row()
    assert (row.register_by, row.register_by_reason) == (START + 5 * DAY, DeadlineReason.POLICY)
    meta.run(most=10 * DAY)
    assert meta.state() is State.CREATED  # it escalates, and nothing more
    assert [rung for rung, _ in raised(meta)] == RUNGS


def test_each_rung_is_raised_once_and_in_time(slow: Rehearsed) -> None:
    slow.run()
    assert raised(slow) == [
        ("inform", START + 7 * DAY),
        ("urge", START + 14 * DAY * (2 / 3)),
        ("page", START + 12 * DAY),
        ("end", START + 14 * DAY),
    ]
    assert recorded(slow) == dict.fromkeys(RUNGS)
    assert slow.state() is State.EXPIRED


def test_after_an_outage_the_highest_rung_is_raised_and_the_others_are_recorded(
    slow: Rehearsed,
) -> None:
    slow.wait(DAY)
    slow.move_to(START + 12 * DAY + HOUR)  # nobody was there
    slow.settle()
    assert [rung for rung, _ in raised(slow)] == ["page"]
    assert recorded(slow) == {"inform": "page", "urge": "page", "page": None}
    slow.settle()
    slow.run()
    assert [rung for rung, _ in raised(slow)] == ["page", "end"]


def test_two_engines_raise_a_rung_once(slow: Rehearsed) -> None:
    slow.wait(DAY)
    with slow.open_engine() as second:
        slow.move_to(START + 7 * DAY)
        assert slow.engine.advance().escalated == 1
        assert second.advance().escalated == 0


def test_no_rung_is_raised_once_the_number_is_registered(meta: Rehearsed) -> None:
    meta.register()
    meta.wait(20 * DAY)
    assert raised(meta) == []


def test_a_corrected_anchor_moves_only_the_rungs_that_are_ahead(slow: Rehearsed) -> None:
    slow.wait(8 * DAY)
    assert [rung for rung, _ in raised(slow)] == ["inform"]
    later = START + 4 * DAY
    slow.edit(last_onboarded_time=later.isoformat())
    slow.wait(DAY)
    (deadline,) = slow.engine.deadlines(NUMBER)
    assert (deadline.starts_at, deadline.due_at, deadline.next_rung) == (
        later, later + 14 * DAY, 1,
    )  # fmt: skip
    slow.run()
    assert [rung for rung, _ in raised(slow)] == RUNGS
    assert raised(slow)[1][1] == later + 14 * DAY * (2 / 3)
    assert slow.state() is State.EXPIRED


def test_in_the_last_days_registering_is_tried_while_the_review_runs(slow: Rehearsed) -> None:
    slow.run()
    calls = [parse_iso(call["at"]) for call in slow.calls("register")]
    assert calls[0] == START + 11 * DAY
    assert all(b - a >= 15 * MINUTE for a, b in pairwise(calls))
    assert max(calls) < START + 14 * DAY
    assert 3 <= len(calls) <= 8


def test_a_registration_that_meta_lets_through_in_review_saves_the_number(slow: Rehearsed) -> None:
    slow.wait(12 * DAY)
    slow.edit(registers_in_review=True)
    slow.run_to(State.REGISTERED)
    assert slow.clock.now() < START + 14 * DAY


def test_the_window_ends_only_on_the_word_of_a_list_read_after_it(slow: Rehearsed) -> None:
    slow.wait(14 * DAY - HOUR)
    lists = len(slow.calls("list_numbers"))
    slow.fail("error_500_transient", "list_numbers")
    slow.run(most=2 * HOUR)
    row = slow.row()
    assert (row.state, row.waiting) == (State.NAME_REVIEW, Reason.DEADLINE_CHECK)
    assert len(slow.calls("list_numbers")) > lists
    registers = len(slow.calls("register"))
    slow.control.delete("/faults").raise_for_status()
    slow.run(most=DAY)
    assert (slow.state(), slow.row().waiting) == (State.EXPIRED, Reason.OVER)
    assert len(slow.calls("register")) == registers
    (closed,) = slow.engine.deadlines(NUMBER)
    assert closed.closed_how == "expired"


def test_a_number_that_was_registered_elsewhere_in_time_does_not_expire(slow: Rehearsed) -> None:
    slow.wait(13 * DAY)
    slow.edit(status="CONNECTED", platform_type="CLOUD_API")
    slow.run(most=2 * DAY)
    assert slow.state() is State.REGISTERED


def test_no_registration_after_the_window(rehearse: Rehearse) -> None:
    meta = rehearse()
    meta.sign_up(NUMBER, at=START - 15 * DAY)
    meta.ask(entry="embedded_signup")
    meta.run(most=2 * DAY)
    assert meta.state() is State.EXPIRED
    assert meta.calls("register") == []


def test_a_held_number_expires_all_the_same(slow: Rehearsed) -> None:
    slow.wait(DAY)
    slow.engine.hold(NUMBER, "the customer thinks it over")
    slow.run()
    assert slow.state() is State.EXPIRED
    assert [rung for rung, _ in raised(slow)] == RUNGS
    assert slow.calls("register") == []


def test_embedded_signup_done_again_starts_a_new_window(slow: Rehearsed) -> None:
    slow.run_to(State.EXPIRED)
    slow.wait(DAY)
    slow.engine.restart(NUMBER, "the customer went through it again")
    slow.run(most=HOUR)
    row = slow.row()
    assert (row.state, row.cycle) == (State.REQUESTED, 2)
    assert row.waiting_for is Owner.PARTNER  # what the list shows is still the old signup
    again = slow.clock.now()
    slow.sign_up(NUMBER, "Lucky Shrub", at=again)
    slow.run_to(State.REGISTERED, most=DAY)
    reasons = {d.reason: d for d in slow.engine.deadlines(NUMBER) if d.cycle == 2}
    assert reasons[DeadlineReason.EMBEDDED_SIGNUP].due_at == again + 14 * DAY
    assert slow.engine.verify()[1] == []


def test_a_deadline_counts_in_every_live_state(rehearse: Rehearse) -> None:
    meta = rehearse()
    meta.ask(entry="embedded_signup", onboarded_at=START)
    meta.run()
    assert [rung for rung, _ in raised(meta)] == RUNGS
    assert meta.state() is State.EXPIRED
    assert meta.clock.now() >= START + 14 * DAY


def test_no_registration_that_might_leave_after_the_window(rehearse: Rehearse) -> None:
    """A call may be sent up to 25 s after it was decided; it must not arrive past the end."""
    meta = rehearse()
    finished = START - 14 * DAY + 20 * SECOND
    meta.sign_up(NUMBER, at=finished)
    meta.ask(entry="embedded_signup", onboarded_at=finished)
    meta.run(most=DAY)
    assert (meta.state(), meta.calls("register")) == (State.EXPIRED, [])


def test_at_the_end_of_the_window_a_held_account_is_what_is_waited_for(slow: Rehearsed) -> None:
    slow.wait(13 * DAY)
    slow.fail("refuse", "list_numbers", code=190)
    slow.run(most=2 * DAY)
    row = slow.row()
    assert (row.state, row.waiting, row.waiting_for) == (
        State.NAME_REVIEW, Reason.ACCOUNT_HELD, Owner.OPERATOR,
    )  # fmt: skip
    slow.control.delete("/faults").raise_for_status()
    slow.engine.check_account(WABA)
    slow.run(most=HOUR)
    assert slow.state() is State.EXPIRED
