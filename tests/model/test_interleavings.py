"""The design holds in every interleaving, and each of its parts is needed.

A part that is removed is named in the test's id. What must not be: a second create, a move of a
machine from where it is no longer (an outcome applied twice, a stale decision over a newer state),
an end that is not so at Meta, a state that nothing leads out of.
"""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.model.exploring import Explored, explore
from tests.model.interleaving import CLOSED, SENDABLE, Design, State, successors

#: Without one of these a second create can be reached.
NEEDED = {
    "without-the-intent-journal": Design(journal=False),
    "without-the-one-open-operation-rule-resend-when-pending": Design(resends=True),
    "without-the-wait-for-not_after-probe-at-once": Design(probe_from=SENDABLE),
    "without-the-settle-window": Design(probe_from=CLOSED),
    "without-the-send-guard": Design(guard="none"),
    "without-its-own-not_after-guard-reads-the-machines": Design(guard="machine"),
    "without-fence-and-one-open-index": Design(fence=False, one_open=False),
}

#: Without these no second create can be reached: another part stands in. What the fence is for
#: alone is told below; the index of open calls is needed only without it (the pair is in NEEDED).
DOUBLED = {
    "without-the-fence": Design(fence=False),
    "without-the-one-open-index": Design(one_open=False),
    "without-the-send-guard-but-meta-refuses-duplicates": Design(
        guard="none", provider_refuses=True
    ),
}


def test_the_whole_design_makes_one_create_in_every_interleaving() -> None:
    found = explore(Design())
    assert found.states > 10_000
    assert (found.second_create, found.broken_move, found.untrue) == ([], [], [])
    assert found.stuck == 0


@pytest.mark.slow
@pytest.mark.parametrize("crashes", [0, 2, 4])
def test_the_whole_design_holds_however_often_workers_crash(crashes: int) -> None:
    found = explore(Design(), State(crashes=crashes))
    assert (found.second_create, found.broken_move, found.untrue) == ([], [], [])
    assert found.stuck == 0


@pytest.mark.parametrize("design", NEEDED.values(), ids=NEEDED)
def test_a_second_create_can_be_reached(design: Design) -> None:
    found = explore(design, until=lambda found: bool(found.second_create))
    assert _is_a_way(found.second_create, design)
    assert found.second_create[-1].creates == 2


@pytest.mark.parametrize("design", DOUBLED.values(), ids=DOUBLED)
def test_no_second_create_can_be_reached(design: Design) -> None:
    assert explore(design).second_create == []


def test_what_breaks_without_the_fence_is_the_history() -> None:
    """Not the calls: two workers write the same move, or one writes over what came since."""
    design = Design(fence=False)
    found = explore(design, until=lambda found: bool(found.broken_move))
    assert _is_a_way(found.broken_move, design)
    assert found.broken_move[-1].creates <= 1


@pytest.mark.parametrize("design", NEEDED.values(), ids=NEEDED)
def test_while_the_fence_is_there_no_move_is_made_twice(design: Design) -> None:
    if design.fence:
        found = explore(design, most=20_000)
        assert found.broken_move == []


@pytest.mark.slow
@pytest.mark.parametrize("design", [*NEEDED.values(), *DOUBLED.values()], ids=[*NEEDED, *DOUBLED])
def test_every_design_comes_to_an_end_and_never_moves_twice_under_its_fence(
    design: Design,
) -> None:
    found: Explored = explore(design)
    assert found.stuck == 0
    assert bool(found.broken_move) is not design.fence
    assert bool(found.second_create) is (design in NEEDED.values())


def _is_a_way(states: list[State], design: Design) -> bool:
    """Whether each state follows from the one before by one event."""
    steps = pairwise(states)
    return bool(states) and all(after in successors(before, design) for before, after in steps)
