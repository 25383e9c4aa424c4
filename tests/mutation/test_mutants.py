"""Each part of the guarantee is held by tests: taken out, they fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutation.mutants import MUTANTS, Edit
from tests.mutation.running import PART, ROOT, judge

#: A third of the parts is taken out in the quick run too.
_THIRD_QUICK = [
    pytest.param(part, marks=() if place % 3 == 1 else pytest.mark.slow)
    for place, part in enumerate(MUTANTS)
]


@pytest.mark.parametrize("part", MUTANTS)
def test_every_edit_fits_the_program(part: str, tmp_path: Path) -> None:
    for edit in MUTANTS[part]:
        copy = tmp_path / edit.file
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text((ROOT / edit.file).read_text())
        edit.apply(tmp_path)
        assert copy.read_text() != (ROOT / edit.file).read_text()


def test_an_edit_that_does_not_fit_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\nx = 1\n")
    for old in ("y = 1", "x = 1"):
        with pytest.raises(LookupError, match="not once"):
            Edit(file="a.py", old=old, new="").apply(tmp_path)
    assert (tmp_path / "a.py").read_text() == "x = 1\nx = 1\n"


def test_every_test_that_is_to_notice_is_there() -> None:
    for each in PART:
        file, _, name = each.partition("::")
        assert f"def {name}" in (ROOT / file).read_text()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_tests_pass_as_it_is() -> None:
    verdict = judge(())
    assert verdict.passed, verdict.failed


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", _THIRD_QUICK)
def test_the_tests_notice_without(part: str) -> None:
    verdict = judge(MUTANTS[part])
    assert not verdict.passed
