"""Phone numbers: what people write, turned into the one identity that everything matches on."""

from __future__ import annotations

from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException, ValidationResult

from onboarding.errors import NumberError

_HINT = "write it in international form, like +1 631 555 1000"
_COUNTRY_HINT = f"{_HINT}, or name the country: --region BR or --cc 55 (in a file, a column)"

_CALLING_CODES = {str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE}
_BRAZIL, _MEXICO = 55, 52

_POSSIBILITY = {
    ValidationResult.TOO_SHORT: "is too short for",
    ValidationResult.TOO_LONG: "is too long for",
    ValidationResult.INVALID_LENGTH: "has a length that does not exist in",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "lacks its area code in",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A valid phone number.

    Attributes:
        e164: with the plus sign, as people and Meta's documents write it.
        cc: country calling code, digits only (Meta's ``cc``).
        national_number: national significant number, digits only, no trunk zero.
        region: ISO 3166 two letters, or ``001`` for numbers of no country.
        key: what every match and unique index uses, see ``number_key``.
    """

    e164: str
    cc: str
    national_number: str
    region: str
    key: str


def number_key(text: str) -> str:
    """Return the canonical digits of a number, whatever its spelling.

    Meta shows Brazilian and Mexican numbers with or without the mobile prefix (9 after the area
    code, 1 after the country code), so the key leaves it out: ``+55 31 98427-1278`` and
    ``553184271278`` have one key.
    """
    digits = to_ascii("".join(c for c in text if c.isdecimal())).removeprefix("00")
    if digits.startswith("55") and len(digits) == len("55AA9XXXXXXXX") and digits[4] == "9":
        return digits[:4] + digits[5:]
    if digits.startswith("521") and len(digits) == len("521XXXXXXXXXX"):
        return "52" + digits[3:]
    return digits


def to_ascii(digits: str) -> str:
    """Return digits of any script as 0 to 9."""
    return "".join(str(int(digit)) for digit in digits)


def parse_number(text: str, *, cc: str = "", region: str = "") -> Number:
    """Return the number that a person wrote, in any usual format.

    The country comes from the number itself (``+`` or ``00``), from ``cc`` (a calling code) or
    from ``region`` (two letters).

    Raises:
        NumberError: not a number, of no country, too short or long, or not allocated; ``field``
            says which of the three inputs is wrong.
    """
    text, cc, region = text.strip(), cc.strip().lstrip("+"), region.strip().upper()
    if text.startswith("00"):
        text = "+" + text[2:]
    parsed = _with_usual_prefix(_parse(text, cc, region))
    _check_country(parsed, cc, region)
    _check_allocated(parsed, text)
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return Number(
        e164=e164,
        cc=str(parsed.country_code),
        national_number=phonenumbers.national_significant_number(parsed),
        region=phonenumbers.region_code_for_number(parsed) or "001",
        key=number_key(e164),
    )


def _parse(text: str, cc: str, region: str) -> phonenumbers.PhoneNumber:
    if region and region not in phonenumbers.SUPPORTED_REGIONS:
        raise NumberError(
            f"'{region}' is not a region", field="region", hint="two letters, like BR"
        )
    if cc and cc not in _CALLING_CODES:
        raise NumberError(f"'{cc}' is not a calling code", field="cc", hint="digits, like 55")
    if not text.startswith("+") and not (cc or region):
        raise NumberError(f"'{text}' names no country", field="phone_number", hint=_COUNTRY_HINT)
    try:
        if text.startswith("+") or not cc:
            return phonenumbers.parse(text, region or None)
        return _parse_with_cc(text, cc)
    except NumberParseException:
        raise NumberError(
            f"'{text}' is not a phone number", field="phone_number", hint=_HINT
        ) from None


def _parse_with_cc(text: str, cc: str) -> phonenumbers.PhoneNumber:
    """Read a number beside its calling code: national, or in full without the plus sign."""
    main_region = phonenumbers.region_code_for_country_code(int(cc))
    # Calling codes of no country have no national format.
    national = (
        phonenumbers.parse(f"+{cc}{text}")
        if main_region == "001"
        else phonenumbers.parse(text, main_region)
    )
    if not text.startswith(cc):
        return national
    full = phonenumbers.parse("+" + text)
    if not phonenumbers.is_valid_number(full) or full == national:
        return national
    if phonenumbers.is_valid_number(national):
        forms = " or ".join(
            phonenumbers.format_number(each, phonenumbers.PhoneNumberFormat.E164)
            for each in (full, national)
        )
        raise NumberError(
            f"'{text}' may be {forms}", field="phone_number", hint="write it with the plus sign"
        )
    return full


def _with_usual_prefix(parsed: phonenumbers.PhoneNumber) -> phonenumbers.PhoneNumber:
    """Return a Brazilian mobile with its 9, which Meta drops, a Mexican one without its old 1."""
    national = phonenumbers.national_significant_number(parsed)
    if parsed.country_code == _BRAZIL:
        usual = f"{national[:2]}9{national[2:]}"
    elif parsed.country_code == _MEXICO and national.startswith("1"):
        usual = national[1:]
    else:
        return parsed
    other = phonenumbers.PhoneNumber(country_code=parsed.country_code, national_number=int(usual))
    swap = not phonenumbers.is_valid_number(parsed) and phonenumbers.is_valid_number(other)
    return other if swap else parsed


def _check_country(parsed: phonenumbers.PhoneNumber, cc: str, region: str) -> None:
    if cc and str(parsed.country_code) != cc:
        raise NumberError(
            f"the number's calling code is {parsed.country_code}, not {cc}",
            field="cc",
            hint="correct the number or leave cc empty",
        )
    if region and phonenumbers.country_code_for_region(region) != parsed.country_code:
        raise NumberError(
            f"the number's calling code is {parsed.country_code}, which is not {region}'s",
            field="region",
            hint="correct the number or leave the region empty",
        )


def _check_allocated(parsed: phonenumbers.PhoneNumber, text: str) -> None:
    country = f"+{parsed.country_code}"
    reason = phonenumbers.is_possible_number_with_reason(parsed)
    if reason in _POSSIBILITY:
        raise NumberError(
            f"'{text}' {_POSSIBILITY[reason]} {country}", field="phone_number", hint=_HINT
        )
    if not phonenumbers.is_valid_number(parsed):
        raise NumberError(
            f"'{text}' is in a range that is not allocated in {country}",
            field="phone_number",
            hint="check the digits with the number's holder",
        )
