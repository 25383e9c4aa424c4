"""Phone numbers: every spelling of one number has one key, and what is no number is refused."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from onboarding.core.numbers import Number, number_key, parse_number
from onboarding.errors import NumberError

KINDS = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.TOLL_FREE)
EXAMPLES = [
    (region, example)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in KINDS
    if (example := phonenumbers.example_number_for_type(region, kind)) is not None
]
NO_COUNTRY = [
    example
    for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS
    if (example := phonenumbers.example_number_for_non_geo_entity(code)) is not None
]
IN_BRAZIL = Number(
    e164="+5531984271278", cc="55", national_number="31984271278", region="BR", key="553184271278"
)
IN_MEXICO = Number(
    e164="+525512345678", cc="52", national_number="5512345678", region="MX", key="525512345678"
)


def e164_of(example: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(example, PhoneNumberFormat.E164)


@pytest.mark.parametrize(("region", "example"), EXAMPLES, ids=lambda value: str(value)[:40])
def test_every_region_s_example_is_understood_in_every_form(
    region: str, example: phonenumbers.PhoneNumber
) -> None:
    e164, cc = e164_of(example), str(example.country_code)
    national = phonenumbers.format_number(example, PhoneNumberFormat.NATIONAL)
    digits = phonenumbers.national_significant_number(example)
    written = phonenumbers.format_number(example, PhoneNumberFormat.INTERNATIONAL)
    forms = [
        parse_number(e164),
        parse_number(written),
        parse_number("00" + e164[1:]),
        parse_number(e164, cc=cc, region=region),
        parse_number(national, region=region),
        parse_number(digits, cc=cc),
        parse_number(national, cc="+" + cc),
    ]
    assert {form.e164 for form in forms} == {e164}
    assert {(form.cc, form.national_number) for form in forms} == {(cc, digits)}
    assert {form.key for form in forms} == {number_key(e164)}


@pytest.mark.parametrize("example", NO_COUNTRY, ids=e164_of)
def test_numbers_of_no_country_are_understood(example: phonenumbers.PhoneNumber) -> None:
    e164, cc = e164_of(example), str(example.country_code)
    national = phonenumbers.national_significant_number(example)
    forms = (parse_number(e164), parse_number(national, cc=cc), parse_number(e164[1:], cc=cc))
    for parsed in forms:
        assert (parsed.e164, parsed.cc, parsed.region) == (e164, cc, "001")


def test_a_number_of_no_country_may_begin_with_its_own_calling_code() -> None:
    assert parse_number("80012345", cc="800").e164 == "+80080012345"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("+5531984271278", {}),
        ("+55 31 98427-1278", {}),
        ("+55 31 8427-1278", {}),
        ("00 55 31 8427 1278", {}),
        ("31984271278", {"cc": "55"}),
        ("(31) 8427-1278", {"cc": "55"}),
        ("5531984271278", {"cc": "55"}),
        ("031 98427-1278", {"region": "br"}),
    ],
)
def test_a_brazilian_mobile_is_one_number_with_and_without_its_nine(
    text: str, where: dict[str, str]
) -> None:
    assert parse_number(text, **where) == IN_BRAZIL


def test_a_brazilian_landline_gets_no_nine() -> None:
    assert parse_number("+55 31 3412-1278").e164 == "+553134121278"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("+525512345678", {}),
        ("+52 1 55 1234 5678", {}),
        ("0052 1 55 1234 5678", {}),
        ("5512345678", {"cc": "52"}),
        ("1 55 1234 5678", {"cc": "52"}),
        ("15512345678", {"region": "MX"}),
    ],
)
def test_a_mexican_mobile_is_one_number_with_and_without_its_one(
    text: str, where: dict[str, str]
) -> None:
    assert parse_number(text, **where) == IN_MEXICO


@pytest.mark.parametrize(
    ("text", "where", "field", "message"),
    [
        ("", {}, "phone_number", "names no country"),
        ("0301234567", {}, "phone_number", "names no country"),
        ("+", {}, "phone_number", "is not a phone number"),
        ("+49 call me", {}, "phone_number", "is not a phone number"),
        ("+999123456789", {}, "phone_number", "is not a phone number"),
        ("+33 1 23", {}, "phone_number", "is too short"),
        ("+1 631 555 10000", {}, "phone_number", "is too long"),
        ("+1 555 0100", {}, "phone_number", "lacks its area code"),
        ("+1 000 555 1000", {}, "phone_number", "not allocated"),
        ("+55 20 8427-1278", {}, "phone_number", "not allocated"),
        ("0301234567", {"region": "XX"}, "region", "not a region"),
        ("+49301234567", {"region": "BR"}, "region", "which is not BR's"),
        ("+49301234567", {"cc": "55"}, "cc", "calling code is 49, not 55"),
        ("0301234567", {"cc": "BR"}, "cc", "not a calling code"),
        ("0301234567", {"cc": "²"}, "cc", "not a calling code"),
        ("0301234567", {"cc": "999"}, "cc", "not a calling code"),
        ("0301234567", {"cc": "9" * 5000}, "cc", "not a calling code"),
        ("9" * 300, {"cc": "49"}, "phone_number", "not a phone number"),
    ],
)
def test_what_is_no_number_is_refused_with_what_is_wrong(
    text: str, where: dict[str, str], field: str, message: str
) -> None:
    with pytest.raises(NumberError, match=message) as refused:
        parse_number(text, **where)
    assert refused.value.field == field
    assert refused.value.hint


@pytest.mark.parametrize(("text", "cc"), [("4915123456789", "49"), ("62812345678", "62")])
def test_digits_that_are_two_numbers_are_refused(text: str, cc: str) -> None:
    with pytest.raises(NumberError, match=f"may be \\+{text} or \\+{cc}{text}"):
        parse_number(text, cc=cc)
    assert parse_number("+" + text, cc=cc).e164 == "+" + text


@given(st.text(), st.text(max_size=5), st.text(max_size=4))
def test_any_input_gives_a_number_or_the_reason_why_not(text: str, cc: str, region: str) -> None:
    try:
        parsed = parse_number(text, cc=cc, region=region)
    except NumberError as refused:
        assert refused.field in ("phone_number", "cc", "region")  # noqa: PT017 - either may happen
    else:
        assert parsed.e164 == f"+{parsed.cc}{parsed.national_number}"
        assert parse_number(parsed.e164) == parsed


@given(st.sampled_from(EXAMPLES), st.data())
def test_blanks_and_punctuation_between_the_digits_change_nothing(
    named: tuple[str, phonenumbers.PhoneNumber], data: st.DataObject
) -> None:
    e164 = e164_of(named[1])
    gaps = st.sampled_from(["", " ", "-", ".", "\u00a0", "\u2011", "/"])
    spelled = "+" + "".join(digit + data.draw(gaps) for digit in e164[1:])
    assert number_key(spelled) == number_key(e164)
    assert parse_number(spelled).e164 == e164


@given(st.text())
def test_a_key_is_digits_and_the_key_of_itself(text: str) -> None:
    key = number_key(text)
    assert key == "" or (key.isascii() and key.isdigit())
    assert number_key(key) == key


@pytest.mark.parametrize(
    ("spelling", "key"),
    [
        ("+55 31 8427-1278", "553184271278"),
        ("5531984271278", "553184271278"),
        ("+52 1 55 1234 5678", "525512345678"),
        ("0049 30 1234567", "49301234567"),
        ("+٤٩٣٠١٢٣٤٥٦٧", "49301234567"),
        ("55", "55"),
        ("", ""),
    ],
)
def test_what_meta_or_a_person_writes_has_the_number_s_key(spelling: str, key: str) -> None:
    assert number_key(spelling) == key
