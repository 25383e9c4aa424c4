"""Claims: who has a number of the pool, and what became of its temporary id.

A claim is made by an onboarding, written down by a person, or seen: the temporary id of a number
that a customer took in Embedded Signup is gone from the pool's list.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from onboarding.core.lifecycle import FINAL
from onboarding.core.policy import Policy
from onboarding.core.pool.lifecycle import PoolTrigger
from onboarding.core.pool.model import Claim
from onboarding.core.pool.steps import (
    NO_CODE,
    PoolMove,
    PoolSnapshot,
    PoolStep,
    seen_after,
    shown,
    wait_for_list,
)
from onboarding.core.steps import Wait
from onboarding.core.timing import next_poll
from onboarding.model import Reason

#: How one of Meta's two schemas shows a number that somebody has claimed.
IN_USE = "IN_USE"

#: Who is written as the claimant of a number that was taken without a word to us.
UNKNOWN = "unknown"


def claimed_elsewhere(snap: PoolSnapshot, now: datetime, why: str) -> PoolMove:
    """Return the step of a number that somebody took by Embedded Signup."""
    row, found = snap.row, snap.claimant
    claim = Claim(
        id="",
        pool_number_id=row.id,
        number_key=row.number_key,
        preverified_id=row.preverified_id,
        claimed_for=found.display_name if found else UNKNOWN,
        claimed_by="meta",
        claimed_at=now,
        onboarding_id=found.id if found else None,
        waba_id=found.waba_id if found else None,
    )
    return PoolMove(
        trigger=PoolTrigger.CLAIMED,
        reason=f"{why}; somebody claimed it, perhaps in Embedded Signup",
        changes=NO_CODE,
        claim=claim,
    )


def claimed_step(snap: PoolSnapshot, now: datetime, policy: Policy) -> PoolStep:
    """Write down what took the place of a claimed number, or give it back if nothing did."""
    claim, found = snap.claim, snap.claimant
    if claim is not None and claim.phone_number_id is not None:
        return _replaced(snap, claim, now)
    if claim is not None and found is not None and found.phone_number_id is not None:
        told = replace(
            claim,
            onboarding_id=found.id,
            waba_id=found.waba_id,
            claimed_for=found.display_name if claim.claimed_for == UNKNOWN else claim.claimed_for,
            phone_number_id=found.phone_number_id,
        )
        return _replaced(snap, told, now)
    if claim is None:
        return _released(claim, now, "its claim was ended")
    if claim.onboarding_id is not None and found is not None and found.state in FINAL:
        return _unused(snap, claim, now, policy)
    since = snap.row.state_since
    return Wait(
        reason=Reason.DONE, until=next_poll(since, now, policy.poll_claim, snap.row.business_id)
    )


def _unused(snap: PoolSnapshot, claim: Claim, now: datetime, policy: Policy) -> PoolStep:
    """Give a number back whose onboarding is over; the list tells whether Meta still has it."""
    found, row = snap.claimant, snap.row
    assert found is not None, "only called with the onboarding that is over"  # noqa: S101 - for types
    over_since = max(found.state_since, row.state_since) + policy.settle
    if not seen_after(row, over_since):
        return wait_for_list(max(now, over_since))
    seen = shown(row)
    if seen is not None and seen.availability_status != IN_USE:
        return _released(claim, now, f"its onboarding is '{found.state}' without having used it")
    return _replaced(snap, claim, now)


def _released(claim: Claim | None, now: datetime, why: str) -> PoolMove:
    ended = replace(claim, released_at=now, released_why=why) if claim else None
    return PoolMove(trigger=PoolTrigger.RELEASED, reason=why, claim=ended)


def _replaced(snap: PoolSnapshot, claim: Claim, now: datetime) -> PoolMove:
    id_ = claim.phone_number_id
    became = f"phone number {id_}" if id_ else "a phone number whose id is not known"
    detail = {"preverified_id": snap.row.preverified_id or "", "claimed_for": claim.claimed_for}
    if id_:
        detail["phone_number_id"] = id_
    return PoolMove(
        trigger=PoolTrigger.REPLACED,
        reason=f"the temporary id {snap.row.preverified_id} became {became}",
        claim=replace(claim, replaced_at=now),
        detail=detail,
    )
