"""Expiry and return: Embedded Signup done again, under the same id, another one, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from onboarding.core.numbers import number_key
from onboarding.errors import ConflictError
from onboarding.model import DeadlineReason, Owner, Reason, State
from tests.engine.rehearsing import DAY, HOUR, NUMBER, START, Rehearse, Rehearsed, scenario

#: A reviewer that never decides on what is slow: nothing registers, and the window ends.
REVIEWER = {"rules": [{"name": "Slow*", "first": "PENDING_REVIEW", "decision": "never"}]}

BRAZIL, MEXICO = "+55 31 98427-1278", "+52 1 55 1234 5678"


@pytest.fixture
def meta(rehearse: Rehearse) -> Rehearsed:
    """A Graph API whose reviewer never decides on slow names, and refuses early registrations."""
    return rehearse(scenario=scenario(reviewer=REVIEWER))


def expire(meta: Rehearsed, number: str = NUMBER) -> str:
    """Let an Embedded Signup number expire; return the id that it had at Meta."""
    meta.sign_up(number, "Slow Shrub", at=START)
    id_ = meta.ask(number, "Slow Shrub", entry="embedded_signup", onboarded_at=START)
    meta.fail("refuse", "register", code=100, subcode=2388001)
    meta.run_to(State.EXPIRED, id_)
    meta.control.delete("/faults").raise_for_status()
    return meta.row(id_).phone_number_id or ""


def deadlines(meta: Rehearsed, reference: str = NUMBER) -> list[tuple[Any, ...]]:
    told = meta.engine.deadlines(reference)
    return [(d.cycle, d.reason, d.anchor_source, d.closed_how) for d in told]


def test_it_comes_back_under_the_same_id(meta: Rehearsed) -> None:
    before = expire(meta)
    old = meta.engine.history(NUMBER)
    meta.wait(DAY)
    again = meta.clock.now()
    assert meta.sign_up(NUMBER, "Lucky Shrub", at=again) == before
    meta.engine.restart(NUMBER, "signed up again", onboarded_at=again, actor="ada")
    meta.run_to(State.REGISTERED, most=DAY)
    row = meta.row()
    assert (row.cycle, row.phone_number_id) == (2, before)
    assert meta.engine.history(NUMBER)[: len(old)] == old
    assert meta.engine.verify() == (2, [])
    assert deadlines(meta) == [
        (1, DeadlineReason.EMBEDDED_SIGNUP, "given", "expired"),
        (2, DeadlineReason.EMBEDDED_SIGNUP, "given", "met"),
    ]


@pytest.mark.parametrize("number", [NUMBER, BRAZIL, MEXICO], ids=["Germany", "Brazil", "Mexico"])
def test_it_comes_back_under_another_id(meta: Rehearsed, number: str) -> None:
    before = expire(meta, number)
    meta.edit(number, deleted=True)
    meta.wait(DAY)
    again = meta.clock.now()
    after = meta.sign_up(number, "Lucky Shrub", at=again)
    assert after != before
    meta.engine.restart(number, "signed up again")
    meta.run_to(State.REGISTERED, number, most=DAY)
    row = meta.row(number)
    assert (row.cycle, row.phone_number_id) == (2, after)
    assert number_key(meta.calls("register")[-1]["number"]) == row.number_key
    told = {d.reason: d for d in meta.engine.deadlines(number) if d.cycle == 2}
    assert told[DeadlineReason.EMBEDDED_SIGNUP].due_at == again + 14 * DAY
    assert told[DeadlineReason.EMBEDDED_SIGNUP].anchor_source == "last_onboarded_time"


def test_restarted_first_it_waits_for_the_customer_and_takes_the_new_id(meta: Rehearsed) -> None:
    expire(meta)
    meta.engine.restart(NUMBER, "the customer was told")
    meta.wait(DAY)
    row = meta.row()
    assert (row.state, row.waiting, row.waiting_for) == (
        State.REQUESTED, Reason.NOT_ON_WABA, Owner.PARTNER,
    )  # fmt: skip
    assert deadlines(meta)[-1] == (2, DeadlineReason.POLICY, "restarted", None)
    old = meta.engine.history(NUMBER)
    id_at_meta = meta.control.get("/state").json()["numbers"][0]["id"]
    meta.tell(f"/numbers/{id_at_meta}", {"deleted": True})
    after = meta.sign_up(NUMBER, "Lucky Shrub", at=meta.clock.now())
    meta.run_to(State.REGISTERED, most=DAY)
    assert meta.row().phone_number_id == after
    assert meta.engine.history(NUMBER)[: len(old)] == old


def test_it_does_not_come_back_at_all(meta: Rehearsed) -> None:
    before = expire(meta)
    meta.tell(f"/numbers/{before}", {"deleted": True})
    again = meta.clock.now()
    meta.engine.restart(NUMBER, "the customer promises", onboarded_at=again)
    meta.wait(13 * DAY)
    row = meta.row()
    assert (row.state, row.waiting, row.waiting_for) == (
        State.REQUESTED, Reason.NOT_ON_WABA, Owner.PARTNER,
    )  # fmt: skip
    meta.run_to(State.EXPIRED, most=2 * DAY)
    assert meta.clock.now() >= again + 14 * DAY
    assert [how for *_, how in deadlines(meta)] == ["expired", "expired"]
    assert meta.calls("create_number") == []  # Embedded Signup makes the number, never we


def test_it_expires_again_and_comes_back_again(meta: Rehearsed) -> None:
    expire(meta)
    meta.sign_up(NUMBER, "Slow Garden", at=meta.clock.now())
    meta.fail("refuse", "register", code=100, subcode=2388001)
    meta.engine.restart(NUMBER, "signed up again")
    meta.wait(HOUR)
    meta.run_to(State.EXPIRED)
    meta.control.delete("/faults").raise_for_status()
    meta.sign_up(NUMBER, "Lucky Shrub", at=meta.clock.now())
    meta.engine.restart(NUMBER, "and again")
    meta.run_to(State.REGISTERED, most=DAY)
    assert meta.row().cycle == 3
    assert [v.name for v in meta.engine.name_submissions(NUMBER)] == [
        "Slow Shrub", "Slow Garden", "Lucky Shrub",
    ]  # fmt: skip


def test_a_number_that_is_asked_for_anew_meanwhile_is_not_restarted(meta: Rehearsed) -> None:
    expired = expire(meta)
    old = meta.row().id
    meta.sign_up(NUMBER, "Lucky Shrub", at=meta.clock.now())
    other = meta.ask(entry="embedded_signup", onboarded_at=meta.clock.now(), again=True)
    assert other != old
    with pytest.raises(ConflictError, match=other):
        meta.engine.restart(old, "signed up again")
    meta.run_to(State.REGISTERED, other, most=DAY)
    assert meta.row(other).phone_number_id == expired
