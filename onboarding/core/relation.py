"""Which state follows which by which trigger, held by ``transitions`` for a table of moves.

One shared machine without a model per table, so that asking costs microseconds and can happen in
any thread.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import cached_property
from typing import Any

from transitions import Machine, MachineError

#: A trigger, the state that it leads from, and the state that it leads to.
Step = tuple[StrEnum, StrEnum, StrEnum]


class _Place:
    """What the shared machine moves: one state and nothing else."""

    def __init__(self, state: StrEnum) -> None:
        self.state = state.value


class Relation:
    """What a table of moves allows.

    Args:
        states: all states, the first of them the initial one.
        steps: what the table of moves allows, in its order.
    """

    def __init__(self, states: Iterable[StrEnum], steps: Iterable[Step]) -> None:
        self._states, self._steps = tuple(states), tuple(steps)

    @cached_property
    def _machine(self) -> Any:
        return Machine(
            model=None,
            states=[state.value for state in self._states],
            initial=self._states[0].value,
            auto_transitions=False,
            transitions=[
                {"trigger": trigger.value, "source": source.value, "dest": dest.value}
                for trigger, source, dest in self._steps
            ],
        )

    def next_state(self, state: StrEnum, trigger: StrEnum) -> str | None:
        """Return the state that the trigger leads to; ``None`` if it is not allowed in this one."""
        place = _Place(state)
        try:
            self._machine.events[trigger.value].trigger(place)
        except MachineError:
            return None
        return place.state

    def triggers(self, state: StrEnum) -> list[str]:
        """Return the triggers that are allowed in a state, in the order of the table."""
        allowed: list[str] = self._machine.get_triggers(state.value)
        return allowed
