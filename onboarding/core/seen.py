"""Questions about what Meta shows of a number. The answer is yes, no, or ``None``: not told."""

from __future__ import annotations

from datetime import datetime

from onboarding.model import (
    CodeVerificationStatus,
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


def is_connected(seen: PhoneNumber) -> bool:
    """Whether this is the proof of a finished registration: CONNECTED on CLOUD_API, both told."""
    return seen.status == NumberStatus.CONNECTED and seen.platform_type == PlatformType.CLOUD_API


def is_gone(seen: PhoneNumber) -> bool:
    """Whether Meta says that the number is no longer on this WABA."""
    return seen.status in (NumberStatus.MIGRATED, NumberStatus.DELETED)


def is_not_ours(seen: PhoneNumber) -> bool:
    """Whether the number lives in the WhatsApp Business app or on-premises (coexistence).

    Such a number must never be registered or deregistered by us.
    """
    return seen.is_on_biz_app is True or seen.platform_type == PlatformType.ON_PREMISE


def is_verified(seen: PhoneNumber | None) -> bool | None:
    """Whether ownership is proven at Meta."""
    if seen is None or seen.code_verification_status is None:
        return None
    return seen.code_verification_status == CodeVerificationStatus.VERIFIED


def has_usable_name(seen: PhoneNumber | None) -> bool | None:
    """Whether the display name may be registered with; values unknown to us count as not told."""
    if seen is None:
        return None
    if seen.name_status in USABLE_NAME:
        return True
    return False if seen.name_status in UNUSABLE_NAME else None


def seen_after(row: Onboarding, at: datetime) -> bool:
    """Whether a read of the list that covered this number began at or after the instant."""
    return row.seen_at is not None and row.seen_at >= at


def is_of_last_cycle(row: Onboarding) -> bool:
    """Whether what was seen is from before a restart, and so says nothing about this cycle."""
    return row.state is State.REQUESTED and row.cycle > 1 and not seen_after(row, row.state_since)
