"""``onboarding worker --intake``: what cannot read codes is told before anything is done."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from onboarding.store import workers
from onboarding.store.database import reading
from tests.cli.harness import Deployment

MODULE = """
class Intake:
    def answers(self, onboarding):
        return True

class Needy:
    def __init__(self, url):
        self.url = url

class Deaf:
    pass

def failing():
    raise RuntimeError("no connection to the phones")

text = "not an intake"
"""


@pytest.fixture(autouse=True)
def _modules(tmp_path: Path) -> Iterator[None]:
    """Modules beside the database, of which nothing stays behind."""
    before = set(sys.modules)
    (tmp_path / "some_intakes.py").write_text(MODULE)
    (tmp_path / "mistyped_intakes.py").write_text("class Intake\n")
    (tmp_path / "unset_intakes.py").write_text("import os\nkey = os.environ['OUR_GATEWAY_KEY']\n")
    yield
    for name in set(sys.modules) - before:
        if name.endswith("_intakes"):
            del sys.modules[name]


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("nowhere_at_all:intake", "nowhere_at_all"),
        ("some_intakes:missing", "missing"),
        ("some_intakes", "some_intakes"),
        (":intake", "cannot be loaded"),
        ("", "cannot be loaded"),
        ("some intakes/../x:y", "cannot be loaded"),
        ("some_intakes:Needy", "url"),
        ("some_intakes:Deaf", "no method 'answers'"),
        ("some_intakes:text", "cannot be loaded"),
        ("some_intakes:failing", "no connection to the phones"),
        ("mistyped_intakes:Intake", "SyntaxError"),
        ("unset_intakes:intake", "OUR_GATEWAY_KEY"),
    ],
)
def test_a_name_that_is_no_intake_is_told_in_two_lines(
    deployment: Deployment, path: str, part: str
) -> None:
    search_path = list(sys.path)
    given = ("--intake", "some_intakes:Intake", "--intake", path)
    outcome = deployment.run("worker", *given)
    assert (outcome.code, outcome.out) == (3, ""), outcome
    error, hint = outcome.error_lines
    assert error.startswith("error: ")
    assert part in error
    assert path in error
    assert hint.startswith("hint: ")
    assert sys.path == search_path
    with deployment.engine() as engine, reading(engine.context.database) as conn:
        assert workers.load_workers(conn, datetime(2000, 1, 1, tzinfo=UTC)) == []
