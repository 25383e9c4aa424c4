"""Deadlines and their ladders, as they are stored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Engine

from onboarding.model import Deadline, DeadlineReason
from onboarding.store import deadlines
from tests.escalations import load_escalations
from tests.store.making import DAY, HOUR, START, a_deadline, a_row, read, rows, store, write

SIGNUP, POLICY = DeadlineReason.EMBEDDED_SIGNUP, DeadlineReason.POLICY


def set_(database: Engine, *given: Deadline) -> None:
    write(database, lambda conn: deadlines.set_deadlines(conn, given))


def stored(database: Engine, *ids: str) -> list[Deadline]:
    wanted = ids or ("row-000000",)
    return read(database, lambda conn: deadlines.load_deadlines(conn, wanted))


def climbable(database: Engine, now: Any = START + 30 * DAY, limit: int = 100) -> list[str]:
    found = read(database, lambda conn: deadlines.find_climbable(conn, now, limit))
    due = read(database, lambda conn: deadlines.load_climbable(conn, found, now))
    assert {deadline.onboarding_id for deadline in due} == set(found)
    return found


def test_a_deadline_is_kept_and_corrected(database: Engine) -> None:
    (row,) = store(database, [a_row()])
    first = a_deadline(row)
    set_(database, first)
    assert stored(database) == [first]
    corrected = replace(
        first, anchor_source="given", starts_at=START + DAY, due_at=START + 15 * DAY, next_rung=1,
        next_rung_at=START + 9 * DAY,
    )  # fmt: skip
    set_(database, corrected)
    assert stored(database) == [corrected]
    set_(database)


def test_each_cycle_and_reason_has_its_own(database: Engine) -> None:
    (row,) = store(database, [a_row()])
    made = [
        a_deadline(row, starts_at=START),
        a_deadline(row, reason=SIGNUP, starts_at=START + HOUR),
        a_deadline(row, cycle=2, starts_at=START + DAY),
    ]
    set_(database, *made)
    assert stored(database) == made
    assert stored(database, "nobody") == []


def test_what_is_due_to_climb_comes_earliest_first(database: Engine) -> None:
    made = store(database, rows(4))
    instants = [START + 3 * DAY, START + DAY, None, START + 2 * DAY]
    set_(
        database,
        *(a_deadline(row, next_rung_at=at) for row, at in zip(made, instants, strict=True)),
    )
    assert climbable(database) == [made[1].id, made[3].id, made[0].id]
    assert climbable(database, limit=2) == [made[1].id, made[3].id]
    assert climbable(database, START + DAY) == [made[1].id]
    assert climbable(database, START) == []
    assert read(database, deadlines.next_rung_at) == START + DAY


def test_a_rung_is_moved_for_its_own_deadline_only(database: Engine) -> None:
    (row,) = store(database, [a_row()])
    policy, signup = a_deadline(row), a_deadline(row, reason=SIGNUP, starts_at=START + HOUR)
    set_(database, policy, signup)
    moved = replace(policy, next_rung=2, next_rung_at=None)
    write(database, lambda conn: deadlines.move_rungs(conn, [moved]))
    assert stored(database) == [moved, signup]


def test_a_closed_deadline_is_left_as_it_ended(database: Engine) -> None:
    one, two = store(database, rows(2))
    set_(database, a_deadline(one), a_deadline(two), a_deadline(one, reason=SIGNUP))
    write(database, lambda c: deadlines.close_deadlines(c, {one.id: "met"}, START + DAY))
    write(database, lambda c: deadlines.close_deadlines(c, {one.id: "over"}, START + 2 * DAY))
    write(database, lambda c: deadlines.close_deadlines(c, {}, START))
    for deadline in stored(database, one.id):
        assert (deadline.closed_at, deadline.closed_how) == (START + DAY, "met")
    assert climbable(database) == [two.id]


def test_a_deadline_of_another_reason_takes_the_place_of_the_first(database: Engine) -> None:
    one, two = store(database, rows(2))
    signup = a_deadline(one, reason=SIGNUP, starts_at=START + HOUR)
    set_(database, a_deadline(one), signup, a_deadline(two))
    write(database, lambda conn: deadlines.replace_deadlines(conn, [signup], START))
    policy, kept = stored(database, one.id)
    assert (policy.closed_how, kept) == ("replaced", signup)
    assert climbable(database, START + 8 * DAY) == [one.id, two.id]


def test_a_deadline_that_ended_may_begin_anew(database: Engine) -> None:
    (row,) = store(database, [a_row()])
    first = a_deadline(row, next_rung=3)
    set_(database, first)
    write(database, lambda conn: deadlines.close_deadlines(conn, {row.id: "met"}, START))
    anew = replace(first, starts_at=START + DAY, next_rung=0)
    set_(database, anew)
    assert stored(database) == [anew]
    assert climbable(database) == [row.id]


def test_a_rung_is_recorded_once_and_told_again_when_its_deadline_begins_anew(
    database: Engine,
) -> None:
    def record(**changes: Any) -> None:
        rung = {
            "onboarding_id": "row-000000", "cycle": 1, "reason": POLICY, "rung": "inform",
            "raised_at": START, "collapsed_into": "urge",
        }  # fmt: skip
        write(database, lambda conn: deadlines.insert_escalations(conn, [{**rung, **changes}]))

    record()
    record(rung="urge", collapsed_into=None)
    record(raised_at=START + DAY, collapsed_into=None)
    found = read(database, lambda conn: load_escalations(conn, "row-000000"))
    assert [(row["rung"], row["raised_at"], row["collapsed_into"]) for row in found] == [
        ("urge", START, None),
        ("inform", START + DAY, None),
    ]
