"""Sealing, and what a seal or a file kept elsewhere brings to light."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from onboarding import Engine, NumberRequest
from onboarding.core.chain import GENESIS, Broken, link
from onboarding.core.seals import Head, heads_of
from onboarding.engine import sealing
from onboarding.engine.seal_files import write_heads
from onboarding.engine.sealing import seal_due, seal_now
from onboarding.errors import ChainBrokenError, InputError
from onboarding.store import history, seals
from onboarding.store.database import reading, writing
from tests.engine.rehearsing import WABA

NUMBERS = ("+493012345671", "+493012345672")


def every(minutes: float, engine: Engine) -> Engine:
    """Return the engine with another interval of seals."""
    settings = engine.context.settings.model_copy(update={"seal_interval_minutes": minutes})
    return Engine(replace(engine.context, settings=settings))


def numbers(engine: Engine) -> list[int]:
    with reading(engine.context.database) as conn:
        return seals.seal_numbers(conn)


@pytest.fixture
def told(offline: Engine) -> Engine:
    """Two onboardings with three entries each, two accounts, and one seal over all of them."""
    for number in NUMBERS:
        request = NumberRequest(waba_id=WABA, phone_number=number, display_name="Lucky Shrub")
        offline.request(request)
        offline.hold(number, "wait")
        offline.release(number, "go on")
    assert seal_now(offline.context).histories == 4
    return offline


# Sealing


def test_one_seal_is_made_per_span_of_time(offline: Engine) -> None:
    daily = every(1440, offline)
    assert seal_due(daily.context) == 2
    offline.request(
        NumberRequest(waba_id=WABA, phone_number=NUMBERS[0], display_name="Lucky Shrub")
    )
    assert seal_due(daily.context) == 0
    assert numbers(offline) == [1]
    assert seal_due(every(1, offline).context) == 1  # another span of time
    assert numbers(offline) == [1, 2]
    assert offline.verify_seals() == (2, [])


def test_nothing_new_is_no_seal(told: Engine) -> None:
    assert seal_due(told.context) == 0
    done = seal_now(told.context)
    assert (done.histories, done.seal and done.seal.seq) == (0, 1)
    told.hold(NUMBERS[0], "wait")
    done = seal_now(told.context)
    assert done.seal is not None
    assert [(head.id, head.seq) for head in heads_of(done.seal)] == [(told.get(NUMBERS[0]).id, 4)]


def test_workers_that_seal_at_once_make_one_seal(offline: Engine) -> None:
    daily = every(1440, offline)
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda _: seal_due(daily.context), range(12)))
    assert sorted(made) == [0] * 11 + [2]
    assert numbers(offline) == [1]


def test_people_that_seal_at_once_lose_nothing(told: Engine) -> None:
    def change(place: int) -> None:
        for turn in range(4):
            if place < len(NUMBERS):
                told.hold(NUMBERS[place], f"wait {turn}")
            seal_now(told.context)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(change, range(4)))
    count, broken = told.verify_seals()
    assert (numbers(told), broken) == (list(range(1, count + 1)), [])
    with reading(told.context.database) as conn:
        ends = {head.id: head for n in numbers(told) for head in sealed_heads(conn, n)}
        assert ends == {head.id: head for head in seals.all_heads(conn)}
    assert seal_now(told.context).histories == 0


def sealed_heads(conn: Connection, seq: int) -> Iterator[Head]:
    seal = seals.load_seal(conn, seq)
    assert seal is not None
    return heads_of(seal)


def test_what_one_seal_does_not_hold_the_next_one_does(
    offline: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "_MOST", 1)
    assert seal_now(offline.context).histories == 2
    assert numbers(offline) == [1, 2]
    assert offline.verify_seals() == (2, [])


# What it brings to light


def forge(engine: Engine, *statements: str, **given: object) -> None:
    """Do what whoever owns the database can do."""
    database = engine.context.database
    is_sqlite = database.dialect.name == "sqlite"
    last = "replace" if is_sqlite else "truncate"
    with writing(database) as conn:
        for table in ("history", "account_history", "seal"):
            for name in ("update", "delete", last):
                on = "" if is_sqlite else f" ON {table}"
                conn.execute(text(f"DROP TRIGGER IF EXISTS {table}_refuses_{name}{on}"))
        for statement in statements:
            names = {name: value for name, value in given.items() if f":{name}" in statement}
            conn.execute(text(statement), names)


def remove(engine: Engine, number: str) -> str:
    """Remove an onboarding without a trace in its own tables."""
    id_ = engine.get(number).id
    tables = {"history": "onboarding_id", "operation": "onboarding_id",
              "deadline": "onboarding_id", "onboarding": "id"}  # fmt: skip
    forge(engine, *(f"DELETE FROM {t} WHERE {c} = :id" for t, c in tables.items()), id=id_)  # noqa: S608
    return id_


def cut(engine: Engine, number: str) -> str:
    """Remove the last entry of a history, and all that its row knows of it."""
    row = engine.get(number)
    with reading(engine.context.database) as conn:
        *_, (seq, _, hash_), _last = history.read_verbatim(conn, row.id)
    forge(
        engine,
        "DELETE FROM history WHERE onboarding_id = :id AND seq > :seq",
        "UPDATE onboarding SET history_seq = :seq, head_hash = :hash WHERE id = :id",
        id=row.id, seq=seq, hash=hash_,
    )  # fmt: skip
    return row.id


def rewrite(engine: Engine, number: str) -> str:
    """Write a whole history anew, with hashes that fit."""
    row = engine.get(number)
    with reading(engine.context.database) as conn:
        entries = history.read_verbatim(conn, row.id)
    head = GENESIS
    for seq, entry, _ in entries:
        forged = entry.replace("tester", "nobody")
        head = link(head, forged)
        changed = "UPDATE history SET entry = :entry, hash = :hash"
        where = " WHERE onboarding_id = :id AND seq = :seq"
        forge(engine, changed + where, entry=forged, hash=head, id=row.id, seq=seq)
    forge(engine, "UPDATE onboarding SET head_hash = :hash WHERE id = :id", hash=head, id=row.id)
    return row.id


FORGERIES: dict[Callable[[Engine, str], str], str] = {
    cut: "entries at the end were removed",
    remove: "the onboarding was removed",
    rewrite: "the history was rewritten",
}


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda each: each.__name__)
def test_a_seal_shows_what_a_chain_cannot(
    told: Engine, forgery: Callable[[Engine, str], str]
) -> None:
    id_ = forgery(told, NUMBERS[0])
    assert told.verify()[1] == []  # every chain holds
    count, (broken,) = told.verify_seals()
    assert (count, broken.owner) == (1, id_)
    assert FORGERIES[forgery] in broken.what
    assert broken.what.startswith("seal 1 knows ")
    with pytest.raises(ChainBrokenError, match=id_):
        told.require_verified()


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda each: each.__name__)
def test_a_file_shows_it_even_without_seals(
    told: Engine, forgery: Callable[[Engine, str], str], tmp_path: Path
) -> None:
    file = tmp_path / "heads.jsonl"
    assert write_heads(told.context, file) == 4
    told.hold(NUMBERS[1], "histories may grow meanwhile")
    assert told.verify_seals(file) == (1, [])
    id_ = forgery(told, NUMBERS[0])
    forge(told, "DELETE FROM seal")
    assert told.verify_seals() == (0, [])
    _, (broken, seal) = told.verify_seals(file)
    assert broken.owner == "seals"
    assert "was removed" in broken.what
    assert (seal.owner, FORGERIES[forgery] in seal.what) == (id_, True)
    assert seal.what.startswith("the file knows ")


def test_a_rewritten_account_shows(told: Engine) -> None:
    forge(
        told,
        "DELETE FROM account_history WHERE waba_id = :id",
        "UPDATE account SET history_seq = 0, head_hash = '' WHERE waba_id = :id",
        id=WABA,
    )
    assert told.verify()[1] == []
    _, (broken,) = told.verify_seals()
    assert (broken.owner, broken.seq) == (WABA, 1)


def test_a_finding_is_told_once_however_many_seals_tell_it(told: Engine) -> None:
    for _ in range(3):
        told.hold(NUMBERS[0], "wait")
        told.release(NUMBERS[0], "go on")
        seal_now(told.context)
    id_ = remove(told, NUMBERS[0])
    count, broken = told.verify_seals()
    assert count == 4
    assert broken == [Broken(id_, 3, "seal 1 knows 3 entries, and the onboarding was removed")]


@pytest.fixture
def thrice(told: Engine) -> Engine:
    """A deployment with three seals."""
    for _ in range(2):
        told.hold(NUMBERS[0], "wait")
        seal_now(told.context)
    assert numbers(told) == [1, 2, 3]
    return told


@pytest.mark.parametrize(
    ("statement", "seq", "what"),
    [
        ("DELETE FROM seal WHERE seq = 2", 2, "removed"),
        ("DELETE FROM seal WHERE seq = 1", 1, "removed"),
        ("UPDATE seal SET lines = '' WHERE seq = 2", 2, "changed"),
        ("UPDATE seal SET entry = replace(entry, '20', '19') WHERE seq = 3", 3, "changed"),
        ("UPDATE seal SET entry = 'x' WHERE seq = 1", 1, "changed"),
    ],
)
def test_a_seal_that_is_missing_or_changed_shows(
    thrice: Engine, statement: str, seq: int, what: str
) -> None:
    forge(thrice, statement)
    (broken,) = thrice.verify_seals()[1]
    assert (broken.owner, broken.seq, what in broken.what) == ("seals", seq, True)


def test_only_a_file_shows_that_the_last_seals_were_removed(thrice: Engine, tmp_path: Path) -> None:
    file = tmp_path / "heads.jsonl"
    write_heads(thrice.context, file)
    forge(thrice, "DELETE FROM seal WHERE seq = 3")
    assert thrice.verify_seals() == (2, [])
    (broken,) = thrice.verify_seals(file)[1]
    assert (broken.owner, broken.seq) == ("seals", 3)
    thrice.hold(NUMBERS[1], "wait")
    seal_now(thrice.context)  # another third one
    (broken,) = thrice.verify_seals(file)[1]
    assert "not the one" in broken.what


# Files


def test_a_file_is_not_overwritten(told: Engine, tmp_path: Path) -> None:
    file = tmp_path / "heads.jsonl"
    file.write_text("what was there")
    with pytest.raises(InputError, match="is there already"):
        write_heads(told.context, file)
    assert file.read_text() == "what was there"
    with pytest.raises(InputError, match="cannot be written"):
        write_heads(told.context, tmp_path / "nowhere" / "heads.jsonl")


def test_a_file_says_what_it_is_of(told: Engine, tmp_path: Path) -> None:
    file = tmp_path / "heads.jsonl"
    write_heads(told.context, file)
    first, *rest = [json.loads(line) for line in file.read_text().splitlines()]
    with reading(told.context.database) as conn:
        last = seals.last_seal(conn)
    assert last is not None
    assert first == {"kind": "seal", "seq": 1, "hash": last.hash, "at": last.at, "heads": 4}
    assert {frozenset(each) for each in rest} == {frozenset(("kind", "id", "seq", "head_hash"))}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not what"),
        ("{", "is not what"),
        ("[]", "is not what"),
        ('{"kind": "onboarding"}', "is not what"),
        (b"\xff\xfe", "is not what"),
        ('{"kind":"seal","seq":0,"hash":"","at":"","heads":1}', "cut off: it has 0 of 1"),
        ('{"kind":"seal","seq":0,"hash":"","at":"","heads":1}\n{"kind":"x"}', "line 2"),
        (
            '{"kind":"seal","seq":0,"hash":"","at":"","heads":1}\n{"kind":"x","id":"","seq":1,"head_hash":""}',
            "line 2",
        ),
    ],
    ids=range(8),
)
def test_what_is_no_such_file_is_told(
    told: Engine, tmp_path: Path, content: str | bytes, message: str
) -> None:
    file = tmp_path / "heads.jsonl"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=message):
        told.verify_seals(file)
    with pytest.raises(InputError, match="cannot be read"):
        told.verify_seals(tmp_path / "missing")
