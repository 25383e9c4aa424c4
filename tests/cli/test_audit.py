"""Seals and workers, by commands."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from onboarding.store import schema, workers
from onboarding.store.database import writing
from tests.cli.harness import NUMBER, WABA, Deployment


def forge(deployment: Deployment, *statements: str) -> None:
    """Change the database as its owner can."""
    with closing(sqlite3.connect(deployment.database)) as conn, conn:
        for table in ("history", "account_history", "seal"):
            for name in ("update", "delete"):
                conn.execute(f"DROP TRIGGER IF EXISTS {table}_refuses_{name}")
        for statement in statements:
            conn.execute(statement)


REMOVED = [f"DELETE FROM {t}" for t in ("history", "deadline", "operation", "onboarding")]  # noqa: S608 - our own names


def test_sealing_says_what_is_new(deployment: Deployment) -> None:
    deployment.request()
    assert deployment.ok("audit", "seal").out.startswith("seal 1 at 20")
    said = deployment.ok("audit", "seal").out
    assert said.startswith("nothing new since seal 1 at 20")
    told = deployment.ok("audit", "seal", "--json").json
    assert set(told) == {"seal", "at", "hash", "histories", "written"}
    assert (told["seal"], told["histories"], told["written"]) == (1, 0, None)
    assert told["hash"] in said
    agreed = deployment.ok("audit", "verify").out
    assert agreed == "2 histories verify, and agree with every seal\n"


def test_there_may_be_nothing_to_seal(empty: Deployment) -> None:
    empty.ok("db", "upgrade")
    assert empty.ok("audit", "seal").out == "there is no history yet\n"
    assert empty.ok("audit", "seal", "--json").json["seal"] is None
    out = empty.folder / "heads.jsonl"
    empty.ok("audit", "seal", "--out", str(out))
    empty.ok("audit", "verify", "--against", str(out))
    assert len(out.read_text().splitlines()) == 1


def test_a_file_is_compared_with(deployment: Deployment) -> None:
    id_ = deployment.request()
    out = deployment.folder / "heads.jsonl"
    assert f"2 histories written to {out}" in deployment.ok("audit", "seal", "--out", str(out)).out
    said = deployment.ok("audit", "verify", "--against", str(out)).out
    assert said == "2 histories verify, and agree with every seal and with the file\n"
    forge(deployment, *REMOVED, "DELETE FROM seal")
    assert (
        deployment.ok("audit", "verify").out == "1 histories verify\n"
    )  # without it, nothing shows
    outcome = deployment.run("audit", "verify", "--against", str(out))
    assert outcome.code == 7
    assert outcome.error_lines == [
        "error: 1 seals were removed or changed, and 1 of 1 histories do not verify",
        "hint: compare with a backup",
    ]
    assert "the file knows 1 entries, and the onboarding was removed" in outcome.out
    told = deployment.run("audit", "verify", "--against", str(out), "--json")
    assert told.code == 7
    assert {each["owner"] for each in told.json["broken"]} == {"seals", id_}


def test_a_seal_shows_a_removed_onboarding(deployment: Deployment) -> None:
    id_ = deployment.request()
    deployment.ok("audit", "seal")
    forge(deployment, *REMOVED)
    outcome = deployment.run("audit", "verify", "--json")
    assert outcome.code == 7
    assert (outcome.json["histories"], outcome.json["seals"]) == (1, 1)
    assert outcome.json["broken"] == [
        {"owner": id_, "seq": 1, "what": "seal 1 knows 1 entries, and the onboarding was removed"}
    ]


def test_a_history_that_breaks_twice_is_told_once(deployment: Deployment) -> None:
    id_ = deployment.request()
    deployment.ok("audit", "seal")
    forge(deployment, "UPDATE history SET hash = 'x'")
    told = deployment.run("audit", "verify", "--json")
    assert [each["owner"] for each in told.json["broken"]] == [id_]
    assert "1 of 2 histories do not verify" in deployment.run("audit", "verify").error_lines[0]


def test_an_unfit_file_is_refused(deployment: Deployment) -> None:
    outcome = deployment.run("audit", "verify", "--against", "nowhere.jsonl")
    assert outcome.code == 2
    assert (
        outcome.error_lines[0] == "error: nowhere.jsonl cannot be read: No such file or directory"
    )
    (deployment.folder / "there.jsonl").write_text("x")
    outcome = deployment.run("audit", "seal", "--out", "there.jsonl")
    assert outcome.code == 2
    assert (deployment.folder / "there.jsonl").read_text() == "x"


# worker list


def a_worker(deployment: Deployment, name: str, seen: timedelta, **more: object) -> None:
    at = datetime.now(UTC) - seen
    with deployment.engine() as engine, writing(engine.context.database) as conn:
        workers.insert_worker(conn, name, at, **more)  # type: ignore[arg-type] # its own words
        workers.touch_worker(conn, name, at, {"advance": (at - timedelta(seconds=3)).isoformat()})


def test_workers_are_listed(deployment: Deployment) -> None:
    assert deployment.ok("worker", "list").out == "no worker ran in the last 24 hours\n"
    a_worker(deployment, "old:1:a", timedelta(days=2))
    a_worker(deployment, "gone:1:b", timedelta(minutes=5))  # of a release that did not say more
    a_worker(deployment, "host:2:c", timedelta(0), host="host", version="0.1.0", definition=1)
    a_worker(deployment, "done:3:d", timedelta(minutes=1))
    id_ = deployment.request()
    forge(
        deployment,
        "UPDATE worker SET stopped_at = seen_at WHERE id = 'done:3:d'",
        f"UPDATE onboarding SET lease_owner = 'host:2:c' WHERE id = '{id_}'",  # noqa: S608 - our own
    )
    told = {each["id"]: each for each in deployment.ok("worker", "list", "--json").json}
    assert {name: each["standing"] for name, each in told.items()} == {
        "host:2:c": "runs", "gone:1:b": "silent", "done:3:d": "stopped",
    }  # fmt: skip
    ours = told["host:2:c"]
    assert (ours["host"], ours["version"], ours["definition"]) == ("host", "0.1.0", 1)
    assert (ours["machines"], list(ours["loops"])) == (1, ["advance"])
    head, first, *_ = deployment.ok("worker", "list").out.splitlines()
    assert head.split()[:3] == ["worker", "standing", "release"]
    assert first.split()[:3] == ["host:2:c", "runs", "0.1.0"]
    assert first.endswith("advance 3 s before")


def test_a_worker_says_what_it_is(deployment: Deployment) -> None:
    done = deployment.spawn("worker", "nonsense")
    assert done.code == 2
    assert deployment.ok("worker", "list", "--json").json == []  # none was started by mistake


# db


@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
def test_sql_is_printed_and_nothing_is_run(empty: Deployment, dialect: str) -> None:
    said = empty.ok("db", "sql", "--dialect", dialect).out
    assert said.startswith("BEGIN;")
    assert said.rstrip().endswith("COMMIT;")
    assert ("pg_advisory_xact_lock" in said) == (dialect == "postgresql")
    later = empty.ok("db", "sql", "--dialect", dialect, "--from", "0001", "--to", "0002").out
    assert "CREATE TABLE seal" in later
    assert "CREATE TABLE account" not in later
    assert not empty.database.exists()


def test_sql_of_a_revision_that_is_none(empty: Deployment) -> None:
    outcome = empty.run("db", "sql", "--dialect", "sqlite", "--to", "9999")
    assert (outcome.code, outcome.out) == (2, "")
    assert "9999" in outcome.error_lines[0]
    assert empty.run("db", "sql", "--dialect", "oracle").code == 2


def test_a_sqlite_database_is_made_of_what_is_printed(empty: Deployment) -> None:
    with closing(sqlite3.connect(empty.database)) as conn:
        conn.executescript(empty.ok("db", "sql", "--dialect", "sqlite").out)
    told = empty.ok("db", "current", "--json").json
    assert told == {"revision": schema.HEAD, "needed": schema.HEAD}
    assert empty.ok("db", "check", "--json").json["ok"]


def test_grants_are_printed_for_roles_of_any_name(empty: Deployment) -> None:
    said = empty.ok("db", "grants").out
    assert 'GRANT SELECT, INSERT ON history TO "onboarding_app";' in said
    said = empty.ok("db", "grants", "--owner", "o", "--app", "a", "--reader", "r").out
    assert 'GRANT SELECT, INSERT ON history TO "a";' in said
    assert "token_sealed" not in said
    assert empty.run("db", "grants", "--app", "x;y").code == 2
    assert not empty.database.exists()


def test_what_is_written_for_an_auditor_is_no_secret(deployment: Deployment) -> None:
    deployment.request()
    out = deployment.folder / "heads.jsonl"
    deployment.ok("audit", "seal", "--out", str(out))
    names = {key for line in out.read_text().splitlines() for key in json.loads(line)}
    assert names == {"kind", "seq", "hash", "at", "heads", "id", "head_hash"}
    assert NUMBER not in out.read_text()
    assert WABA in out.read_text()
