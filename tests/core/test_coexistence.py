"""A number of the Business app, or on-premises, is left alone whatever else is known of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.core.coexistence import NEVER_CALLED, left_alone
from onboarding.core.lifecycle import LIVE
from onboarding.core.seen import is_not_ours, remembering
from onboarding.core.steps import Call, Snapshot, Wait
from onboarding.model import Entry, Operation, PhoneNumber, Reason, State
from tests.core.making import (
    CONNECTED,
    DAY,
    NUMBER_ID,
    POLICY,
    START,
    VERIFIED,
    a_number,
    a_row,
    a_signup_row,
    an_account,
    call_of,
    look,
)

APP = replace(CONNECTED, is_on_biz_app=True)
ON_PREMISE = replace(VERIFIED, platform_type="ON_PREMISE", status="DISCONNECTED")

ROWS = st.fixed_dictionaries(
    {},
    optional={
        "retry_operation": st.sampled_from([Operation.REGISTER, Operation.DEREGISTER, None]),
        "code_ready": st.booleans(),
        "code_sealed": st.sampled_from(["sealed", None]),
        "renaming": st.booleans(),
        "register_accepted_at": st.sampled_from([START, START - 9 * DAY, None]),
        "registered_at": st.sampled_from([START - DAY, None]),
        "cycle": st.integers(1, 3),
        "pin_sealed": st.sampled_from(["sealed", None]),
        "name_approved_at": st.sampled_from([START, None]),
        "new_display_name": st.sampled_from(["Other", None]),
        "phone_number_id": st.sampled_from([NUMBER_ID, "55"]),
        "seen_present": st.booleans(),
        "seen_at": st.sampled_from([START - DAY, START, START + DAY]),
    },
)
NUMBERS = st.builds(
    PhoneNumber,
    id=st.sampled_from([NUMBER_ID, "55"]),
    status=st.sampled_from(["PENDING", "CONNECTED", "DISCONNECTED", None]),
    code_verification_status=st.sampled_from(["VERIFIED", "NOT_VERIFIED", "EXPIRED", None]),
    name_status=st.sampled_from(["APPROVED", "AVAILABLE_WITHOUT_REVIEW", "PENDING_REVIEW", None]),
    platform_type=st.sampled_from(["CLOUD_API", "ON_PREMISE", "NOT_APPLICABLE", None]),
    is_on_biz_app=st.sampled_from([True, False, None]),
).filter(is_not_ours)


@given(
    state=st.sampled_from([s for s in LIVE if s is not State.REQUESTED]),
    number=NUMBERS,
    fields=ROWS,
    entry=st.sampled_from(Entry),
    days=st.integers(0, 20),
)
def test_no_rule_leads_to_a_call_for_one(
    state: State, number: PhoneNumber, fields: dict[str, Any], entry: Entry, days: int
) -> None:
    make = a_signup_row if entry is Entry.EMBEDDED_SIGNUP else a_row
    row = make(state, number, **fields)
    after = look(row, START + days * DAY, intake_answers=True, forced=True)
    assert call_of(after) not in NEVER_CALLED


@pytest.mark.parametrize("number", [APP, ON_PREMISE, replace(APP, id="55")])
@pytest.mark.parametrize("operation", Operation)
def test_the_last_look_stops_what_must_not_be_called(
    number: PhoneNumber, operation: Operation
) -> None:
    snap = Snapshot(row=a_row(State.REGISTER_DEADLINE, number), account=an_account())
    call = Call(operation=operation, natural_key="1")
    step = left_alone(snap, call, START, POLICY)
    if operation not in NEVER_CALLED:
        assert step is call
        return
    assert isinstance(step, Wait)
    assert step.reason is (Reason.NOT_OURS if number.id == NUMBER_ID else Reason.LISTING)


def test_it_lets_calls_for_our_own_numbers_pass() -> None:
    snap = Snapshot(row=a_row(State.REGISTER_DEADLINE, VERIFIED), account=an_account())
    call = Call(operation=Operation.REGISTER, natural_key="1")
    assert left_alone(snap, call, START, POLICY) is call


def test_a_read_that_leaves_the_field_out_is_no_word_against_it() -> None:
    untold = replace(VERIFIED, is_on_biz_app=None, platform_type=None)
    assert is_not_ours(remembering(APP, untold))
    assert is_not_ours(remembering(ON_PREMISE, untold))


def test_meta_s_own_word_ends_it() -> None:
    told = replace(VERIFIED, is_on_biz_app=False)
    assert remembering(APP, told) is told
    assert not is_not_ours(remembering(APP, told))


def test_another_number_and_one_of_ours_inherit_nothing() -> None:
    untold = a_number(is_on_biz_app=None, platform_type=None)
    for before in (None, VERIFIED, replace(APP, id="55")):
        assert remembering(before, untold) is untold
