"""Requests: asking twice changes nothing, and what contradicts what is stored names the field."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from onboarding import Engine, NumberRequest, RequestsRefusedError
from onboarding.errors import ConflictError, InputError, NumberError
from onboarding.model import CodeMethod, Entry, State
from onboarding.testing import START, FrozenClock
from tests.engine.rehearsing import OTHER_WABA, WABA

ASKED = NumberRequest(
    waba_id=WABA, phone_number="+49 30 12345671", display_name="Lucky Shrub", key="order-1"
)


@pytest.fixture
def engine(offline: Engine) -> Engine:
    """An engine with two accounts that makes no call."""
    return offline


def refused(engine: Engine, *requests: NumberRequest) -> list[tuple[int, InputError]]:
    """Return why requests are refused; nothing of them may be stored."""
    before = [row.id for row in engine.find_all()]
    with pytest.raises(RequestsRefusedError) as caught:
        engine.request_many(requests)
    assert [row.id for row in engine.find_all()] == before
    return [(refusal.index, refusal.error) for refusal in caught.value.refusals]


def test_a_request_is_stored_with_its_history_and_deadline(engine: Engine) -> None:
    receipt = engine.request(ASKED, actor="ada")
    row = engine.get(receipt.onboarding.id)
    assert receipt.result == "created"
    assert replace(row, head_hash="", history_seq=0) == receipt.onboarding
    assert (row.state, row.requested_by, row.phone_number) == (
        State.REQUESTED, "ada", "+493012345671",
    )  # fmt: skip
    ((seq, entry),) = engine.history(row.id)
    assert (seq, entry.trigger, entry.actor) == (1, "requested", "ada")
    assert len(engine.deadlines(row.id)) == 1


@pytest.mark.parametrize(
    "again",
    [
        ASKED,
        replace(ASKED, phone_number="0049 (30) 1234-5671"),
        replace(ASKED, display_name="  Lucky   Shrub "),
        replace(ASKED, key=None),
        replace(ASKED, key=None, phone_number="030 12345671", region="DE"),
        replace(ASKED, code_ready=True),
        replace(ASKED, code_method="voice"),
    ],
)
def test_asking_again_gives_the_onboarding_that_is_there(
    engine: Engine, again: NumberRequest
) -> None:
    first = engine.request(ASKED).onboarding
    receipt = engine.request(again)
    assert (receipt.result, receipt.onboarding.id) == ("known", first.id)
    assert len(list(engine.find_all())) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"display_name": "Other Shrub"}, "display_name"),
        ({"phone_number": "+493012345672"}, "phone_number"),
        ({"waba_id": OTHER_WABA}, "waba_id"),
        ({"entry": Entry.EMBEDDED_SIGNUP}, "entry"),
        ({"code_method": CodeMethod.SMS}, "code_method"),
        ({"code_language": "de"}, "code_language"),
        ({"code_window": "09:00-17:00"}, "code_window"),
    ],
)
def test_the_same_key_with_other_content_is_refused(
    engine: Engine, change: dict[str, Any], field: str
) -> None:
    engine.request(ASKED)
    ((_, error),) = refused(engine, replace(ASKED, **change))
    assert isinstance(error, ConflictError)
    assert error.field == "key"
    assert field in str(error)
    assert "order-1" in str(error)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"display_name": "Other Shrub"}, "display_name"),
        ({"waba_id": OTHER_WABA}, "waba_id"),
        ({"code_language": "de"}, "code_language"),
    ],
)
def test_a_live_number_with_other_content_names_the_field(
    engine: Engine, change: dict[str, Any], field: str
) -> None:
    first = engine.request(ASKED).onboarding
    ((_, error),) = refused(engine, replace(ASKED, key=None, **change))
    assert isinstance(error, ConflictError)
    assert error.field == field
    assert first.id in error.hint


def test_another_end_of_embedded_signup_is_named(engine: Engine) -> None:
    signup = replace(ASKED, entry="embedded_signup", onboarded_at=START, key=None)
    engine.request(signup)
    ((_, error),) = refused(engine, replace(signup, onboarded_at=START - timedelta(days=1)))
    assert isinstance(error, ConflictError)
    assert error.field == "onboarded_at"


def test_a_number_that_is_created_here_has_no_embedded_signup(engine: Engine) -> None:
    ((_, error),) = refused(engine, replace(ASKED, onboarded_at=START))
    assert error.field == "onboarded_at"
    assert "embedded_signup" in error.hint


@pytest.mark.parametrize("first", [ASKED, replace(ASKED, key=None)])
def test_a_key_is_not_added_to_what_is_known(engine: Engine, first: NumberRequest) -> None:
    engine.request(first)
    ((_, error),) = refused(engine, replace(ASKED, key="order-2"))
    assert isinstance(error, ConflictError)
    assert error.field == "key"
    assert (first.key or "without a key") in str(error)
    other = replace(ASKED, phone_number="+493012345672", key="order-2")
    assert engine.request(other).result == "created"


@pytest.mark.parametrize("pin", [None, "111111"])
def test_a_pin_is_not_dropped_in_silence(engine: Engine, pin: str | None) -> None:
    first = replace(ASKED, pin=pin)
    id_ = engine.request(first).onboarding.id
    assert engine.request(first).result == "known"
    ((_, error),) = refused(engine, replace(ASKED, pin="222222"))
    assert error.field == "pin"
    assert f"secrets set-pin {id_}" in error.hint
    assert "222222" not in str(error)


def test_a_renamed_number_is_known_by_what_was_asked_first(engine: Engine) -> None:
    first = engine.request(ASKED).onboarding
    engine.rename(first.id, "Luckier Shrub")
    assert engine.request(ASKED).onboarding.id == first.id
    ((_, error),) = refused(engine, replace(ASKED, key=None, display_name="Luckier Shrub"))
    assert error.field == "display_name"


def test_numbers_with_and_without_the_mobile_prefix_are_one(engine: Engine) -> None:
    asked = replace(ASKED, phone_number="+55 31 98427-1278", key=None)
    first = engine.request(asked).onboarding
    assert engine.get("+55 31 8427-1278").id == first.id
    mexican = replace(ASKED, phone_number="+52 1 55 1234 5678", key=None)
    second = engine.request(mexican).onboarding
    same = engine.request(replace(mexican, phone_number="+52 55 1234 5678"))
    assert (same.result, same.onboarding.id) == ("known", second.id)


def test_what_is_over_is_known_until_another_try_is_asked_for(engine: Engine) -> None:
    first = engine.request(replace(ASKED, key=None)).onboarding
    engine.cancel(first.id, "a mistake")
    assert engine.request(replace(ASKED, key=None)).onboarding.id == first.id
    second = engine.request(replace(ASKED, key=None, again=True))
    assert (second.result, second.onboarding.id != first.id) == ("created", True)
    known = engine.request(replace(ASKED, key=None, again=True))
    assert known.onboarding.id == second.onboarding.id


def test_all_of_a_batch_or_nothing(engine: Engine) -> None:
    good = [replace(ASKED, key=None, phone_number=f"+4930123456{n:02}") for n in range(5)]
    bad = {
        1: (replace(good[1], phone_number="+4930"), NumberError, "phone_number"),
        2: (replace(good[2], waba_id="99999999"), InputError, "waba_id"),
        3: (replace(good[3], display_name="x"), InputError, "display_name"),
        4: (replace(good[0], display_name="Other"), ConflictError, "phone_number"),
    }
    batch = [bad[n][0] if n in bad else good[n] for n in range(5)]
    found = refused(engine, *batch)
    assert [index for index, _ in found] == [1, 2, 3, 4]
    for index, error in found:
        _, kind, field = bad[index]
        assert isinstance(error, kind)
        assert error.field == field
        assert error.hint
    assert len(engine.request_many(good)) == 5


def test_one_key_stands_for_one_request_of_a_batch(engine: Engine) -> None:
    other = replace(ASKED, phone_number="+493012345672")
    ((index, error),) = refused(engine, ASKED, other)
    assert (index, error.field) == (1, "key")
    assert isinstance(error, ConflictError)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"phone_number": "12345"}, "phone_number"),
        ({"phone_number": "+1 999 000 0000"}, "phone_number"),
        ({"phone_number": "12345671", "region": "XX"}, "region"),
        ({"phone_number": "12345671", "cc": "999"}, "cc"),
        ({"display_name": "L"}, "display_name"),
        ({"display_name": "L" * 76}, "display_name"),
        ({"entry": "pigeon"}, "entry"),
        ({"code_method": "PIGEON"}, "code_method"),
        ({"code_language": "english"}, "code_language"),
        ({"code_window": "at noon"}, "code_window"),
        ({"pin": "12345"}, "pin"),
        ({"onboarded_at": datetime(2026, 3, 2)}, "onboarded_at"),  # noqa: DTZ001 - what is refused
        ({"waba_id": "99999999"}, "waba_id"),
    ],
)
def test_what_cannot_be_accepted_names_its_field(
    engine: Engine, change: dict[str, Any], field: str
) -> None:
    ((_, error),) = refused(engine, replace(ASKED, **change))
    assert error.field == field
    assert str(error)
    assert error.hint


def test_instants_of_any_offset_are_one_instant(engine: Engine) -> None:
    east = START.astimezone(timezone(timedelta(hours=5)))
    signup = replace(ASKED, entry="embedded_signup", onboarded_at=START)
    first = engine.request(signup).onboarding
    assert engine.request(replace(signup, onboarded_at=east)).onboarding.id == first.id


def test_a_thousand_requests_are_one_transaction(engine: Engine) -> None:
    asked = [replace(ASKED, key=f"k{n}", phone_number=f"+49301{n:07}") for n in range(1000)]
    receipts = engine.request_many(asked)
    assert {receipt.result for receipt in receipts} == {"created"}
    ids = [receipt.onboarding.id for receipt in receipts]
    assert ids == sorted(ids)
    assert {receipt.result for receipt in engine.request_many(asked)} == {"known"}
    page = engine.find(limit=300)
    found = [row.id for row in page.items]
    while page.next_cursor:
        page = engine.find(limit=300, cursor=page.next_cursor)
        found += [row.id for row in page.items]
    assert found == ids


def test_onboardings_are_found_by_what_people_know(engine: Engine) -> None:
    clock = engine.context.clock
    assert isinstance(clock, FrozenClock)
    first = engine.request(ASKED).onboarding
    clock.advance(timedelta(days=1))
    second = engine.request(
        NumberRequest(waba_id=OTHER_WABA, phone_number="+493012345672", display_name="Shrub Two")
    ).onboarding
    engine.cancel(second.id, "a mistake")

    def found(**conditions: Any) -> list[str]:
        return [row.id for row in engine.find(**conditions).items]

    assert found() == [first.id, second.id]
    assert found(states=[State.CANCELLED]) == [second.id]
    assert found(waba_id=WABA) == [first.id]
    assert found(phone_number="0049 30 12345672") == [second.id]
    assert found(deadline_before=START + timedelta(days=14)) == [first.id]
    assert found(states=[State.FAILED]) == []
    for limit in (0, 1001):
        with pytest.raises(InputError):
            engine.find(limit=limit)
