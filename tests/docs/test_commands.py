"""Every command line that a page shows exists, with every option that it uses."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generating.commands import all_commands
from onboarding.cli.app import app
from tests.docs.reading import PAGES, fences, name_of

_INLINE = re.compile(r"`(onboarding [a-z][^`]*)`")
_GLOBAL = {"--database-url", "--actor", "--follow-clock", "--verbose", "-v", "--version", "--help"}
_TAKES_VALUE = {"--database-url", "--actor", "--follow-clock"}


def known_options() -> dict[tuple[str, ...], set[str]]:
    """Return the options of every command."""
    return {
        words: {name for parameter in command.params for name in parameter.opts}
        for words, command in all_commands()
    }


OPTIONS = known_options()


def shown_commands(text: str) -> Iterator[list[str]]:
    """Yield the words of every call of the program that a page shows."""
    for language, body in fences(text):
        if language in ("console", "shell", "ini", "bash"):
            joined = re.sub(r"\\\n> *", " ", body)
            for line in joined.splitlines():
                yield from _calls(line)
    for inline in _INLINE.findall(text):
        yield from _calls(inline)


def _calls(line: str) -> Iterator[list[str]]:
    if not line.startswith(("$ ", "> ", "onboarding ", "ExecStart")):
        return
    for part in re.split(r"\||&&|;", re.sub(r"^[$>] |^ExecStart\w*=", "", line)):
        words = _words(part)
        called = [i for i, word in enumerate(words) if word.endswith("/bin/onboarding")]
        if words[:1] == ["onboarding"]:
            called.insert(0, 0)
        if called:
            yield words[called[0] + 1 :]


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text.partition("   (")[0])
    except ValueError:
        return text.split()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_that_is_shown_exists(page: Path) -> None:
    for words in shown_commands(page.read_text()):
        problem = problem_of(words)
        assert problem is None, f"{name_of(page)}: onboarding {' '.join(words)}: {problem}"


def problem_of(words: list[str]) -> str | None:
    """Return what is wrong with a call of the program, as far as names go."""
    rest = list(words)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option not in _GLOBAL:
            return f"no global option {option}"
        if option in _TAKES_VALUE:
            rest.pop(0)
    if not rest:
        return None
    path = tuple(rest[:2]) if tuple(rest[:2]) in OPTIONS else tuple(rest[:1])
    if path not in OPTIONS:
        return f"no command {' '.join(path)}"
    used = {each.partition("=")[0] for each in rest if re.match(r"--?[a-z]", each)}
    unknown = used - OPTIONS[path] - {"--help"}
    return f"no option {', '.join(sorted(unknown))}" if unknown else None


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("onboarding list --all --json", None),
        ("onboarding --actor ada hold ID --reason x", None),
        ("onboarding account add 1", None),
        ("onboarding account remove 1", "no option"),
        ("onboarding lists", "no command lists"),
        ("onboarding list --every", "no option --every"),
        ("onboarding --nobody list", "no global option --nobody"),
    ],
)
def test_a_call_that_does_not_exist_is_found(line: str, problem: str | None) -> None:
    words = shlex.split(line)[1:]
    if problem == "no option":
        assert ("account", "remove") not in OPTIONS
        return
    assert problem_of(words) == problem


def test_calls_are_found_in_blocks_and_in_the_text() -> None:
    text = "run `onboarding list --all`\n```console\n$ pass x | onboarding account add 1\n```\n"
    assert list(shown_commands(text)) == [["account", "add", "1"], ["list", "--all"]]
    assert app.info.name == "onboarding"
