"""The lifecycle of one number of the pool: the table of its states, triggers and moves.

As with onboardings, everything that says which state may follow which is in ``TABLE``, triggers
are past events, and the store alone writes the new state.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from onboarding.core.relation import Relation
from onboarding.errors import TransitionRefusedError


class PoolState(StrEnum):
    """Where a number of the pool stands."""

    REQUESTED = "requested"
    ADDED = "added"
    CODE_PENDING = "code_pending"
    VERIFIED = "verified"
    EXPIRED = "expired"
    CLAIMED = "claimed"
    REPLACED = "replaced"
    REMOVED = "removed"
    FAILED = "failed"


class PoolTrigger(StrEnum):
    """A past event that moves a number of the pool."""

    ADDED = "added"
    FOUND = "found"
    CODE_REQUESTED = "code_requested"
    VERIFIED = "verified"
    EXPIRED = "expired"
    CLAIMED = "claimed"
    RELEASED = "released"
    REPLACED = "replaced"
    REMOVED = "removed"
    REFUSED = "refused"


#: States of numbers that Meta has in the pool, and that nobody has claimed.
OFFERED = (PoolState.ADDED, PoolState.CODE_PENDING, PoolState.VERIFIED, PoolState.EXPIRED)

#: States that end a slot of the pool; its number may then come into the pool again.
FINAL = (PoolState.REPLACED, PoolState.REMOVED, PoolState.FAILED)

#: States that hold the one slot of a number.
LIVE = (PoolState.REQUESTED, *OFFERED, PoolState.CLAIMED)

#: States that only a one-time code leads out of.
UNPROVEN = (PoolState.ADDED, PoolState.CODE_PENDING, PoolState.EXPIRED)

STATE_MEANING = {
    PoolState.REQUESTED: "accepted; Meta does not have it in the pool yet, or it was not seen",
    PoolState.ADDED: "Meta has a temporary id for it; ownership is not proven",
    PoolState.CODE_PENDING: "a one-time code was asked for, or must be asked for again",
    PoolState.VERIFIED: "ownership is proven for 90 days: it can be claimed without a code",
    PoolState.EXPIRED: "the verification ended before anybody claimed it",
    PoolState.CLAIMED: "given to an onboarding or a customer; its new id is not known yet",
    PoolState.REPLACED: "a phone number of a WABA took its place; the temporary id is gone",
    PoolState.REMOVED: "taken out of the pool, by us or by Meta",
    PoolState.FAILED: "Meta refused for good to take it into the pool",
}


@dataclass(frozen=True, slots=True)
class Move:
    """One row of the table: the trigger takes each of the sources to the destination."""

    trigger: PoolTrigger
    sources: tuple[PoolState, ...]
    dest: PoolState
    meaning: str


TABLE = (
    Move(PoolTrigger.ADDED, (PoolState.REQUESTED,), PoolState.ADDED, "Meta took it into the pool"),
    Move(
        PoolTrigger.FOUND,
        (PoolState.REQUESTED,),
        PoolState.ADDED,
        "the pool's list has it already",
    ),
    Move(
        PoolTrigger.CODE_REQUESTED,
        UNPROVEN,
        PoolState.CODE_PENDING,
        "a one-time code is on its way",
    ),
    Move(
        PoolTrigger.VERIFIED,
        UNPROVEN,
        PoolState.VERIFIED,
        "Meta accepted the code, or shows VERIFIED",
    ),
    Move(
        PoolTrigger.EXPIRED,
        (PoolState.VERIFIED,),
        PoolState.EXPIRED,
        "the 90 days are over, or Meta shows it as not verified",
    ),
    Move(
        PoolTrigger.CLAIMED,
        OFFERED,
        PoolState.CLAIMED,
        "an onboarding or a customer has it now",
    ),
    Move(
        PoolTrigger.RELEASED,
        (PoolState.CLAIMED,),
        PoolState.VERIFIED,
        "the claim was not used, and Meta still has it in the pool",
    ),
    Move(
        PoolTrigger.REPLACED,
        (PoolState.CLAIMED,),
        PoolState.REPLACED,
        "the phone number id that took the place of the temporary id is known",
    ),
    Move(
        PoolTrigger.REMOVED,
        (PoolState.REQUESTED, *OFFERED),
        PoolState.REMOVED,
        "it was deleted, or never verified and removed by Meta after 90 days",
    ),
    Move(
        PoolTrigger.REFUSED,
        (PoolState.REQUESTED,),
        PoolState.FAILED,
        "Meta refused to take it, for good",
    ),
)


_RELATION = Relation(PoolState, ((m.trigger, each, m.dest) for m in TABLE for each in m.sources))


def next_state(state: PoolState, trigger: PoolTrigger) -> PoolState:
    """Return the state that the trigger leads to.

    Raises:
        TransitionRefusedError: the table does not allow the trigger in this state.
    """
    dest = _RELATION.next_state(state, trigger)
    if dest is None:
        raise TransitionRefusedError(
            f"'{trigger}' is not possible while the number of the pool is '{state}'",
            hint="see: onboarding pool list",
        )
    return PoolState(dest)
