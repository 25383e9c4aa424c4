"""Everything that the simulated Meta knows, as plain data."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from onboarding.simulator.fault_settings import FaultSettings

EventKind = Literal[
    "deliver_code",
    "connect",
    "decide_name",
    "expire_name",
    "end_signup",
    "switch_pin_off",
    "expire_claim",
    "by_hand",
    "change_portfolio",
]

CONNECTED = "CONNECTED"
DISCONNECTED = "DISCONNECTED"
PENDING = "PENDING"
UNVERIFIED = "UNVERIFIED"
MIGRATED = "MIGRATED"
CLOUD_API = "CLOUD_API"
ON_PREMISE = "ON_PREMISE"
NOT_APPLICABLE = "NOT_APPLICABLE"
STANDARD = "STANDARD"
VERIFIED = "VERIFIED"
NOT_VERIFIED = "NOT_VERIFIED"
APPROVED = "APPROVED"
PENDING_REVIEW = "PENDING_REVIEW"


@dataclass(slots=True)
class Window:
    """Attempts within a moving window, and a lock that follows too many."""

    attempts: list[datetime] = field(default_factory=list)
    locked_until: datetime | None = None


@dataclass(slots=True)
class Code:
    """The one-time code that is outstanding for a number."""

    text: str
    expires_at: datetime


@dataclass(slots=True)
class Number:
    """A WhatsApp business phone number node."""

    id: str
    waba_id: str
    serial: int
    digits: str
    key: str
    country_code: str
    region: str
    display: str
    verified_name: str
    created_at: datetime
    name_status: str
    registers_in_review: bool = False
    name_changed: int = 0
    name_approved_at: datetime | None = None
    new_display_name: str | None = None
    new_name_status: str | None = None
    status: str = PENDING
    code_verification_status: str = NOT_VERIFIED
    verified_at: datetime | None = None
    platform_type: str = NOT_APPLICABLE
    throughput: str = NOT_APPLICABLE
    last_onboarded_time: datetime | None = None
    needs_signup: bool = False
    is_on_biz_app: bool = False
    is_official_business_account: bool = False
    account_mode: str = "LIVE"
    quality_rating: str = "UNKNOWN"
    messaging_limit_tier: str = "TIER_250"
    search_visibility: str | None = None
    username: str | None = None
    override_callback_uri: str | None = None
    pin: str | None = None
    pin_guesses: int = 0
    pin_guessed_at: datetime | None = None
    pin_locked_until: datetime | None = None
    code: Code | None = None
    code_requested_at: datetime | None = None
    codes_sent: int = 0
    wrong_codes: list[datetime] = field(default_factory=list)
    codes_locked_until: datetime | None = None
    is_connecting: bool = False
    registrations: int = 0
    registered_at: datetime | None = None
    has_unfinished_deregister: bool = False
    deleted_at: datetime | None = None
    migrates_from: str | None = None
    migrated_to: str | None = None
    migrated_at: datetime | None = None
    is_preverified: bool = False
    register_by: datetime | None = None
    listed_from: datetime | None = None
    register_window: Window = field(default_factory=Window)
    deregister_window: Window = field(default_factory=Window)
    request_code_window: Window = field(default_factory=Window)
    name_window: Window = field(default_factory=Window)

    @property
    def onboarded_at(self) -> datetime:
        """By this instant the list is sorted: Embedded Signup, else the creation."""
        return self.last_onboarded_time or self.created_at

    @property
    def is_registered(self) -> bool:
        """Whether the number runs on the Cloud API, or is about to."""
        return self.platform_type == CLOUD_API or self.is_connecting

    @property
    def is_gone(self) -> bool:
        """Whether the number is no longer on this WABA: deleted, or migrated to another one."""
        return self.deleted_at is not None or self.migrated_at is not None


@dataclass(slots=True)
class Preverified:
    """A number of a business's pool; ``verified_at`` is ``None`` if it never was verified."""

    id: str
    business_id: str
    digits: str
    key: str
    verified_at: datetime | None
    claimed_at: datetime | None = None
    phone_number_id: str | None = None
    added_at: datetime | None = None
    removed_at: datetime | None = None
    partner_ids: list[str] = field(default_factory=list)
    code: Code | None = None
    code_requested_at: datetime | None = None
    codes_sent: int = 0
    wrong_codes: list[datetime] = field(default_factory=list)
    codes_locked_until: datetime | None = None
    request_code_window: Window = field(default_factory=Window)


@dataclass(slots=True)
class Business:
    """A business portfolio."""

    id: str
    name: str
    verified: bool
    max_phone_numbers: int | None
    waba_ids: list[str] = field(default_factory=list)
    messaging_limit: str = "TIER_250"


@dataclass(slots=True)
class Waba:
    """A WhatsApp Business Account."""

    id: str
    business_id: str
    name: str
    account_review_status: str
    ownership_type: str
    country: str
    currency: str
    timezone_id: str
    max_phone_numbers: int | None
    is_subscribed: bool
    override_callback_uri: str | None = None
    has_payment_method: bool = True
    is_messaging_for_approved: bool = True


@dataclass(slots=True)
class Token:
    """An access token; ``wabas`` is ``None`` when it reaches all of them."""

    value: str
    wabas: list[str] | None
    scopes: list[str]
    is_dead: bool = False
    code: int = 190
    subcode: int | None = 463
    kind: str = "SYSTEM_USER"
    issued_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(slots=True)
class SignupCode:
    """What Embedded Signup hands over to be exchanged for a token, once and soon."""

    waba_id: str
    expires_at: datetime
    is_used: bool = False


@dataclass(slots=True)
class Message:
    """A code as it arrived on somebody's phone."""

    seq: int
    to: str
    method: str
    text: str
    received_at: datetime


@dataclass(slots=True)
class WebhookEvent:
    """A payload that Meta would have sent."""

    seq: int
    at: datetime
    payload: dict[str, Any]


@dataclass(slots=True, order=True)
class Event:
    """Something that Meta will do by itself; ``data`` tells the handler of its kind what."""

    due: datetime
    serial: int
    kind: EventKind = field(compare=False)
    subject: str = field(compare=False)
    data: dict[str, Any] = field(compare=False, default_factory=dict)


@dataclass(slots=True)
class Called:
    """One request as the log keeps it; it never holds a token, a PIN or a code."""

    seq: int
    at: datetime
    real_at: datetime
    endpoint: str
    method: str
    path: str
    waba_id: str | None
    phone_number_id: str | None
    number: str | None
    attempt: int
    params: dict[str, Any]
    http_status: int | None
    code: int | None
    subcode: int | None
    effect: bool
    fault: str | None


@dataclass(slots=True)
class State:
    """All that must survive a restart."""

    businesses: dict[str, Business] = field(default_factory=dict)
    wabas: dict[str, Waba] = field(default_factory=dict)
    numbers: dict[str, Number] = field(default_factory=dict)
    preverified: dict[str, Preverified] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    signup_codes: dict[str, SignupCode] = field(default_factory=dict)
    elsewhere: dict[str, Literal["in_use", "banned"]] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    webhooks: list[WebhookEvent] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    calls: deque[Called] = field(default_factory=deque)
    calls_seen: int = 0
    serial: int = 0
    attempts: dict[str, int] = field(default_factory=dict)
    faults: dict[str, FaultSettings] = field(default_factory=dict)
    faults_added: int = 0
    fault_hits: dict[str, int] = field(default_factory=dict)
    waba_calls: dict[str, deque[datetime]] = field(default_factory=dict)
    app_calls: deque[datetime] = field(default_factory=deque)
