"""Which numbers of a WABA's list are to be taken over, and where each of them begins.

A number that works already is never touched: it is left alone, and the reason is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from onboarding.core.policy import Policy
from onboarding.core.seen import is_connected, is_gone, is_not_ours
from onboarding.core.steps import DeadlineSet
from onboarding.model import DeadlineReason, Entry, NumberStatus, PhoneNumber, PlatformType

#: Statuses of a number that was added and is not registered.
_WAITING = (NumberStatus.PENDING, NumberStatus.UNVERIFIED, NumberStatus.DISCONNECTED)

#: Statuses of a number that is registered and limited.
_LIMITED = (NumberStatus.FLAGGED, NumberStatus.RESTRICTED, NumberStatus.RATE_LIMITED)


class Verdict(StrEnum):
    """What adopting does with a number of the list."""

    ADOPT = "adopt"
    KNOWN = "known"
    LIVE = "live"
    COEXISTENCE = "coexistence"
    BANNED = "banned"
    GONE = "gone"
    WINDOW_CLOSED = "window_closed"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict with its reason."""

    verdict: Verdict
    why: str


def judge(number: PhoneNumber, now: datetime, policy: Policy, *, live: bool = False) -> Judged:
    """Return what adopting does with a number that is not known here.

    Args:
        number: as Meta's list shows it.
        now: business time.
        policy: windows.
        live: also take numbers that are registered already, to watch over them.
    """
    if is_gone(number):
        return Judged(Verdict.GONE, f"Meta shows {number.status}")
    if number.status == NumberStatus.BANNED:
        return Judged(Verdict.BANNED, "Meta banned it; only an appeal in WhatsApp Manager helps")
    if is_not_ours(number):
        why = (
            "it lives in the WhatsApp Business app or on-premises; registering it would cut it off"
        )
        return Judged(Verdict.COEXISTENCE, why)
    return _judge_ours(number, now, policy, live=live)


def _judge_ours(number: PhoneNumber, now: datetime, policy: Policy, *, live: bool) -> Judged:
    if is_connected(number):
        return _taken(number) if live else Judged(Verdict.LIVE, "it is registered already")
    if number.status in (NumberStatus.CONNECTED, *_LIMITED):
        return Judged(Verdict.LIVE, f"it is registered already, and Meta shows {number.status}")
    if number.status not in _WAITING or number.platform_type == PlatformType.CLOUD_API:
        standing = f"{number.status or 'no status'} on {number.platform_type or 'no platform'}"
        return Judged(
            Verdict.UNCLEAR, f"Meta shows {standing}: look in WhatsApp Manager how it stands"
        )
    if number.last_onboarded_time is not None:
        closed_at = number.last_onboarded_time + policy.signup_window
        if closed_at <= now:
            why = (
                f"its window closed at {closed_at:%Y-%m-%d %H:%M} UTC: the customer must go "
                "through Embedded Signup again"
            )
            return Judged(Verdict.WINDOW_CLOSED, why)
    return _taken(number)


def _taken(number: PhoneNumber) -> Judged:
    standing = f"{number.status}, {number.code_verification_status or 'ownership not told'}"
    return Judged(Verdict.ADOPT, f"Meta shows {standing}, name {number.name_status or 'not told'}")


def entry_of(number: PhoneNumber) -> Entry:
    """Return how a number came to its WABA: Meta tells when an Embedded Signup was finished."""
    return Entry.NEW if number.last_onboarded_time is None else Entry.EMBEDDED_SIGNUP


def adoption_deadline(number: PhoneNumber, now: datetime, policy: Policy) -> DeadlineSet:
    """Return until when an adopted number must be registered, and what that is counted from."""
    anchor = number.last_onboarded_time
    if anchor is None:
        return DeadlineSet(
            reason=DeadlineReason.POLICY,
            anchor_source="adopted",
            starts_at=now,
            due_at=now + policy.policy_window,
        )
    return DeadlineSet(
        reason=DeadlineReason.EMBEDDED_SIGNUP,
        anchor_source="last_onboarded_time",
        starts_at=anchor,
        due_at=anchor + policy.signup_window,
    )
