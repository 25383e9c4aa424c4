"""A call: its intent, what came of it, and why it failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from onboarding.words import OPEN, CodeMethod, Effect, Operation, OperationStatus, RecoveryClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a call did not succeed, and what follows from it.

    Attributes:
        effect: ``refused`` (nothing happened), ``unsent`` (it never left) or ``unknown``.
        recovery: when and by whom it is tried again; never overrides the operation's own policy.
        code: Meta's ``error.code``; ``None`` where Meta did not answer.
        subcode: Meta's ``error.error_subcode``.
        http_status: as received, or ``None``.
        message: short and free of secrets; Meta's text or the transport's.
        wait_s: seconds to wait, where Meta or the table names them.
        remedy: what mends it, for people.
        fbtrace_id: what Meta's support asks for.
    """

    effect: Effect
    recovery: RecoveryClass
    code: int | None = None
    subcode: int | None = None
    http_status: int | None = None
    message: str = ""
    wait_s: float | None = None
    remedy: str = ""
    fbtrace_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one call; stored with its operation.

    Attributes:
        effect: what the call did at Meta.
        failure: set unless the effect is ``done``.
        phone_number_id: what a create call answered.
        fbtrace_id: Meta's trace of the call, from the error or else from the headers.
        http_status: as received; ``None`` where no complete answer came.
        served_version: ``facebook-api-version``, the version that answered.
        x_fb_request_id: header of that name; what Meta's support may ask for.
        x_fb_rev: header of that name.
    """

    effect: Effect
    failure: Failure | None = None
    phone_number_id: str | None = None
    fbtrace_id: str | None = None
    http_status: int | None = None
    served_version: str | None = None
    x_fb_request_id: str | None = None
    x_fb_rev: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournaledOperation:
    """One row of the journal: the intent before a call, and its outcome after.

    Attributes:
        id: unique for ever.
        onboarding_id: whose call; ``None`` for calls that concern a whole account.
        waba_id: the account that pays for it.
        number_key: the number that it counts for, whatever onboarding made it.
        cycle: the onboarding's cycle at the time of the intent.
        natural_key: what must not be done twice.
        attempt: 1 for the first of this name and cycle.
        intent_at: business time of the intent.
        settle_at: business time from which silence may be looked into.
        outcome: as it was received, or ``None``.
        applied: whether the onboarding's row shows the outcome already.
        resolved_by: ``response``, ``probe``, ``policy`` or ``operator``.
        code_method: how the code was to go out, of a request_code call; ``None`` for calls that
            an earlier release journaled.
        pin_sealed: the ciphertext of the PIN that the call carried, as the row had it then.
        pool_number_id: the number of the pool that it was made for, which is no onboarding's.
    """

    id: str
    onboarding_id: str | None
    waba_id: str
    number_key: str | None
    cycle: int
    name: Operation
    natural_key: str
    attempt: int
    status: OperationStatus
    intent_at: datetime
    settle_at: datetime
    outcome: Outcome | None = None
    outcome_at: datetime | None = None
    applied: bool = False
    resolved_by: str | None = None
    code_method: CodeMethod | None = None
    pin_sealed: str | None = field(default=None, repr=False)
    pool_number_id: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether the effect at Meta is not known yet."""
        return self.status in OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """The last failure of an onboarding, until something succeeds.

    Attributes:
        operation: the call that failed.
        at: when it was made.
        failure: why.
        name_standing: the display name's standing then; a change of it may have mended the cause.
    """

    operation: str
    at: datetime
    failure: Failure
    name_standing: str | None = None
