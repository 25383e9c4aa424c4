"""The pages that can be run are run, as a reader would: the tutorial first of all."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.generating.blocks import find_steps, matches, stable
from docs.generating.pages import all_pages
from docs.generating.session import has_runs, run_page
from tests.docs.reading import DOCS, name_of

RUN = [page for page in all_pages() if has_runs(page)]


def test_the_tutorial_is_among_them() -> None:
    assert DOCS / "tutorial.md" in RUN
    steps = find_steps((DOCS / "tutorial.md").read_text())
    commands = [command.text for step in steps for command in step.commands]
    for word in ("simulator", "db upgrade", "account add", "request", "worker", "code", "history"):
        assert any(f"onboarding {word}" in text for text in commands), word


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_what_the_page_shows_is_what_happens(page: Path, tmp_path: Path) -> None:
    ran = run_page(page, tmp_path)
    different = [
        (each.command.text, each.command.shown, each.printed)
        for _, commands in ran.steps
        for each in commands
        if not each.is_as_shown
    ]
    assert different == [], "run: python docs/generate.py --run"
    assert sum(len(commands) for _, commands in ran.steps) >= 3
    assert ran.as_markdown() == ran.text


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        (["a", "b"], ["a", "b"], True),
        (["a"], ["a", "b"], False),
        (["a", "..."], ["a"], True),
        (["...", "b", "..."], ["a", "b", "c"], True),
        (["...", "x"], ["a", "b"], False),
        ([], [], True),
        ([], ["a"], False),
    ],
)
def test_lines_may_be_left_out(shown: list[str], printed: list[str], same: object) -> None:
    assert matches(shown, printed) is same


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ("created: +1 as 01a20170f78300a30b6425 (x)", "created: +1 as 01a2016542a309483468e7 (x)"),
        ("since 2026-03-02 09:00 UTC, in 14.0 days", "since 2026-11-22 04:08 UTC, 3 seconds ago"),
        ("worker box:1:40bc274e is running", "worker host:8097:00bc274e is running"),
        ("a      b", "a  b"),
    ],
)
def test_what_differs_from_run_to_run_does_not_count(line: str, other: str) -> None:
    assert stable(line) == stable(other)


def test_what_matters_does_count() -> None:
    assert stable("otp_pending  holder  code") != stable("otp_pending  engine  due")
    assert stable("+16315551000") != stable("+16315551001")
