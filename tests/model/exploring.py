"""Breadth-first over every state that a design of the model can reach."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.model.interleaving import ONWARD, PARKED, Design, State, successors


@dataclass
class Explored:
    """What was found.

    Attributes:
        states: how many states there are.
        second_create: the shortest way to a second create; empty if there is none.
        broken_move: the shortest way to a move from where the machine is no longer.
        untrue: the shortest way to an end that is not so at Meta.
        stuck: states from which no good end can be reached.
    """

    states: int = 0
    second_create: list[State] = field(default_factory=list)
    broken_move: list[State] = field(default_factory=list)
    untrue: list[State] = field(default_factory=list)
    stuck: int = 0


def explore(
    design: Design,
    start: State | None = None,
    *,
    most: int | None = None,
    until: Callable[[Explored], bool] = lambda _: False,
) -> Explored:
    """Explore every state, breadth-first.

    A state in which something went wrong is not followed further.

    Args:
        design: which parts are there.
        start: where to begin.
        most: stop after so many states.
        until: stop once this is true of what was found.
    """
    start = start or State()
    came_from: dict[State, State | None] = {start: None}
    leads_to: dict[State, list[State]] = {}
    found, waiting = Explored(), deque([start])
    while waiting and not until(found) and (most is None or len(came_from) < most):
        state = waiting.popleft()
        if _judged(state, found, came_from):
            continue
        for after in successors(state, design):
            leads_to.setdefault(after, []).append(state)
            if after not in came_from:
                came_from[after] = state
                waiting.append(after)
    found.states = len(came_from)
    if not waiting:
        found.stuck = len(came_from) - _can_end(came_from, leads_to)
    return found


def _judged(state: State, found: Explored, came_from: dict[State, State | None]) -> bool:
    """Note what went wrong in a state; return whether something did."""
    is_untrue = (state.machine == ONWARD and not state.creates) or (
        state.machine == PARKED and state.creates > 0
    )
    for went_wrong, way in (
        (state.creates > 1, found.second_create),
        (bool(state.broken), found.broken_move),
        (is_untrue, found.untrue),
    ):
        if went_wrong and not way:
            way.extend(_way_to(state, came_from))
    return state.creates > 1 or bool(state.broken)


def _way_to(state: State, came_from: dict[State, State | None]) -> list[State]:
    way = [state]
    while (before := came_from[way[-1]]) is not None:
        way.append(before)
    return way[::-1]


def _can_end(came_from: dict[State, State | None], leads_to: dict[State, list[State]]) -> int:
    """Return from how many states a good end can be reached, or something that went wrong."""
    ends = [s for s in came_from if s.machine in (ONWARD, PARKED) or s.creates > 1 or s.broken]
    known = set(ends)
    while ends:
        for before in leads_to.get(ends.pop(), ()):
            if before not in known:
                known.add(before)
                ends.append(before)
    return len(known)
