"""Seals: over what, in which order, and what shows when one is changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from onboarding.core.seals import GENESIS, Head, heads_of, is_sound, make_seal

AT = datetime(2026, 3, 2, 9, 7, tzinfo=UTC)
BUCKET = datetime(2026, 3, 2, 9, tzinfo=UTC)
HEADS = [Head("onboarding", "b", 3, "3" * 64), Head("onboarding", "a", 12, "c" * 64)]


def test_a_seal_holds_its_heads_in_order_whatever_order_they_came_in() -> None:
    one = make_seal(None, HEADS, at=AT, bucket=BUCKET)
    assert one == make_seal(None, reversed(HEADS), at=AT, bucket=BUCKET)
    assert list(heads_of(one)) == sorted(HEADS)
    assert (one.seq, one.at, one.bucket) == (1, "2026-03-02T09:07:00.000000Z", BUCKET)
    assert is_sound(one, GENESIS)


def test_a_seal_is_chained_to_the_one_before() -> None:
    one = make_seal(None, HEADS[:1], at=AT, bucket=BUCKET)
    two = make_seal(one, HEADS[1:], at=AT, bucket=AT)
    assert two.seq == 2
    assert is_sound(two, one.hash)
    assert not is_sound(two, GENESIS)
    other = make_seal(None, HEADS, at=AT, bucket=BUCKET)
    assert not is_sound(two, other.hash)
    assert is_sound(two, None)  # of one whose predecessor is gone, as much as can be said


@pytest.mark.parametrize(
    "changes",
    [
        {"lines": ""},
        {"lines": "onboarding a 12 x\n"},
        {"entry": "{}"},
        {"entry": "x"},
        {"entry": "[]"},
        {"hash": "0" * 64},
        {"seq": 2},
    ],
    ids=str,
)
def test_a_changed_seal_shows(changes: dict[str, object]) -> None:
    seal = make_seal(None, HEADS, at=AT, bucket=BUCKET)
    assert not is_sound(replace(seal, **changes), GENESIS)  # type: ignore[arg-type] # one field each
