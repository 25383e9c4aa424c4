"""The reference of states, triggers and reasons, and the diagram: all from the engine's tables."""

from __future__ import annotations

import re

from docs.generating.markdown import block, code, table
from onboarding.core.diagram import as_mermaid
from onboarding.core.lifecycle import FINAL, IN_PROGRESS, LIVE, STATE_MEANING, TABLE
from onboarding.core.pool import lifecycle as pool
from onboarding.core.reasons import MEANINGS, REQUIRED
from onboarding.model import State

_COMMAND = re.compile(r"onboarding (?:\w+ )?[a-z-]+ (?:WABA_)?ID(?: --ready| \"[^\"]+\"| 123-456)?")


def diagram() -> str:
    """Return the lifecycle as Mermaid."""
    return block(as_mermaid(), "mermaid")


def states() -> str:
    """Return a row per state."""
    rows = [
        (code(state.value), STATE_MEANING[state], _kind(state), _ways_out(state)) for state in State
    ]
    return table(("state", "meaning", "kind", "ways out"), rows)


def _kind(state: State) -> str:
    if state in IN_PROGRESS:
        return "in progress"
    if state in FINAL:
        return "final"
    return "live, at rest" if state in LIVE else "at rest, without the claim"


def _ways_out(state: State) -> str:
    found = [
        f"{code(move.trigger.value)} → {code(move.dest.value)}"
        for move in TABLE
        if state in move.sources
    ]
    return "; ".join(found) or "none"


def triggers() -> str:
    """Return a row per trigger."""
    rows = [
        (
            code(move.trigger.value),
            ", ".join(code(source.value) for source in move.sources),
            code(move.dest.value),
            move.meaning,
        )
        for move in TABLE
    ]
    return table(("trigger", "from", "to", "what happened"), rows)


def reasons() -> str:
    """Return a row per reason for waiting."""
    rows = [
        (
            code(reason.value),
            meaning.owner.value,
            code(REQUIRED[reason].value) if reason in REQUIRED else "nothing",
            meaning.text,
            _remedy(meaning.remedy),
        )
        for reason, meaning in MEANINGS.items()
    ]
    return table(("reason", "whose turn", "requires", "meaning", "what to do"), rows)


def _remedy(remedy: str) -> str:
    """Return what to do, its commands as code."""
    filled = " ".join(remedy.format(id="ID", waba_id="WABA_ID").split())
    return _COMMAND.sub(lambda match: code(match[0]), filled)


def pool_states() -> str:
    """Return a row per state of a number of the pool."""
    rows = ((code(state.value), pool.STATE_MEANING[state]) for state in pool.PoolState)
    return table(("state", "means"), rows)


def pool_triggers() -> str:
    """Return a row per move of a number of the pool."""
    rows = (
        (
            code(move.trigger.value),
            ", ".join(code(source.value) for source in move.sources),
            code(move.dest.value),
            move.meaning,
        )
        for move in pool.TABLE
    )
    return table(("trigger", "from", "to", "what happened"), rows)
