"""The table of states, triggers and moves: what it allows and refuses, and many threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from onboarding.core.lifecycle import (
    FINAL,
    IN_PROGRESS,
    LIVE,
    STATE_MEANING,
    TABLE,
    Trigger,
    allowed_triggers,
    next_state,
)
from onboarding.core.steps import Move, moved
from onboarding.errors import TransitionRefusedError
from onboarding.model import State
from tests.core.making import START, a_row

EVERY_PAIR = [(state, trigger) for state in State for trigger in Trigger]
ALLOWED = {(source, move.trigger): move.dest for move in TABLE for source in move.sources}

#: The lifecycle as it was designed, written down apart from the table.
DESIGNED = {
    State.REQUESTED: "number_created number_found window_closed refused cancelled",
    State.CREATED: "code_requested ownership_observed connected window_closed number_left refused"
    " cancelled",
    State.OTP_PENDING: "code_requested code_verified ownership_observed connected window_closed"
    " number_left refused cancelled",
    State.VERIFIED: "ownership_lost name_usable name_not_usable connected window_closed"
    " number_left refused cancelled",
    State.NAME_REVIEW: "ownership_lost name_usable early_registration_due connected"
    " window_closed number_left refused cancelled",
    State.REGISTER_DEADLINE: "ownership_lost name_not_usable connected window_closed number_left"
    " refused cancelled",
    State.REGISTERED: "rename_requested registration_requested migration_started number_left",
    State.MIGRATING: "migration_abandoned number_left",
    State.EXPIRED: "restarted",
    State.LEFT: "restarted",
    State.FAILED: "restarted",
    State.CANCELLED: "",
}


@pytest.mark.parametrize(("state", "trigger"), EVERY_PAIR)
def test_a_trigger_goes_where_the_table_says_or_is_refused(state: State, trigger: Trigger) -> None:
    if (state, trigger) in ALLOWED:
        assert next_state(state, trigger) is ALLOWED[state, trigger]
        return
    with pytest.raises(TransitionRefusedError, match=f"'{trigger}' is not possible") as refused:
        next_state(state, trigger)
    named = ", ".join(allowed_triggers(state)) or "none"
    assert refused.value.hint == f"possible here: {named}"


@pytest.mark.parametrize(("state", "trigger"), EVERY_PAIR)
def test_a_refused_step_changes_nothing_of_the_row(state: State, trigger: Trigger) -> None:
    row = a_row(state)
    step = Move(trigger=trigger, reason="why", changes={"tries": 7})
    later = datetime(2026, 3, 9, 9, tzinfo=START.tzinfo)
    if (state, trigger) in ALLOWED:
        after = moved(row, step, later)
        assert (after.state, after.state_since, after.tries) == (
            ALLOWED[state, trigger],
            later,
            7,
        )
        return
    with pytest.raises(TransitionRefusedError):
        moved(row, step, later)
    assert row == a_row(state)


@pytest.mark.parametrize("state", State)
def test_the_table_is_the_lifecycle_that_was_designed(state: State) -> None:
    assert sorted(allowed_triggers(state)) == sorted(DESIGNED[state].split())


def test_every_state_is_reached_from_the_first() -> None:
    reached, frontier = {State.REQUESTED}, [State.REQUESTED]
    while frontier:
        state = frontier.pop()
        found = {next_state(state, trigger) for trigger in allowed_triggers(state)} - reached
        reached |= found
        frontier.extend(found)
    assert reached == set(State)


def test_every_state_but_the_cancelled_one_can_be_left() -> None:
    stuck = {
        state
        for state in State
        if all(next_state(state, trigger) is state for trigger in allowed_triggers(state))
    }
    assert stuck == {State.CANCELLED}


def test_every_state_in_progress_can_end_well_and_be_given_up() -> None:
    for state in IN_PROGRESS:
        ends = {next_state(state, trigger) for trigger in allowed_triggers(state)}
        assert State.CANCELLED in ends
        assert State.FAILED in ends
        assert State.EXPIRED in ends


def test_states_are_live_or_final_and_each_has_a_meaning() -> None:
    # The claim on a number that migrates is with the onboarding that brings it.
    assert {*LIVE, *FINAL, State.MIGRATING} == set(State)
    assert len(LIVE) + len(FINAL) + 1 == len(State)
    assert set(STATE_MEANING) == set(State)
    assert all(STATE_MEANING.values())


def test_every_trigger_has_one_row_with_a_meaning() -> None:
    assert sorted(move.trigger for move in TABLE) == sorted(Trigger)
    assert all(move.meaning and move.sources for move in TABLE)


def test_only_states_of_the_end_can_be_restarted() -> None:
    restartable = {s for s in State if Trigger.RESTARTED in allowed_triggers(s)}
    assert restartable == {State.EXPIRED, State.LEFT, State.FAILED}


def test_eight_threads_share_the_machine() -> None:
    def ask(pair: tuple[State, Trigger]) -> State | None:
        try:
            return next_state(*pair)
        except TransitionRefusedError:
            return None

    questions = EVERY_PAIR * 20
    with ThreadPoolExecutor(max_workers=8) as threads:
        answers = list(threads.map(ask, questions))
    assert answers == [ALLOWED.get(pair) for pair in questions]
