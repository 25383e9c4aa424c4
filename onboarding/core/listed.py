"""A WABA's list laid beside its onboardings: which number of it is whose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from onboarding.core.numbers import number_key
from onboarding.core.seen import is_gone, remembering
from onboarding.model import Onboarding, PhoneNumber, changed


def lay_beside(
    rows: Iterable[Onboarding], numbers: Sequence[PhoneNumber], started: datetime, *, is_sound: bool
) -> list[Onboarding]:
    """Return the rows with what a list says of them; those that know better are left out.

    Args:
        rows: the onboardings of the list's WABA.
        numbers: what the list has, in its order.
        started: when its read began.
        is_sound: whether every part of it could be read.
    """
    by_id = {number.id: number for number in numbers}
    by_key = newest_by_key(numbers)
    told = []
    for row in rows:
        number = by_id.get(row.phone_number_id or "") or by_key.get(row.number_key)
        read_earlier = row.seen_at is not None and row.seen_at >= started
        # Not in the list is not the same as absent: a part of it could not be read, or the
        # number came to be after the read began.
        unsure = number is None and (not is_sound or row.state_since > started)
        if not read_earlier and not unsure:
            told.append(_seen(row, number, started))
    return told


def newest_by_key(numbers: Sequence[PhoneNumber]) -> dict[str, PhoneNumber]:
    """Return the listed numbers by their keys: of one that left and came back, the living one.

    Of two that live it is the one of the later Embedded Signup.
    """
    found: dict[str, PhoneNumber] = {}
    for number in numbers:
        key = number_key(number.display_phone_number or "")
        if key not in found or _is_newer(number, found[key]):
            found[key] = number
    return found


def _is_newer(number: PhoneNumber, other: PhoneNumber) -> bool:
    if is_gone(number) or is_gone(other):
        return is_gone(other) and not is_gone(number)
    ended = number.last_onboarded_time, other.last_onboarded_time
    return ended[0] is not None and (ended[1] is None or ended[0] > ended[1])


def _seen(row: Onboarding, number: PhoneNumber | None, started: datetime) -> Onboarding:
    if number is None:
        absent_since = row.absent_since or started
        return changed(row, seen_at=started, seen_present=False, absent_since=absent_since)
    seen = remembering(row.seen, number)
    return changed(row, seen=seen, seen_at=started, seen_present=True, absent_since=None)
