"""How a code goes to a number, and in which language, when nobody says it."""

from __future__ import annotations

import re

import phonenumbers
import pytest

from onboarding.core.code_choice import choose, takes_calls
from onboarding.core.numbers import parse_number
from onboarding.model import CodeMethod

SMS, VOICE = CodeMethod.SMS, CodeMethod.VOICE


@pytest.mark.parametrize(
    ("number", "method", "language", "kind"),
    [
        ("+4915112345678", SMS, "de_DE", "a mobile number"),
        ("+493012345671", VOICE, "de_DE", "a landline"),
        ("+16315551000", SMS, "en_US", "a mobile number or a landline"),
        ("+18005551234", VOICE, "en_US", "a toll-free number"),
        ("+5521987654321", SMS, "pt_BR", "a mobile number"),
        ("+525512345678", SMS, "es_MX", "a mobile number or a landline"),
        ("+34612345678", SMS, "es_ES", "a mobile number"),
        ("+919876543210", SMS, "en_US", "a mobile number"),
        ("+443301234567", VOICE, "en_GB", "a universal access number"),
        ("+445612345678", VOICE, "en_GB", "a VoIP number"),
    ],
)
def test_the_kind_of_number_and_its_region_decide(
    number: str, method: CodeMethod, language: str, kind: str
) -> None:
    choice = choose(number, parse_number(number).region)
    assert (choice.method, choice.language) == (method, language)
    assert kind in choice.why
    assert language in choice.why
    assert choice.warning == ""


def test_what_is_asked_for_is_kept_and_said() -> None:
    choice = choose("+493012345671", "DE", method=SMS, language="tr_TR")
    assert (choice.method, choice.language) == (SMS, "tr_TR")
    assert choice.why == "SMS: as asked for; tr_TR: as asked for"
    assert "takes no SMS" in choice.warning
    assert choose("+493012345671", "DE", method=VOICE).warning == ""


def test_a_number_that_no_plan_knows_gets_an_sms_in_english() -> None:
    choice = choose("+999123456", "001")
    assert (choice.method, choice.language) == (SMS, "en_US")
    assert "a number of no known kind" in choice.why


@pytest.mark.parametrize("number", ["+447012345678", "+491801234567"])
def test_kinds_that_meta_advises_against_are_told(number: str) -> None:
    choice = choose(number, "GB")
    assert "Meta advises against" in choice.warning
    assert choice.is_possible


def test_a_pager_gets_no_code_unless_somebody_knows_better() -> None:
    choice = choose("+447640123456", "GB")
    assert (choice.is_possible, "pager" in choice.warning) == (False, True)
    assert choose("+447640123456", "GB", method=SMS).is_possible
    assert not takes_calls("+447640123456")
    assert takes_calls("+4915112345678")


def test_every_region_gets_a_language_of_the_form_that_meta_documents() -> None:
    """An example number of every region there is."""
    for region in phonenumbers.SUPPORTED_REGIONS:
        example = phonenumbers.example_number(region)
        if example is None:
            continue
        e164 = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        number = parse_number(e164)
        choice = choose(number.e164, number.region)
        assert re.fullmatch(r"[a-z]{2}_[A-Z]{2}", choice.language), region
        assert choice.method in (SMS, VOICE)
