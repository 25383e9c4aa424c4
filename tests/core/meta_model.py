"""Meta as far as one number goes: a small model for the test that lets everything go wrong.

It keeps what it showed, so that a read of the list can lag, and it refuses what Meta refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from onboarding.core.operations import ADDING
from onboarding.model import Failure, Operation, PhoneNumber, RecoveryClass
from tests.core.making import DAY, MINUTE, SECOND, a_failure

_USABLE = ("APPROVED", "AVAILABLE_WITHOUT_REVIEW")
_CONNECTS_AFTER = 40 * SECOND
_CODE_VALID = 10 * MINUTE


class Meta:
    """One number on one WABA."""

    def __init__(self, now: datetime, first_name_status: str) -> None:
        self.number: PhoneNumber | None = None
        self.first_name_status = first_name_status
        self.ids = 0
        self.pin: str | None = None
        self.code: str | None = None
        self.codes = 0
        self.code_sent_at = now
        self.connects_at: datetime | None = None
        self.unfinished_deregister = False
        self.wants_proof_again = False
        self.registers_in_review = True
        self.shown: list[tuple[datetime, PhoneNumber | None]] = [(now, None)]

    def change(self, now: datetime, **changes: object) -> None:
        """Change what Meta shows of the number."""
        if self.number is not None:
            self.number = replace(self.number, **changes)  # type: ignore[arg-type]  # fields by name
            self.shown.append((now, self.number))

    def appear(self, now: datetime, **changes: object) -> None:
        """Let a number come to be, by a create call or by Embedded Signup."""
        self.ids += 1
        self.connects_at = None
        self.number = PhoneNumber(
            id=str(self.ids), status="PENDING", code_verification_status="NOT_VERIFIED",
            platform_type="NOT_APPLICABLE", name_status=self.first_name_status,
            verified_name="Lucky Shrub",
        )  # fmt: skip
        self.change(now, **changes)

    def sign_up(self, now: datetime) -> None:
        """Let the customer go through Embedded Signup, for the first time or again."""
        if self.is_there:
            self.change(now, last_onboarded_time=now, code_verification_status="VERIFIED")
        else:
            self.appear(now, last_onboarded_time=now, code_verification_status="VERIFIED")

    def delete(self, now: datetime) -> None:
        """Let somebody remove the number."""
        self.change(now, status="DELETED", platform_type="NOT_APPLICABLE")

    @property
    def is_there(self) -> bool:
        """Whether the number is on the WABA."""
        return self.number is not None and self.number.status != "DELETED"

    @property
    def is_connected(self) -> bool:
        """Whether the number is registered."""
        return self.number is not None and self.number.status == "CONNECTED"

    def tick(self, now: datetime) -> None:
        """Let what is due happen."""
        if self.connects_at is not None and now >= self.connects_at:
            at, self.connects_at = self.connects_at, None
            self.change(at, status="CONNECTED", platform_type="CLOUD_API")

    def show(self, at: datetime) -> PhoneNumber | None:
        """Return what the list shows as of an instant."""
        return next((number for since, number in reversed(self.shown) if since <= at), None)

    def take(self, operation: Operation, secret: str, now: datetime) -> Failure | None:
        """Do what a call asks for, or say why not."""
        if operation in ADDING:
            return self._create(now)
        if self.number is None or not self.is_there:
            return a_failure(RecoveryClass.RECONCILE, 100, 33)
        return _TAKES[operation](self, self.number, secret, now)

    def _create(self, now: datetime) -> Failure | None:
        if self.is_there:
            return a_failure(RecoveryClass.RECONCILE, 100, 2388012)
        self.appear(now)
        return None

    def _request_code(self, number: PhoneNumber, _: str, now: datetime) -> Failure | None:
        if number.code_verification_status == "VERIFIED" and not self.wants_proof_again:
            return a_failure(RecoveryClass.RECONCILE, 136024, message="already verified")
        self.codes += 1
        self.code, self.code_sent_at = f"{self.codes:06}", now
        return None

    def _verify_code(self, _: PhoneNumber, code: str, now: datetime) -> Failure | None:
        if code != self.code or now - self.code_sent_at > _CODE_VALID:
            return a_failure(RecoveryClass.HUMAN, 136025, 2388093)
        self.code, self.wants_proof_again = None, False
        self.change(now, code_verification_status="VERIFIED")
        return None

    def _register(self, number: PhoneNumber, pin: str, now: datetime) -> Failure | None:
        if number.is_on_biz_app:
            return a_failure(RecoveryClass.PERMANENT, 100, message="for SMB businesses")
        if self.unfinished_deregister:
            return a_failure(RecoveryClass.RECONCILE, 133000)
        if not self.is_connected and self._lacks_proof(number, now):
            return a_failure(RecoveryClass.RECONCILE, 133006)
        in_review = number.name_status == "PENDING_REVIEW" and self.registers_in_review
        if number.name_status not in _USABLE and not in_review:
            return a_failure(RecoveryClass.WAIT, 100, 2388001, wait_s=900)
        if self.pin not in (None, pin):
            return a_failure(RecoveryClass.HUMAN, 133005)
        self.pin = pin
        if number.new_name_status == "APPROVED":
            self.change(now, new_name_status=None, new_display_name=None)
        if not self.is_connected:
            self.connects_at = now + _CONNECTS_AFTER
        return None

    def _lacks_proof(self, number: PhoneNumber, now: datetime) -> bool:
        signed_up = number.last_onboarded_time
        return (
            self.wants_proof_again
            or number.code_verification_status != "VERIFIED"
            or (signed_up is not None and now > signed_up + 14 * DAY)
        )

    def _deregister(self, _: PhoneNumber, __: str, now: datetime) -> Failure | None:
        if not self.is_connected and not self.unfinished_deregister:
            return a_failure(RecoveryClass.RECONCILE, 133010)
        self.unfinished_deregister = False
        self.change(now, status="DISCONNECTED", platform_type="NOT_APPLICABLE")
        return None

    def _set_pin(self, _: PhoneNumber, pin: str, __: datetime) -> Failure | None:
        self.pin = pin
        return None

    def _set_display_name(self, number: PhoneNumber, name: str, now: datetime) -> Failure | None:
        if "PENDING_REVIEW" in (number.name_status, number.new_name_status):
            return a_failure(RecoveryClass.HUMAN, 100)
        self.change(now, new_display_name=name, new_name_status="PENDING_REVIEW")
        return None

    def decide_name(self, now: datetime, decision: str) -> None:
        """End a review, if one runs."""
        number = self.number
        if number is None:
            return
        if number.new_name_status == "PENDING_REVIEW":
            self.change(now, new_name_status=decision)
            if decision == "APPROVED":
                self.change(now, name_status=decision, verified_name=number.new_display_name)
        elif number.name_status in ("PENDING_REVIEW", "NONE"):
            self.change(now, name_status=decision)


_TAKES: dict[Operation, Callable[[Meta, PhoneNumber, str, datetime], Failure | None]] = {
    Operation.REQUEST_CODE: Meta._request_code,
    Operation.VERIFY_CODE: Meta._verify_code,
    Operation.REGISTER: Meta._register,
    Operation.DEREGISTER: Meta._deregister,
    Operation.SET_PIN: Meta._set_pin,
    Operation.SET_DISPLAY_NAME: Meta._set_display_name,
}

#: How far a list may be behind; with the longest way of a call it fits into the settle time.
LONGEST_LAG = timedelta(seconds=60)
LONGEST_WAY = timedelta(seconds=55)
