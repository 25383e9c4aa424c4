"""Pre-verified numbers: a business owns them, and a WABA claims one without a code.

Plays Meta's rules: the verification lasts 90 days; a claim replaces the temporary object by a
phone number that is verified at once and must be registered within 90 days more, or its owner
has to prove it again.
"""

from __future__ import annotations

from datetime import datetime

from onboarding.simulator import state
from onboarding.simulator.refusals import Reason, Refusal
from onboarding.simulator.state import Event, Number, Preverified
from onboarding.simulator.world import World


def expires_at(world: World, entry: Preverified) -> datetime | None:
    """Return when the verification of a number ends, if it ever was verified."""
    if entry.verified_at is None:
        return None
    return entry.verified_at + world.scenario.limits.preverified_validity


def is_verified(world: World, entry: Preverified, now: datetime) -> bool:
    """Return whether a number of the pool can be claimed without a code at an instant."""
    verified_at, ends_at = entry.verified_at, expires_at(world, entry)
    return verified_at is not None and ends_at is not None and verified_at <= now < ends_at


def find_claimable(world: World, preverified_id: str, now: datetime) -> Preverified:
    """Return the pre-verified number of an id.

    Raises:
        Refusal: there is none, or it was claimed, never verified, or too long ago.
    """
    entry = world.state.preverified.get(preverified_id)
    if entry is None or entry.removed_at is not None:
        raise Refusal(Reason.PREVERIFIED_UNKNOWN, id=preverified_id)
    if entry.claimed_at is not None:
        raise Refusal(Reason.PREVERIFIED_CLAIMED, id=preverified_id)
    if is_verified(world, entry, now):
        return entry
    ends_at = expires_at(world, entry)
    has_ended = ends_at is not None and ends_at <= now
    reason = Reason.PREVERIFIED_EXPIRED if has_ended else Reason.PREVERIFIED_UNVERIFIED
    raise Refusal(reason, id=preverified_id)


def claim(world: World, entry: Preverified, number: Number, now: datetime) -> None:
    """Turn a pre-verified number into a phone number; its temporary id is gone from now on."""
    entry.claimed_at, entry.phone_number_id = now, number.id
    number.is_preverified = True
    number.code_verification_status = state.VERIFIED
    number.verified_at = entry.verified_at
    number.register_by = now + world.scenario.limits.claim_window
    world.schedule("expire_claim", number.register_by, number.id)


def expire_claim(world: World, event: Event) -> bool:
    """Let a claim end that nobody registered: the number must be verified again."""
    number = world.state.numbers[event.subject]
    if number.is_gone or number.is_registered or number.register_by != event.due:
        return False
    number.register_by = None
    number.code_verification_status = state.NOT_VERIFIED
    number.status = state.UNVERIFIED
    return True
