"""The hash chain: every single change of a history shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.core.chain import (
    GENESIS,
    Broken,
    Entry,
    entry_text,
    link,
    parse_entry,
    verify,
)
from tests.core.making import HOUR, START

Row = tuple[int, str, str]
PATH = ["requested", "created", "otp_pending", "otp_pending", "verified", "registered"]

texts = st.text(st.characters())
entries = st.builds(
    Entry,
    at=st.timedeltas(timedelta(), timedelta(days=36500)).map(lambda since: START + since),
    trigger=texts,
    source=texts,
    dest=texts,
    actor=texts,
    reason=texts,
    operation=st.none() | texts,
    fbtrace_id=st.none() | texts,
    detail=st.dictionaries(texts, texts, max_size=3),
)


def an_entry(source: str, dest: str, hours: int, **fields: str) -> Entry:
    given = {"trigger": f"to_{dest}", "actor": "engine", "reason": "why", **fields}
    return Entry(at=START + hours * HOUR, source=source, dest=dest, **given)  # type: ignore[arg-type]  # texts


def a_chain(onboarding_id: str = "a") -> list[Row]:
    rows, previous = [], GENESIS
    for n, (source, dest) in enumerate(zip(["", *PATH], PATH, strict=False), start=1):
        text = entry_text(onboarding_id, n, an_entry(source, dest, n))
        previous = link(previous, text)
        rows.append((n, text, previous))
    return rows


WHOLE = a_chain()


def check(
    rows: list[Row], head: Row = WHOLE[-1], state: str = PATH[-1], whose: str = "a"
) -> Broken | None:
    return verify(whose, rows, head_seq=head[0], head_hash=head[2], state=state)


def renumbered(rows: list[Row]) -> list[Row]:
    return [(n, text, stored) for n, (_, text, stored) in enumerate(rows, start=1)]


def rehashed(rows: list[Row], start: int) -> list[Row]:
    """Return the rows with hashes made anew from a place on, as a forger would."""
    result = list(rows[:start])
    for n, text, _ in rows[start:]:
        previous = result[-1][2] if result else GENESIS
        result.append((n, text, link(previous, text)))
    return result


def test_an_untouched_history_verifies() -> None:
    assert check(WHOLE) is None


def test_a_history_without_entries_verifies_only_if_the_head_has_none() -> None:
    assert verify("a", [], head_seq=0, head_hash="", state="requested") is None
    assert check([]) == Broken("a", 1, "the tail does not match the head")
    assert verify("a", WHOLE, head_seq=0, head_hash="", state="registered") is not None


@pytest.mark.parametrize("n", range(len(PATH)))
@pytest.mark.parametrize("field", ["at", "trigger", "actor", "reason", "source", "dest", "seq"])
def test_an_edit_of_any_field_of_any_entry_shows(n: int, field: str) -> None:
    seq, text, stored = WHOLE[n]
    fields = json.loads(text)
    fields[field] = 99 if field == "seq" else "x"
    forged = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    assert check([*WHOLE[:n], (seq, forged, stored), *WHOLE[n + 1 :]]) == Broken(
        "a", seq, "the entry or its hash was changed"
    )
    assert check(rehashed([*WHOLE[:n], (seq, forged, stored), *WHOLE[n + 1 :]], n)) is not None


@pytest.mark.parametrize("n", range(len(PATH)))
def test_an_edited_hash_shows(n: int) -> None:
    seq, text, _ = WHOLE[n]
    assert check([*WHOLE[:n], (seq, text, "0" * 64), *WHOLE[n + 1 :]]) is not None


@pytest.mark.parametrize("n", range(len(PATH)))
@pytest.mark.parametrize("forge", [list, renumbered, lambda rows: rehashed(renumbered(rows), 0)])
def test_a_removed_entry_shows(n: int, forge: Callable[[list[Row]], list[Row]]) -> None:
    assert check(forge(WHOLE[:n] + WHOLE[n + 1 :])) is not None


@pytest.mark.parametrize("n", range(len(PATH)))
@pytest.mark.parametrize("m", range(len(PATH)))
@pytest.mark.parametrize("forge", [list, renumbered, lambda rows: rehashed(renumbered(rows), 0)])
def test_swapped_entries_show(n: int, m: int, forge: Callable[[list[Row]], list[Row]]) -> None:
    rows = list(WHOLE)
    rows[n], rows[m] = rows[m], rows[n]
    assert (check(forge(rows)) is None) == (n == m)


@pytest.mark.parametrize("n", range(len(PATH) + 1))
@pytest.mark.parametrize("forge", [list, renumbered, lambda rows: rehashed(renumbered(rows), 0)])
def test_an_inserted_entry_shows(n: int, forge: Callable[[list[Row]], list[Row]]) -> None:
    text = entry_text("a", n + 1, an_entry("created", "created", n))
    previous = WHOLE[n - 1][2] if n else GENESIS
    extra = (n + 1, text, link(previous, text))
    assert check(forge([*WHOLE[:n], extra, *WHOLE[n:]])) is not None


def test_the_history_of_another_onboarding_does_not_pass_as_this_ones() -> None:
    other = a_chain("b")
    assert check(other, other[-1]) == Broken("a", 1, "the entry belongs to another place")


def test_entries_that_do_not_follow_from_each_other_show() -> None:
    texts = [entry_text("a", 1, an_entry("", "requested", 1)),
             entry_text("a", 2, an_entry("created", "verified", 2))]  # fmt: skip
    rows = rehashed([(1, texts[0], ""), (2, texts[1], "")], 0)
    assert check(rows, rows[-1], "verified") == Broken(
        "a", 2, "the entry does not follow from the one before"
    )


def test_a_state_that_the_history_does_not_lead_to_shows() -> None:
    assert check(WHOLE, state="expired") == Broken(
        "a", 6, "the history ends in 'registered', not in 'expired'"
    )


@pytest.mark.parametrize("text", ["", "not json", "[]", "{}", '{"seq":1}', "null", "1"])
def test_a_forged_text_that_is_no_entry_shows_instead_of_raising(text: str) -> None:
    forged = [(1, text, link(GENESIS, text))]
    assert check(forged, forged[0], "requested") == Broken("a", 1, "the entry cannot be read")


@given(entries, texts, st.integers(1, 10**6))
def test_every_entry_reads_back_as_it_was_written(entry: Entry, whose: str, seq: int) -> None:
    text = entry_text(whose, seq, entry)
    assert parse_entry(text) == entry
    assert "\n" not in text
    assert len(link(GENESIS, text)) == 64


def test_the_text_is_canonical() -> None:
    entry = an_entry("", "requested", 0, reason="Café: 12 €")
    assert entry_text("a", 1, entry) == (
        '{"actor":"engine","at":"2026-03-02T09:00:00.000000Z","dest":"requested",'
        '"onboarding":"a","reason":"Café: 12 €","seq":1,"source":"","trigger":"to_requested"}'
    )


def test_the_same_instant_in_another_zone_is_the_same_text() -> None:
    local = datetime.fromisoformat("2026-03-02T10:00:00+01:00")
    entry = an_entry("", "requested", 0)
    moved = Entry(at=local, trigger=entry.trigger, source="", dest="requested", actor="engine",
                  reason="why")  # fmt: skip
    assert entry_text("a", 1, moved) == entry_text("a", 1, entry)


@given(entries)
def test_the_text_of_an_entry_is_json_with_sorted_keys_and_no_spaces(entry: Entry) -> None:
    text = entry_text("a", 1, entry)
    plain = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert plain.encode(errors="backslashreplace").decode() == text
