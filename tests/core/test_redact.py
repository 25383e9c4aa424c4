"""What is logged or stored holds no token, no PIN and no code, however it is wrapped."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.core.redact import HIDDEN, redact, redact_text

TOKEN = "EAAJBtest0123456789ZC"

tokens = st.from_regex(r"EAA[A-Za-z0-9]{8,40}", fullmatch=True)
texts = st.text(max_size=30)
names = st.text(max_size=12)


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        f"Authorization: Bearer {TOKEN}",
        "Authorization: bearer some.opaque-token",
        f"https://graph.facebook.com/v25.0/1?access_token={TOKEN}&limit=2",
        "https://graph.facebook.com/v25.0/1?access_token=123|abcDEF",
        f"next=https%3A%2F%2Fgraph%3Faccess_token%3D{TOKEN}%26limit%3D2",
        f"token_{TOKEN}",
        f"'access_token': '{TOKEN}'",
        '{"access_token": "123|abcDEF"}',
        "GET /debug_token?input_token=123|abcDEF",
        "client_secret=abcDEF&x=1",
        "/1?appsecret_proof=abcDEF0123",
        "POST /1906385232743451/verify_code?code=123830",
        "POST /1/register?pin=123830",
        '{"messaging_product": "whatsapp", "pin": "123830"}',
    ],
)
def test_no_secret_survives_in_a_text(text: str) -> None:
    hidden = redact_text(text)
    assert HIDDEN in hidden
    for secret in (TOKEN, "abcDEF", "123830", "opaque"):
        assert secret not in hidden


@pytest.mark.parametrize(
    "text",
    [
        "(#133005) Two step verification PIN Mismatch",
        "request_code: (#136024) Request code error",
        "waiting for the code of +49 30 1234567",
        "the token is empty",
        "EAAsy",
    ],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert redact_text(text) == text


def test_fields_are_hidden_by_name_whatever_they_hold() -> None:
    fields = {
        "token": "x", "page_token": 7, "pin": "123456", "two_step_pin": "123456", "code": "123830",
        "app_secret": "x", "password": "x", "Authorization": "x", "appsecret_proof": "x",
        "token_sealed": b"x", "PIN": "1",
    }  # fmt: skip
    assert redact(fields) == dict.fromkeys(fields, HIDDEN)


def test_fields_that_hold_nothing_secret_are_kept_as_they_are() -> None:
    fields = {
        "event": "call_failed", "error_code": 133005, "code_verification_status": "VERIFIED",
        "mapping": "x", "token": None, "pinned": True, "at": None, "share": 0.5,
    }  # fmt: skip
    assert redact(fields) == fields


def test_an_exception_is_written_as_its_text_without_the_secret() -> None:
    assert redact({"error": ValueError(f"bad {TOKEN}")}) == {"error": f"bad {HIDDEN}"}


def nested(secret: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        secret,
        lambda inner: (
            st.lists(inner | texts, max_size=3)
            | st.tuples(inner, texts)
            | st.frozensets(secret, max_size=2)
            | st.dictionaries(names, inner, max_size=3)
        ),
        max_leaves=6,
    )


@given(st.data(), tokens, texts, texts)
def test_no_token_survives_anywhere(
    data: st.DataObject, token: str, before: str, after: str
) -> None:
    value = data.draw(nested(st.just(before + token + after)))
    shown = repr(redact({"payload": value, token: 1}))
    assert token not in shown


@given(st.data(), st.sampled_from(["pin", "code", "access_token", "pin_sealed"]))
def test_no_secret_field_survives_inside_another(data: st.DataObject, name: str) -> None:
    secret = data.draw(st.from_regex(r"[0-9]{6}", fullmatch=True))
    value: Any = {name: secret}
    for _ in range(data.draw(st.integers(0, 3))):
        value = data.draw(st.sampled_from([{"x": value}, [value], (value,)]))
    assert secret not in repr(redact({"payload": value}))
