"""One-time codes in the texts that they come in: understood or refused, never guessed."""

# ruff: noqa: RUF001 - codes come in many scripts

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.core.codes import is_metas, parse_code
from onboarding.errors import InputError

ARABIC, PERSIAN, HINDI = "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९"
WIDE = "".join(chr(0xFF10 + n) for n in range(10))


@pytest.mark.parametrize(
    "text",
    [
        "123830",
        "123-830",
        "123 830",
        " 123-830\n",
        "(123830)",
        "WhatsApp code 123-830",
        "Your WhatsApp code: 123-830. Don't share it. 123-830",
        "Your WhatsApp Business code: 123 830",
        "<#> 123830 is your WhatsApp code",
        (
            "<#> Your WhatsApp code: 123-830\nYou can also tap on this link to verify your phone:\n"
            "v.whatsapp.com/123830\nDon't share this code with others\n4sgLq1p5sV6"
        ),
        "123\u2011830",
        "123\u2013830",
        "123\u00a0830",
        "\u200f123-830\u200e",
        "١٢٣-٨٣٠",
        "رمز واتساب: \u200e١٢٣-٨٣٠",
        "आपका WhatsApp कोड है: १२३-८३०",
        "您的 WhatsApp 验证码是123830，10分钟内有效。",
        "WhatsApp認証コード：123-830",
        "Ihr WhatsApp-Code lautet 123-830. Gültig für 10 Minuten.",
        "Код WhatsApp: 123-830. 10 минут.",
        "Verification code is 123830, verification code is 123830",
        "Verification code is 1 2 3 8 3 0. Verification code is 1, 2, 3, 8, 3, 0.",
        "SMS from +1 631 555 1000: WhatsApp code 123-830",
        "+16315551000: 123-830",
        "02.03.2026 12:30 WhatsApp code 123-830",
        "2026-03-02T12:30:45Z 123830",
        "12:30:45 - 123830",
        "From: 32665\nTo: +44 20 7946 0123\nReceived: 02/03/2026 12:30\n\nWhatsApp code 123-830",
        "123-830 expires at 12:30, your number is +49 1511 2345678",
    ],
)
def test_a_code_is_found_as_meta_sends_it_or_as_people_write_it(text: str) -> None:
    assert parse_code(text) == "123830"


@pytest.mark.parametrize(
    "text",
    [
        "12345",
        "1234567",
        "12-3830",
        "nothing",
        "123_830",
        "1a23830",
        "Call +1 631 555 1000",
        "Call (631) 555-1000",
        "Call 631-555-1000",
        "Call 631.555.1000",
        "Call 0176 123456",
        "Call 0176/123456",
        "Call 0176·123456",
        "Call +49 (1511) 234567",
        "at 12:30:45",
        "on 2026-03-02",
        "G-123830 is your Google verification code",
        "ticket INC-123830",
        "ticket 123830-AB",
        "mail 123830@sms.example.com",
        "you owe $123830",
        "you owe 123.830 EUR and 123,830 USD",
        "your balance is 1,123,830",
        "123830% off",
        "dial *123*830# or *123830#",
        "order #123830",
        "4sgLq1p5sV6",
        "version 12.38.30",
    ],
)
def test_digits_that_are_no_code_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InputError, match="holds no six-digit code") as refused:
        parse_code(text)
    assert text not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["123-830 or 555-123", "WhatsApp code 123-830, PIN 555123", "123830\n555123"]
)
def test_a_text_with_two_codes_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="more than one code") as refused:
        parse_code(text)
    assert "123" not in str(refused.value)


codes = st.from_regex(r"[0-9]{6}", fullmatch=True)
scripts = st.sampled_from(["0123456789", ARABIC, PERSIAN, HINDI, WIDE])
splits = st.sampled_from(["", "-", " ", "\u2011", "\u2013", "\u00a0", "\uff0d"])
openings = st.sampled_from(
    [
        "",
        "<#> ",
        "WhatsApp code ",
        "Your WhatsApp Business code: ",
        "رمز واتساب: ",
        "验证码是",
        "Код: ",
    ]
)
closings = st.sampled_from(
    ["", ".", "\n", "，10分钟", " is your code", ". Valid for 10 minutes.", "。"]
)


@given(codes, scripts, splits, openings, closings)
def test_any_six_digits_are_a_code_leading_zeros_and_all(
    code: str, digits: str, split: str, opening: str, closing: str
) -> None:
    shown = code.translate({ord(str(n)): digit for n, digit in enumerate(digits)})
    assert parse_code(f"{opening}{shown[:3]}{split}{shown[3:]}{closing}") == code


@given(codes, st.from_regex(r"\+[1-9][0-9]{7,13}", fullmatch=True), openings)
def test_a_phone_number_beside_the_code_is_never_taken_for_it(
    code: str, number: str, opening: str
) -> None:
    text = f"From: {number}\nTo: {number[:4]} {number[4:7]} {number[7:]}\n{opening}{code}"
    assert parse_code(text) == code


@given(st.from_regex(r"\+?[0-9]{1,4}([ ./()-]{1,2}[0-9]{2,5}){1,4}", fullmatch=True))
def test_of_digits_that_are_tied_together_none_are_cut_out(text: str) -> None:
    """Only what has six digits in all can be a code."""
    digits = re.sub(r"\D", "", text)
    try:
        found = parse_code(f"call {text} now")
    except InputError:
        return
    assert found == digits


@given(st.text())
def test_any_text_gives_six_digits_or_is_refused(text: str) -> None:
    try:
        found = parse_code(text)
    except InputError as refused:
        assert refused.hint  # noqa: PT017 - either may happen
    else:
        assert re.fullmatch(r"[0-9]{6}", found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("WhatsApp code 123-830", True),
        ("Your WHATS APP Business code", True),
        ("رمز واتساب: 123-830", True),
        ("Verification code is 123830", True),
        ("Your bank's code is 123830", False),
        ("123830", False),
    ],
)
def test_a_text_is_whatsapps_if_it_says_so(text: str, expected: bool) -> None:  # noqa: FBT001 - a table
    assert is_metas(text) is expected
