"""What is required, from whom and by when; for whom was waited; and the story in sentences."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onboarding.core.deadlines import ANCHORS
from onboarding.core.requirements import Requirement
from onboarding.errors import InputError, NotFoundError
from onboarding.model import Owner, Reason, State, What
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
from tests.store.making import counted

OTHER, THIRD = "+493012345672", "+493012345673"
REVIEWED = {
    "reviewer": {
        "rules": [
            {"name": "Slow*", "first": "PENDING_REVIEW", "decision": "never"},
            {"name": "Bad*", "first": "PENDING_REVIEW", "decision": "DECLINED", "after": "1d"},
        ]
    }
}


def only(meta: Rehearsed, reference: str = NUMBER) -> Requirement:
    (required,) = meta.engine.requirements(reference)
    return required


def test_a_requirement_names_the_command_that_gives_it(meta: Rehearsed) -> None:
    meta.reads_codes = False
    id_ = meta.ask()
    meta.settle()
    ready = only(meta)
    assert (ready.what, ready.from_whom, ready.since) == (What.CODE_READY, Owner.HOLDER, START)
    assert (ready.due_by, ready.anchor) == (START + 14 * DAY, "policy: requested")
    assert ready.how.startswith(f"onboarding code {id_} --ready")
    meta.engine.code_ready(NUMBER)
    meta.run(most=MINUTE)
    assert (only(meta).what, only(meta).from_whom) == (What.CODE, Owner.HOLDER)
    meta.engine.submit_code(NUMBER, meta.last_code(NUMBER))
    assert (only(meta).what, only(meta).from_whom) == (What.STEP, Owner.ENGINE)
    meta.run_to(State.REGISTERED)
    assert meta.engine.requirements(NUMBER) == ()


def test_a_code_that_lapsed_while_no_worker_ran_is_the_engine_s_turn(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask(code_ready=True)
    meta.run(most=MINUTE)
    assert only(meta).from_whom is Owner.HOLDER
    meta.move_to(meta.clock.now() + HOUR)
    assert (only(meta).what, only(meta).from_whom) == (What.STEP, Owner.ENGINE)
    assert meta.engine.due(who=[Owner.HOLDER]).items == ()
    (each,) = meta.engine.due(who=[Owner.ENGINE]).items
    assert each.onboarding.phone_number == NUMBER
    meta.settle()
    assert only(meta).what is What.CODE_READY


def test_a_dead_token_is_asked_for_beside_what_others_can_give(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=scenario(**REVIEWED))
    for number, at in ((NUMBER, START - HOUR), (OTHER, START)):
        meta.sign_up(number, "Bad Shrub", at=at)
        meta.ask(number, "Bad Shrub", entry="embedded_signup", onboarded_at=at)
    meta.run(most=2 * DAY)
    assert only(meta).what is What.DISPLAY_NAME
    meta.fail("refuse", "list_numbers", code=190, subcode=463)
    meta.wait(DAY)
    token, name = meta.engine.requirements(NUMBER)
    assert (token.what, token.from_whom) == (What.TOKEN, Owner.OPERATOR)
    assert token.errors[0].code == 190
    assert token.errors[0].meaning
    assert token.errors[0].remedy
    assert f"onboarding account add {WABA}" in token.how
    assert (name.what, name.from_whom) == (What.DISPLAY_NAME, Owner.PARTNER)
    found = [(each.requirement.what, each.onboarding.phone_number)
             for each in meta.engine.due(who=[Owner.OPERATOR]).items]  # fmt: skip
    assert found == [(What.TOKEN, NUMBER), (What.TOKEN, OTHER)]  # the nearest deadline first


def test_due_lists_the_fleet_nearest_deadline_first(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=scenario(**REVIEWED))
    meta.reads_codes = False
    for number, name, age in ((NUMBER, "Slow One", 2), (OTHER, "Bad Shrub", 5)):
        meta.sign_up(number, name, at=START - age * DAY)
        meta.ask(number, name, entry="embedded_signup", onboarded_at=START - age * DAY)
    meta.ask(THIRD)
    meta.run(most=2 * DAY)
    told = [(each.onboarding.phone_number, each.requirement.what, each.requirement.from_whom)
            for each in meta.engine.due().items]  # fmt: skip
    assert told == [
        (OTHER, What.DISPLAY_NAME, Owner.PARTNER),
        (NUMBER, What.REVIEW, Owner.META),
        (THIRD, What.CODE_READY, Owner.HOLDER),
    ]
    first = meta.engine.due(limit=2)
    second = meta.engine.due(limit=2, cursor=first.next_cursor)
    assert [each.onboarding.phone_number for each in first.items] == [OTHER, NUMBER]
    assert [each.onboarding.phone_number for each in second.items] == [THIRD]
    assert second.next_cursor is None
    soon = meta.engine.due(before=meta.clock.now() + 8 * DAY).items
    assert [each.onboarding.phone_number for each in soon] == [OTHER]


@pytest.mark.parametrize("given", [{"limit": 0}, {"limit": 1001}, {"cursor": "nonsense"}])
def test_a_page_that_cannot_be_is_refused(meta: Rehearsed, given: dict[str, object]) -> None:
    with pytest.raises(InputError) as refused:
        meta.engine.due(**given)  # type: ignore[arg-type]  # what is refused
    assert (refused.value.field, bool(refused.value.hint)) == (next(iter(given)), True)


def test_a_page_costs_the_same_for_one_and_for_a_hundred(meta: Rehearsed) -> None:
    costs = []
    meta.reads_codes = False
    for count in (1, 19):
        for place in range(count):
            meta.ask(f"+493012345{count:02}{place:02}")
        meta.settle()
        with counted(meta.engine.context.database) as statements:
            assert meta.engine.due().items
        costs.append(len(statements))
    assert costs[0] == costs[1]


def test_for_whom_was_waited_is_told_by_the_instant(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=scenario(**REVIEWED))
    meta.sign_up(NUMBER, "Bad Shrub")
    meta.ask(NUMBER, "Bad Shrub", entry="embedded_signup", onboarded_at=START)
    meta.run(most=3 * DAY)
    seen_declined_at = meta.row().waiting_since
    meta.wait(START + 3 * DAY - meta.clock.now() + SECOND)
    meta.engine.rename(NUMBER, "Good Shrub")
    renamed_at = meta.clock.now()
    meta.run_to(State.REGISTERED)
    registered_at = meta.clock.now()
    meta.wait(5 * DAY)
    told = meta.engine.attribution(NUMBER)
    assert told.waited[Owner.PARTNER] == renamed_at - seen_declined_at
    assert told.waited[Owner.OPERATOR] == told.waited[Owner.HOLDER] == timedelta()
    assert told.waited[Owner.META] > DAY
    assert told.rested == meta.clock.now() - registered_at
    assert sum(told.waited.values(), told.rested) == meta.clock.now() - START


def test_the_story_tells_codes_and_what_they_mean(meta: Rehearsed) -> None:
    meta.fail("refuse", "register", code=133005, times=2)
    meta.fail("refuse", "set_pin", code=200, times=9)
    meta.ask()
    meta.run(most=DAY)
    assert meta.row().waiting is Reason.PIN
    story = meta.engine.why(NUMBER)
    assert "waits for the number's holder" in story.now[1]
    assert any(line.startswith("register failed") and "133005" in line for line in story.tried)
    assert any("secrets set-pin" in line for line in story.next)
    assert "13 days are left" in story.deadline[0] or "14 days are left" in story.deadline[0]
    assert "enough" in story.deadline[1]
    assert len(story.before) == len(meta.engine.history(NUMBER))


def test_the_story_of_one_that_expired_says_how_it_is_taken_up_again(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=scenario(**REVIEWED))
    meta.sign_up(NUMBER, "Bad Shrub")
    meta.ask(NUMBER, "Bad Shrub", entry="embedded_signup", onboarded_at=START)
    meta.run_to(State.EXPIRED)
    story = meta.engine.why(NUMBER)
    assert story.now[1] == "Nothing is due from anybody."
    assert "onboarding restart" in story.next[-1]
    assert meta.engine.requirements(NUMBER) == ()


def test_the_story_says_in_words_what_its_deadline_counts_from(meta: Rehearsed) -> None:
    meta.register()
    meta.engine.rename(NUMBER, "Luckier Shrub")
    meta.fail("refuse", "register", code=133004)
    meta.run_to(State.NAME_REVIEW)
    row = meta.run_to(State.REGISTER_DEADLINE)
    (anchor,) = (
        d.anchor_source for d in meta.engine.deadlines(NUMBER) if d.due_at == row.register_by
    )
    assert f"counted from {ANCHORS[anchor]}:" in meta.engine.why(NUMBER).deadline[0]
    assert set(ANCHORS) > {"webhook", "submitted", "seen", "restarted"}


def test_nobody_is_told_of_what_does_not_exist(meta: Rehearsed) -> None:
    for ask in (meta.engine.requirements, meta.engine.attribution, meta.engine.why):
        with pytest.raises(NotFoundError):
            ask("nobody-has-this")
