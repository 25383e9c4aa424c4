"""How instants, enums and records are kept: as they were, and in the order of time."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import StatementError

from onboarding.model import (
    Effect,
    Failure,
    Onboarding,
    Operation,
    PhoneNumber,
    Reason,
    RecoveryClass,
    State,
    Trouble,
)
from onboarding.store.columns import Instant, Record, Word
from onboarding.store.database import open_database
from onboarding.store.tables import onboarding as t
from tests.store.making import START, a_row, load, read, rows, store

INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@given(INSTANTS, INSTANTS)
def test_the_text_of_instants_sorts_as_time_does(one: datetime, other: datetime) -> None:
    kept = Instant()
    first, second = kept.to_json(one), kept.to_json(other)
    assert first is not None
    assert second is not None
    assert (first < second) == (one < other)
    assert len(first) == len(second) == 27


def test_an_instant_is_kept_to_the_microsecond_and_in_utc(database: Engine) -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    at = datetime(2026, 3, 2, 14, 30, 0, 1, tzinfo=east)
    store(database, [a_row(next_due_at=at)])
    kept = load(database).next_due_at
    assert kept == at
    assert kept is not None
    assert kept.utcoffset() == timedelta(0)
    raw = read(database, lambda c: c.execute(text("SELECT next_due_at FROM onboarding")).scalar())
    assert raw == (at if database.dialect.name == "postgresql" else "2026-03-02T09:00:00.000001Z")


@pytest.mark.on("postgresql")
def test_instants_come_in_utc_whatever_zone_the_server_is_in(database: Engine, url: str) -> None:
    name = database.url.database
    with database.connect() as conn:
        conn.execute(text(f"ALTER DATABASE {name} SET timezone TO 'Europe/Berlin'"))
        conn.commit()
    before = datetime(2026, 10, 24, 12, tzinfo=UTC)  # clocks change on the 25th
    opened = open_database(url)
    store(opened, [a_row(register_by=before)])
    kept = load(opened).register_by
    opened.dispose()
    assert kept is not None
    assert kept.utcoffset() == timedelta(0)
    assert kept + timedelta(days=1) - before == timedelta(hours=24)


def test_enums_are_kept_as_their_words(database: Engine) -> None:
    store(database, [a_row(hold=Reason.PIN, retry_operation=Operation.SET_PIN)])
    row = load(database)
    assert (row.state, row.hold, row.retry_operation) == (
        State.REQUESTED, Reason.PIN, Operation.SET_PIN,
    )  # fmt: skip
    query = select(t.c.id).where(t.c.hold == Reason.PIN, t.c.state.in_([State.REQUESTED]))
    assert read(database, lambda conn: conn.execute(query).scalar()) == row.id
    with pytest.raises((ValueError, StatementError)):
        store(database, [a_row(1, state="nowhere")])


def test_records_are_kept_whole(database: Engine) -> None:
    seen = PhoneNumber(
        id="1", display_phone_number="+49 30 1", status="NEVER_SEEN_BEFORE", is_on_biz_app=False,
        last_onboarded_time=START, verified_name="Zoë's \"Shrub\" 🌿",
    )  # fmt: skip
    failure = Failure(
        effect=Effect.UNKNOWN, recovery=RecoveryClass.TRANSIENT, code=0, message="", wait_s=0.5
    )
    trouble = Trouble(operation="register", at=START, failure=failure)
    store(database, [a_row(seen=seen, trouble=trouble, seen_present=False)])
    row = load(database)
    assert (row.seen, row.trouble, row.seen_present) == (seen, trouble, False)


def test_a_record_of_an_earlier_release_may_lack_fields() -> None:
    kept = Record(PhoneNumber)
    dialect = object()
    assert kept.process_result_value('{"id": "1"}', dialect) == PhoneNumber(id="1")  # type: ignore[arg-type] # not used
    assert kept.process_bind_param(None, dialect) is None  # type: ignore[arg-type] # not used


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ('Zoë\'s "Shrub" 🌿', 'Zoë\'s "Shrub" 🌿'),
        ("a\x00b\x7f", "a\x00b\x7f"),
        ("bytes \udcff of a shell, Zoë", "bytes ? of a shell, Zoë"),
    ],
)
def test_a_record_can_be_read_whatever_its_texts_hold(name: str, kept: str) -> None:
    records = Record(PhoneNumber)
    text = records.to_json(PhoneNumber(id="1", verified_name=name))
    found = records.process_result_value(text, object())  # type: ignore[arg-type] # not used
    assert found == PhoneNumber(id="1", verified_name=kept)


def test_nothing_is_kept_as_nothing() -> None:
    assert Instant().to_json(None) is None
    assert Word(State).to_json(None) is None
    assert Record(PhoneNumber).to_json(None) is None


def test_what_is_due_is_found_by_comparing_texts(database: Engine) -> None:
    made = [
        a_row(place, next_due_at=START + timedelta(microseconds=place - 2)) for place in range(5)
    ]
    store(database, made)
    query = select(t.c.id).where(t.c.next_due_at <= START).order_by(t.c.next_due_at)
    found = read(database, lambda conn: list(conn.execute(query).scalars()))
    assert found == [row.id for row in rows(3)]


def test_the_columns_of_an_onboarding_stand_in_the_order_of_its_fields() -> None:
    """Rows are read by place: one out of order would be read as another, and still fit."""
    assert [column.name for column in t.columns] == [f.name for f in fields(Onboarding)]
