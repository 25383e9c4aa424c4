"""Tokens of links: ours and unchanged, or refused with what is wrong."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.core.code_links import (
    CodeLink,
    digest_of,
    make_token,
    read_token,
    require_usable,
    url_of,
)
from onboarding.errors import InputError, TransitionRefusedError
from tests.core.making import DAY, START

KEY_ID, ID = "0123456789abcdef", "00ff" * 8
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def sign(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, body, hashlib.sha256).digest()


OURS, THEIRS = partial(sign, b"ours"), partial(sign, b"theirs")
TOKEN = make_token(ID, START + DAY, KEY_ID, OURS)
LINK = CodeLink(
    id=ID,
    onboarding_id="1",
    cycle=1,
    digest=digest_of(TOKEN),
    made_by="ada",
    made_at=START,
    expires_at=START + DAY,
)


def test_a_token_names_its_link_and_its_end_and_fits_into_a_url() -> None:
    assert read_token(TOKEN, KEY_ID, OURS) == (ID, START + DAY)
    assert set(TOKEN) <= set(ALPHABET)
    assert url_of(TOKEN, "https://codes.example.com/c/") == f"https://codes.example.com/c/{TOKEN}"
    assert url_of(TOKEN, None) is None
    assert read_token(f" https://codes.example.com/c/{TOKEN}/\n", KEY_ID, OURS)[0] == ID
    assert ID not in TOKEN
    assert TOKEN not in LINK.digest


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from(ALPHABET))
def test_a_token_with_any_other_character_is_refused(place: int, other: str) -> None:
    changed = TOKEN[:place] + other + TOKEN[place + 1 :]
    if changed == TOKEN:
        return
    with pytest.raises(InputError) as refused:
        read_token(changed, KEY_ID, OURS)
    assert refused.value.field == "token"
    assert changed not in str(refused.value) + refused.value.hint


def test_a_token_of_another_deployment_is_told_apart_from_one_that_was_changed() -> None:
    foreign = make_token(ID, START + DAY, "fedcba9876543210", THEIRS)
    with pytest.raises(InputError, match="another deployment"):
        read_token(foreign, KEY_ID, OURS)
    forged = make_token(ID, START + DAY, KEY_ID, THEIRS)
    with pytest.raises(InputError, match="signature does not fit"):
        read_token(forged, KEY_ID, OURS)


@given(st.text())
def test_any_text_is_a_token_or_refused(text: str) -> None:
    with pytest.raises(InputError):
        read_token(text, KEY_ID, OURS)


@pytest.mark.parametrize(
    ("link", "problem", "standing"),
    [
        (replace(LINK, revoked_at=START), "was revoked", "revoked"),
        (replace(LINK, expires_at=START), "expired at 2026-03-02 09:00 UTC", "expired"),
        (replace(LINK, cycle=0), "before the onboarding was started anew", "open"),
        (replace(LINK, codes=3, used_at=START), "3 codes that Meta did not accept", "used"),
    ],
)
def test_a_link_that_works_no_more_says_why(link: CodeLink, problem: str, standing: str) -> None:
    with pytest.raises(TransitionRefusedError, match=problem):
        require_usable(link, 1, START, most_codes=3)
    assert link.standing(START) == standing
    require_usable(LINK, 1, START + DAY - timedelta(seconds=1), most_codes=3)
    assert LINK.standing(START) == "open"
