"""The words of the product as types; everything above imports them, they import nothing of ours.

Field names are Meta's for Meta's things. Meta's enums are open: a value that is not listed here
is kept as the string that came, and ``None`` always means "not told", never "no".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from onboarding.words import (
    OPEN,
    POOL_OPERATIONS,
    AlertKind,
    ApprovalKind,
    ApprovalStatus,
    Audience,
    CodeMethod,
    CodeVerificationStatus,
    DeadlineReason,
    DeliveryStatus,
    Effect,
    Endpoint,
    Entry,
    EventType,
    NameStatus,
    NumberStatus,
    Operation,
    OperationStatus,
    Owner,
    PlatformType,
    Read,
    Reason,
    RecoveryClass,
    State,
    What,
)

__all__ = [
    "OPEN",
    "POOL_OPERATIONS",
    "Account",
    "AlertKind",
    "ApprovalKind",
    "ApprovalStatus",
    "Audience",
    "Business",
    "CodeMethod",
    "CodeVerificationStatus",
    "Deadline",
    "DeadlineReason",
    "DeliveryStatus",
    "Drift",
    "Effect",
    "Endpoint",
    "Entry",
    "EventType",
    "Failure",
    "JournaledOperation",
    "NameStatus",
    "NumberStatus",
    "Onboarding",
    "Operation",
    "OperationStatus",
    "Outcome",
    "Owner",
    "PhoneNumber",
    "PlatformType",
    "Read",
    "Reason",
    "RecoveryClass",
    "State",
    "TokenFacts",
    "Trouble",
    "What",
    "changed",
    "onboarding_of",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneNumber:
    """What Meta says about one number (list or node). ``None`` means: not told.

    Enum fields hold Meta's value; the spellings UNVERIFIED (ownership), NON_EXISTS, LINKED and
    UNLINKED are mapped to their live twins and UNKNOWN to ``None`` when the answer is parsed.
    """

    id: str
    display_phone_number: str | None = None
    verified_name: str | None = None
    status: str | None = None
    code_verification_status: str | None = None
    name_status: str | None = None
    new_display_name: str | None = None
    new_name_status: str | None = None
    platform_type: str | None = None
    throughput_level: str | None = None
    account_mode: str | None = None
    quality_rating: str | None = None
    messaging_limit_tier: str | None = None
    is_on_biz_app: bool | None = None
    is_official_business_account: bool | None = None
    is_pin_enabled: bool | None = None
    country_code: str | None = None
    country_dial_code: str | None = None
    unified_cert_status: str | None = None
    host_platform: str | None = None
    username: str | None = None
    last_onboarded_time: datetime | None = None


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


if TYPE_CHECKING:
    # The same to a type checker, which knows the names and types that it takes.
    from dataclasses import replace as changed
else:

    def changed(record: Any, **changes: Any) -> Any:
        """Return a copy of a frozen dataclass without slots, with some fields changed.

        It is ``dataclasses.replace`` at a tenth of its time: a step copies its onboarding several
        times over, and an onboarding has many fields.

        Raises:
            TypeError: a change names no field.
        """
        fields = record.__dict__ | changes
        if len(fields) != len(record.__dict__):
            unknown = ", ".join(sorted(changes.keys() - record.__dict__.keys()))
            raise TypeError(f"{type(record).__name__} has no field {unknown}")
        made = object.__new__(type(record))
        object.__setattr__(made, "__dict__", fields)
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    """What Meta says about a token (``debug_token``). ``None`` means: not told, or never.

    Attributes:
        checked_at: when it was asked.
        kind: like ``SYSTEM_USER``.
        scopes: what it may do.
        missing: what it would need and was not told to have; Meta leaves scopes out at times.
        expires_at: when it ends.
        data_access_expires_at: when what it reads ends, which is the same to us.
    """

    checked_at: datetime
    app_id: str | None = None
    kind: str | None = None
    scopes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    is_valid: bool | None = None
    expires_at: datetime | None = None
    data_access_expires_at: datetime | None = None

    @property
    def ends_at(self) -> datetime | None:
        """When it stops working, the sooner of the two ends."""
        ends = [at for at in (self.expires_at, self.data_access_expires_at) if at is not None]
        return min(ends, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A WABA with its business portfolio and its token.

    Attributes:
        listed_at: when the last complete read of the list began.
        observe_due_at: when the list is to be read next.
        check_due_at: when the app's subscription is to be looked at next.
        subscribed_at: when the subscription was last seen or made.
        active: whether a number of it is registered (Meta's budget is larger then).
        failures: reads in a row that failed.
        trouble: the last failure of an account-wide call, until one succeeds.
        token_source: where the token is read from when it is needed, instead of stored.
        token_business_id: the business whose token it takes, whenever that changes.
        next_token_sealed: a token that takes over once a list was read with it.
        next_token_source: where that one is read from.
        dead_token_mac: tells whether a source still gives the token that was refused.
        token_facts: what Meta said about the token.
        override_callback_uri: where messages of this WABA's numbers go instead of the app's
            callback; an empty one: an override is to be taken away.
        verify_token_sealed: what Meta shows to that address first.
        numbers_listed: how many numbers the last complete list had that take a slot.
        numbers_per_business: how many its portfolio may have, as Meta or a person said last.
        numbers_per_waba: how many it may have itself, likewise.
        numbers_told_at: when that was said.
        full_at: with how many numbers on it Meta refused another one.
        full_since: when that was.
        portfolio_raised: whether a read of it showed that Meta takes more numbers in its portfolio
            than in a new one; ``None``: it was not read.
    """

    waba_id: str
    business_id: str | None = None
    name: str = ""
    token_sealed: str = field(repr=False)
    added_by: str = ""
    created_at: datetime
    version: int = 1
    active: bool = False
    listed_at: datetime | None = None
    observe_due_at: datetime | None = None
    check_due_at: datetime | None = None
    subscribed_at: datetime | None = None
    lease_until: datetime | None = None
    failures: int = 0
    trouble: Trouble | None = None
    hold: Reason | None = None
    hold_text: str | None = None
    hold_by: str | None = None
    hold_since: datetime | None = None
    history_seq: int = 0
    head_hash: str = ""
    token_source: str | None = None
    token_business_id: str | None = None
    next_token_sealed: str | None = field(default=None, repr=False)
    next_token_source: str | None = None
    dead_token_mac: str | None = field(default=None, repr=False)
    token_facts: TokenFacts | None = None
    override_callback_uri: str | None = None
    verify_token_sealed: str | None = field(default=None, repr=False)
    numbers_listed: int | None = None
    numbers_per_business: int | None = None
    numbers_per_waba: int | None = None
    numbers_told_at: datetime | None = None
    full_at: int | None = None
    full_since: datetime | None = None
    portfolio_raised: bool | None = None

    @property
    def has_token(self) -> bool:
        """Whether it has a token, or a place where one is read."""
        return bool(self.token_sealed) or self.token_source is not None

    @property
    def has_next_token(self) -> bool:
        """Whether another token waits to be proven."""
        return bool(self.next_token_sealed) or self.next_token_source is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """A business portfolio whose token several WABAs take."""

    business_id: str
    name: str = ""
    token_sealed: str = field(default="", repr=False)
    token_source: str | None = None
    added_by: str = ""
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """Until when a number must be registered, why, and which rungs of the ladder are behind us.

    Attributes:
        next_rung: how many rungs were raised or collapsed.
        climbed: their names, with commas between them.
        snoozed_until: rungs but the end wait until then.
    """

    onboarding_id: str
    cycle: int
    reason: DeadlineReason
    anchor_source: str
    starts_at: datetime
    due_at: datetime
    next_rung: int = 0
    next_rung_at: datetime | None = None
    closed_at: datetime | None = None
    closed_how: str | None = None
    climbed: str | None = None
    snoozed_until: datetime | None = None
