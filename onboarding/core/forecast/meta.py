"""Meta as it is assumed: one number, primed with what was last seen of it; every call succeeds."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from onboarding.core.forecast.assumptions import Assumptions
from onboarding.core.seen import is_gone, shown
from onboarding.model import (
    CodeVerificationStatus,
    NameStatus,
    NumberStatus,
    Onboarding,
    Operation,
    PhoneNumber,
    PlatformType,
)

_UNDECIDED = (NameStatus.PENDING_REVIEW, NameStatus.NONE)


class AssumedNumber:
    """A number at Meta.

    Attributes:
        number: what the list shows of it; ``None``: it is not on the WABA.
        decided_at: when the review of its name ends, if one runs.
        connects_at: when it shows as connected, if it was registered.
    """

    def __init__(self, row: Onboarding, now: datetime, assumed: Assumptions) -> None:
        self._assumed = assumed
        self._row_id = row.id
        seen = shown(row)
        self.number = seen if seen is None or not is_gone(seen) else None
        if self.number is None and row.phone_number_id is not None and not row.seen_present:
            self.number = _new(row.phone_number_id, row.display_name)
        self.decided_at: datetime | None = None
        self.connects_at: datetime | None = None
        self._await_review(now)
        if row.register_accepted_at is not None and self.number is not None:
            self.connects_at = now + assumed.connecting

    def _await_review(self, now: datetime) -> None:
        if self.number is None or self._assumed.review is None:
            return
        standing = self.number.new_name_status or self.number.name_status
        if standing in _UNDECIDED:
            self.decided_at = now + self._assumed.review

    @property
    def next_at(self) -> datetime | None:
        """When something happens to it by itself."""
        return min((at for at in (self.decided_at, self.connects_at) if at), default=None)

    def tick(self, now: datetime) -> None:
        """Let what is due happen."""
        if self.connects_at is not None and self.connects_at <= now:
            self.connects_at = None
            self._change(status=NumberStatus.CONNECTED, platform_type=PlatformType.CLOUD_API)
        if self.decided_at is not None and self.decided_at <= now:
            self.decided_at = None
            self._approve()

    def _approve(self) -> None:
        if self.number is not None and self.number.new_name_status in _UNDECIDED:
            name = self.number.new_display_name
            self._change(new_name_status=NameStatus.APPROVED, verified_name=name)
        self._change(name_status=NameStatus.APPROVED)

    def _change(self, **changes: object) -> None:
        if self.number is not None:
            self.number = replace(self.number, **changes)  # type: ignore[arg-type]  # fields by name

    def sign_up(self, now: datetime, name: str) -> None:
        """Let the customer finish Embedded Signup."""
        if self.number is None:
            self.number = _new(f"planned-{self._row_id}", name)
        self._change(
            code_verification_status=CodeVerificationStatus.VERIFIED, last_onboarded_time=now
        )

    def take(self, operation: Operation, row: Onboarding, now: datetime) -> str | None:
        """Do what a call asks for; return the number's id where a call makes one."""
        match operation:
            case Operation.CREATE_NUMBER | Operation.MIGRATE_NUMBER:
                self.number = _new(f"planned-{self._row_id}", row.display_name)
                return self.number.id
            case Operation.VERIFY_CODE:
                self._change(code_verification_status=CodeVerificationStatus.VERIFIED)
            case Operation.REGISTER:
                self._register(now)
            case Operation.DEREGISTER:
                self._change(
                    status=NumberStatus.DISCONNECTED, platform_type=PlatformType.NOT_APPLICABLE
                )
            case Operation.SET_DISPLAY_NAME:
                name = row.new_display_name
                self._change(new_display_name=name, new_name_status=NameStatus.PENDING_REVIEW)
                self._await_review(now)
            case _:
                pass
        return None

    def _register(self, now: datetime) -> None:
        if self.number is not None and self.number.new_name_status == NameStatus.APPROVED:
            self._change(new_name_status=None, new_display_name=None)
        self.connects_at = now + self._assumed.connecting


def _new(id_: str, name: str) -> PhoneNumber:
    return PhoneNumber(
        id=id_,
        verified_name=name,
        status=NumberStatus.PENDING,
        code_verification_status=CodeVerificationStatus.NOT_VERIFIED,
        name_status=NameStatus.AVAILABLE_WITHOUT_REVIEW,
        platform_type=PlatformType.NOT_APPLICABLE,
    )
