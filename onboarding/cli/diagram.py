"""``onboarding diagram``: the lifecycle as a diagram, from the table that the engine runs on."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class DiagramFormat(StrEnum):
    """What the diagram is written for."""

    MERMAID = "mermaid"
    GRAPHVIZ = "graphviz"


def diagram(
    *,
    diagram_format: Annotated[
        DiagramFormat, typer.Option("--format", help="What it is written for.")
    ] = DiagramFormat.MERMAID,
) -> None:
    """Print the lifecycle as a diagram.

    Example:
        onboarding diagram > lifecycle.mmd
        onboarding diagram --format graphviz | dot -Tsvg > lifecycle.svg
    """
    from onboarding.cli.output import say
    from onboarding.core.diagram import as_graphviz, as_mermaid

    say(as_mermaid() if diagram_format is DiagramFormat.MERMAID else as_graphviz())
