"""What a simulation starts with and how it behaves, as a file that people write.

Every key has a default that plays Meta's rules as they are known; unknown keys are refused.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from onboarding.simulator.durations import Duration, DurationRange
from onboarding.simulator.fault_settings import FaultSettings, Settings, Subcode
from onboarding.simulator.refusals import Profile

DecimalId = Annotated[str, Field(pattern=r"^[0-9]+$")]
Count = Annotated[int, Field(ge=0)]
ClockMode = Literal["real", "manual", "skipping"]
NameStatus = Literal[
    "APPROVED", "AVAILABLE_WITHOUT_REVIEW", "PENDING_REVIEW", "DECLINED", "EXPIRED", "NONE"
]
HandDeed = Literal[
    "disconnect", "delete", "migrate", "ban", "lift_ban", "change_name", "change_pin",
    "switch_pin_off", "connect_app", "leave_app",
]  # fmt: skip
MessagingLimit = Literal["TIER_250", "TIER_2K", "TIER_10K", "TIER_100K", "TIER_UNLIMITED"]
NEW_TIER: MessagingLimit = "TIER_250"
Decision = Literal["APPROVED", "DECLINED", "DEFERRED", "never"]
ALL_SCOPES = (
    "whatsapp_business_management",
    "whatsapp_business_messaging",
    "business_management",
)


def _to_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Instant = Annotated[datetime, AfterValidator(_to_utc)]
"""An instant in UTC; without an offset it is read as UTC."""


class ClockSettings(Settings):
    """Where time starts and how it moves."""

    mode: ClockMode = "real"
    start: Instant | None = None
    participants: Count = 0


class AppSettings(Settings):
    """The app that calls, and what Meta demands of it."""

    id: DecimalId = "634974688087057"
    name: str = "Onboarding"
    callback_uri: str = "https://example.com/webhook"
    secret: str | None = None
    require_proof: bool = False
    solution_partner: bool = True
    oldest_version: Annotated[str, Field(pattern=r"^v[0-9]+\.[0-9]+$")] = "v21.0"

    @model_validator(mode="after")
    def _check_secret(self) -> AppSettings:
        if self.require_proof and self.secret is None:
            raise ValueError("require_proof needs a secret")
        return self


class TokenSettings(Settings):
    """An access token: what it is, which WABAs it reaches, what it may do."""

    value: str | None = None
    wabas: tuple[DecimalId, ...] | Literal["all"] = "all"
    scopes: tuple[str, ...] = ALL_SCOPES


class HandSettings(Settings):
    """What somebody does to a number at Meta, past the API: an admin, a customer, Meta's staff.

    ``name`` belongs to ``change_name``, ``pin`` to ``change_pin``.
    """

    do: HandDeed
    name: Annotated[str, Field(min_length=2, max_length=75)] | None = None
    pin: Annotated[str, Field(pattern=r"^[0-9]{6}$")] | None = None

    @model_validator(mode="after")
    def _check_needs(self) -> HandSettings:
        for deed, key in (("change_name", "name"), ("change_pin", "pin")):
            if (self.do == deed) is not (getattr(self, key) is not None):
                raise ValueError(f"{key} and {deed} belong together")
        return self


class PlannedHandSettings(HandSettings):
    """The same, at an instant."""

    at: Instant


class NumberSettings(Settings):
    """A number that is there from the start, or comes when its Embedded Signup ends.

    ``embedded_signup`` is an instant; one that lies ahead adds the number then. Without it
    the number was added by an API call and its owner has not proven it.
    """

    phone_number: str
    verified_name: str
    embedded_signup: Instant | None = None
    pin: Annotated[str, Field(pattern=r"^[0-9]{6}$")] | None = None
    registered: bool = False
    is_on_biz_app: bool = False
    name_status: NameStatus | None = None
    code_verification_status: Literal["NOT_VERIFIED", "VERIFIED", "EXPIRED"] | None = None
    status: str | None = None
    platform_type: Literal["CLOUD_API", "ON_PREMISE", "NOT_APPLICABLE"] | None = None
    account_mode: Literal["LIVE", "SANDBOX"] = "LIVE"
    messaging_limit_tier: str = "TIER_250"
    quality_rating: str = "UNKNOWN"
    is_official_business_account: bool = False
    two_step_off: Instant | None = None
    by_hand: tuple[PlannedHandSettings, ...] = ()

    @model_validator(mode="after")
    def _check_two_step(self) -> NumberSettings:
        if self.two_step_off is not None and self.pin is None:
            raise ValueError("two_step_off needs a pin")
        return self


class PreverifiedSettings(Settings):
    """A number that its business has verified and offers to a WABA, under a temporary id.

    It counts as verified since ``verified_at``, or with ``verified`` since the start.
    """

    id: DecimalId
    phone_number: str
    verified: bool = False
    verified_at: Instant | None = None


class WabaSettings(Settings):
    """A WhatsApp Business Account and its numbers."""

    id: DecimalId
    name: str = "WhatsApp Business Account"
    account_review_status: Literal["APPROVED", "PENDING", "REJECTED", "RESTRICTED"] = "APPROVED"
    ownership_type: Literal["SELF_OWNED", "CLIENT_OWNED", "AGENCY_OWNED"] = "CLIENT_OWNED"
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "US"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    timezone_id: str = "1"
    subscribed: bool = False
    payment_method: bool = True
    messaging_for_approved: bool = True
    max_phone_numbers: Count | None = None
    numbers: tuple[NumberSettings, ...] = ()


class PortfolioSettings(Settings):
    """What says how many numbers Meta takes in a business portfolio."""

    verified: bool = True
    messaging_limit: MessagingLimit = NEW_TIER
    max_phone_numbers: Count | None = None


class PlannedPortfolioSettings(PortfolioSettings):
    """What becomes of it at an instant; what is not given stays."""

    at: Instant


class BusinessSettings(PortfolioSettings):
    """A business portfolio and its WABAs."""

    id: DecimalId
    name: str = "Business"
    later: tuple[PlannedPortfolioSettings, ...] = ()
    wabas: tuple[WabaSettings, ...] = ()
    preverified_numbers: tuple[PreverifiedSettings, ...] = ()


class LimitSettings(Settings):
    """How often and how much; the defaults are Meta's rules, or what operators observed."""

    numbers_per_unverified_business: Count = 2
    numbers_per_verified_business: Count = 20
    numbers_per_waba: Count = 25
    register_attempts: Count = 10
    deregister_attempts: Count = 10
    request_code_attempts: Count = 10
    window: Duration = timedelta(hours=72)
    lock: Duration = timedelta(hours=72)
    request_code_gap: Duration = timedelta(seconds=60)
    wrong_codes: Count = 5
    wrong_codes_wait: Duration = timedelta(hours=12)
    pin_guesses: Annotated[int, Field(ge=1)] = 5
    pin_gap: Duration = timedelta(seconds=10)
    pin_wait: Duration = timedelta(hours=24)
    name_changes: Count = 10
    name_change_window: Duration = timedelta(days=30)
    signup_window: Duration = timedelta(days=14)
    rename_window: Duration = timedelta(days=14)
    preverified_validity: Duration = timedelta(days=90)
    preverified_warm: Duration = timedelta(days=45)
    preverified_numbers: Count = 1000
    claim_window: Duration = timedelta(days=90)
    deletion: Duration = timedelta(minutes=5)
    management_calls: Count = 200
    management_calls_active: Count = 5000
    app_calls: Count | None = 100_000
    budget_window: Duration = timedelta(hours=1)
    usage_headers_after: Count = 10
    call_log: Annotated[int, Field(ge=1)] = 1_000_000


class CodeSettings(Settings):
    """One-time codes."""

    validity: Duration = timedelta(minutes=10)
    delivery: DurationRange = (timedelta(seconds=2), timedelta(seconds=30))
    already_verified_subcode: Subcode | None = None


class RegistrationSettings(Settings):
    """What follows a register call, and what is answered after the Embedded Signup window."""

    connected_after: DurationRange = (timedelta(0), timedelta(seconds=120))
    after_window_code: int = 133006
    after_window_subcode: Subcode | None = None


class SignupSettings(Settings):
    """Embedded Signup: how long its code lives, and what the token is worth that comes for it."""

    code_validity: Duration = timedelta(seconds=30)
    scopes: tuple[str, ...] = ALL_SCOPES
    token_lifetime: Duration | None = None


class MigrationSettings(Settings):
    """Migration between WABAs.

    ``same_business`` demands one portfolio on both sides. Meta means the end business: with
    accounts that partners own on its behalf, the portfolios differ in every usual migration.
    """

    same_business: bool = False


class ReviewRule(Settings):
    """How the display names that match are reviewed.

    ``first`` is the status of a new number's name. A first name that starts as
    ``PENDING_REVIEW`` or ``NONE``, and every changed name, is decided ``after`` a while.
    """

    name: str = "*"
    first: NameStatus = "AVAILABLE_WITHOUT_REVIEW"
    after: Duration = timedelta(days=1)
    decision: Decision = "APPROVED"
    rejection_reason: str | None = None
    registers_in_review: bool = False


class ReviewerSettings(Settings):
    """Meta's reviewer of display names: the first rule that matches, else the default."""

    default: ReviewRule = ReviewRule()
    rules: tuple[ReviewRule, ...] = ()


class ElsewhereSettings(Settings):
    """Numbers that Meta will not add: used by a WhatsApp app, or banned."""

    in_use: tuple[str, ...] = ()
    banned: tuple[str, ...] = ()


def _default_businesses() -> tuple[BusinessSettings, ...]:
    waba = WabaSettings(id="102290129340398", name="Lucky Shrub")
    return (BusinessSettings(id="506914307656634", name="Lucky Shrub", wabas=(waba,)),)


class Scenario(Settings):
    """A whole simulation. The default has one verified business with one empty WABA."""

    seed: int = 1
    profile: Profile = "observed"
    strict_phone_numbers: bool = False
    clock: ClockSettings = ClockSettings()
    app: AppSettings = AppSettings()
    tokens: tuple[TokenSettings, ...] = (TokenSettings(),)
    businesses: tuple[BusinessSettings, ...] = Field(default_factory=_default_businesses)
    elsewhere: ElsewhereSettings = ElsewhereSettings()
    limits: LimitSettings = LimitSettings()
    codes: CodeSettings = CodeSettings()
    registration: RegistrationSettings = RegistrationSettings()
    signup: SignupSettings = SignupSettings()
    migration: MigrationSettings = MigrationSettings()
    reviewer: ReviewerSettings = ReviewerSettings()
    faults: tuple[FaultSettings, ...] = ()
    expect: dict[str, Any] = Field(default_factory=dict)
    demo: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_ids(self) -> Scenario:
        wabas = [waba.id for business in self.businesses for waba in business.wabas]
        ids = [business.id for business in self.businesses] + wabas
        ids += [one.id for business in self.businesses for one in business.preverified_numbers]
        twice = sorted({given for given in ids if ids.count(given) > 1})
        if twice:
            raise ValueError(f"these ids are given twice: {', '.join(twice)}")
        for token in self.tokens:
            missing = set() if token.wabas == "all" else set(token.wabas) - set(wabas)
            if missing:
                raise ValueError(f"a token names unknown WABAs: {', '.join(sorted(missing))}")
        return self
