"""The diagrams show every move of the lifecycle, and nothing else."""

from __future__ import annotations

import re

from onboarding.core.diagram import as_graphviz, as_mermaid, edges
from onboarding.core.lifecycle import FINAL
from onboarding.model import State
from tests.cli.harness import Deployment

STATES = "|".join(state.value for state in State)
MERMAID_EDGE = re.compile(rf"    ({STATES}) --> ({STATES}) : (\w+(?:, \w+)*)")
GRAPHVIZ_EDGE = re.compile(rf'    ({STATES}) -> ({STATES}) \[label="(\w+(?:\\n\w+)*)"\];')


def _drawn(pattern: re.Pattern[str], text: str, separator: str) -> set[tuple[str, str, str]]:
    found = (pattern.fullmatch(line) for line in text.splitlines())
    return {
        (match[1], match[2], trigger)
        for match in found
        if match
        for trigger in match[3].split(separator)
    }


def test_mermaid_shows_every_move() -> None:
    text = as_mermaid()
    assert _drawn(MERMAID_EDGE, text, ", ") == {(s.value, d.value, t) for s, d, t in edges()}
    assert text.startswith("stateDiagram-v2\n")


def test_every_line_of_mermaid_is_one_that_mermaid_knows() -> None:
    known = re.compile(rf"    (%% .*|\[\*\] --> ({STATES})|({STATES}) --> \[\*\])")
    for line in as_mermaid().splitlines()[1:]:
        assert known.fullmatch(line) or MERMAID_EDGE.fullmatch(line), line


def test_graphviz_shows_every_move() -> None:
    text = as_graphviz()
    assert _drawn(GRAPHVIZ_EDGE, text, "\\n") == {(s.value, d.value, t) for s, d, t in edges()}


def test_graphviz_is_balanced_and_quoted() -> None:
    lines = as_graphviz().splitlines()
    assert (lines[0], lines[-1]) == ("digraph lifecycle {", "}")
    assert all(line.endswith(";") for line in lines[1:-1])
    assert all(line.replace('\\"', "").count('"') % 2 == 0 for line in lines)


def test_every_state_is_drawn_and_the_final_ones_end() -> None:
    mermaid, graphviz = as_mermaid(), as_graphviz()
    for state in State:
        assert f"%% {state.value}: " in mermaid
        assert f"    {state.value} [tooltip=" in graphviz
    assert {state for state in State if f"    {state} --> [*]" in mermaid} == set(FINAL)


def test_the_command_prints_either(empty: Deployment) -> None:
    assert empty.ok("diagram").out == as_mermaid() + "\n"
    assert empty.ok("diagram", "--format", "graphviz").out == as_graphviz() + "\n"
    assert empty.run("diagram", "--format", "ascii").code == 2
