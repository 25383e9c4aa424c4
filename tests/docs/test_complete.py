"""Whatever the program has is in the reference."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest

import onboarding
from docs.generating import control, faults, scenario
from docs.generating.commands import all_commands, runs_alone
from docs.generating.errors import error_classes
from docs.generating.scenario_words import WORDS
from onboarding.cli.exit_codes import EXIT_CODES
from onboarding.core.lifecycle import Trigger
from onboarding.core.reasons import FOR_PEOPLE
from onboarding.model import (
    DeadlineReason,
    Effect,
    Entry,
    Operation,
    OperationStatus,
    Owner,
    Read,
    Reason,
    RecoveryClass,
    State,
    What,
)
from onboarding.settings import Settings
from tests.docs.reading import anchors, page
from tests.docs.sources import history_notes, log_events


def in_code(name: str, text: str) -> bool:
    """Whether a page has the name as inline code."""
    return f"`{name}`" in text


COMMANDS = [" ".join(words) for words, command in all_commands() if runs_alone(command)]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_section(command: str) -> None:
    assert f"### onboarding {command}\n" in page("reference/cli.md")


def test_every_command_that_prints_json_is_described() -> None:
    text = page("reference/cli.md")
    for words, command in all_commands():
        if any("--json" in parameter.opts for parameter in command.params):
            assert f"`{' '.join(words)} --json`" in text


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_described(name: str) -> None:
    assert in_code(f"ONBOARDING_{name.upper()}", page("reference/settings.md"))
    assert Settings.model_fields[name].description


def test_every_error_class_is_described_and_public() -> None:
    text = page("reference/errors.md")
    for kind, _ in error_classes():
        assert in_code(kind.__name__, text)
        assert kind.__name__ in onboarding.__all__


def test_every_exit_code_is_described() -> None:
    for code in EXIT_CODES:
        assert in_code(str(code), page("reference/errors.md"))
        assert in_code(str(code), page("reference/cli.md"))


@pytest.mark.parametrize(
    ("names", "where"),
    [
        (State, "states"),
        (Trigger, "states"),
        (Trigger, "history-entries"),
        (Reason, "states"),
        (Operation, "operations"),
        (OperationStatus, "operations"),
        (Read, "operations"),
        (Owner, "states"),
        (Effect, "errors"),
        (RecoveryClass, "errors"),
        (Entry, "glossary"),
        (DeadlineReason, "glossary"),
        (What, "states"),
    ],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_every_word_is_described(names: type[State], where: str) -> None:
    text = page(f"reference/{where}.md")
    assert [name for name in names if not in_code(name.value, text)] == []


def test_every_note_of_a_history_is_described_and_no_other() -> None:
    text = page("reference/history-entries.md").split("## Notes of the engine")[1]
    described = {
        name
        for row in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", text, re.MULTILINE)
        for name in re.findall(r"\w+", row)
    }
    possible = {note.replace("{}", "*") for note in history_notes()}
    assert [note for note in possible if not any(fnmatchcase(d, note) for d in described)] == []
    assert [d for d in described if not any(fnmatchcase(d, note) for note in possible)] == []


def test_every_event_of_the_log_is_described() -> None:
    text = page("howto/run-a-worker.md")
    assert [event for event in log_events() if not in_code(event, text)] == []


def test_every_reason_that_waits_for_a_person_has_its_remedy() -> None:
    assert {reason.value for reason in FOR_PEOPLE} <= anchors(page("howto/mend-what-waits.md"))


def test_every_public_name_is_described() -> None:
    text = page("reference/python-api.md")
    for name in onboarding.__all__:
        assert f"### {name}\n" in text or in_code(name, text)


def test_every_key_of_a_scenario_is_described_and_no_other() -> None:
    text = page("reference/simulator.md")
    for path, model in scenario.groups():
        assert f"#### {f'`{path}`' if path else 'The whole scenario'}\n" in text
        assert set(WORDS[model.__name__]) == set(model.model_fields)
        assert [name for name in model.model_fields if not in_code(name, text)] == []


def test_every_control_endpoint_is_described_and_no_other() -> None:
    assert set(control.handled()) == set(control._ENDPOINTS)
    for name, model in control._BODIES.items():
        assert f"#### `{name}`" in page("reference/simulator.md")
        assert set(WORDS[model.__name__]) == set(model.model_fields)


def test_every_kind_of_fault_is_described_and_no_other() -> None:
    kinds = re.findall(r"^\| `(\w+)` \|", faults.kinds(), re.MULTILINE)
    assert set(kinds) == set(faults._WORDS)
