"""What is made from the program is up to date, and the script that makes it says so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from docs.generating.pages import PARTS, all_pages, fill, names_of_parts
from onboarding.cli.app import app
from tests.docs.reading import ROOT, name_of, page


@pytest.mark.parametrize("path", all_pages(), ids=name_of)
def test_nothing_is_stale(path: Path) -> None:
    text = path.read_text()
    assert text == fill(text), "run: python docs/generate.py"


def test_every_part_is_used() -> None:
    used = {name for path in all_pages() for name in names_of_parts(path.read_text())}
    assert used == set(PARTS)


def test_every_marker_is_closed() -> None:
    for path in all_pages():
        text = path.read_text()
        assert text.count("<!-- generated: ") == len(names_of_parts(text)), path


def test_a_stale_part_is_told_and_mended() -> None:
    made = fill("<!-- generated: diagram -->\nold\n<!-- end: diagram -->\n")
    assert "old" not in made
    assert "stateDiagram-v2" in made
    assert fill(made) == made


def test_the_diagram_is_the_one_that_the_program_prints() -> None:
    printed = CliRunner().invoke(app, ["diagram"]).stdout
    assert f"```mermaid\n{printed}```" in page("explanation/how-it-works.md")


def test_a_part_that_nobody_makes_is_a_mistake() -> None:
    with pytest.raises(KeyError, match="nonsense"):
        fill("<!-- generated: nonsense -->\n<!-- end: nonsense -->\n")


def test_the_script_finds_nothing_to_do() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
