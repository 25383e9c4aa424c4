"""Workers of two releases at once: what a newer one wrote, an older one neither moves nor loses."""

from __future__ import annotations

import pytest

from onboarding.engine.definition import DEFINITION
from onboarding.errors import SchemaError
from onboarding.model import Onboarding, Reason, State
from tests.engine.moving import registered
from tests.engine.rehearsing import DAY, NUMBER, OTHER_WABA, Rehearse, Rehearsed
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
    assert row.next_due_at == meta.clock.now()  # and a newer worker is to look at it
    due = meta.engine.next_due_at(at_rest=False)
    assert due is not None
    assert due > meta.clock.now()  # which this one does not wait for


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


def test_a_security_webhook_of_it_is_refused_too(meta: Rehearsed) -> None:
    meta.register()
    meta.as_written_by(DEFINITION + 1)
    value = {"display_phone_number": NUMBER, "event": "PIN_CHANGED"}
    told = payload({"field": "security", "value": value})
    with pytest.raises(SchemaError, match="newer release"):
        meta.engine.ingest(told)
    meta.as_written_by(DEFINITION)
    assert meta.engine.ingest(told).new == 1


def test_the_end_of_a_migration_is_told_to_its_source_all_the_same(rehearse: Rehearse) -> None:
    """Whoever ends it gives the claim back in that transaction; the rest is a newer worker's."""
    meta = registered(rehearse)
    source = meta.row().id
    destination = meta.engine.migrations.start(NUMBER, OTHER_WABA)
    meta.as_written_by(DEFINITION + 1, source)
    meta.engine.cancel(destination.id, "the customer stays")
    assert meta.state(source) is State.REGISTERED
    assert meta.row(source).definition == DEFINITION + 1


def test_what_meta_refused_of_it_is_looked_into_by_a_newer_worker(rehearse: Rehearse) -> None:
    meta = registered(rehearse, destination={"payment_method": False})
    destination = meta.engine.migrations.start(NUMBER, OTHER_WABA, force=True)
    while meta.row(destination.id).hold is None:
        meta.engine.advance(destination.id)
    meta.as_written_by(DEFINITION + 1, destination.id)
    looks = meta.endpoints("read_waba", "list_subscribed_apps")
    meta.run(most=DAY)
    assert meta.endpoints("read_waba", "list_subscribed_apps") == looks
    meta.as_written_by(DEFINITION, destination.id)
    meta.run(most=DAY)
    assert "migration_looked_into" in meta.triggers(destination.id)
