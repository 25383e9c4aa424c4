"""The machine of one number, and what Meta shows of it otherwise than it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from onboarding.model.operation import Trouble
from onboarding.model.phone_number import PhoneNumber
from onboarding.words import CodeMethod, DeadlineReason, Entry, Operation, Owner, Reason, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What Meta shows of a registered number otherwise than the engine holds, and since when.

    Each instant is that of the first read of the list that showed it.

    Attributes:
        disconnected_since: not CONNECTED on CLOUD_API any more.
        disconnected_at: when that was believed, as later reads showed it too.
        renamed_since: under another display name, which nobody asked for here.
        display_name: that name.
        banned_since: BANNED.
        not_ours_since: in the WhatsApp Business app, or on-premises.
    """

    disconnected_since: datetime | None = None
    disconnected_at: datetime | None = None
    renamed_since: datetime | None = None
    display_name: str | None = None
    banned_since: datetime | None = None
    not_ours_since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Onboarding:
    """The persisted machine of one phone number on one WABA.

    Instants are aware and in UTC; business time but for ``lease_until``. The ``*_sealed`` fields
    are ciphertexts, never shown. It has no slots, so that copies are cheap: see ``changed``.
    """

    id: str
    key: str | None = None
    content_digest: str
    waba_id: str
    number_key: str
    phone_number: str
    cc: str
    national_number: str
    region: str
    display_name: str
    entry: Entry
    requested_by: str
    created_at: datetime

    state: State
    state_since: datetime
    cycle: int = 1
    definition: int
    version: int = 1
    next_due_at: datetime | None
    waiting: Reason = Reason.DUE
    waiting_for: Owner = Owner.ENGINE
    waiting_since: datetime
    lease_owner: str | None = None
    lease_until: datetime | None = None
    reclaims: int = 0

    phone_number_id: str | None = None
    seen: PhoneNumber | None = None
    seen_at: datetime | None = None
    seen_present: bool | None = None
    absent_since: datetime | None = None

    code_method: CodeMethod = CodeMethod.SMS
    code_language: str = "en_US"
    code_window: str | None = None
    code_ready: bool = False
    code_sent_at: datetime | None = None
    code_sends: int = 0
    code_tries: int = 0
    code_sealed: str | None = field(default=None, repr=False)
    code_mac: str | None = field(default=None, repr=False)
    code_given_at: datetime | None = None

    pin_sealed: str | None = field(default=None, repr=False)
    pin_pending_sealed: str | None = field(default=None, repr=False)
    pin_mismatches: int = 0

    new_display_name: str | None = None
    name_submitted_at: datetime | None = None
    name_unapproved_at: datetime | None = None
    name_approved_at: datetime | None = None
    renaming: bool = False
    rejection_reason: str | None = None

    register_accepted_at: datetime | None = None
    registered_at: datetime | None = None
    onboarded_at: datetime | None = None
    register_by: datetime | None = None
    register_by_reason: DeadlineReason | None = None

    tries: int = 0
    retry_at: datetime | None = None
    retry_operation: Operation | None = None
    trouble: Trouble | None = None

    hold: Reason | None = None
    hold_text: str | None = None
    hold_by: str | None = None
    hold_since: datetime | None = None
    hold_until: datetime | None = None

    history_seq: int = 0
    head_hash: str = ""

    name_status: str | None = None
    new_name_status: str | None = None
    name_decided_at: datetime | None = None

    drift: Drift | None = None
    name_held: str | None = None
    preverified_id: str | None = None
    claimed_at: datetime | None = None
    offboard_at: datetime | None = None
    batch_id: str | None = None
    batch_line: int | None = None

    @property
    def has_code(self) -> bool:
        """Whether a code waits to be sent to Meta."""
        return self.code_sealed is not None


def onboarding_of(fields: dict[str, Any]) -> Onboarding:
    """Return the onboarding with these fields, which must be all of them; it keeps the dict."""
    made = object.__new__(Onboarding)
    object.__setattr__(made, "__dict__", fields)
    return made
