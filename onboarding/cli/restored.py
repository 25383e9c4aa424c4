"""What commands tell of a restored copy: that it calls nobody, and what ends that."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onboarding.engine.facade import Engine
    from onboarding.engine.restoring import Restored


def note_restored(engine: Engine) -> None:
    """Tell on standard error that this is a restored copy, if it is one."""
    from onboarding.cli.output import cell, note

    held = engine.restored()
    if held is None:
        return
    note(f"this is a restored copy and calls nobody: {cell(held.restore.why)}")
    note(f'{seen(held)}; then: onboarding db release --reason "..."')


def seen(held: Restored) -> str:
    """Return how far a restored copy is, in words."""
    if held.missing:
        return f"{held.missing} are to be seen on Meta's lists first"
    return f"all {held.held} were seen on Meta's lists"
