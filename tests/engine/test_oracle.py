"""The oracle sees what it is there to see, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from onboarding.core.timing import iso
from onboarding.store.database import writing
from tests.engine.oracle import faults_in, faults_told
from tests.engine.rehearsing import MINUTE, SECOND, START, Rehearse

SETTLE = 2 * MINUTE
DIGITS = "493012345671"


def called(endpoint: str, after: timedelta, **told: Any) -> dict[str, Any]:
    """Return an entry of the simulator's log: unless told otherwise, it took effect."""
    return {
        "at": iso(START + after), "endpoint": endpoint, "number": DIGITS, "params": {},
        "http_status": 200, "code": None, "fault": None, "effect": True, **told,
    }  # fmt: skip


REFUSED: dict[str, Any] = {"http_status": 400, "code": 100, "effect": False}
LOST: dict[str, Any] = {"http_status": None, "effect": False}
UNHEARD: dict[str, Any] = {"http_status": None, "effect": True}


def create(after: timedelta = timedelta(), **told: Any) -> dict[str, Any]:
    return called("create_number", after, **told)


def listed(after: timedelta) -> dict[str, Any]:
    return called("list_numbers", after, number=None, effect=False)


CREATES: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "one": ([create()], []),
    "refused, then made": ([create(**REFUSED), create(SECOND)], []),
    "lost, looked for, made": ([create(**LOST), listed(SETTLE), create(SETTLE + SECOND)], []),
    "lost, looked for too early": (
        [create(**LOST), listed(SETTLE - SECOND), create(SETTLE)], ["was repeated blindly"],
    ),
    "made twice": ([create(), create(SECOND)], ["was created again"]),
    "made, then refused": ([create(), create(SECOND, **REFUSED)], ["was created again"]),
    "unheard, then refused": ([create(**UNHEARD), listed(SETTLE), create(SETTLE, **REFUSED)], []),
    "unheard, then made": (
        [create(**UNHEARD), listed(SETTLE), create(SETTLE)], ["was created again"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("calls", "faults"), CREATES.values(), ids=CREATES)
def test_creates(calls: list[dict[str, Any]], faults: list[str]) -> None:
    numbered = [{**call, "seq": place} for place, call in enumerate(calls)]
    found = faults_in(numbered, settle=SETTLE)
    assert len(found) == len(faults)
    assert all(words in fault for fault, words in zip(found, faults, strict=True))


CODE, POOL_CODE = "request_code", "request_preverified_code"


@pytest.mark.parametrize("others", [CODE, POOL_CODE])
def test_codes_of_a_number_count_together_whoever_asks(others: str) -> None:
    apart = 11 * MINUTE
    calls = [called(CODE if n % 2 else others, n * apart) for n in range(10)]
    assert faults_in(calls[:9], settle=SETTLE) == []
    (fault,) = faults_in(calls, settle=SETTLE)
    assert "more than 9" in fault
    (fault,) = faults_in([called(CODE, SECOND), called(others, MINUTE)], settle=SETTLE)
    assert "while one was outstanding" in fault


def test_a_number_that_was_deleted_at_meta_may_be_created_again() -> None:
    calls = [{**create(), "seq": 1}, {**create(SECOND), "seq": 2}]
    assert faults_in(calls, settle=SETTLE, recreated=[f"+{DIGITS}"]) == []


@pytest.mark.parametrize("lost", ["seq > 0", "seq < 3", "seq = (SELECT max(seq) FROM event)"])
def test_events_that_are_missing_are_seen(rehearse: Rehearse, lost: str) -> None:
    meta = rehearse()
    meta.register()
    assert faults_told(meta.engine) == []
    with writing(meta.engine.context.database) as conn:
        conn.execute(text("CREATE TABLE kept AS SELECT * FROM event"))
        conn.execute(text("DELETE FROM delivery"))
        conn.execute(text(f"DELETE FROM event WHERE {lost}"))  # noqa: S608 - our own
    (fault,) = faults_told(meta.engine)
    assert "events tell" in fault
    with writing(meta.engine.context.database) as conn:  # the fixture asks the oracle, too
        conn.execute(text("DELETE FROM event"))
        conn.execute(text("INSERT INTO event SELECT * FROM kept"))
