"""The pool of pre-verified numbers: from a spare number to a registered one without a code."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onboarding.core.pool.lifecycle import PoolState
from onboarding.engine.pool_adding import PoolRequest
from onboarding.engine.requests import NumberRequest
from onboarding.model import DeadlineReason, State
from tests.engine.rehearsing import DAY, WABA, Rehearse, Rehearsed, scenario

BUSINESS, PARTNER = "506914307656634", "616914307656635"
SPARE, OTHER = "+493012345680", "+493012345681"


def add(meta: Rehearsed, *numbers: str) -> None:
    meta.engine.pool.add(BUSINESS, [PoolRequest(phone_number=number) for number in numbers])


def pool_state(meta: Rehearsed, number: str = SPARE) -> PoolState:
    return meta.engine.pool.get(number).state


def run_to(meta: Rehearsed, state: PoolState, number: str = SPARE, most: timedelta = DAY) -> None:
    meta.run(most=most, until=lambda: pool_state(meta, number) is state)
    told = [f"{e.at} {e.trigger}: {e.reason}" for _, e in meta.engine.pool.history(number)]
    assert pool_state(meta, number) is state, "\n".join(told)


@pytest.mark.parametrize("profile", ["observed", "documented"])
def test_a_number_of_the_pool_is_verified_claimed_and_registered_without_a_code(
    rehearse: Rehearse, profile: str
) -> None:
    meta = rehearse(scenario=scenario(profile=profile))
    add(meta, SPARE)
    run_to(meta, PoolState.VERIFIED)
    spare = meta.engine.pool.get(SPARE)
    assert spare.preverified_id is not None
    receipt = meta.engine.pool.request(
        NumberRequest(waba_id=WABA, phone_number="", display_name="Lucky Shrub"), region="de"
    )
    assert receipt.onboarding.phone_number == SPARE
    assert pool_state(meta) is PoolState.CLAIMED
    row = meta.run_to(State.REGISTERED, SPARE)
    run_to(meta, PoolState.REPLACED)
    assert len(meta.calls("request_code")) == 0
    assert len(meta.calls("add_preverified", "verify_preverified")) == 2
    (claim,) = meta.engine.pool.claims(SPARE)
    assert (claim.preverified_id, claim.phone_number_id) == (
        spare.preverified_id, row.phone_number_id,
    )  # fmt: skip
    assert (claim.onboarding_id, claim.claimed_for) == (row.id, "Lucky Shrub")
    deadlines = {d.reason: d for d in meta.engine.deadlines(SPARE)}
    claimed = deadlines[DeadlineReason.PREVERIFIED_CLAIM]
    assert claimed.due_at - claimed.starts_at == timedelta(days=90)
    assert claimed.closed_how == "met"
