"""What commands show of one onboarding: as JSON, in a line of a table, and in sentences."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from onboarding.cli.moments import distance
from onboarding.cli.output import plain
from onboarding.core.lifecycle import FINAL, IN_PROGRESS
from onboarding.core.name_decisions import rejection_of
from onboarding.core.next_look import NextLook
from onboarding.core.reasons import MEANINGS, WHEN_OVER, WHY_OVER
from onboarding.core.requirements import Requirement
from onboarding.core.seen import name_standing
from onboarding.model import NameStatus, Onboarding, Owner, Reason

#: Facts about how we store a row; nobody outside can use them.
_INTERNAL = frozenset(
    {
        "content_digest",
        "number_key",
        "definition",
        "version",
        "lease_owner",
        "lease_until",
        "reclaims",
        "code_mac",
        "tries",
    }
)

#: Columns of a list, in the order of ``line``.
COLUMNS = ("id", "number", "name", "state", "turn", "why", "register by", "left", "next look")


def facts(row: Onboarding) -> dict[str, Any]:
    """Return everything about an onboarding that a program may know; no secret is among it."""
    shown = {name: value for name, value in plain(row).items() if name not in _INTERNAL}
    return shown | {
        "has_code": row.has_code,
        "has_pin": row.pin_sealed is not None or row.pin_pending_sealed is not None,
        "whose_turn": owner_of(row),
        "why": why(row),
        "remedy": remedy(row),
        "rejection": rejection(row),
    }


def line(row: Onboarding, now: datetime, look: NextLook | None) -> tuple[object, ...]:
    """Return an onboarding as a line of a table, with the engine's next look at it."""
    running = has_deadline(row)
    return (
        row.id,
        row.phone_number,
        row.new_display_name or row.display_name,
        f"{row.state}, renaming" if row.renaming else row.state,
        owner_of(row),
        None if owner_of(row) is None else row.waiting,
        f"{row.register_by:%m-%d %H:%MZ}" if running else None,
        distance(row.register_by, now).removeprefix("in ") if running and row.register_by else None,
        f"{look.at:%m-%d %H:%MZ}" if look else None,
    )


def has_deadline(row: Onboarding) -> bool:
    """Whether a deadline runs for it: there is one, and it is still to be met."""
    return row.register_by is not None and row.state in IN_PROGRESS


def owner_of(row: Onboarding) -> Owner | None:
    """Return whose turn it is; ``None`` if it is nobody's any more."""
    return None if row.waiting in (Reason.DONE, Reason.OVER) else row.waiting_for


def rejection(row: Onboarding) -> dict[str, str | None] | None:
    """Return why Meta declined the name that waits for another, and what usually mends it."""
    if not is_declined(row):
        return None
    told = rejection_of(row.rejection_reason)
    return {"reason": row.rejection_reason, "text": told.text, "mend": told.mend}


def is_declined(row: Onboarding) -> bool:
    """Whether the name that counts was declined, and none was given since."""
    if row.state in FINAL or (row.new_display_name and row.name_submitted_at is None):
        return False
    return name_standing(row) == NameStatus.DECLINED


def why(row: Onboarding) -> str:
    """Return why nothing happens now, in words."""
    text = WHY_OVER.get(row.state) or MEANINGS[row.waiting].text
    if row.waiting is Reason.NAME_DECLINED:
        text = f"{text}: {rejection_of(row.rejection_reason).text}"
    return f"{text}: {row.hold_text}" if row.hold is not None and row.hold_text else text


def remedy(row: Onboarding) -> str:
    """Return what to run or do next, with the ids filled in; empty if it is nobody's turn."""
    if text := WHEN_OVER.get(row.state) or MEANINGS[row.waiting].remedy:
        return text.format(id=row.id, waba_id=row.waba_id)
    return "onboarding worker" if owner_of(row) is Owner.ENGINE else ""


def how_to(row: Onboarding, first: Requirement | None) -> str:
    """Return what to run or do for the first thing that is required, if anybody can."""
    if first is None:
        return remedy(row)
    return "onboarding worker" if first.from_whom is Owner.ENGINE else first.how
