"""What Meta demands of a migration, and what our reads tell of it: yes, no or unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from onboarding.core.migration_conditions import (
    BY_ENGINE,
    CONDITIONS,
    Evidence,
    Standing,
    WabaEvidence,
    findings,
    hindrances,
    named_in,
    narrowed,
)
from tests.core.making import CONNECTED

GOOD_WABA = WabaEvidence(
    account_review_status="APPROVED", business_verification_status="VERIFIED",
    owner_business_id="1", has_payment=True, is_subscribed=True,
)  # fmt: skip
GOOD_NUMBER = replace(
    CONNECTED, name_status="APPROVED", is_pin_enabled=False, is_on_biz_app=False,
    account_mode="LIVE",
)  # fmt: skip
GOOD = Evidence(
    number_key="4930123456", number=GOOD_NUMBER, source=GOOD_WABA, destination=GOOD_WABA
)


def standings(evidence: Evidence) -> dict[str, Standing]:
    return {each.condition: each.standing for each in findings(evidence)}


def test_all_is_met_but_what_no_read_can_tell() -> None:
    unknown = {name for name, standing in standings(GOOD).items() if standing != Standing.MET}
    assert unknown == {"messaging_for"}
    assert hindrances(findings(GOOD)) == ()


def test_of_what_was_not_read_nothing_is_a_no() -> None:
    nothing = standings(Evidence(number_key="4930123456"))
    assert set(nothing.values()) == {Standing.UNKNOWN}
    assert set(nothing) == {each.name for each in CONDITIONS}


@pytest.mark.parametrize(
    ("broken", "condition"),
    [
        ({"number_key": "15550783881"}, "own_number"),
        ({"number": replace(GOOD_NUMBER, account_mode="SANDBOX")}, "own_number"),
        ({"number": replace(GOOD_NUMBER, status="DISCONNECTED")}, "registered_at_source"),
        ({"number": replace(GOOD_NUMBER, is_on_biz_app=True)}, "not_on_business_app"),
        ({"number": replace(GOOD_NUMBER, is_pin_enabled=True)}, "two_step_off"),
        ({"number": replace(GOOD_NUMBER, name_status="AVAILABLE_WITHOUT_REVIEW")}, "name_approved"),
        ({"number": replace(GOOD_NUMBER, new_name_status="PENDING_REVIEW")}, "name_approved"),
        ({"source": replace(GOOD_WABA, account_review_status="PENDING")}, "source_approved"),
        ({"source": replace(GOOD_WABA, business_verification_status="FAILED")}, "source_verified"),
        (
            {"destination": replace(GOOD_WABA, account_review_status="REJECTED")},
            "destination_approved",
        ),
        (
            {"destination": replace(GOOD_WABA, business_verification_status="NOT_VERIFIED")},
            "destination_verified",
        ),
    ],
)
def test_each_condition_is_broken_alone(broken: dict[str, Any], condition: str) -> None:
    found = findings(replace(GOOD, **broken))
    assert [each.condition for each in hindrances(found)] == [condition]
    assert narrowed("Invalid parameter", found).startswith("not met: ")


def test_two_portfolios_are_no_proof_of_two_businesses() -> None:
    other = replace(GOOD_WABA, owner_business_id="2")
    assert standings(replace(GOOD, destination=other))["one_business"] is Standing.UNKNOWN


def test_what_the_engine_does_itself_hinders_nobody() -> None:
    found = findings(replace(GOOD, destination=replace(GOOD_WABA, is_subscribed=False)))
    assert [f.condition for f in found if f.standing is Standing.NOT_MET] == list(BY_ENGINE)
    assert hindrances(found) == ()


def test_meta_s_own_words_narrow_down_what_no_read_tells() -> None:
    found = findings(replace(GOOD, destination=replace(GOOD_WABA, has_payment=None)))
    text = "The destination account has no Payment method"
    assert [each.condition for each in named_in(text, found)] == ["payment_method"]
    assert narrowed(text, found).count("not met") == 1


def test_what_a_read_saw_met_is_never_named_whatever_the_text() -> None:
    assert named_in("two-step verification must be off", findings(GOOD)) == ()


def test_what_nobody_names_is_a_list_of_what_is_still_possible() -> None:
    found = findings(replace(GOOD, destination=replace(GOOD_WABA, has_payment=None)))
    told = narrowed("Parametro no valido", found)
    assert told.startswith("Meta does not name the condition; it can be one of 2: ")
    assert "payment method" in told
    assert "two-step" not in told
