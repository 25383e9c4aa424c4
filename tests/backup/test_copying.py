"""``onboarding backup`` and the commands of a restored copy, as people run them."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from onboarding.engine import backing_up
from onboarding.engine.facade import Engine
from tests.cli.conftest import _own_folder, deployment, empty, meta, template
from tests.cli.harness import NUMBER, TOKEN, WABA, Deployment, Meta

__all__ = ["_own_folder", "deployment", "empty", "meta", "template"]


@pytest.fixture(autouse=True)
def copies() -> None:
    """These tests make their copies themselves."""


@pytest.fixture
def copy(deployment: Deployment, tmp_path: Path) -> Deployment:
    """The deployment after it was restored from a backup, in a folder of its own."""
    deployment.request()
    folder = tmp_path / "restored"
    folder.mkdir()
    deployment.ok("backup", str(folder / "onboarding.db"))
    made = Deployment(folder)
    made.env = {**made.env, "ONBOARDING_SECRET_KEY_FILE": str(deployment.key_file)}
    made.clock = deployment.clock
    return made


def test_a_backup_is_one_file_of_its_own_and_has_no_key(deployment: Deployment) -> None:
    file = deployment.folder / "copy.db"
    told = deployment.ok("backup", str(file))
    assert "marked as a copy" in told.out
    assert str(deployment.key_file) in told.out
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(f.name for f in deployment.folder.glob("*copy.db*")) == ["copy.db"]
    with sqlite3.connect(file) as conn:
        names = {name for (name,) in conn.execute("SELECT name FROM deployment")}
    assert "copied" in names


def test_nothing_is_overwritten(deployment: Deployment) -> None:
    file = deployment.folder / "copy.db"
    file.write_text("precious")
    refused = deployment.run("backup", str(file))
    assert (refused.code, file.read_text()) == (5, "precious")
    assert "exists" in refused.err


def test_a_backup_that_fails_leaves_no_file(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(backing_up, "_copy", full)
    file = deployment.folder / "copy.db"
    assert deployment.run("backup", str(file)).code == 6
    assert list(deployment.folder.glob("*copy.db*")) == []
    monkeypatch.undo()
    missing = deployment.run("backup", str(deployment.folder / "no" / "copy.db"))
    assert (missing.code, "cannot be made" in missing.err) == (2, True)


def test_what_has_no_schema_is_not_copied(empty: Deployment) -> None:
    sqlite3.connect(empty.database).close()
    assert empty.run("backup", str(empty.folder / "copy.db")).code == 6


def test_a_backup_of_postgresql_is_left_to_its_own_programs(empty: Deployment) -> None:
    url = "postgresql://nobody@127.0.0.1:1/none"
    told = empty.run("--database-url", url, "backup", str(empty.folder / "copy.db"))
    assert told.code == 2
    assert "pg_dump" in told.err
    assert "noticed" in told.err


def test_a_backup_is_one_state_while_others_write(deployment: Deployment) -> None:
    stop = threading.Event()

    def write() -> None:
        with Engine.open(deployment.url, actor="other") as engine:
            while not stop.is_set():
                engine.add_account(WABA, TOKEN, name="Lucky Shrub")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for place in range(5):
            file = deployment.folder / f"copy-{place}.db"
            deployment.ok("backup", str(file))
            with Engine.open(f"sqlite:///{file}", secret_key_file=deployment.key_file) as copy:
                assert copy.verify()[1] == []
    finally:
        stop.set()
        writer.join()


def test_a_restored_copy_says_what_it_is(copy: Deployment, meta: Meta) -> None:
    copy.env["ONBOARDING_GRAPH_BASE_URL"] = meta.simulator.base_url
    for command in (["list"], ["show", NUMBER], ["list", "--json"]):
        told = copy.ok(*command)
        assert "restored copy" in told.err
        assert "onboarding db release" in told.err
    found = copy.run("doctor", "--json")
    restore = next(f for f in found.json["findings"] if f["name"] == "restore")
    assert (found.code, restore["level"]) == (9, "problem")
    refused = copy.run("db", "release", "--reason", "the old host is gone")
    assert (refused.code, "1 of 1 live" in refused.err) == (5, True)


def test_a_copy_goes_on_once_it_is_released(copy: Deployment, meta: Meta) -> None:
    copy.env["ONBOARDING_GRAPH_BASE_URL"] = meta.simulator.base_url
    copy.ok("advance")
    shown = copy.ok("show", NUMBER, "--json").json
    assert (shown["waiting"], shown["whose_turn"]) == ("restored", "operator")
    assert "db release" in shown["remedy"]
    forced = copy.ok("db", "release", "--reason", "the old host is gone", "--force")
    assert "1 of 1 live onboardings wait" in forced.out
    assert copy.ok("list").err == ""
    assert copy.run("db", "release", "--reason", "again").code == 5


def test_a_person_may_mark_a_raw_copy(deployment: Deployment) -> None:
    deployment.request()
    told = deployment.ok("db", "mark-restored", "--reason", "a snapshot")
    assert "calls nobody" in told.out
    assert "a snapshot" in deployment.ok("list").err
    history = deployment.ok("account", "history", WABA, "--json").json["entries"]
    assert (history[-1]["trigger"], history[-1]["reason"]) == ("deployment_restored", "a snapshot")
