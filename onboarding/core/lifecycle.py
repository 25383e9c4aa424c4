"""The lifecycle of one onboarding: the table of states, triggers and moves.

Rule 1: everything that says which state may follow which lives in ``TABLE``. The diagrams in the
docs, the reference of states and the checks of the engine are all made from it.

Rule 2: a trigger is a past event. Nothing in this file causes anything; ``core/decide.py`` says
when a move is due, and the store alone writes the new state, under its fence.

``transitions`` holds the relation, see ``core/relation.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from onboarding.core.relation import Relation
from onboarding.errors import TransitionRefusedError
from onboarding.model import State


class Trigger(StrEnum):
    """A past event that moves an onboarding."""

    NUMBER_CREATED = "number_created"
    NUMBER_FOUND = "number_found"
    CODE_REQUESTED = "code_requested"
    CODE_VERIFIED = "code_verified"
    OWNERSHIP_OBSERVED = "ownership_observed"
    OWNERSHIP_LOST = "ownership_lost"
    NAME_USABLE = "name_usable"
    NAME_NOT_USABLE = "name_not_usable"
    EARLY_REGISTRATION_DUE = "early_registration_due"
    CONNECTED = "connected"
    RENAME_REQUESTED = "rename_requested"
    REGISTRATION_REQUESTED = "registration_requested"
    WINDOW_CLOSED = "window_closed"
    NUMBER_LEFT = "number_left"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    MIGRATION_STARTED = "migration_started"
    MIGRATION_ABANDONED = "migration_abandoned"
    RESTARTED = "restarted"


#: States in which the engine still has something to bring about.
IN_PROGRESS = (
    State.REQUESTED,
    State.CREATED,
    State.OTP_PENDING,
    State.VERIFIED,
    State.NAME_REVIEW,
    State.REGISTER_DEADLINE,
)

#: States that end an onboarding; its number may then be requested again elsewhere.
FINAL = (State.EXPIRED, State.LEFT, State.FAILED, State.CANCELLED)

#: States that hold the one live claim on a number.
LIVE = (*IN_PROGRESS, State.REGISTERED)

STATE_MEANING = {
    State.REQUESTED: "accepted and valid; the number is not on the WABA yet, or not seen there",
    State.CREATED: "Meta has a phone number id; ownership is not proven",
    State.OTP_PENDING: "a one-time code was asked for, or must be asked for again",
    State.VERIFIED: "ownership is proven; the display name is looked at next",
    State.NAME_REVIEW: "the display name cannot be used yet, or was declined",
    State.REGISTER_DEADLINE: "ready to register, or registered and not yet seen CONNECTED",
    State.REGISTERED: "Meta shows CONNECTED on CLOUD_API",
    State.MIGRATING: "registered here, and on its way to another WABA, where the claim on it is; "
    "it works here until it is registered there",
    State.EXPIRED: "the Embedded Signup window closed before the number was registered",
    State.LEFT: "migrated away, deregistered or deleted at Meta",
    State.FAILED: "Meta refused for good",
    State.CANCELLED: "a person's decision",
}


@dataclass(frozen=True, slots=True)
class Move:
    """One row of the table: the trigger takes each of the sources to the destination."""

    trigger: Trigger
    sources: tuple[State, ...]
    dest: State
    meaning: str


TABLE = (
    Move(
        Trigger.NUMBER_CREATED, (State.REQUESTED,), State.CREATED, "Meta answered the create call"
    ),
    Move(
        Trigger.NUMBER_FOUND,
        (State.REQUESTED,),
        State.CREATED,
        "the number is on the WABA's list already",
    ),
    Move(
        Trigger.CODE_REQUESTED,
        (State.CREATED, State.OTP_PENDING),
        State.OTP_PENDING,
        "a one-time code is on its way to the holder",
    ),
    Move(Trigger.CODE_VERIFIED, (State.OTP_PENDING,), State.VERIFIED, "Meta accepted the code"),
    Move(
        Trigger.OWNERSHIP_OBSERVED,
        (State.CREATED, State.OTP_PENDING),
        State.VERIFIED,
        "Meta shows VERIFIED without a code from us",
    ),
    Move(
        Trigger.OWNERSHIP_LOST,
        (State.VERIFIED, State.NAME_REVIEW, State.REGISTER_DEADLINE),
        State.OTP_PENDING,
        "Meta wants ownership proven again (133006, or EXPIRED before registration)",
    ),
    Move(
        Trigger.NAME_USABLE,
        (State.VERIFIED, State.NAME_REVIEW),
        State.REGISTER_DEADLINE,
        "the display name is approved, or available without review",
    ),
    Move(
        Trigger.NAME_NOT_USABLE,
        (State.VERIFIED, State.REGISTER_DEADLINE),
        State.NAME_REVIEW,
        "the display name is in review, declined, expired or missing",
    ),
    Move(
        Trigger.EARLY_REGISTRATION_DUE,
        (State.NAME_REVIEW,),
        State.REGISTER_DEADLINE,
        "the deadline is near: registration is tried although the review still runs",
    ),
    Move(
        Trigger.CONNECTED,
        (
            State.CREATED,
            State.OTP_PENDING,
            State.VERIFIED,
            State.NAME_REVIEW,
            State.REGISTER_DEADLINE,
        ),
        State.REGISTERED,
        "Meta shows CONNECTED on CLOUD_API",
    ),
    Move(
        Trigger.RENAME_REQUESTED,
        (State.REGISTERED,),
        State.NAME_REVIEW,
        "a registered number is to get a new display name",
    ),
    Move(
        Trigger.REGISTRATION_REQUESTED,
        (State.REGISTERED,),
        State.VERIFIED,
        "a number that lost its connection is to be registered again, as a person decided",
    ),
    Move(
        Trigger.WINDOW_CLOSED,
        IN_PROGRESS,
        State.EXPIRED,
        "the Embedded Signup window ended without a registration",
    ),
    Move(
        Trigger.NUMBER_LEFT,
        (*LIVE[1:], State.MIGRATING),
        State.LEFT,
        "Meta shows MIGRATED or DELETED, or no longer lists the number; it was registered on "
        "another WABA, or deregistered; or a person let it go",
    ),
    Move(Trigger.REFUSED, IN_PROGRESS, State.FAILED, "Meta refused for good"),
    Move(Trigger.CANCELLED, IN_PROGRESS, State.CANCELLED, "a person gave the onboarding up"),
    Move(
        Trigger.MIGRATION_STARTED,
        (State.REGISTERED,),
        State.MIGRATING,
        "a person has the number migrated to another WABA of ours",
    ),
    Move(
        Trigger.MIGRATION_ABANDONED,
        (State.MIGRATING,),
        State.REGISTERED,
        "the other WABA's onboarding ended without a registration",
    ),
    Move(
        Trigger.RESTARTED,
        (State.EXPIRED, State.LEFT, State.FAILED),
        State.REQUESTED,
        "a person started a new cycle",
    ),
)


_RELATION = Relation(State, ((m.trigger, each, m.dest) for m in TABLE for each in m.sources))


@cache
def next_state(state: State, trigger: Trigger) -> State:
    """Return the state that the trigger leads to.

    Raises:
        TransitionRefusedError: the table does not allow the trigger in this state.
    """
    dest = _RELATION.next_state(state, trigger)
    if dest is None:
        allowed = ", ".join(allowed_triggers(state)) or "none"
        raise TransitionRefusedError(
            f"'{trigger}' is not possible while the onboarding is '{state}'",
            hint=f"possible here: {allowed}",
        )
    return State(dest)


def allowed_triggers(state: State) -> tuple[Trigger, ...]:
    """Return the triggers that the table allows in this state, in the order of the table."""
    return tuple(Trigger(t) for t in _RELATION.triggers(state))
