"""The oracle sees what it is there to see, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from onboarding.core.timing import iso
from tests.engine.oracle import faults_in
from tests.engine.rehearsing import MINUTE, SECOND, START

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


def test_a_number_that_was_deleted_at_meta_may_be_created_again() -> None:
    calls = [{**create(), "seq": 1}, {**create(SECOND), "seq": 2}]
    assert faults_in(calls, settle=SETTLE, recreated=[f"+{DIGITS}"]) == []
