"""Whoever follows the events by their numbers gets each once, and none is left out."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from onboarding.errors import InputError
from onboarding.store.database import open_database
from tests.engine.rehearsing import Rehearsed
from tests.engine.telling import told


def test_pages_are_read_one_after_the_other(meta: Rehearsed) -> None:
    meta.register()
    whole = told(meta)
    after, pages = 0, []
    while page := meta.engine.events(after=after, limit=2):
        pages += page
        after = page[-1]["seq"]
    assert pages == whole
    assert [e["data"]["to"] for e in whole if e["type"] == "transition"] == meta.path()
    assert {e["version"] for e in whole} == {1}
    assert meta.engine.events(after=after) == []


def test_what_cannot_be_read_is_refused(meta: Rehearsed) -> None:
    for given in ({"limit": 0}, {"limit": 10_001}, {"after": -1}):
        with pytest.raises(InputError):
            meta.engine.events(**given)


@pytest.mark.on("postgresql")
def test_what_commits_late_is_not_left_out(meta: Rehearsed) -> None:
    """Its number is lower than one that everybody sees already."""
    meta.ask()
    before = meta.engine.events()[-1]["seq"]
    other = open_database(meta.database_url)
    insert = text(
        "INSERT INTO event (id, at, type, subject, body) "
        "VALUES ('late', now(), 'test', 'x', '{\"id\": \"late\"}')"
    )
    late = other.connect()
    late.execute(text("UPDATE deployment SET value = value"))  # as every step does, it writes first
    late.execute(insert)
    meta.ask("+493012345672")
    read: list[list[str]] = []

    def follow() -> None:
        found = meta.engine.events(after=before)
        read.append([e["id"] for e in found])

    reader = threading.Thread(target=follow)
    reader.start()
    reader.join(0.3)
    assert reader.is_alive()  # behind the gap nothing is told yet
    late.commit()
    reader.join(5)
    assert read[0][0] == "late"
    assert len(read[0]) == 2
    late.execute(text("SELECT nextval(pg_get_serial_sequence('event', 'seq'))"))
    late.rollback()
    late.close()
    other.dispose()
    meta.ask("+493012345673")
    assert len(meta.engine.events(after=before)) == 3  # a number that nobody got holds up nothing
