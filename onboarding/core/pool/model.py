"""What the pool knows: its numbers, with whom they are shared, and who claimed which.

Field names are Meta's for Meta's things; ``None`` always means "not told", never "no".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from onboarding.core.pool.lifecycle import PoolState
from onboarding.model import CodeMethod, Operation, Owner, Reason, Trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class PreverifiedNumber:
    """What Meta's list of the pool says of one number, in either of its two schemas.

    Attributes:
        id: the temporary id.
        phone_number: as Meta shows it; ``display_phone_number`` in the other schema.
        code_verification_status: ``VERIFIED``, ``NOT_VERIFIED`` or ``EXPIRED``.
        verification_expiry_time: until when it stays verified; only one schema tells.
        availability_status: ``AVAILABLE``, ``IN_USE`` and others; only one schema tells.
    """

    id: str
    phone_number: str | None = None
    code_verification_status: str | None = None
    verification_expiry_time: datetime | None = None
    availability_status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The pool of one business portfolio.

    Attributes:
        waba_id: the account with whose token and budget the pool's calls are made.
        listed_at: when the last complete read of the list began.
        observe_due_at: when the list is to be read next.
        failures: reads in a row that failed.
        trouble: why the last read failed, until one succeeds.
    """

    business_id: str
    waba_id: str
    created_at: datetime
    listed_at: datetime | None = None
    observe_due_at: datetime | None = None
    failures: int = 0
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolNumber:
    """The persisted machine of one number of a pool.

    Attributes:
        preverified_id: the temporary id at Meta; gone once the number is claimed.
        verified_at: when ownership was proven last.
        expires_at: when the verification ends.
        is_leaving: a person wants it removed.
    """

    id: str
    business_id: str
    number_key: str
    phone_number: str
    region: str
    added_by: str
    created_at: datetime

    state: PoolState
    state_since: datetime
    next_due_at: datetime | None
    waiting: Reason = Reason.DUE
    waiting_for: Owner = Owner.ENGINE
    waiting_since: datetime

    preverified_id: str | None = None
    added_at: datetime | None = None
    verified_at: datetime | None = None
    expires_at: datetime | None = None

    seen: PreverifiedNumber | None = None
    seen_at: datetime | None = None
    seen_present: bool | None = None
    absent_since: datetime | None = None

    code_method: CodeMethod = CodeMethod.SMS
    code_language: str = "en_US"
    code_ready: bool = False
    code_sent_at: datetime | None = None
    code_sends: int = 0
    code_tries: int = 0
    code_sealed: str | None = field(default=None, repr=False)
    code_mac: str | None = field(default=None, repr=False)

    is_leaving: bool = False
    tries: int = 0
    retry_at: datetime | None = None
    retry_operation: Operation | None = None
    trouble: Trouble | None = None
    hold: Reason | None = None
    hold_text: str | None = None
    hold_by: str | None = None
    hold_since: datetime | None = None
    history_seq: int = 0
    head_hash: str = ""


class ShareState(StrEnum):
    """How far sharing a number with a partner business is."""

    WANTED = "wanted"
    SHARED = "shared"
    UNWANTED = "unwanted"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One number that a partner business may offer, too.

    Attributes:
        state: ``wanted`` and ``unwanted`` wait for a call to Meta.
        why: why Meta refused, if it did.
        seen_at: when the list of partners was read last.
        seen_present: whether the partner was in it.
    """

    pool_number_id: str
    partner_business_id: str
    state: ShareState
    asked_by: str
    asked_at: datetime
    changed_at: datetime
    why: str | None = None
    seen_at: datetime | None = None
    seen_present: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One line of the claim ledger: which temporary id became which phone number id, for whom.

    Attributes:
        claimed_for: for whom, in words; of an onboarding its display name.
        onboarding_id: whose claim it is; ``None`` for one in Embedded Signup.
        waba_id: the WABA that the number went to, as far as it is known.
        phone_number_id: what took the place of the temporary id.
        replaced_at: since when that is known.
        released_at: when it was given back unused.
    """

    id: str
    pool_number_id: str
    number_key: str
    preverified_id: str | None
    claimed_for: str
    claimed_by: str
    claimed_at: datetime
    onboarding_id: str | None = None
    waba_id: str | None = None
    phone_number_id: str | None = None
    replaced_at: datetime | None = None
    released_at: datetime | None = None
    released_why: str | None = None
