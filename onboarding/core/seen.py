"""Questions about what Meta shows of a number. The answer is yes, no, or ``None``: not told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from onboarding.core.policy import Policy
from onboarding.model import (
    CodeVerificationStatus,
    Entry,
    NameStatus,
    NumberStatus,
    Onboarding,
    PhoneNumber,
    PlatformType,
    State,
)

USABLE_NAME = (NameStatus.APPROVED, NameStatus.AVAILABLE_WITHOUT_REVIEW)
UNUSABLE_NAME = (
    NameStatus.PENDING_REVIEW,
    NameStatus.DECLINED,
    NameStatus.EXPIRED,
    NameStatus.NONE,
)

#: Standings of a change that count more than that of the name in use.
_OF_A_CHANGE = (*USABLE_NAME, NameStatus.PENDING_REVIEW, NameStatus.DECLINED, NameStatus.EXPIRED)


def shown(row: Onboarding) -> PhoneNumber | None:
    """Return what Meta shows of the row's own number; ``None`` if nothing is known of it.

    A number that is removed and added again gets a new id: what was seen under the old one, or
    before a restart, says nothing about it.
    """
    if row.seen is None or not row.seen_present:
        return None
    return row.seen if row.phone_number_id in (None, row.seen.id) else None


def is_connected(seen: PhoneNumber) -> bool:
    """Whether this is the proof of a finished registration: CONNECTED on CLOUD_API, both told."""
    return seen.status == NumberStatus.CONNECTED and seen.platform_type == PlatformType.CLOUD_API


def shows_connected(seen: PhoneNumber) -> bool | None:
    """Whether the registration is finished; either half of the proof is enough for a no."""
    if is_connected(seen):
        return True
    tells_status = seen.status not in (None, NumberStatus.CONNECTED)
    tells_platform = seen.platform_type not in (None, PlatformType.CLOUD_API)
    return False if tells_status or tells_platform else None


def has_lost_connection(seen: PhoneNumber) -> bool:
    """Whether a number that was registered is not any more.

    One that Meta limits, or of which it does not tell, is registered all the same.
    """
    if seen.platform_type == PlatformType.NOT_APPLICABLE:
        return True
    return seen.status in (
        NumberStatus.PENDING,
        NumberStatus.UNVERIFIED,
        NumberStatus.DISCONNECTED,
    )


def is_back(seen: PhoneNumber) -> bool:
    """Whether a number is told to be registered, connected or limited."""
    is_told = seen.status is not None and seen.platform_type == PlatformType.CLOUD_API
    return is_told and not has_lost_connection(seen)


def is_gone(seen: PhoneNumber) -> bool:
    """Whether Meta says that the number is no longer on this WABA."""
    return seen.status in (NumberStatus.MIGRATED, NumberStatus.DELETED)


def is_not_ours(seen: PhoneNumber) -> bool:
    """Whether the number lives in the WhatsApp Business app or on-premises (coexistence).

    Such a number must never be registered or deregistered by us.
    """
    return seen.is_on_biz_app is True or seen.platform_type == PlatformType.ON_PREMISE


def remembering(before: PhoneNumber | None, number: PhoneNumber) -> PhoneNumber:
    """Return what a read shows of a number, with what it leaves out and must not be forgotten.

    A read may lack fields. That a number is in the Business app, or on-premises, holds until Meta
    says otherwise: registering it would cut it off there.
    """
    if before is None or before.id != number.id or not is_not_ours(before):
        return number
    kept: dict[str, Any] = {
        name: getattr(before, name)
        for name in ("is_on_biz_app", "platform_type")
        if getattr(number, name) is None
    }
    return replace(number, **kept) if kept else number


def is_verified(seen: PhoneNumber | None) -> bool | None:
    """Whether ownership is proven at Meta."""
    if seen is None or seen.code_verification_status is None:
        return None
    return seen.code_verification_status == CodeVerificationStatus.VERIFIED


def name_standing(row: Onboarding) -> str | None:
    """Return the status that decides about the name: that of a change, once one was submitted.

    A status that is not known to us counts as not told.
    """
    seen = shown(row)
    if seen is None:
        return None
    if row.name_submitted_at is not None and seen.new_name_status in _OF_A_CHANGE:
        return seen.new_name_status
    return seen.name_status if seen.name_status in (*USABLE_NAME, *UNUSABLE_NAME) else None


def has_usable_name(row: Onboarding) -> bool | None:
    """Whether the display name may be registered with."""
    standing = name_standing(row)
    return None if standing is None else standing in USABLE_NAME


def seen_after(row: Onboarding, at: datetime) -> bool:
    """Whether a read of the list that covered this number began at or after the instant."""
    return row.seen_at is not None and row.seen_at >= at


def is_of_last_cycle(row: Onboarding, policy: Policy) -> bool:
    """Whether what was seen says nothing about this cycle.

    It is from before the restart, or still shows the Embedded Signup whose window had ended by
    then: the customer has not gone through it again yet, or the list lags.
    """
    if row.state is not State.REQUESTED or row.cycle == 1:
        return False
    if not seen_after(row, row.state_since):
        return True
    seen = shown(row)
    if row.entry is not Entry.EMBEDDED_SIGNUP or seen is None or seen.last_onboarded_time is None:
        return False
    return seen.last_onboarded_time + policy.signup_window <= row.state_since
