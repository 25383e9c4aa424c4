"""Phone numbers as Meta takes and shows them.

The number that is shown is not always the one that was given: Brazilian numbers lose their
ninth digit and Mexican ones the ``1`` after the country code. ``key`` is the same for both
shapes; everything that must recognise a number compares keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumberFormat

_GIVEN = re.compile(r"^\+?[0-9][0-9 ().\-]*$")
_STRICT = re.compile(r"^[1-9][0-9]{3,14}$")
_COUNTRY_CODE = re.compile(r"^\+?([0-9]{1,3})$")
_BRAZIL, _BRAZIL_LONG, _BRAZIL_NINTH = "55", 11, 2
_MEXICO, _MEXICO_LONG = "52", 11


class PhoneFormatError(ValueError):
    """The text is not made of digits as Meta wants them."""


class PhoneInvalidError(ValueError):
    """The digits are not a number that could exist."""


@dataclass(frozen=True, slots=True)
class Phone:
    """One phone number: ``digits`` as given, ``key`` the digits as Meta shows them."""

    digits: str
    key: str
    country_code: str
    region: str
    display: str


def only_digits(text: str) -> str:
    """Return the decimal digits of ``text``, in order."""
    return "".join(character for character in text if character in "0123456789")


def key_of(digits: str) -> str:
    """Return the digits by which a number is recognised, whichever shape was given."""
    country_code, national = digits[:2], digits[2:]
    if country_code in (_BRAZIL, _MEXICO):
        return country_code + _shown_national(country_code, national)
    return digits


def _shown_national(country_code: str, national: str) -> str:
    if country_code == _BRAZIL and len(national) == _BRAZIL_LONG and national[_BRAZIL_NINTH] == "9":
        return national[:_BRAZIL_NINTH] + national[_BRAZIL_NINTH + 1 :]
    if country_code == _MEXICO and len(national) == _MEXICO_LONG and national[0] == "1":
        return national[1:]
    return national


@lru_cache(maxsize=1 << 16)
def parse_phone(country_code: str, text: str, *, strict: bool = False) -> Phone:
    """Read a number given with or without its country code.

    Plays Meta's rules for creating a number: ``cc`` and ``phone_number`` may repeat the
    country code, which is then taken once.

    Args:
        country_code: ``cc`` as given, or an empty string.
        text: ``phone_number`` as given.
        strict: accept bare digits only, no ``+``, blanks or brackets.

    Raises:
        PhoneFormatError: the text is not made of digits.
        PhoneInvalidError: no number of that country has this length.
    """
    if not (_STRICT if strict else _GIVEN).match(text):
        raise PhoneFormatError(text)
    if not country_code or text.startswith("+"):
        return _build(_parse(f"+{only_digits(text)}"))
    match = _COUNTRY_CODE.match(country_code)
    if match is None:
        raise PhoneFormatError(country_code)
    return _join(match[1], only_digits(text))


def _join(country_code: str, digits: str) -> Phone:
    """Take the country code once, whether ``digits`` repeat it or not."""
    if digits.startswith(country_code):
        repeated = _try_parse(f"+{country_code}{digits}")
        if repeated is not None and phonenumbers.is_valid_number(repeated):
            return _build(repeated)
        once = _try_parse(f"+{digits}")
        if once is not None and _is_possible(once):
            return _build(once)
    return _build(_parse(f"+{country_code}{digits}"))


def _try_parse(text: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None


def _parse(text: str) -> phonenumbers.PhoneNumber:
    parsed = _try_parse(text)
    if parsed is None:
        raise PhoneInvalidError(text)
    return parsed


def _is_possible(parsed: phonenumbers.PhoneNumber) -> bool:
    country_code = str(parsed.country_code)
    national = phonenumbers.national_significant_number(parsed)
    shown = _try_parse(f"+{country_code}{_shown_national(country_code, national)}")
    return shown is not None and phonenumbers.is_possible_number(shown)


def _build(parsed: phonenumbers.PhoneNumber) -> Phone:
    if not _is_possible(parsed):
        raise PhoneInvalidError(str(parsed.national_number))
    country_code = str(parsed.country_code)
    national = phonenumbers.national_significant_number(parsed)
    shown = _shown_national(country_code, national)
    return Phone(
        digits=country_code + national,
        key=country_code + shown,
        country_code=country_code,
        region=phonenumbers.region_code_for_number(parsed)
        or phonenumbers.region_code_for_country_code(int(country_code)),
        display=_format(country_code, shown),
    )


def _format(country_code: str, national: str) -> str:
    if country_code == _BRAZIL and len(national) == _BRAZIL_LONG - 1:
        return f"+55 {national[:2]} {national[2:6]}-{national[6:]}"
    parsed = _parse(f"+{country_code}{national}")
    return phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL)
