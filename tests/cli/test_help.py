"""Every command explains itself, and help costs next to nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from onboarding import errors
from onboarding.cli.app import COMMANDS
from onboarding.cli.exit_codes import EXIT_CODES
from onboarding.cli.lazy import load_command
from tests.cli.harness import Deployment

#: What only commands that work need.
_HEAVY = {"sqlalchemy", "httpx", "aiohttp", "pydantic", "phonenumbers", "alembic", "rich"}


def _all_commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, target in COMMANDS.items():
        command = load_command(name, target)
        yield (name,), command
        for inner_name, inner in getattr(command, "commands", {}).items():
            yield (name, inner_name), inner


ALL = dict(_all_commands())


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_has_a_summary_and_an_example(empty: Deployment, path: tuple[str, ...]) -> None:
    shown = empty.ok(*path, "--help").out
    summary = ALL[path].help.splitlines()[0]
    assert summary.endswith(".")
    assert " ".join(summary.split()) in " ".join(shown.split())
    assert f"onboarding {' '.join(path)}" in shown.split("Example:")[1].split("Options:")[0]


def test_no_list_of_commands_cuts_a_summary_off(empty: Deployment) -> None:
    groups = {path[:-1] for path in ALL if len(path) > 1}
    assert groups
    for group in ((), *groups):
        assert "..." not in empty.ok(*group, "--help").out.split("Commands:")[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_the_command_says(name: str) -> None:
    assert ALL[(name,)].help.splitlines()[0] == COMMANDS[name].summary


def test_help_lists_every_command_and_option(empty: Deployment) -> None:
    shown = empty.ok("--help").out
    for name, target in COMMANDS.items():
        assert f"  {name} " in shown
        assert target.summary in shown
    for option in ("--database-url", "--actor", "--verbose", "--version"):
        assert option in shown


def test_help_tells_every_exit_code(empty: Deployment) -> None:
    table = empty.ok("--help").out.split("Exit codes:")[1].strip().splitlines()
    assert [line.split(maxsplit=1) for line in table] == [
        [str(code), meaning] for code, meaning in EXIT_CODES.items()
    ]


def test_a_shell_can_complete_commands(empty: Deployment) -> None:
    empty.env |= {
        "_ONBOARDING_COMPLETE": "complete_bash",
        "COMP_WORDS": "onboarding secrets re",
        "COMP_CWORD": "2",
    }
    assert empty.spawn().out.split() == ["reveal-pin"]
    empty.env["COMP_WORDS"], empty.env["COMP_CWORD"] = "onboarding h", "1"
    assert sorted(empty.spawn().out.split()) == ["history", "hold"]


def test_without_arguments_help_is_shown(empty: Deployment) -> None:
    assert empty.ok().out == empty.ok("--help").out


@pytest.mark.parametrize("path", [path for path in ALL if len(path) == 1], ids=" ".join)
def test_examples_are_not_joined_into_one_line(empty: Deployment, path: tuple[str, ...]) -> None:
    lines = empty.ok(*path, "--help").out.splitlines()
    assert all(line.count("onboarding ") <= 2 for line in lines if "$(" not in line)


def test_the_version_is_printed(empty: Deployment) -> None:
    assert empty.ok("--version").out.startswith("onboarding 0.")


@pytest.mark.parametrize("arguments", [("--help",), ("--version",)], ids=str)
def test_help_imports_nothing_heavy(empty: Deployment, arguments: tuple[str, ...]) -> None:
    assert not loaded_by(empty, *arguments) & _HEAVY


def test_a_command_that_calls_nobody_loads_no_http_library(empty: Deployment) -> None:
    empty.ok("db", "upgrade")
    assert not loaded_by(empty, "list") & {"httpx", "aiohttp", "httpx_aiohttp"}


def test_a_schema_that_is_up_to_date_is_left_alone(empty: Deployment) -> None:
    assert "alembic" in loaded_by(empty, "db", "upgrade")
    assert "alembic" not in loaded_by(empty, "db", "upgrade")


def loaded_by(deployment: Deployment, *arguments: str) -> set[str]:
    """Run a command that must succeed in a process of its own; return the packages it loaded."""
    script = (
        "import sys, json\n"
        f"sys.argv = ['onboarding', *{list(arguments)!r}]\n"
        "from onboarding.cli.app import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n"
        "    sys.stderr.write(json.dumps([end.code, sorted(sys.modules)]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=deployment.folder,
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code == 0
    return {name.split(".")[0] for name in modules}


def test_a_mistyped_command_gets_a_suggestion(empty: Deployment) -> None:
    outcome = empty.run("histroy")
    assert outcome.code == 2
    assert outcome.error_lines == [
        "error: No such command 'histroy'. Did you mean 'history'?",
        "hint: see: onboarding --help",
    ]


def test_a_group_without_a_command_points_at_its_help(empty: Deployment) -> None:
    outcome = empty.run("db")
    assert outcome.code == 2
    assert outcome.error_lines == ["error: Missing command.", "hint: see: onboarding db --help"]


def test_the_console_script_and_the_module_are_one_program(empty: Deployment) -> None:
    as_module, as_script = empty.spawn("--help").out, empty.ok("--help").out
    assert as_module.split() == as_script.split()


def test_every_exit_code_has_a_meaning() -> None:
    used = {
        each.exit_code
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, errors.OnboardingError)
    }
    assert used <= set(EXIT_CODES)
    assert all(EXIT_CODES.values())
