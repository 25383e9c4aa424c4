"""An import that is killed in the middle: run again, it ends as if nothing had happened."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from onboarding import Engine
from onboarding.core.batches import Standing
from onboarding.model import Reason
from onboarding.store.database import reading
from onboarding.store.tables import onboarding
from tests.engine.conftest import Deployments

WABA = "102290129340398"
ROWS = 1100
PATIENCE_S = 300


pytestmark = pytest.mark.timeout(2 * PATIENCE_S)


class Imported:
    """A deployment, and imports into it that are processes of their own."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.folder = folder
        others = {name: value for name, value in settings.items() if name != "database_url"}
        self.engine = Engine.open(settings["database_url"], actor="tester", **others)
        self.engine.add_account(WABA, "EAAtesttoken0123456789")
        self.environment = {
            **os.environ,
            **{f"ONBOARDING_{name.upper()}": str(value) for name, value in settings.items()},
        }

    def start(self, *more: str) -> subprocess.Popen[str]:
        """Start the import of the file into the batch."""
        command = [sys.executable, "-m", "onboarding", "import", "numbers.csv", *more]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, *more: str) -> list[dict[str, str]]:
        """Import the file to its end; return the result, a row each."""
        process = self.start(*more, "--result", "result.csv")
        _, told = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, told
        with (self.folder / "result.csv").open() as file:
            return list(csv.DictReader(file))

    def stored(self) -> int:
        """Return how many numbers are stored."""
        with reading(self.engine.context.database) as conn:
            return conn.execute(select(func.count()).select_from(onboarding)).scalar_one()


@pytest.fixture
def imported(deployments: Deployments, tmp_path: Path) -> Iterator[Imported]:
    with ExitStack() as stack:
        folder = tmp_path / "deployment"
        made = Imported(folder, stack.enter_context(deployments.copy(folder)))
        stack.callback(made.engine.close)
        rows = "".join(f"{WABA},+4915{110_000_000 + n},Amber {n} Bakery\n" for n in range(ROWS))
        (folder / "numbers.csv").write_text("waba_id,phone_number,display_name\n" + rows)
        yield made


def kill_in_the_middle(imported: Imported, *more: str) -> int:
    """Kill an import once some of its rows are stored; return how many are."""
    process = imported.start(*more)
    until = time.monotonic() + PATIENCE_S
    while not imported.stored():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    return imported.stored()


@pytest.mark.quick_on("postgresql")
def test_an_import_into_a_batch_that_is_killed_is_completed_by_the_next(imported: Imported) -> None:
    order = ("--batch", "june", "--canary", "3")
    there = kill_in_the_middle(imported, *order)
    assert 0 < there < ROWS
    assert imported.engine.batches.get("june").batch.standing is Standing.LOADING
    assert {row.waiting for row in imported.engine.find_all()} == {Reason.BATCH}
    assert {row.next_due_at for row in imported.engine.find_all()} == {None}
    told = imported.finish(*order)
    assert [(row["line"], row["result"], row["state"]) for row in told] == [
        (str(line), "created", "requested") for line in range(2, ROWS + 2)
    ]
    assert len({row["id"] for row in told}) == len({row["phone_number"] for row in told}) == ROWS
    view = imported.engine.batches.get("june")
    assert (view.numbers, view.batch.standing) == (ROWS, Standing.CANARY)
    awake = [row.batch_line for row in imported.engine.find_all() if row.next_due_at is not None]
    assert sorted(line or 0 for line in awake) == [2, 3, 4]
    assert imported.engine.verify()[1] == []


@pytest.mark.quick_on("sqlite")
def test_an_import_without_a_batch_that_is_killed_is_completed_by_the_next(
    imported: Imported,
) -> None:
    there = kill_in_the_middle(imported)
    assert 0 < there < ROWS
    told = imported.finish()
    assert len(told) == imported.stored() == ROWS
    assert [row["result"] for row in told] == ["known"] * there + ["created"] * (ROWS - there)
    assert {row["result"] for row in imported.finish()} == {"known"}
    assert imported.stored() == ROWS
