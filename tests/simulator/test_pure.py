"""Phone numbers, chance, sorted lists and field selections, without a server."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.simulator.chance import pick_digits, pick_duration, pick_fraction, pick_id
from onboarding.simulator.order import Order, place_at
from onboarding.simulator.phones import (
    PhoneFormatError,
    PhoneInvalidError,
    key_of,
    only_digits,
    parse_phone,
)
from onboarding.simulator.selection import split_fields
from tests.simulator.harness import START

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("5531984271278", "553184271278"),
        ("553184271278", "553184271278"),
        ("5215512345678", "525512345678"),
        ("525512345678", "525512345678"),
        ("14195551518", "14195551518"),
        ("55", "55"),
        ("", ""),
    ],
)
def test_key_is_the_same_for_both_shapes(given: str, key: str) -> None:
    assert key_of(given) == key


@settings(deadline=None)
@given(st.from_regex(r"[0-9]{0,15}", fullmatch=True))
def test_key_of_a_key_is_itself(digits: str) -> None:
    assert key_of(key_of(digits)) == key_of(digits)


@settings(deadline=None)
@given(
    st.sampled_from(["1", "49", "55", "52", "351"]),
    st.from_regex(r"[1-9][0-9]{6,10}", fullmatch=True),
)
def test_shown_digits_are_the_key(country_code: str, national: str) -> None:
    try:
        phone = parse_phone(country_code, national)
    except PhoneInvalidError:
        return
    assert only_digits(phone.display) == phone.key == key_of(phone.digits)
    assert phone.digits.startswith(country_code)


@pytest.mark.parametrize("text", ["", "abc", "12a", "+", "٣٤٥٦٧٨٩"])
def test_what_is_not_digits(text: str) -> None:
    with pytest.raises(PhoneFormatError):
        parse_phone("1", text)


@pytest.mark.parametrize("text", ["+1 419", "+999123456789", "0"])
def test_what_could_not_exist(text: str) -> None:
    with pytest.raises(PhoneInvalidError):
        parse_phone("", text)


@settings(deadline=None)
@given(st.integers(), st.lists(st.text(max_size=5), max_size=3))
def test_chance_depends_on_its_parts_only(seed: int, parts: list[str]) -> None:
    assert 0 <= pick_fraction(seed, *parts) < 1
    assert pick_fraction(seed, *parts) == pick_fraction(seed, *parts)
    assert len(pick_digits(6, seed, *parts)) == 6
    assert len(pick_id(seed, *parts)) == 15
    span = (SECOND, 3 * SECOND)
    assert SECOND <= pick_duration(span, seed, *parts) <= 3 * SECOND


def test_parts_are_not_run_together() -> None:
    assert pick_fraction(1, "ab", "c") != pick_fraction(1, "a", "bc")


@settings(deadline=None)
@given(
    seconds=st.lists(st.integers(0, 5), max_size=12),
    limit=st.integers(1, 5),
    descending=st.booleans(),
    modulus=st.integers(1, 3),
)
def test_pages_forth_and_back_hold_every_row_once(
    *, seconds: list[int], limit: int, descending: bool, modulus: int
) -> None:
    order = Order()
    for serial, second in enumerate(seconds):
        order.add(START + second * SECOND, serial, str(serial))
    rows = sorted((second, serial) for serial, second in enumerate(seconds))
    wanted = [str(serial) for _, serial in rows if serial % modulus == 0]
    wanted = wanted[::-1] if descending else wanted

    def keep(name: str) -> bool:
        return int(name) % modulus == 0

    page = order.cut_page(descending=descending, limit=limit, keep=keep)
    forth = [page]
    while page.has_next:
        page = order.cut_page(descending=descending, limit=limit, keep=keep, after=page.rows[-1][0])
        forth.append(page)
    assert [name for each in forth for _, name in each.rows] == wanted
    assert [each.has_previous for each in forth] == [False] + [True] * (len(forth) - 1)
    back = [page]
    while page.has_previous:
        page = order.cut_page(descending=descending, limit=limit, keep=keep, before=page.rows[0][0])
        back.append(page)
    assert [name for each in reversed(back) for _, name in each.rows] == wanted
    assert len(order) == len(seconds)


def test_removed_rows_are_gone() -> None:
    order = Order()
    for serial in range(3):
        order.add(START, serial, str(serial))
    order.remove(START, 1)
    assert list(order) == ["0", "2"]
    page = order.cut_page(
        descending=False, limit=9, keep=lambda _name: True, after=place_at(START, 1)
    )
    assert [name for _, name in page.rows] == ["2"]
    assert page.has_previous


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("id,status", {"id": (), "status": ()}),
        (" id , status ,", {"id": (), "status": ()}),
        ("throughput{level},id", {"throughput": ("level",), "id": ()}),
        ("owner{id, name}", {"owner": ("id", "name")}),
        ("", {}),
    ],
)
def test_fields_are_split_outside_braces(text: str, fields: dict[str, tuple[str, ...]]) -> None:
    assert split_fields(text) == fields
