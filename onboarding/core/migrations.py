"""Migration between WABAs: two onboardings of one number, and which of them has the claim.

The destination's onboarding goes through the whole lifecycle; the source's rests in ``migrating``.
The claim on the number is the destination's until it ends: registered, the source has left; ended
any other way, the source has it back. Meta keeps the number working at the source until the
destination registers it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from onboarding.core.lifecycle import FINAL, Trigger
from onboarding.core.seen import is_not_ours, shown
from onboarding.core.steps import Move
from onboarding.core.waits import NO_HOLD, NO_TROUBLE
from onboarding.errors import ConflictError, InputError, TransitionRefusedError
from onboarding.model import JournaledOperation, Onboarding, Operation, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """A number that is brought to a WABA from another one.

    Attributes:
        destination_id: the onboarding that brings it.
        destination_waba_id: where to.
        number_key: which number.
        source_id: the onboarding that it leaves; ``None`` if its WABA is not ours.
        source_waba_id: where from; ``None`` if that is not known.
        started_by: who asked for it.
        started_at: when.
        looked_at: when a refusal was last narrowed down by reads of our own.
        ended_at: when it was over; ``None`` while it goes on.
        ended_how: the state that its destination ended in.
    """

    destination_id: str
    destination_waba_id: str
    number_key: str
    source_id: str | None = None
    source_waba_id: str | None = None
    started_by: str
    started_at: datetime
    looked_at: datetime | None = None
    ended_at: datetime | None = None
    ended_how: str | None = None


def require_source(row: Onboarding, to: str) -> None:
    """Refuse to let a number go that is not at rest where it is.

    Raises:
        InputError: it is on that WABA already.
        TransitionRefusedError: it is not registered, or something else is under way.
    """
    see = f"see: onboarding show {row.id}"
    if row.waba_id == to:
        raise InputError(f"the number is on WABA {to} already", field="to", hint=see)
    if row.state is not State.REGISTERED:
        raise TransitionRefusedError(
            f"only a registered number migrates; this one is '{row.state}'", hint=see
        )
    if row.offboard_at is not None:
        raise TransitionRefusedError("the number is being deregistered", hint=see)
    if row.hold is not None:
        raise TransitionRefusedError(
            f"the number is on hold: {row.hold_text}", hint=f"onboarding release {row.id}"
        )
    seen = shown(row)
    if seen is not None and is_not_ours(seen):
        raise TransitionRefusedError(
            "the number lives in the WhatsApp Business app or on-premises; such numbers do not "
            "migrate",
            hint=see,
        )


def started(to: str, reason: str) -> Move:
    """Return the source's step: the claim goes to the destination, and the number works on."""
    return Move(
        trigger=Trigger.MIGRATION_STARTED,
        reason=f"to WABA {to}: {reason}",
        detail={"destination_waba_id": to},
    )


def ended(destination: Onboarding) -> Move:
    """Return the source's step once its destination has ended, one way or the other."""
    detail = {"destination": destination.id, "destination_waba_id": destination.waba_id}
    if destination.state is State.REGISTERED:
        return Move(
            trigger=Trigger.NUMBER_LEFT,
            reason=f"migrated: it is registered on WABA {destination.waba_id}",
            changes={**NO_HOLD, **NO_TROUBLE},
            detail=detail,
        )
    return Move(
        trigger=Trigger.MIGRATION_ABANDONED,
        reason=f"the migration to WABA {destination.waba_id} is '{destination.state}'",
        detail=detail,
    )


def has_ended(destination: Onboarding) -> bool:
    """Whether nothing of the migration is under way any more."""
    return destination.state is State.REGISTERED or destination.state in FINAL


def require_undoable(row: Onboarding, calls: Iterable[JournaledOperation]) -> None:
    """Refuse to give up a migration whose last step was made: Meta may have moved the number.

    Args:
        row: the destination's onboarding.
        calls: its calls that are open, or whose outcome it does not show yet.

    Raises:
        ConflictError: a registration is on its way, or was accepted.
    """
    is_on_its_way = any(call.name is Operation.REGISTER for call in calls)
    if is_on_its_way or row.register_accepted_at is not None:
        raise ConflictError(
            "the number is being registered here, which ends the migration; it cannot be undone",
            hint=f"see: onboarding show {row.id}",
        )
