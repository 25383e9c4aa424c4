"""What doctor finds, and how it says to mend it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from onboarding.core.timing import iso
from onboarding.engine.doctor import examine
from onboarding.engine.facade import Engine
from onboarding.engine.findings import Finding, Level
from onboarding.engine.requests import NumberRequest
from onboarding.engine.vault import new_key
from onboarding.settings import load_settings
from onboarding.simulator import Simulator
from onboarding.store import workers
from onboarding.store.database import open_database, writing

WABA, OTHER = "102290129340398", "103399999999999"
TOKEN = "EAAtesttoken0123456789"
SCENARIO = {
    "tokens": [{"value": TOKEN, "wabas": [WABA]}],
    "businesses": [{"id": "506914307656634", "wabas": [{"id": WABA}, {"id": OTHER}]}],
    "app": {"oldest_version": "v21.0"},
}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A Graph API whose token reaches one of two WABAs."""
    with Simulator(SCENARIO) as simulator:
        yield simulator


class Place:
    """A deployment to look at."""

    def __init__(self, folder: Path, base_url: str) -> None:
        self.database = folder / "onboarding.db"
        self.key_file = folder / "onboarding.db.key"
        self.given: dict[str, Any] = {
            "database_url": f"sqlite:///{self.database}",
            "graph_base_url": base_url,
            "app_id": "634974688087057",
        }

    def engine(self) -> Engine:
        """Open the engine."""
        return Engine.open(
            self.given["database_url"], graph_base_url=self.given["graph_base_url"], upgrade=True
        )

    def findings(self, **more: Any) -> dict[str, Finding]:
        """Return what doctor finds, by name."""
        return {each.name: each for each in examine(load_settings(**(self.given | more)))}

    def sql(self, statement: str) -> None:
        """Change the database behind the engine's back."""
        with closing(sqlite3.connect(self.database)) as conn, conn:
            conn.execute(statement)

    def worker(self, seen: timedelta, loops: dict[str, timedelta]) -> None:
        """Leave a worker's row, with how long ago it and its loops were seen."""
        now = datetime.now(UTC)
        database = open_database(self.given["database_url"])
        with writing(database) as conn:
            workers.insert_worker(conn, "w1", now - seen)
            runs = {name: iso(now - age) for name, age in loops.items()}
            workers.touch_worker(conn, "w1", now - seen, runs)
        database.dispose()


@pytest.fixture
def place(tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A deployment with one account, in order."""
    monkeypatch.chdir(tmp_path)
    place = Place(tmp_path, simulator.base_url)
    with place.engine() as engine:
        engine.add_account(WABA, TOKEN)
    return place


def test_a_deployment_in_order_has_no_problem(place: Place) -> None:
    place.worker(timedelta(0), {"advance": timedelta(seconds=1)})
    found = place.findings()
    assert {each.level for each in found.values()} == {Level.OK}
    assert set(found) == {
        "settings",
        "notify file",
        "channel log",
        "time zones",
        "database",
        "schema",
        "clock",
        "clock, beside Graph's",
        "disk",
        "key",
        f"account {WABA}",
        f"subscription {WABA}",
        "worker w1",
        "operations",
        "restore",
    }
    assert not [each for each in found.values() if each.remedy]


def test_looking_changes_nothing(place: Place) -> None:
    def content() -> list[str]:
        with closing(sqlite3.connect(place.database)) as conn:
            return list(conn.iterdump())

    before = content()
    place.findings()
    assert content() == before


def test_every_problem_says_how_to_mend_it(place: Place, tmp_path: Path) -> None:
    place.key_file.unlink()
    missing = place.given | {"database_url": f"sqlite:///{tmp_path / 'other.db'}"}
    for found in (place.findings(), place.findings(**missing)):
        wrong = [each for each in found.values() if each.level is not Level.OK]
        assert wrong
        assert all(each.remedy for each in wrong)


# Settings


def test_settings_that_contradict_each_other(place: Place) -> None:
    found = place.findings(settle_seconds=1)["settings"]
    assert (found.level, "SETTLE" in found.text) == (Level.PROBLEM, True)


def test_tokens_must_not_travel_in_the_clear(place: Place) -> None:
    found = place.findings(graph_base_url="http://graph.example.com")["settings"]
    assert (found.level, "clear" in found.text) == (Level.PROBLEM, True)


def test_an_app_id_is_advised(place: Place) -> None:
    del place.given["app_id"]
    assert place.findings()["settings"].level is Level.WARNING


# Database


def test_a_missing_database(place: Place, tmp_path: Path) -> None:
    found = place.findings(database_url=f"sqlite:///{tmp_path / 'other.db'}")
    assert found["database"].level is Level.PROBLEM
    assert "db upgrade" in found["database"].remedy
    assert found["rest"].level is Level.WARNING
    assert not (tmp_path / "other.db").exists()


def test_a_locked_database(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onboarding.engine.doctor._BUSY_S", 0.05)
    with closing(sqlite3.connect(place.database, isolation_level=None)) as conn:
        conn.execute("BEGIN IMMEDIATE")
        found = place.findings()["database"]
        conn.execute("ROLLBACK")
    assert (found.level, "holds the database" in found.text) == (Level.PROBLEM, True)


def test_a_schema_of_another_release(place: Place) -> None:
    place.sql("UPDATE alembic_version SET version_num = '9999'")
    found = place.findings()["schema"]
    assert (found.level, "9999" in found.text) == (Level.PROBLEM, True)


def test_a_missing_trigger(place: Place) -> None:
    place.sql("DROP TRIGGER history_refuses_delete")
    found = place.findings()["schema"]
    assert (found.level, "history_refuses_delete" in found.text) == (Level.PROBLEM, True)


@pytest.mark.parametrize(
    ("free", "level"),
    [(2**40, Level.OK), (500 * 2**20, Level.WARNING), (50 * 2**20, Level.PROBLEM)],
)
def test_disk_space(place: Place, monkeypatch: pytest.MonkeyPatch, free: int, level: Level) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=free))
    assert place.findings()["disk"].level is level


def test_a_clock_that_went_back(place: Place) -> None:
    place.worker(timedelta(hours=-1), {})
    found = place.findings()["clock"]
    assert (found.level, "NTP" in found.remedy) == (Level.PROBLEM, True)


# Key


def test_a_missing_key(place: Place) -> None:
    place.key_file.unlink()
    found = place.findings()
    assert found["key"].level is Level.PROBLEM
    assert f"account {WABA}" not in found


def test_a_wrong_key(place: Place) -> None:
    found = place.findings(secret_key=new_key())["key"]
    assert (found.level, "not the one" in found.text) == (Level.PROBLEM, True)


def test_a_key_file_that_others_may_read(place: Place) -> None:
    place.key_file.chmod(0o640)
    found = place.findings()
    assert found["key file"].level is Level.PROBLEM
    assert found["key file"].remedy == f"run: chmod 600 {place.key_file}"
    assert (found["key"].level, found[f"account {WABA}"].level) == (Level.OK, Level.OK)


# Accounts


def test_no_account_yet(tmp_path: Path, simulator: Simulator) -> None:
    place = Place(tmp_path, simulator.base_url)
    place.engine().close()
    assert place.findings()["accounts"].level is Level.WARNING


def test_which_account_a_token_does_not_reach(place: Place) -> None:
    with place.engine() as engine:
        engine.add_account(OTHER, TOKEN)
    found = place.findings()
    assert found[f"account {WABA}"].level is Level.OK
    assert found[f"account {OTHER}"].level is Level.PROBLEM
    assert TOKEN not in str(found)


def test_a_dead_token(place: Place, simulator: Simulator) -> None:
    httpx.post(f"{simulator.control_url}/tokens", json={"token": TOKEN}).raise_for_status()
    found = place.findings()[f"account {WABA}"]
    assert found.level is Level.PROBLEM
    assert f"onboarding account add {WABA}" in found.remedy
    assert "190" in found.text


def test_graph_that_does_not_answer(place: Place) -> None:
    found = place.findings(graph_base_url="http://127.0.0.1:9")[f"account {WABA}"]
    assert found.level is Level.PROBLEM
    assert "ONBOARDING_GRAPH_BASE_URL" in found.remedy


def test_a_version_that_meta_serves_no_more(place: Place) -> None:
    found = place.findings(graph_version="v13.0")[f"account {WABA}"]
    assert (found.level, "v13.0" in found.text) == (Level.WARNING, True)


def test_an_account_on_hold(place: Place) -> None:
    place.sql("UPDATE account SET hold = 'account_held', hold_text = 'the token is dead'")
    found = place.findings()[f"account {WABA}"]
    assert (found.level, "the token is dead" in found.text) == (Level.PROBLEM, True)
    assert found.remedy == f"run: onboarding account check {WABA}"


def test_a_subscription_that_was_seen(place: Place) -> None:
    place.sql("UPDATE account SET subscribed_at = '2026-03-02T09:00:00.000000Z'")
    assert "2026-03-02 09:00" in place.findings()[f"subscription {WABA}"].text


# Workers and calls


def test_no_worker_while_onboardings_are_due(place: Place) -> None:
    assert place.findings()["workers"].level is Level.WARNING
    with place.engine() as engine:
        engine.request(
            NumberRequest(waba_id=WABA, phone_number="+16315551000", display_name="Lucky Shrub")
        )
    assert place.findings()["workers"].level is Level.WARNING
    place.sql("UPDATE onboarding SET next_due_at = '2026-03-02T09:00:00.000000Z'")
    found = place.findings()["workers"]
    assert (found.level, found.remedy) == (Level.PROBLEM, "run: onboarding worker")


def test_a_worker_that_fell_silent(place: Place) -> None:
    place.worker(timedelta(minutes=5), {})
    found = place.findings()
    assert found["worker w1"].level is Level.WARNING
    assert found["workers"].level is Level.WARNING


def test_a_worker_that_stopped_by_itself_is_not_mentioned(place: Place) -> None:
    place.worker(timedelta(minutes=5), {})
    place.sql("UPDATE worker SET stopped_at = seen_at")
    assert "worker w1" not in place.findings()


def test_a_loop_that_hangs(place: Place) -> None:
    ages = {"advance": timedelta(minutes=5), "observe": timedelta(seconds=1)}
    place.worker(timedelta(0), ages)
    found = place.findings()["worker w1"]
    assert found.level is Level.PROBLEM
    assert "advance" in found.text
    assert "observe" not in found.text


def test_onboardings_of_a_newer_release(place: Place) -> None:
    with place.engine() as engine:
        engine.request(
            NumberRequest(waba_id=WABA, phone_number="+16315551000", display_name="Lucky Shrub")
        )
    assert "definitions" not in place.findings()
    place.sql("UPDATE onboarding SET definition = 999")
    found = place.findings()["definitions"]
    assert found.level is Level.WARNING
    assert found.text.startswith("1 onboardings of a newer definition: a newer release's worker")


def test_calls_that_nobody_settled(place: Place) -> None:
    now = iso(datetime.now(UTC) - timedelta(hours=1))
    place.sql(
        "INSERT INTO operation (id, waba_id, cycle, name, natural_key, attempt, status, intent_at, "  # noqa: S608 - our own values
        f"settle_at, worker, applied) VALUES ('x', '{WABA}', 0, 'subscribe_app', '{WABA}', 1, "
        f"'unknown', '{now}', '{now}', 'w', 0)"
    )
    found = place.findings()["operations"]
    assert (found.level, found.text[0]) == (Level.WARNING, "1")
