"""The pool's requests and answers: both of Meta's schemas, and nothing secret in an address."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from onboarding.core.pool.model import PreverifiedNumber
from onboarding.errors import GraphError, InputError
from onboarding.graph.pool_requests import (
    add_preverified,
    delete_preverified,
    list_preverified,
    unshare_preverified,
    verify_preverified,
)
from onboarding.graph.pool_responses import parse_partners, parse_preverified_list

GUIDE = {
    "id": "106540352242922",
    "phone_number": "+1 211-555-5105",
    "code_verification_status": "VERIFIED",
    "verification_expiry_time": "2023-04-14T22:12:31+0000",
}
SPEC = {
    "id": "106540352242922",
    "display_phone_number": "+1 211-555-5105",
    "verification_status": "VERIFIED",
    "availability_status": "IN_USE",
}


def parsed(*rows: object) -> PreverifiedNumber:
    (number,) = parse_preverified_list({"data": list(rows)}).numbers
    return number


def test_both_schemas_of_the_pool_say_the_same() -> None:
    guide, spec = parsed(GUIDE), parsed(SPEC)
    assert (guide.id, guide.phone_number) == (spec.id, spec.phone_number)
    assert guide.code_verification_status == spec.code_verification_status == "VERIFIED"
    assert guide.verification_expiry_time == datetime(2023, 4, 14, 22, 12, 31, tzinfo=UTC)
    assert (spec.verification_expiry_time, spec.availability_status) == (None, "IN_USE")


@pytest.mark.parametrize(
    ("told", "meant"),
    [("PENDING", "NOT_VERIFIED"), ("FAILED", "NOT_VERIFIED"), ("EXPIRED", "EXPIRED"),
     ("UNVERIFIED", "NOT_VERIFIED"), ("UNKNOWN", None)],
)  # fmt: skip
def test_the_spellings_of_the_specification_are_those_of_the_guide(
    told: str, meant: str | None
) -> None:
    assert parsed(SPEC | {"verification_status": told}).code_verification_status == meant


def test_an_expiry_may_be_an_integer() -> None:
    told = parsed(GUIDE | {"verification_expiry_time": 1681510351})
    assert told.verification_expiry_time == datetime(2023, 4, 14, 22, 12, 31, tzinfo=UTC)


def test_a_page_with_a_row_that_cannot_be_read_proves_no_absence() -> None:
    page = parse_preverified_list({"data": [GUIDE, {"phone_number": "+1"}]})
    assert (len(page.numbers), page.is_sound) == (1, False)
    assert parse_preverified_list({"data": [GUIDE], "paging": {"next": "x"}}).is_sound is False


def test_an_answer_that_is_no_list_is_never_an_empty_one() -> None:
    with pytest.raises(GraphError):
        parse_preverified_list({"success": True})
    with pytest.raises(GraphError):
        parse_partners({})


def test_a_code_is_in_the_body_and_an_id_of_a_deletion_in_the_query() -> None:
    verify = verify_preverified("44444", "11111", code="123-830")
    assert (verify.body, verify.params) == ({"code": "123830"}, {})
    assert "123830" not in repr(verify)
    gone = unshare_preverified("33333", "11111", preverified_id="44444", partner_business_id="5")
    assert (gone.method, gone.body) == ("DELETE", None)
    assert gone.params == {"preverified_id": "44444", "partner_business_id": "5"}
    assert delete_preverified("44444", "11111").path == "/44444"


def test_a_list_names_no_fields_as_the_two_schemas_have_different_ones() -> None:
    assert list_preverified("33333", "11111", after="abc").params == {
        "limit": "100", "after": "abc",
    }  # fmt: skip


def test_what_is_no_number_or_id_leaves_nothing() -> None:
    with pytest.raises(InputError):
        add_preverified("33333", "11111", phone_number="+1 631")
    with pytest.raises(InputError):
        add_preverified("../me", "11111", phone_number="1631")
