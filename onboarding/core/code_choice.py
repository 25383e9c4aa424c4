"""How a one-time code goes to a number, and in which language, when nobody says it.

Meta's rules name the kinds of numbers that take an SMS and those that take a call only; the kind
comes from the numbering plan. The language follows the number's region, in the form ``xx_YY``
that Meta documents; one that Meta does not speak falls back to English there.

Source: Meta's rules, one-time codes (number types, languages).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumberType

from onboarding.model import CodeMethod

#: What Meta speaks when it does not speak the language asked for.
DEFAULT_LANGUAGE = "en_US"

_CALL_ONLY = "takes no SMS"
_NOT_ADVISED = "Meta advises against numbers of this kind: a code may never arrive"

#: Each kind of number: what it is called, and how a code reaches it.
_KINDS = {
    PhoneNumberType.MOBILE: ("a mobile number", CodeMethod.SMS),
    PhoneNumberType.FIXED_LINE_OR_MOBILE: ("a mobile number or a landline", CodeMethod.SMS),
    PhoneNumberType.UNKNOWN: ("a number of no known kind", CodeMethod.SMS),
    PhoneNumberType.FIXED_LINE: ("a landline", CodeMethod.VOICE),
    PhoneNumberType.VOIP: ("a VoIP number", CodeMethod.VOICE),
    PhoneNumberType.TOLL_FREE: ("a toll-free number", CodeMethod.VOICE),
    PhoneNumberType.PREMIUM_RATE: ("a premium-rate number", CodeMethod.VOICE),
    PhoneNumberType.UAN: ("a universal access number", CodeMethod.VOICE),
    PhoneNumberType.SHARED_COST: ("a shared-cost number", CodeMethod.VOICE),
    PhoneNumberType.PERSONAL_NUMBER: ("a personal number", CodeMethod.VOICE),
    PhoneNumberType.VOICEMAIL: ("a voicemail access number", CodeMethod.VOICE),
    PhoneNumberType.PAGER: ("a pager", CodeMethod.SMS),
}
_DOUBTFUL = (
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.PERSONAL_NUMBER,
    PhoneNumberType.VOICEMAIL,
)

#: The regions of each language; a region that is in no list gets English.
_REGIONS = {
    "ar_AR": "AE BH DZ EG IQ JO KW LB LY MA MR OM PS QA SA SD SY TN YE",
    "bg_BG": "BG", "cs_CZ": "CZ", "da_DK": "DK FO GL", "de_DE": "AT CH DE LI", "el_GR": "CY GR",
    "en_GB": "GB GG IE IM JE", "es_ES": "AD ES GQ",
    "es_MX": "AR BO CL CO CR CU DO EC GT HN MX NI PA PE PY SV UY VE",
    "et_EE": "EE", "fa_IR": "IR", "fi_FI": "AX FI",
    "fr_FR": "BF BJ BL CD CF CG CI CM FR GA GF GN GP HT LU MC MF ML MQ NC NE PF PM RE SN TD TG WF "
    "YT",
    "he_IL": "IL", "hr_HR": "HR", "hu_HU": "HU", "id_ID": "ID", "it_IT": "IT SM VA",
    "ja_JP": "JP", "ko_KR": "KR", "lt_LT": "LT", "lv_LV": "LV", "ms_MY": "BN MY",
    "nb_NO": "NO SJ", "nl_NL": "AW BE BQ CW NL SR SX", "pl_PL": "PL", "pt_BR": "BR",
    "pt_PT": "AO CV GW MZ PT ST TL", "ro_RO": "MD RO", "ru_RU": "BY KG KZ RU TJ",
    "sk_SK": "SK", "sl_SI": "SI", "sv_SE": "SE", "th_TH": "TH", "tr_TR": "TR", "uk_UA": "UA",
    "vi_VN": "VN", "zh_CN": "CN", "zh_HK": "HK MO", "zh_TW": "TW",
}  # fmt: skip
_LANGUAGES = {
    region: language for language, regions in _REGIONS.items() for region in regions.split()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeChoice:
    """How a code goes to a number.

    Attributes:
        method: SMS or a call.
        language: like ``pt_BR``.
        why: where both come from, in words.
        warning: what speaks against this kind of number; empty if nothing does.
        is_possible: ``False``: Meta sends no code to numbers of this kind.
    """

    method: CodeMethod
    language: str
    why: str
    warning: str = ""
    is_possible: bool = True


def choose(
    phone_number: str,
    region: str,
    *,
    method: CodeMethod | None = None,
    language: str | None = None,
) -> CodeChoice:
    """Return how a code goes to a number; what is given is kept.

    Args:
        phone_number: in E.164.
        region: two letters, or ``001`` for numbers of no country.
        method: what was asked for, if anything was.
        language: the same.
    """
    kind = _kind_of(phone_number)
    name, usual = _KINDS.get(kind, _KINDS[PhoneNumberType.UNKNOWN])
    takes = _CALL_ONLY if usual is CodeMethod.VOICE else "takes an SMS"
    by = f"{name} {takes}" if method is None else "as asked for"
    spoken = _LANGUAGES.get(region, DEFAULT_LANGUAGE)
    of = f"the language of {region}" if region in _LANGUAGES else "the default"
    return CodeChoice(
        method=method or usual,
        language=language or spoken,
        why=f"{method or usual}: {by}; {language or spoken}: "
        f"{of if language is None else 'as asked for'}",
        warning=_warning(kind, name, method),
        is_possible=kind != PhoneNumberType.PAGER or method is not None,
    )


def _warning(kind: int, name: str, asked: CodeMethod | None) -> str:
    if kind in _DOUBTFUL:
        return f"this is {name}; {_NOT_ADVISED}"
    if kind == PhoneNumberType.PAGER:
        return f"this is {name}; Meta sends no codes to pagers"
    if asked is CodeMethod.SMS and _KINDS[kind][1] is CodeMethod.VOICE:
        return f"this is {name}, which {_CALL_ONLY}; by VOICE Meta calls it"
    return ""


def takes_calls(phone_number: str) -> bool:
    """Whether a call may reach the number; ``False`` only where its kind rules it out."""
    return _kind_of(phone_number) != PhoneNumberType.PAGER


@lru_cache(maxsize=4096)
def _kind_of(phone_number: str) -> int:
    try:
        kind: int = phonenumbers.number_type(phonenumbers.parse(phone_number))
    except phonenumbers.NumberParseException:  # only a number that was never checked
        return PhoneNumberType.UNKNOWN
    return kind
