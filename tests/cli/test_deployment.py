"""Commands about the deployment itself: advance, db, audit, webhook, doctor."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from onboarding.store import schema
from tests.cli.harness import NAME, NUMBER, TOKEN, WABA, Deployment, Meta

PAYLOAD = {
    "object": "whatsapp_business_account",
    "entry": [
        {
            "id": WABA,
            "time": 1739321024,
            "changes": [
                {
                    "field": "phone_number_name_update",
                    "value": {
                        "display_phone_number": NUMBER.lstrip("+"),
                        "decision": "REJECTED",
                        "requested_verified_name": NAME,
                        "rejection_reason": "NAME_FORMAT_UNACCEPTABLE",
                    },
                }
            ],
        }
    ],
}

# advance


def test_advance_says_what_it_did_and_what_comes_next(meta: Meta) -> None:
    assert "nothing is due" in meta.deployment.ok("advance").out
    meta.deployment.request()
    meta.deployment.ok("account", "check")
    said = meta.deployment.ok("advance").out.splitlines()
    assert said[0] == "1 onboardings advanced, 0 accounts read, 0 deadlines escalated"
    assert said[1].startswith("next due: ")
    told = meta.deployment.ok("advance", "--json").json
    assert set(told) == {"advanced", "observed", "escalated", "next_due_at"}


def test_advance_takes_one_onboarding(meta: Meta) -> None:
    id_ = meta.deployment.request()
    said = meta.deployment.ok("advance", NUMBER).out
    assert "the WABA is looked at" in said
    meta.deployment.ok("account", "check")
    said = meta.deployment.ok("advance", NUMBER).out
    assert f"{NUMBER} ({id_}): requested -> created" in said
    assert f"onboarding code {id_} --ready" in said
    told = meta.deployment.ok("advance", NUMBER, "--json").json
    assert (told["advanced"], told["onboarding"]["id"]) == (1, id_)


def test_advance_leaves_a_claimed_onboarding_alone(deployment: Deployment) -> None:
    id_ = deployment.request()
    with closing(sqlite3.connect(deployment.database)) as conn, conn:
        conn.execute(
            "UPDATE onboarding SET lease_owner = 'w', lease_until = '9999-01-01T00:00:00.000000Z'"
        )
    assert "in a worker's hands" in deployment.ok("advance", id_).out


# db


def test_upgrade_is_done_once(empty: Deployment) -> None:
    assert "it is new" in empty.ok("db", "upgrade").out
    assert (empty.key_file.stat().st_mode & 0o777) == 0o600
    key = empty.key_file.read_text()
    assert "as before" in empty.ok("db", "upgrade").out
    assert empty.key_file.read_text() == key
    now = {"revision": schema.HEAD, "needed": schema.HEAD}
    assert empty.ok("db", "current", "--json").json == now
    assert empty.ok("db", "check", "--json").json == {"ok": True, "problems": []}


def test_check_finds_a_missing_trigger(deployment: Deployment) -> None:
    with closing(sqlite3.connect(deployment.database)) as conn, conn:
        conn.execute("DROP TRIGGER history_refuses_update")
    outcome = deployment.run("db", "check")
    assert outcome.code == 6
    assert "history_refuses_update" in outcome.error_lines[0]
    told = deployment.run("db", "check", "--json")
    assert told.code == 6
    assert told.json["problems"] == ["trigger history_refuses_update is missing"]


# audit


def test_a_changed_history_is_found(deployment: Deployment) -> None:
    id_ = deployment.request()
    assert deployment.ok("audit", "verify").out == "2 histories verify\n"
    with closing(sqlite3.connect(deployment.database)) as conn, conn:
        conn.execute("DROP TRIGGER history_refuses_update")
        conn.execute("UPDATE history SET entry = replace(entry, 'osuser', 'nobody')")
    outcome = deployment.run("audit", "verify")
    assert outcome.code == 7
    assert id_ in outcome.out
    assert "1 of 2 histories do not verify" in outcome.error_lines[0]
    told = deployment.run("audit", "verify", "--json")
    assert told.code == 7
    assert told.json["broken"][0]["owner"] == id_


def test_a_changed_history_of_an_account_is_found(deployment: Deployment) -> None:
    deployment.request()
    with closing(sqlite3.connect(deployment.database)) as conn, conn:
        conn.execute("DROP TRIGGER account_history_refuses_update")
        conn.execute("UPDATE account_history SET entry = replace(entry, 'tester', 'nobody')")
    outcome = deployment.run("audit", "verify")
    assert outcome.code == 7
    assert WABA in outcome.out
    assert "1 of 2 histories do not verify" in outcome.error_lines[0]
    broken = deployment.run("audit", "verify", "--json").json["broken"]
    assert [(each["owner"], each["seq"]) for each in broken] == [(WABA, 1)]
    assert deployment.run("db", "check").code == 6


# webhook


def test_a_payload_brings_the_next_read_forward(deployment: Deployment) -> None:
    deployment.request()
    file = deployment.folder / "payload.json"
    file.write_text(json.dumps(PAYLOAD))
    said = deployment.ok("webhook", "ingest", str(file)).out
    assert "1 changes, 1 of them new" in said
    assert WABA in said
    assert deployment.ok("account", "list", "--json").json[0]["observe_due_at"]
    assert "NAME_FORMAT_UNACCEPTABLE" in deployment.ok("show", NUMBER).out
    again = deployment.ok("webhook", "ingest", "-", "--json", stdin=json.dumps(PAYLOAD))
    assert again.json == {"changes": 1, "new": 0, "waba_ids": []}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '"text"', "[" * 100_000, b"\xff\xfe{}", '{"entry": "x"}'],
    ids=range(8),
)
def test_what_is_no_payload_is_refused(deployment: Deployment, text: str | bytes) -> None:
    before = deployment.stored()
    outcome = deployment.run("webhook", "ingest", "-", stdin=text)
    assert (outcome.code, outcome.out) == (2, "")
    assert len(outcome.error_lines) == 2
    assert deployment.stored() == before


def test_a_missing_payload_is_told(deployment: Deployment) -> None:
    assert deployment.run("webhook", "ingest", "nowhere.json").code == 2


# doctor


def test_doctor_finds_nothing_wrong(meta: Meta) -> None:
    outcome = meta.deployment.ok("doctor", "--json")
    assert outcome.json["ok"]
    assert {each["level"] for each in outcome.json["findings"]} <= {"ok", "warning"}
    assert "its token reaches it" in meta.deployment.ok("doctor").out


def test_doctor_ends_with_nine_if_there_is_a_problem(meta: Meta) -> None:
    meta.control.post("/tokens", json={"token": TOKEN}).raise_for_status()
    outcome = meta.deployment.run("doctor")
    assert (outcome.code, outcome.err) == (9, "")
    assert f"account {WABA}" in outcome.out
    assert f"onboarding account add {WABA}" in outcome.out
    told = meta.deployment.run("doctor", "--json")
    assert (told.code, told.json["ok"]) == (9, False)


def test_doctor_works_without_a_database(empty: Deployment) -> None:
    outcome = empty.run("doctor")
    assert outcome.code == 9
    assert "onboarding db upgrade" in outcome.out
    assert not empty.database.exists()
