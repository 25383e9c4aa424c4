"""Workers of two releases at once: what a newer one wrote, an older one neither moves nor loses."""

from __future__ import annotations

import pytest

from onboarding.engine.definition import DEFINITION
from onboarding.errors import SchemaError
from onboarding.model import Onboarding, Reason, State
from tests.engine.rehearsing import DAY, NUMBER, Rehearse, Rehearsed
from tests.engine.test_ingest import named, payload


def test_what_this_release_moves_is_of_its_definition(meta: Rehearsed) -> None:
    meta.ask()
    meta.as_written_by(DEFINITION - 1)
    meta.run_to(State.REGISTERED)
    assert meta.row().definition == DEFINITION


def test_a_list_does_not_move_what_a_newer_release_wrote(meta: Rehearsed) -> None:
    other = "+493012345672"
    for number in (NUMBER, other):
        meta.register(number)
    for number in (NUMBER, other):
        meta.edit(number, status="BANNED")
    before = meta.row()
    meta.as_written_by(DEFINITION + 1)
    meta.move_to(meta.clock.now() + 2 * DAY)
    meta.settle()
    row = meta.row()
    assert (row.state, row.version) == (before.state, before.version)
    assert row.waiting is not meta.row(other).waiting is Reason.BANNED  # which the list did move
    assert row.seen is not None
    assert row.seen.status == "BANNED"  # what it showed is kept
    assert meta.engine.next_due_at() == meta.clock.now()  # a newer worker is to look at it


def test_what_a_person_tells_of_it_is_refused_and_nothing_is_written(meta: Rehearsed) -> None:
    meta.ask()
    meta.as_written_by(DEFINITION + 1)
    with pytest.raises(SchemaError, match="written by a newer release") as refused:
        meta.engine.hold(NUMBER, "not now")
    assert refused.value.hint == "do it with that release"
    assert meta.triggers() == ["requested"]


def test_a_code_for_it_is_refused_and_one_for_another_is_taken(rehearse: Rehearse) -> None:
    meta, other = rehearse(reads_codes=False), "+493012345672"
    ids = [meta.ask(number) for number in (NUMBER, other)]
    meta.settle()
    for id_ in ids:
        meta.engine.code_ready(id_)
    meta.settle()
    meta.as_written_by(DEFINITION + 1)
    refused, taken = meta.engine.submit_codes([(id_, "123456") for id_ in ids])
    assert isinstance(refused, SchemaError)
    assert isinstance(taken, Onboarding)
    assert meta.row().code_given_at is None


def test_a_webhook_of_it_is_refused_so_that_meta_repeats_it(meta: Rehearsed) -> None:
    told = payload(named("REJECTED", "OTHER"))
    meta.ask()
    meta.as_written_by(DEFINITION + 1)
    with pytest.raises(SchemaError, match="newer release"):
        meta.engine.ingest(told)
    assert meta.triggers() == ["requested"]
    meta.as_written_by(DEFINITION)
    assert meta.engine.ingest(told).new == 1  # nothing of the first was kept
    assert "name_decision" in meta.triggers()
