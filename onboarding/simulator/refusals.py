"""Why Meta refuses a call. What it then answers is in ``refusal_table``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Literal

Profile = Literal["observed", "documented"]
"""Which answers are served.

``observed`` is what the live API was seen to answer: HTTP 400, a specific code, often a
subcode and a message for the user. ``documented`` is what the published specification
shows: neat HTTP statuses with general codes. Clients must work with both.
"""

OBSERVED: Profile = "observed"
DOCUMENTED: Profile = "documented"


class Reason(StrEnum):
    """Why a call was refused; the row of the table."""

    VERSION = auto()
    PATH = auto()
    BODY = auto()
    TOKEN_MISSING = auto()
    TOKEN_INVALID = auto()
    PROOF_MISSING = auto()
    PROOF_WRONG = auto()
    APP_UNKNOWN = auto()
    APP_SECRET = auto()
    SIGNUP_CODE_UNKNOWN = auto()
    SIGNUP_CODE_EXPIRED = auto()
    SIGNUP_CODE_USED = auto()
    SCOPE = auto()
    NOT_NUMERIC = auto()
    NUMBER_UNKNOWN = auto()
    WABA_UNKNOWN = auto()
    NO_ACCESS = auto()
    NUMBER_FIELD = auto()
    WABA_FIELD = auto()
    FILTERING = auto()
    PARAMETER = auto()
    CURSOR = auto()
    REQUIRED = auto()
    PHONE_FORMAT = auto()
    PHONE_INVALID = auto()
    NOT_PARTNER = auto()
    WABA_RESTRICTED = auto()
    NUMBER_CAP = auto()
    NUMBER_DUPLICATE = auto()
    NUMBER_IN_USE = auto()
    NUMBER_BANNED = auto()
    MIGRATE_WEBHOOKS = auto()
    MIGRATE_DIRECTLY = auto()
    MIGRATE_NAME = auto()
    MIGRATE_SOURCE = auto()
    MIGRATE_PAYMENT = auto()
    MIGRATE_LATER = auto()
    MIGRATE_BUSINESS = auto()
    MIGRATE_DESTINATION = auto()
    MIGRATE_MESSAGING_FOR = auto()
    MIGRATE_TEST_NUMBER = auto()
    MIGRATE_APP_NUMBER = auto()
    MIGRATE_TWO_STEP = auto()
    MIGRATE_OWNERSHIP = auto()
    MIGRATED = auto()
    PREVERIFIED_UNKNOWN = auto()
    PREVERIFIED_CLAIMED = auto()
    PREVERIFIED_UNVERIFIED = auto()
    PREVERIFIED_EXPIRED = auto()
    PREVERIFIED_OTHER = auto()
    POOL_FULL = auto()
    POOL_CODE_VOLUME = auto()
    SHARED_ALREADY = auto()
    NOT_SHARED = auto()
    NO_PARTNER = auto()
    CODE_VERIFIED = auto()
    CODE_VOLUME = auto()
    CODE_TOO_SOON = auto()
    CODE_NOT_ELIGIBLE = auto()
    CODE_FORMAT = auto()
    CODE_WRONG = auto()
    CODE_GUESSES = auto()
    PIN_FORMAT = auto()
    PIN_MISMATCH = auto()
    PIN_GUESSES = auto()
    PIN_TOO_FAST = auto()
    NOT_VERIFIED = auto()
    SIGNUP_WINDOW = auto()
    NAME_NOT_PROCESSED = auto()
    REGISTER_WINDOW = auto()
    DEREGISTER_WINDOW = auto()
    REGISTER_SMB = auto()
    DEREGISTER_SMB = auto()
    REGISTER_APP_LINKED = auto()
    DEREGISTER_UNFINISHED = auto()
    ACCOUNT_LOCKED = auto()
    RECENTLY_DELETED = auto()
    NOT_REGISTERED = auto()
    NAME_CHANGES = auto()
    NAME_IN_REVIEW = auto()
    CALLBACK_FORMAT = auto()
    OVERRIDE_FIRST = auto()
    CALLBACK_UNVERIFIED = auto()
    NOT_SUBSCRIBED = auto()
    WABA_BUDGET = auto()
    WABA_BUDGET_LIST = auto()
    APP_BUDGET = auto()
    TOKEN_BUDGET = auto()
    SERVICE = auto()


class Refusal(Exception):  # noqa: N818 - it is Meta's answer, not an error of the simulator
    """Meta says no.

    Args:
        reason: the row of the table.
        code: replaces the row's code in the observed profile.
        subcode: replaces the row's subcode in the observed profile.
        places: what the row's texts name.
    """

    def __init__(
        self,
        reason: Reason,
        *,
        code: int | None = None,
        subcode: int | None = None,
        **places: str,
    ) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.code = code
        self.subcode = subcode
        self.places = places


@dataclass(frozen=True, slots=True)
class Form:
    """One answer: HTTP status, code, subcode and texts."""

    status: int
    code: int
    message: str
    subcode: int | None = None
    type: str = "OAuthException"
    title: str | None = None
    user_msg: str | None = None
    details: str | None = None
    transient: bool = False
