"""Claims of numbers of a pool whose onboarding is over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from onboarding.core.pool.lifecycle import PoolState
from onboarding.core.pool.model import Claim, PoolNumber, PreverifiedNumber
from onboarding.core.pool.plan import plan
from onboarding.core.pool.steps import PoolSnapshot
from onboarding.model import State
from tests.core.making import DAY, HOUR, POLICY, START, a_row, an_account

NUMBER, TEMPORARY = "+493012345680", "106540352242922"
ROW = PoolNumber(
    id="p1", business_id="506914307656634", number_key=NUMBER[1:], phone_number=NUMBER,
    region="DE", added_by="ada", created_at=START, state=PoolState.CLAIMED, state_since=START,
    next_due_at=START, waiting_since=START, preverified_id=TEMPORARY, added_at=START,
    verified_at=START, expires_at=START + 90 * DAY, seen_at=START + HOUR, seen_present=True,
)  # fmt: skip
OVER = a_row(State.CANCELLED, phone_number_id=None)
CLAIM = Claim(
    id="c1", pool_number_id="p1", number_key=NUMBER[1:], preverified_id=TEMPORARY,
    claimed_for="Lucky Shrub", claimed_by="ada", claimed_at=START, onboarding_id=OVER.id,
)  # fmt: skip


@pytest.mark.parametrize(
    ("availability", "state"),
    [
        (None, PoolState.VERIFIED),
        ("AVAILABLE", PoolState.VERIFIED),
        ("IN_USE", PoolState.REPLACED),
    ],
)
def test_a_number_is_given_back_unless_meta_shows_that_it_was_used(
    availability: str | None, state: PoolState
) -> None:
    seen = PreverifiedNumber(
        id=TEMPORARY, code_verification_status="VERIFIED", availability_status=availability
    )
    snap = PoolSnapshot(
        row=replace(ROW, seen=seen), account=an_account(), claim=CLAIM, claimant=OVER
    )
    assert plan(snap, START + HOUR, POLICY).row.state is state
