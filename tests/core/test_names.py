"""Display names: what Meta takes at all, before it is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.core.names import parse_display_name
from onboarding.errors import InputError


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Lucky Shrub", "Lucky Shrub"),
        ("  Lucky \t Shrub\n", "Lucky Shrub"),
        ("Café 24/7 & München", "Café 24/7 & München"),
        ("می‌خواهم", "می‌خواهم"),
        ("ab", "ab"),
        ("x" * 75, "x" * 75),
    ],
)
def test_a_name_is_kept_but_for_its_blanks(text: str, name: str) -> None:
    assert parse_display_name(text) == name


@pytest.mark.parametrize("text", ["", " ", "a", " a ", "x" * 76])
def test_a_name_of_a_length_that_meta_refuses_is_refused_here(text: str) -> None:
    with pytest.raises(InputError, match="2 to 75 characters") as refused:
        parse_display_name(text)
    assert refused.value.field == "display_name"


@pytest.mark.parametrize("text", ["Lucky\x00Shrub", "Lucky\x1bShrub", "Lucky\udcffShrub"])
def test_characters_that_nobody_can_see_or_store_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="cannot be shown"):
        parse_display_name(text)


@given(st.text(st.characters()))
def test_a_name_that_is_taken_can_be_stored_and_is_taken_again(text: str) -> None:
    try:
        name = parse_display_name(text)
    except InputError as refused:
        assert refused.hint  # noqa: PT017 - either may happen
    else:
        assert 2 <= len(name.encode().decode()) <= 75
        assert parse_display_name(name) == name
