"""The pages, and the parts of them that are made from the program."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from docs.generating import (
    api,
    commands,
    control,
    errors,
    events,
    faults,
    json_fields,
    lifecycle,
    names,
    notify_file,
    operations,
    scenario,
    settings,
)

DOCS = Path(__file__).resolve().parent.parent
ROOT = DOCS.parent

#: Every generated part by its name in the pages.
PARTS: dict[str, Callable[[], str]] = {
    "columns": api.columns,
    "commands": commands.commands,
    "control-bodies": control.bodies,
    "control-endpoints": control.endpoints,
    "diagram": lifecycle.diagram,
    "error-classes": errors.classes,
    "event-catalogue": events.catalogue,
    "event-types": events.overview,
    "exit-codes": errors.exit_codes,
    "fault-kinds": faults.kinds,
    "json-fields": json_fields.fields,
    "name-rejections": names.rejections,
    "name-rules": names.rules,
    "needs": notify_file.needs,
    "notify-keys": notify_file.keys,
    "operations": operations.operations,
    "policy": operations.policy,
    "public-names": api.public_names,
    "reasons": lifecycle.reasons,
    "recovery-families": errors.families,
    "recovery-table": errors.recovery_table,
    "scenario-keys": scenario.keys,
    "settings": settings.settings,
    "states": lifecycle.states,
    "testing-names": api.testing_names,
    "triggers": lifecycle.triggers,
    "pool-triggers": lifecycle.pool_triggers,
    "pool-states": lifecycle.pool_states,
}

_PART = re.compile(
    r"(?P<start><!-- generated: (?P<name>[\w-]+) -->\n).*?(?P<end><!-- end: (?P=name) -->)",
    re.DOTALL,
)


def all_pages() -> list[Path]:
    """Return the pages under ``docs/``, in order, but for the records of decisions."""
    return sorted(page for page in DOCS.rglob("*.md") if page.parent.name != "adr")


def fill(text: str) -> str:
    """Return a page's text with its generated parts made anew.

    Raises:
        KeyError: a marker names a part that nobody makes.
    """
    return _PART.sub(lambda m: f"{m['start']}{PARTS[m['name']]().strip()}\n{m['end']}", text)


def names_of_parts(text: str) -> list[str]:
    """Return the names of the generated parts in a page."""
    return [match["name"] for match in _PART.finditer(text)]
