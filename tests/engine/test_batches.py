"""Batches: loaded as a whole, begun with canaries, paused, resumed and given up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from onboarding.core.batches import Standing
from onboarding.engine import batches as batches_module
from onboarding.engine import importing
from onboarding.engine.batch_loading import BatchOrder
from onboarding.engine.import_results import ImportReport, ImportResult
from onboarding.engine.request_files import RequestFile
from onboarding.engine.sealing import seal_now
from onboarding.errors import (
    ConflictError,
    ImportFileError,
    InputError,
    NotFoundError,
    TransitionRefusedError,
)
from onboarding.model import Owner, Reason, State
from onboarding.store.database import writing
from tests.engine.rehearsing import DAY, HOUR, WABA, Rehearse, Rehearsed, roomy

NUMBERS = [f"+49301234567{place}" for place in range(6)]
HEAD = "waba_id,phone_number,display_name\n"


class StoppedError(Exception):
    """Stands for whatever ends a process in the middle."""


@pytest.fixture
def meta(rehearse: Rehearse) -> Rehearsed:
    return rehearse(scenario=roomy())


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of six rows have three chunks, and batches of them as many pages."""
    monkeypatch.setattr(importing, "CHUNK", 2)
    monkeypatch.setattr(batches_module, "_PAGE", 2)


def written(folder: Path, numbers: list[str] = NUMBERS, name: str = "numbers.csv") -> RequestFile:
    rows = "".join(f"{WABA},{number},Lucky Shrub\n" for number in numbers)
    (folder / name).write_text(HEAD + rows)
    return RequestFile(path=folder / name)


def load(meta: Rehearsed, file: RequestFile, canary: int = 0, **order: Any) -> ImportReport:
    made = BatchOrder(name="june", canary=canary, **order)
    return meta.engine.batches.import_file(file, batch=made)


def standing(meta: Rehearsed) -> Standing:
    return meta.engine.batches.get("june").batch.standing


def created(meta: Rehearsed) -> list[str]:
    """Return the numbers that Meta was asked to create, in order."""
    return [f"+{call['number']}" for call in meta.calls("create_number")]


def notes(meta: Rehearsed) -> list[str]:
    return [entry.trigger for _, entry in meta.engine.batches.history("june")]


def test_a_batch_goes_the_whole_way_and_counts_its_numbers(meta: Rehearsed, tmp_path: Path) -> None:
    report = load(meta, written(tmp_path))
    assert (report.rows, report.results["created"], report.batch) == (6, 6, "june")
    view = meta.engine.batches.get("june")
    assert (view.numbers, view.states[State.REQUESTED]) == (6, 6)
    meta.run(most=DAY)
    view = meta.engine.batches.get("june")
    assert view.states == {State.REGISTERED: 6}
    assert (view.batch.standing, view.batch.source) == (Standing.RUNNING, "numbers.csv")
    assert notes(meta) == ["batch_begun", "batch_loaded"]
    assert [row.phone_number for row in meta.engine.batches.numbers("june")] == NUMBERS
    first = meta.engine.history(NUMBERS[0])[0][1]
    assert first.detail["batch"] == "june"


def test_the_canaries_go_first_and_the_rest_follows(meta: Rehearsed, tmp_path: Path) -> None:
    meta.reads_codes = False
    load(meta, written(tmp_path), canary=2)
    meta.run(most=DAY)
    assert sorted(created(meta)) == NUMBERS[:2]
    assert standing(meta) is Standing.CANARY
    rest = meta.row(NUMBERS[5])
    assert (rest.state, rest.waiting, rest.waiting_for) == (
        State.REQUESTED, Reason.BATCH, Owner.ENGINE,
    )  # fmt: skip
    meta.reads_codes = True
    for number in NUMBERS[:2]:
        meta.engine.code_ready(number)
    meta.run(most=DAY)
    assert meta.engine.batches.get("june").states == {State.REGISTERED: 6}
    assert notes(meta)[-1] == "canaries_passed"
    calls = meta.calls("create_number", "register")
    last_canary = max(
        call["seq"]
        for call in calls
        if call["endpoint"] == "register" and f"+{call['number']}" in NUMBERS[:2]
    )
    others = [call["seq"] for call in calls if f"+{call['number']}" in NUMBERS[2:]]
    assert last_canary < min(others)


def test_a_canary_may_be_asked_for_less(meta: Rehearsed, tmp_path: Path) -> None:
    meta.reads_codes = False
    load(meta, written(tmp_path), canary=1, canary_state=State.CREATED)
    meta.run(most=HOUR)
    assert sorted(created(meta)) == NUMBERS
    assert standing(meta) is Standing.RUNNING


def test_a_canary_that_fails_starts_nothing_else(meta: Rehearsed, tmp_path: Path) -> None:
    meta.reads_codes = False
    load(meta, written(tmp_path), canary=2)
    meta.run(most=HOUR)
    meta.engine.cancel(NUMBERS[1], "the holder left")
    meta.run(most=DAY)
    batch = meta.engine.batches.get("june").batch
    assert (batch.standing, batch.changed_by) == (Standing.PAUSED, "engine")
    assert batch.reason == f"the canary {NUMBERS[1]} is 'cancelled'"
    assert sorted(created(meta)) == NUMBERS[:2]
    rest = meta.row(NUMBERS[3])
    assert (rest.waiting, rest.waiting_for) == (Reason.BATCH_PAUSED, Owner.OPERATOR)
    meta.engine.batches.resume("june", "it was that holder alone", actor="ada")
    meta.reads_codes = True
    meta.run(most=DAY)
    assert sorted(created(meta)) == NUMBERS
    assert notes(meta)[-2:] == ["canaries_failed", "batch_resumed"]


def stops(meta: Rehearsed) -> list[Mapping[str, Any]]:
    """Return what was told of batches that stand still."""
    return [told for told in meta.engine.events() if told["type"] == "batch_stopped"]


def failed(meta: Rehearsed, folder: Path) -> None:
    """Load a batch and let one of its two canaries fail."""
    meta.reads_codes = False
    load(meta, written(folder), canary=2)
    meta.run(most=HOUR)
    meta.engine.cancel(NUMBERS[1], "the holder left")
    meta.run(until=lambda: standing(meta) is Standing.PAUSED, most=HOUR)


def test_that_a_canary_failed_is_told_once_with_what_mends_it(
    meta: Rehearsed, tmp_path: Path
) -> None:
    failed(meta, tmp_path)
    meta.run(most=DAY)
    (told,) = stops(meta)
    data = told["data"]
    assert (data["what"], data["batch"], data["numbers"]) == ("canary", "june", 5)
    assert data["why"] == f"the canary {NUMBERS[1]} is 'cancelled'"
    assert "onboarding batch resume" in data["command"]
    assert told["audience"] == "operator"


@pytest.mark.parametrize("decision", ["resume", "cancel"])
def test_that_a_canary_failed_is_told_no_more_once_somebody_decided(
    meta: Rehearsed, tmp_path: Path, decision: str
) -> None:
    failed(meta, tmp_path)
    getattr(meta.engine.batches, decision)("june", "it was that holder alone")
    meta.run(most=DAY)
    assert stops(meta) == []
    meta.reopen()
    meta.run(most=DAY)
    assert stops(meta) == []


def test_a_pause_by_a_person_is_no_failed_canary(meta: Rehearsed, tmp_path: Path) -> None:
    meta.reads_codes = False
    load(meta, written(tmp_path), canary=2)
    meta.engine.batches.pause("june", "let us see")
    meta.run(most=DAY)
    assert stops(meta) == []


def test_a_pause_stops_all_calls_and_a_resume_takes_them_up(
    meta: Rehearsed, tmp_path: Path
) -> None:
    meta.reads_codes = False
    load(meta, written(tmp_path))
    meta.run(most=HOUR)
    made = len(meta.calls("create_number", "request_code", "verify_code", "register"))
    meta.engine.batches.pause("june", "wrong names", actor="ada")
    meta.reads_codes = True
    meta.run(most=2 * DAY)
    assert {row.waiting for row in meta.engine.find_all()} == {Reason.BATCH_PAUSED}
    assert len(meta.calls("create_number", "request_code", "verify_code", "register")) == made
    entry = meta.engine.batches.history("june")[-1][1]
    assert (entry.trigger, entry.actor, entry.reason) == ("batch_paused", "ada", "wrong names")
    assert (entry.source, entry.dest) == ("running", "paused")
    meta.engine.batches.resume("june", "they are right")
    meta.run(most=2 * DAY)
    assert meta.engine.batches.get("june").states == {State.REGISTERED: 6}


def test_a_batch_that_is_given_up_leaves_the_registered_alone(
    meta: Rehearsed, tmp_path: Path
) -> None:
    load(meta, written(tmp_path), canary=1)
    meta.run(until=lambda: meta.state(NUMBERS[0]) is State.REGISTERED, most=DAY)
    meta.engine.batches.pause("june", "let us see")
    batch, count = meta.engine.batches.cancel("june", "the customer withdrew", actor="ada")
    assert (batch.standing, count) == (Standing.CANCELLED, 5)
    meta.run(most=DAY)
    states = meta.engine.batches.get("june").states
    assert states == {State.REGISTERED: 1, State.CANCELLED: 5}
    assert meta.engine.batches.cancel("june", "again")[1] == 0
    last = meta.engine.history(NUMBERS[5])[-1][1]
    assert (last.actor, last.reason) == ("ada", "with its batch 'june': the customer withdrew")


def test_an_interrupted_import_begins_nothing_and_is_completed_by_the_next(
    meta: Rehearsed, tmp_path: Path
) -> None:
    file, told = written(tmp_path), list[ImportResult]()

    def fail(result: ImportResult) -> None:
        told.append(result)
        if len(told) == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        meta.engine.batches.import_file(file, batch=BatchOrder(name="june"), on_result=fail)
    assert meta.engine.batches.get("june").numbers == 4
    meta.run(most=DAY)
    assert created(meta) == []
    assert standing(meta) is Standing.LOADING
    again = list[ImportResult]()
    meta.engine.batches.import_file(file, batch=BatchOrder(name="june"), on_result=again.append)
    assert [(each.line, each.result) for each in again] == [(n, "created") for n in range(2, 8)]
    meta.run(most=DAY)
    assert meta.engine.batches.get("june").states == {State.REGISTERED: 6}
    assert sorted(created(meta)) == NUMBERS


def test_an_interrupted_import_is_not_completed_by_another_file(
    meta: Rehearsed, tmp_path: Path
) -> None:
    def fail(_: ImportResult) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        meta.engine.batches.import_file(
            written(tmp_path), batch=BatchOrder(name="june"), on_result=fail
        )
    with pytest.raises(ConflictError, match="another file"):
        load(meta, written(tmp_path, NUMBERS[:3], "other.csv"))
    assert standing(meta) is Standing.LOADING


def test_numbers_may_be_added_to_a_batch_that_runs(meta: Rehearsed, tmp_path: Path) -> None:
    load(meta, written(tmp_path, NUMBERS[:2]))
    report = load(meta, written(tmp_path, NUMBERS[:4], "more.csv"))
    assert report.results == {"known": 2, "created": 2}
    meta.run(most=DAY)
    assert meta.engine.batches.get("june").states == {State.REGISTERED: 4}


def test_what_is_added_while_the_canaries_are_on_their_way_is_no_canary(
    meta: Rehearsed, tmp_path: Path
) -> None:
    meta.reads_codes = False
    load(meta, written(tmp_path, NUMBERS[:4]), canary=2)
    meta.run(most=HOUR)
    load(meta, written(tmp_path, NUMBERS[4:], "more.csv"))
    meta.run(most=DAY)
    assert sorted(created(meta)) == NUMBERS[:2]
    assert [row.phone_number for row, _ in meta.engine.batches.canaries("june")] == NUMBERS[:2]
    assert [row.phone_number for row in meta.engine.batches.numbers("june")] == NUMBERS
    meta.engine.cancel(NUMBERS[1], "the holder left")
    meta.run(most=DAY)
    assert standing(meta) is Standing.PAUSED
    assert sorted(created(meta)) == NUMBERS[:2]


def test_nothing_is_added_to_a_batch_that_was_given_up(meta: Rehearsed, tmp_path: Path) -> None:
    load(meta, written(tmp_path, NUMBERS[:2]))
    meta.engine.batches.cancel("june", "no")
    with pytest.raises(ConflictError, match="was cancelled"):
        load(meta, written(tmp_path, NUMBERS[2:], "more.csv"))
    assert len(list(meta.engine.find_all())) == 2


def test_a_file_with_mistakes_makes_no_batch(meta: Rehearsed, tmp_path: Path) -> None:
    with pytest.raises(ImportFileError):
        load(meta, written(tmp_path, [*NUMBERS, "12"]))
    assert meta.engine.batches.find_all() == []
    assert list(meta.engine.find_all()) == []


def test_what_cannot_be_done_to_a_batch_is_said(meta: Rehearsed, tmp_path: Path) -> None:
    load(meta, written(tmp_path))
    desk = meta.engine.batches
    with pytest.raises(TransitionRefusedError, match="is running"):
        desk.resume("june", "so")
    with pytest.raises(InputError, match="reason"):
        desk.pause("june", "")
    with pytest.raises(NotFoundError, match="no batch 'july'"):
        desk.pause("july", "so")
    desk.pause("june", "so")
    with pytest.raises(TransitionRefusedError, match="is paused"):
        desk.pause("june", "so")
    with pytest.raises(ConflictError, match="other canaries"):
        load(meta, written(tmp_path), canary=3)
    assert notes(meta) == ["batch_begun", "batch_loaded", "batch_paused"]


@pytest.mark.parametrize(
    "given",
    [
        {"name": " "},
        {"name": "n" * 201},
        {"name": "june", "canary": 1001},
        {"name": "june", "canary_state": State.EXPIRED},
    ],
)
def test_an_order_that_cannot_be_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        BatchOrder(**given)


def test_the_history_of_a_batch_is_chained_and_sealed(meta: Rehearsed, tmp_path: Path) -> None:
    load(meta, written(tmp_path))
    meta.engine.batches.pause("june", "so")
    seal_now(meta.engine.context)
    assert meta.engine.require_verified() > 0
    batch = meta.engine.batches.get("june").batch
    with writing(meta.engine.context.database) as conn:
        conn.execute(text("UPDATE batch SET paused_at = NULL"))
    _, broken = meta.engine.verify()
    assert [each.owner for each in broken] == [batch.id]
    with writing(meta.engine.context.database) as conn:
        conn.execute(text("UPDATE batch SET paused_at = cancelled_at, cancelled_at = NULL"))
        conn.execute(text("UPDATE batch SET paused_at = loaded_at"))
    with (
        pytest.raises(Exception, match="append-only"),
        writing(meta.engine.context.database) as conn,
    ):
        conn.execute(text("DELETE FROM batch_history"))
    assert meta.engine.verify()[1] == []
