"""The lifecycle as text for diagram tools, made from the table that the engine runs on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onboarding.core.lifecycle import FINAL, STATE_MEANING, TABLE, Move
from onboarding.model import State

#: Source, destination and trigger of one move.
Edge = tuple[State, State, str]


def edges(table: Sequence[Move] = TABLE) -> list[Edge]:
    """Return source, destination and trigger of every move, in the order of the table."""
    return [(source, move.dest, move.trigger.value) for move in table for source in move.sources]


def as_mermaid(table: Sequence[Move] = TABLE) -> str:
    """Return a Mermaid ``stateDiagram-v2``."""
    return "\n".join(_mermaid(table))


def _mermaid(table: Sequence[Move]) -> Iterator[str]:
    yield "stateDiagram-v2"
    for state in State:
        yield f"    %% {state.value}: {STATE_MEANING[state]}"
    yield f"    [*] --> {State.REQUESTED.value}"
    for (source, dest), triggers in _joined(table):
        yield f"    {source.value} --> {dest.value} : {', '.join(triggers)}"
    for state in FINAL:
        yield f"    {state.value} --> [*]"


def as_graphviz(table: Sequence[Move] = TABLE) -> str:
    """Return a Graphviz ``digraph``."""
    return "\n".join(_graphviz(table))


def _graphviz(table: Sequence[Move]) -> Iterator[str]:
    yield "digraph lifecycle {"
    yield "    rankdir=TB;"
    yield '    node [shape=box, style=rounded, fontname="sans-serif"];'
    yield '    edge [fontname="sans-serif", fontsize=10];'
    yield "    start [shape=point];"
    for state in State:
        shape = ", peripheries=2" if state in FINAL else ""
        yield f"    {state.value} [tooltip={_quoted(STATE_MEANING[state])}{shape}];"
    yield f"    start -> {State.REQUESTED.value};"
    for (source, dest), triggers in _joined(table):
        label = _quoted("\\n".join(triggers))
        yield f"    {source.value} -> {dest.value} [label={label}];"
    yield "}"


def _quoted(text: str) -> str:
    escaped = text.replace('"', '\\"')
    return f'"{escaped}"'


def _joined(table: Sequence[Move]) -> Iterator[tuple[tuple[State, State], list[str]]]:
    """Yield each pair of states once, with every trigger that leads from the one to the other."""
    joined: dict[tuple[State, State], list[str]] = {}
    for source, dest, trigger in edges(table):
        joined.setdefault((source, dest), []).append(trigger)
    yield from joined.items()
