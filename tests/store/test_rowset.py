"""Many rows as one parameter: whatever is in them, and however many there are."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import IntegrityError

from onboarding.store import onboardings
from onboarding.store.rowset import given, insert_rows, listed, packed, packed_list, upsert
from onboarding.store.tables import budget, deployment, webhook_event
from onboarding.store.tables import onboarding as t
from tests.store.making import START, a_row, counted, load, read, rows, store, write

ODD_TEXTS = [
    "plain", "", " ", "'single' \"double\" `back`", "back\\slash", "a;--b", "new\nline\ttab\r",
    "Zoë Übergröße 東京 🌿", "עברית", "e\u0301 combined", "a" * 10_000, "%s :name ? $1 {x} [y]",
    "null", "[1]", '{"a": 1}', "\u2028\u2029\ufeff", "\x7f\x1b[31m",
]  # fmt: skip


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_any_text_comes_back_as_it_was(database: Engine, text: str) -> None:
    store(database, [a_row(display_name=text, hold_text=text)])
    row = load(database)
    assert (row.display_name, row.hold_text) == (text, text)


@pytest.mark.parametrize("text", ["half \ud83d of one", "bytes \udcff\udc80", "a\x00b", "\x00"])
def test_what_no_database_can_hold_is_replaced_and_harms_no_other_row(
    database: Engine, text: str
) -> None:
    store(database, [a_row(0, hold_text=text), a_row(1, hold_text="as it was 🌿")])
    assert load(database, "row-000001").hold_text == "as it was 🌿"
    stored = load(database).hold_text
    assert stored is not None
    assert stored.encode()
    assert "\x00" not in stored
    assert len(stored) == len(text)


def test_what_is_not_there_stays_not_there(database: Engine) -> None:
    (row,) = store(database, [a_row()])
    assert load(database) == row
    empty = [name for name in vars(row) if getattr(row, name) is None]
    assert "seen" in empty
    assert "code_sealed" in empty


@pytest.mark.parametrize("count", [0, 1, 100, 1000])
def test_any_number_of_rows_is_one_statement(database: Engine, count: int) -> None:
    made = rows(count)
    with counted(database) as statements:
        store(database, made)
    assert [text[:6] for text in statements if text[:5] != "BEGIN"] == ["INSERT"] * bool(count)
    ids = [row.id for row in made]
    found = read(database, lambda conn: onboardings.load_onboardings(conn, ids))
    assert list(found.values()) == made


def test_a_row_that_breaks_a_rule_takes_all_with_it(database: Engine) -> None:
    store(database, [a_row(1)])
    with pytest.raises(IntegrityError):
        store(database, [a_row(0), a_row(1)])
    assert list(read(database, lambda c: onboardings.load_onboardings(c, ["row-000000"]))) == []


def test_rows_that_conflict_are_left_out_where_that_is_wanted(database: Engine) -> None:
    def insert(*digests: str) -> list[Any]:
        new = [{"digest": d, "received_at": START, "field": "f", "waba_id": None} for d in digests]
        return write(
            database,
            lambda conn: insert_rows(
                conn, webhook_event, new, skip_conflicts=True, returning=webhook_event.c.digest
            ),
        )

    assert sorted(insert("a", "b")) == ["a", "b"]
    assert insert("b", "c", "c") == ["c"]
    assert insert() == []


def test_a_list_of_values_matches_exactly(database: Engine) -> None:
    store(database, rows(3))
    ids = ["row-000001", "row-000002", "row-'; DROP", "row-000002", "nobody"]
    query = select(t.c.id).where(t.c.id.in_(listed(database.dialect.name, t.c.id)))
    found = read(database, lambda c: sorted(c.execute(query, packed_list(t.c.id, ids)).scalars()))
    assert found == ["row-000001", "row-000002"]
    assert read(database, lambda c: c.execute(query, packed_list(t.c.id, [])).all()) == []


def test_an_upsert_inserts_what_is_new_and_changes_what_is_there(database: Engine) -> None:
    add = upsert(
        database.dialect.name,
        budget,
        [c.name for c in budget.columns],
        {"used": lambda stored, new: stored.used + new.used},
    )

    def spend(*spent: tuple[str, int]) -> None:
        new = [{"key": key, "bucket": START, "used": used} for key, used in spent]
        write(database, lambda conn: conn.execute(add, packed(list(budget.columns), new)))

    spend(("a", 1), ("b", 2))
    spend(("b", 3), ("c", 4))
    query = select(budget.c.key, budget.c.used).order_by(budget.c.key)
    found = read(database, lambda conn: [tuple(row) for row in conn.execute(query)])
    assert found == [("a", 1), ("b", 5), ("c", 4)]


def test_the_text_of_a_statement_does_not_depend_on_the_rows(database: Engine) -> None:
    def text_for(count: int) -> str:
        names = [{"name": f"{count}-{place}", "value": "x"} for place in range(count)]
        with counted(database) as statements:
            write(database, lambda conn: insert_rows(conn, deployment, names))
        return statements[-1]

    assert text_for(1) == text_for(7)


def test_given_columns_keep_their_types(database: Engine) -> None:
    derived = given(database.dialect.name, [t.c.id, t.c.next_due_at, t.c.state, t.c.code_ready])
    row = a_row(code_ready=True)
    fields = {c: getattr(row, c) for c in ("id", "next_due_at", "state", "code_ready")}
    columns = [t.c.id, t.c.next_due_at, t.c.state, t.c.code_ready]
    found = read(database, lambda c: c.execute(select(derived), packed(columns, [fields])).one())
    assert found._mapping == fields
    count = select(func.count()).select_from(derived)
    assert read(database, lambda c: c.execute(count, packed(columns, [])).scalar()) == 0
