"""However a command ends, it says so in one or two lines, with its own exit code."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine as Database
from sqlalchemy import event

from onboarding.engine.facade import Engine
from onboarding.engine.vault import Vault, new_key
from tests.cli.harness import NAME, NUMBER, TOKEN, WABA, Deployment, Meta, Outcome
from tests.graph.servers import answer, raw_server

_HOLD = """
import sqlite3, sys
conn = sqlite3.connect(sys.argv[1], isolation_level=None)
conn.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""
_WRITE = ("request", WABA, NUMBER, NAME)


@contextmanager
def _pragma(statement: str) -> Iterator[None]:
    """Say something to every SQLite connection that is opened meanwhile."""

    def connected(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA {statement}")

    event.listen(Database, "connect", connected)
    try:
        yield
    finally:
        event.remove(Database, "connect", connected)


def _assert_told(outcome: Outcome, code: int, *parts: str) -> None:
    assert outcome.code == code, outcome
    assert outcome.out == ""
    assert 1 <= len(outcome.error_lines) <= 2
    assert outcome.error_lines[0].startswith("error: ")
    assert all(line.startswith("hint: ") for line in outcome.error_lines[1:])
    for part in parts:
        assert part in outcome.err


def test_a_missing_database_is_not_made_by_looking(empty: Deployment) -> None:
    for command in (("list",), ("db", "current"), ("db", "check"), _WRITE):
        _assert_told(empty.run(*command), 6, "there is no database", "onboarding db upgrade")
    assert list(empty.folder.iterdir()) == []


def test_a_folder_that_does_not_exist_is_named(empty: Deployment) -> None:
    url = f"sqlite:///{empty.folder}/nowhere/onboarding.db"
    _assert_told(empty.run("--database-url", url, "db", "upgrade"), 6, "nowhere")


def test_a_url_that_is_none_is_a_setting_to_mend(deployment: Deployment) -> None:
    for command in (("list",), ("db", "upgrade")):
        _assert_told(deployment.run("--database-url", "nonsense", *command), 3, "database URL")
    examined = deployment.run("--database-url", "nonsense", "doctor")
    assert examined.code == 9
    assert "database URL" in examined.out


def test_a_file_that_is_no_database_is_named(deployment: Deployment) -> None:
    deployment.database.write_text("no database at all, but long enough to look like one " * 40)
    _assert_told(deployment.run("list"), 6, "not a SQLite database")


def test_a_read_only_database_stores_nothing(deployment: Deployment) -> None:
    id_ = deployment.request("+16315551001")
    before = deployment.stored()
    with _pragma("query_only=ON"):
        for command in (_WRITE, ("cancel", id_, "--reason", "x"), ("advance",)):
            _assert_told(deployment.run(*command), 6, "read-only", "writable")
        assert deployment.run("list").code == 0
    assert deployment.stored() == before


def test_a_full_disk_stores_nothing(deployment: Deployment) -> None:
    rows = "\n".join(f"{WABA},+1415200{i:04},Shop {i}" for i in range(500))
    file = deployment.folder / "numbers.csv"
    file.write_text(f"waba_id,phone_number,display_name\n{rows}\n")
    before = deployment.stored()
    with _pragma("max_page_count=1"):
        _assert_told(deployment.run("import", str(file)), 6, "full")
    assert deployment.stored() == before


def test_a_database_that_another_process_holds_is_told(deployment: Deployment) -> None:
    deployment.env["ONBOARDING_BUSY_TIMEOUT_SECONDS"] = "0.05"
    before = deployment.stored()
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            _HOLD,
            str(deployment.database),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    try:
        _assert_told(deployment.run(*_WRITE), 6, "another process holds the database")
        assert deployment.run("list").code == 0
    finally:
        holder.communicate("")
    assert deployment.stored() == before


@pytest.mark.parametrize("command", [("list",), _WRITE, ("db", "upgrade")], ids=str)
def test_a_schema_of_another_release_is_refused(
    deployment: Deployment, command: tuple[str, ...]
) -> None:
    with closing(sqlite3.connect(deployment.database)) as conn, conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
    _assert_told(deployment.run(*command), 6, "9999", "newer release")


def test_an_empty_database_wants_its_schema(deployment: Deployment) -> None:
    deployment.database.unlink()
    sqlite3.connect(deployment.database).close()
    deployment.database.touch()
    _assert_told(deployment.run("list"), 6, "empty", "onboarding db upgrade")


def test_a_lost_key_is_asked_for(deployment: Deployment) -> None:
    deployment.key_file.unlink()
    _assert_told(deployment.run("list"), 3, str(deployment.key_file))
    assert not deployment.key_file.exists()


def test_a_wrong_key_is_refused(deployment: Deployment) -> None:
    deployment.key_file.write_text(deployment.ok("secrets", "new-key").out)
    _assert_told(deployment.run("list"), 3, "not the one")


def test_one_token_of_another_key_stops_no_other_check(meta: Meta) -> None:
    other = "103390129340399"
    meta.deployment.ok("account", "add", other, stdin=TOKEN)
    sealed = Vault(new_key()).seal(TOKEN)
    with closing(sqlite3.connect(meta.deployment.database)) as conn, conn:
        conn.execute("UPDATE account SET token_sealed = ? WHERE waba_id = ?", (sealed, WABA))
    outcome = meta.deployment.run("account", "check", WABA, other, "--json")
    assert (outcome.code, len(outcome.error_lines)) == (3, 2)
    assert [each["ok"] for each in outcome.json] == [False, False]
    assert "does not open with this key" in outcome.json[0]["error"]
    assert "does not open" not in outcome.json[1]["error"]
    found = meta.deployment.run("doctor", "--json")
    assert found.code == 9
    levels = {each["name"]: each["level"] for each in found.json["findings"]}
    assert levels[f"account {WABA}"] == "problem"


def test_a_proxy_that_is_none_is_a_setting_to_mend(deployment: Deployment) -> None:
    bad = {"ONBOARDING_GRAPH_PROXY": "ops:wLs8secret@proxy.example:3128"}
    for command in (("list",), ("account", "check")):
        outcome = deployment.run(*command, env=bad)
        _assert_told(outcome, 3, "proxy", "ONBOARDING_GRAPH_PROXY")
        assert "wLs8secret" not in outcome.err


def test_certificates_that_are_not_there_are_a_setting_to_mend(deployment: Deployment) -> None:
    outcome = deployment.run("list", env={"ONBOARDING_GRAPH_CA_FILE": "nowhere.pem"})
    _assert_told(outcome, 3, "nowhere.pem", "ONBOARDING_GRAPH_CA_FILE")


def test_the_settings_lead_through_the_proxy(deployment: Deployment) -> None:
    page = answer(json.dumps({"id": WABA, "name": "Lucky Shrub"}))
    with raw_server(page) as proxy:
        env = {
            "ONBOARDING_GRAPH_PROXY": proxy.url,
            "ONBOARDING_GRAPH_BASE_URL": "http://graph.example",
        }
        outcome = deployment.run("account", "check", "--json", env=env)
    assert (outcome.code, outcome.json[0]["ok"]) == (0, True)
    assert proxy.requests[0].startswith(f"GET http://graph.example/v25.0/{WABA}".encode())


def test_a_bad_setting_names_its_variable(deployment: Deployment) -> None:
    outcome = deployment.run("list", env={"ONBOARDING_GRAPH_VERSION": "25"})
    _assert_told(outcome, 3, "ONBOARDING_GRAPH_VERSION")


def test_an_unknown_reference_has_its_own_code(deployment: Deployment) -> None:
    for command in (
        ("show", "nobody"),
        ("history", "nobody"),
        ("advance", "nobody"),
        ("code", "nobody", "123456"),
        ("rename", "nobody", "Name"),
        ("cancel", "nobody", "--reason", "x"),
        ("secrets", "reveal-pin", "nobody", "--reason", "x"),
    ):
        _assert_told(deployment.run(*command), 4, "nobody")


def test_a_fault_of_ours_is_one_line_without_details(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break(monkeypatch, ValueError(f"token {TOKEN} leaked"))
    _assert_told(deployment.run("account", "list"), 70, "ValueError", "--verbose")
    assert TOKEN not in deployment.run("account", "list").err


def test_a_fault_of_ours_in_full_is_redacted(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break(monkeypatch, ValueError(f"token {TOKEN} leaked"))
    told = deployment.run("--verbose", "account", "list")
    assert told.code == 70
    assert "Traceback" in told.err
    assert "test_failures.py" in told.err
    assert TOKEN not in told.err


def test_an_interrupt_is_quiet(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    _break(monkeypatch, KeyboardInterrupt())
    outcome = deployment.run("account", "list")
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "")


def _break(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def accounts(_engine: Engine) -> list[Any]:
        raise error

    monkeypatch.setattr(Engine, "accounts", accounts)


def test_ctrl_c_ends_a_real_process_quietly(deployment: Deployment) -> None:
    pipe = deployment.folder / "numbers.csv"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [sys.executable, "-m", "onboarding", "import", str(pipe)],
        env={**os.environ, **deployment.env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with pipe.open("w"):  # opens once the program reads
        # One that arrives between Python's last look and its wait for the pipe waits for the next.
        for _ in range(10):
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(3)
                break
        out, err = process.communicate(timeout=1)
    assert (process.returncode, out, err) == (130, "", "")


def test_a_reader_that_goes_away_is_no_error(deployment: Deployment) -> None:
    deployment.request()
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "onboarding", "list", "--json"],
        env={**os.environ, **deployment.env},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_nobody_answers_at_graph(deployment: Deployment) -> None:
    outcome = deployment.run(
        "account", "check", env={"ONBOARDING_GRAPH_BASE_URL": "http://127.0.0.1:9"}
    )
    assert outcome.code == 8
    assert len(outcome.error_lines) <= 2
    assert "could not be reached" in outcome.error_lines[0]


def test_actor_and_url_come_from_the_global_options(deployment: Deployment, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'other.db'}"
    deployment.ok("--database-url", url, "db", "upgrade")
    deployment.ok("--database-url", url, "account", "add", WABA, stdin=TOKEN)
    deployment.ok("--database-url", url, "--actor", "ada", *_WRITE)
    told = deployment.ok("--database-url", url, "history", NUMBER, "--json").json
    assert [each["actor"] for each in told["entries"]] == ["ada"]
    assert deployment.ok("list", "--json").json["items"] == []


def test_verbose_logs_to_standard_error(deployment: Deployment) -> None:
    deployment.request()
    dead = {"ONBOARDING_GRAPH_BASE_URL": "http://127.0.0.1:9"}
    quiet = deployment.run("advance", env=dead)
    assert (quiet.code, quiet.err) == (0, "")
    deployment.request("+16315551001")
    loud = deployment.run("--verbose", "advance", env=dead)
    assert "call_failed" in loud.err
    assert "call_failed" not in loud.out
