"""People as they are assumed: each gives what an onboarding waits for, after a while."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from onboarding.core.code_wishes import ready
from onboarding.core.forecast.assumptions import Assumptions
from onboarding.core.name_desk import renamed
from onboarding.core.reasons import MEANINGS
from onboarding.core.steps import Move
from onboarding.core.waits import NO_HOLD, NO_TROUBLE
from onboarding.errors import OnboardingError
from onboarding.model import Onboarding, Reason

Deed = Callable[[Onboarding, datetime], Move]


def _ready(row: Onboarding, _: datetime) -> Move:
    return ready(row)


def _hand_in(row: Onboarding, now: datetime) -> Move:
    changes = {"code_sealed": "assumed", "code_mac": now.isoformat(), "code_given_at": now}
    return Move(note="code_given", reason=f"a code for {row.phone_number}", changes=changes)


def _name(row: Onboarding, _: datetime) -> Move:
    return renamed(row, f"{row.new_display_name or row.display_name} (new)")


def _release(row: Onboarding, _: datetime) -> Move:
    changes = {**NO_HOLD, **NO_TROUBLE, "pin_mismatches": 0}
    return Move(note="released", reason=f"{row.phone_number} goes on", changes=changes)


#: What people do about a reason; what is not here is not done.
_DEEDS: dict[Reason, Deed] = {
    Reason.CODE_READY: _ready,
    Reason.CODE: _hand_in,
    Reason.NAME_MISSING: _name,
    Reason.NAME_DECLINED: _name,
    Reason.NAME_EXPIRED: _name,
    Reason.HELD: _release,
    Reason.REFUSED: _release,
    Reason.STUCK: _release,
    Reason.PIN: _release,
}


def answers_at(row: Onboarding, now: datetime, assumed: Assumptions) -> datetime | None:
    """Return when somebody gives what a row waits for, from now on; ``None``: nobody does."""
    if row.waiting is Reason.CODE:
        handed_in = (row.code_sent_at or now) + assumed.reading
        return max(handed_in, now) if assumed.holder is not None else None
    known = row.waiting in _DEEDS or row.waiting in (Reason.NOT_ON_WABA, Reason.ACCOUNT_HELD)
    span = assumed.of(MEANINGS[row.waiting].owner)
    return now + span if known and span is not None else None


def answer(row: Onboarding, now: datetime) -> Move | None:
    """Return what a person does about a row; ``None`` if there is nothing to do with it."""
    deed = _DEEDS.get(row.waiting)
    try:
        return deed(row, now) if deed else None
    except OnboardingError:
        return None  # the review still runs, as a list will show
