"""Runs a small part of the test-suite on a copy of the program."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.mutants import Edit

ROOT = Path(__file__).resolve().parents[2]
_COPIED = ("onboarding", "alembic", "tests", "alembic.ini", "pyproject.toml")

#: The tests that must notice, whatever is taken out; on SQLite, as the rules are the same.
PART = (
    "tests/store/test_journal.py",
    "tests/store/test_claims.py::test_a_step_is_written_only_by_who_read_the_latest_version",
    "tests/graph/test_client.py::test_a_call_in_time_is_sent_and_a_late_one_is_not",
    "tests/graph/test_client.py::test_the_guard_is_checked_after_waiting_for_a_slot",
    "tests/engine/test_guards.py",
    "tests/engine/test_settling.py::test_what_is_settled_stays_settled",
    "tests/engine/test_crashes.py::test_a_crash_around_a_call",
    "tests/engine/test_lost_calls.py::test_silence_is_shown_as_such_until_the_settle_time_is_over",
)


@dataclass(frozen=True)
class Verdict:
    """What the tests said: whether all passed, and the names of those that did not."""

    passed: bool
    failed: tuple[str, ...]


def judge(edits: Sequence[Edit]) -> Verdict:
    """Run the tests on a copy with these edits.

    Raises:
        LookupError: an edit does not fit.
        RuntimeError: the tests could not be run at all, which says nothing about the edits.
    """
    with _copy() as root:
        for edit in edits:
            edit.apply(root)
        done = _run(root)
    failed = tuple(re.findall(r"^FAILED (\S+)", done.stdout, re.MULTILINE))
    # pytest: 0 is all passed, 1 is some failed; anything else is trouble of its own.
    if done.returncode not in (0, 1) or (done.returncode == 1) is not bool(failed):
        raise RuntimeError(f"the tests did not run:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return Verdict(done.returncode == 0, failed)


@contextmanager
def _copy() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="onboarding-mutant-") as folder:
        root = Path(folder)
        for name in _COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, root / name)
        yield root


def _run(root: Path) -> subprocess.CompletedProcess[str]:
    """Run pytest in the copy: the working folder and PYTHONPATH come before what is installed."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    env |= {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    options = ("-q", "-p", "no:randomly", "-k", "not postgresql", "--maxfail", "5", "--tb", "no")
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *PART],
        cwd=root,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
