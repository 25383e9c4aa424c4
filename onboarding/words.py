"""The vocabulary: states, owners, reasons, calls, and Meta's enums as far as they are known.

Meta's enums are open: a value that is not listed here is kept as the string that came.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where an onboarding stands. The table of moves is ``core/lifecycle.py``."""

    REQUESTED = "requested"
    CREATED = "created"
    OTP_PENDING = "otp_pending"
    VERIFIED = "verified"
    NAME_REVIEW = "name_review"
    REGISTER_DEADLINE = "register_deadline"
    REGISTERED = "registered"
    MIGRATING = "migrating"
    EXPIRED = "expired"
    LEFT = "left"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Entry(StrEnum):
    """How a number comes to us."""

    NEW = "new"
    EMBEDDED_SIGNUP = "embedded_signup"
    PREVERIFIED = "preverified"
    MIGRATION = "migration"


class Owner(StrEnum):
    """Whose turn it is."""

    META = "meta"
    HOLDER = "holder"
    OPERATOR = "operator"
    PARTNER = "partner"
    ENGINE = "engine"


class Reason(StrEnum):
    """Why nothing happens now."""

    DUE = "due"
    SETTLING = "settling"
    RESTORED = "restored"
    LISTING = "listing"
    RETRY = "retry"
    BUDGET = "budget"
    THROTTLED = "throttled"
    SUBSCRIBING = "subscribing"
    DEADLINE_CHECK = "deadline_check"
    NOT_ON_WABA = "not_on_waba"
    CODE_READY = "code_ready"
    CODE_WINDOW = "code_window"
    CODE = "code"
    NAME_IN_REVIEW = "name_in_review"
    NAME_MISSING = "name_missing"
    NAME_DECLINED = "name_declined"
    NAME_EXPIRED = "name_expired"
    CONNECTING = "connecting"
    ACCOUNT_HELD = "account_held"
    HELD = "held"
    REFUSED = "refused"
    MIGRATION = "migration"
    STUCK = "stuck"
    PIN = "pin"
    NOT_OURS = "not_ours"
    BANNED = "banned"
    DISCONNECTED = "disconnected"
    NAME_CHANGED = "name_changed"
    SLOT = "slot"
    BATCH = "batch"
    BATCH_PAUSED = "batch_paused"
    DONE = "done"
    OVER = "over"


class What(StrEnum):
    """What is required for an onboarding to go on; ``core/reasons.py`` says why and from whom."""

    CODE = "code"
    CODE_READY = "code_ready"
    DISPLAY_NAME = "display_name"
    PIN = "pin"
    TOKEN = "token"  # noqa: S105 - a word, not a secret
    ACCESS = "access"
    SUBSCRIPTION = "subscription"
    SLOT = "slot"
    SUPPORT = "support"
    EMBEDDED_SIGNUP = "embedded_signup"
    OPERATION = "operation"
    RELEASE = "release"
    DECISION = "decision"
    REVIEW = "review"
    CONNECTION = "connection"
    ALLOWANCE = "allowance"
    CONDITION = "condition"
    STEP = "step"
    LIST = "list"
    BUDGET = "budget"
    WINDOW = "window"
    BATCH = "batch"
    APPROVAL = "approval"


class ApprovalKind(StrEnum):
    """What a second person can be asked to approve."""

    OFFBOARD = "offboard"
    DISPLAY_NAME = "display_name"


class ApprovalStatus(StrEnum):
    """How the approval stands that was asked for."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"


class DeadlineReason(StrEnum):
    """Why a deadline was set; it decides what happens at the end."""

    EMBEDDED_SIGNUP = "embedded_signup"
    NAME_CHANGE = "name_change"
    PREVERIFIED_CLAIM = "preverified_claim"
    POLICY = "policy"


class Operation(StrEnum):
    """A call that changes something at Meta."""

    CREATE_NUMBER = "create_number"
    MIGRATE_NUMBER = "migrate_number"
    REQUEST_CODE = "request_code"
    VERIFY_CODE = "verify_code"
    REGISTER = "register"
    DEREGISTER = "deregister"
    SET_PIN = "set_pin"
    SET_DISPLAY_NAME = "set_display_name"
    SUBSCRIBE_APP = "subscribe_app"
    SET_CALLBACK = "set_callback"
    EXCHANGE_CODE = "exchange_code"
    ADD_PREVERIFIED = "add_preverified"
    REQUEST_PREVERIFIED_CODE = "request_preverified_code"
    VERIFY_PREVERIFIED = "verify_preverified"
    SHARE_PREVERIFIED = "share_preverified"
    UNSHARE_PREVERIFIED = "unshare_preverified"
    DELETE_PREVERIFIED = "delete_preverified"


#: Calls for a number of the pool, which is no onboarding's yet.
POOL_OPERATIONS = (
    Operation.ADD_PREVERIFIED,
    Operation.REQUEST_PREVERIFIED_CODE,
    Operation.VERIFY_PREVERIFIED,
    Operation.SHARE_PREVERIFIED,
    Operation.UNSHARE_PREVERIFIED,
    Operation.DELETE_PREVERIFIED,
)


class Read(StrEnum):
    """A call that changes nothing at Meta."""

    LIST_NUMBERS = "list_numbers"
    READ_NUMBER = "read_number"
    READ_WABA = "read_waba"
    LIST_SUBSCRIBED_APPS = "list_subscribed_apps"
    DEBUG_TOKEN = "debug_token"  # noqa: S105 - the name of an endpoint
    LIST_PREVERIFIED = "list_preverified"
    LIST_PREVERIFIED_PARTNERS = "list_preverified_partners"


Endpoint = Operation | Read


class CodeMethod(StrEnum):
    """How Meta delivers the one-time code."""

    SMS = "SMS"
    VOICE = "VOICE"


class NumberStatus(StrEnum):
    """``status`` of a phone number node, as far as it is known."""

    PENDING = "PENDING"
    UNVERIFIED = "UNVERIFIED"
    CONNECTED = "CONNECTED"
    DISCONNECTED = "DISCONNECTED"
    FLAGGED = "FLAGGED"
    RESTRICTED = "RESTRICTED"
    RATE_LIMITED = "RATE_LIMITED"
    BANNED = "BANNED"
    MIGRATED = "MIGRATED"
    DELETED = "DELETED"


class CodeVerificationStatus(StrEnum):
    """``code_verification_status``: ownership by one-time code, not the two-step PIN."""

    NOT_VERIFIED = "NOT_VERIFIED"
    VERIFIED = "VERIFIED"
    EXPIRED = "EXPIRED"


class NameStatus(StrEnum):
    """``name_status`` and ``new_name_status``."""

    APPROVED = "APPROVED"
    AVAILABLE_WITHOUT_REVIEW = "AVAILABLE_WITHOUT_REVIEW"
    PENDING_REVIEW = "PENDING_REVIEW"
    DECLINED = "DECLINED"
    EXPIRED = "EXPIRED"
    NONE = "NONE"


class PlatformType(StrEnum):
    """``platform_type``: where the number is registered."""

    CLOUD_API = "CLOUD_API"
    ON_PREMISE = "ON_PREMISE"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class RecoveryClass(StrEnum):
    """What the engine does after a refusal (Meta's rules, error classes)."""

    TRANSIENT = "transient"
    THROTTLE_APP = "throttle_app"
    THROTTLE_WABA = "throttle_waba"
    THROTTLE_TOKEN = "throttle_token"  # noqa: S105 - the class of a refusal
    WAIT = "wait"
    REAUTH = "reauth"
    HUMAN = "human"
    PERMANENT = "permanent"
    RECONCILE = "reconcile"
    BUG = "bug"


#: What asks for patience of everything that shares a limit: the app, a WABA, a token.
THROTTLES = (
    RecoveryClass.THROTTLE_APP,
    RecoveryClass.THROTTLE_WABA,
    RecoveryClass.THROTTLE_TOKEN,
)


class Effect(StrEnum):
    """What a call did at Meta, as far as we know."""

    DONE = "done"
    REFUSED = "refused"
    UNSENT = "unsent"
    UNKNOWN = "unknown"


class OperationStatus(StrEnum):
    """How a journaled call stands. ``pending`` and ``unknown`` are open."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    UNSENT = "unsent"
    UNKNOWN = "unknown"
    ABSENT = "absent"
    ABANDONED = "abandoned"


#: An operation whose effect at Meta is not known yet; one onboarding has at most one.
OPEN = (OperationStatus.PENDING, OperationStatus.UNKNOWN)


class EventType(StrEnum):
    """What happened, as programs that follow are told; ``core/events.py`` has the versions."""

    TRANSITION = "transition"
    REQUIREMENT = "requirement"
    ESCALATION = "escalation"
    OVERDUE = "overdue"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    ACCOUNT_HELD = "account_held"
    ACCOUNT_RELEASED = "account_released"
    TOKEN_EXPIRING = "token_expiring"  # noqa: S105 - a word, not a secret
    DIGEST = "digest"
    LOW_STOCK = "low_stock"
    BATCH_STOPPED = "batch_stopped"
    TEST = "test"


class Audience(StrEnum):
    """Whom a message is written for."""

    PARTNER = "partner"
    OPERATOR = "operator"


class AlertKind(StrEnum):
    """What somebody must hear of."""

    RUNG = "rung"
    REQUIREMENT = "requirement"
    ACCOUNT = "account"
    TOKEN_EXPIRY = "token_expiry"  # noqa: S105 - a word, not a secret
    DIGEST = "digest"
    STOCK = "stock"
    APPROVAL = "approval"
    BATCH = "batch"


class DeliveryStatus(StrEnum):
    """How a message to one channel stands."""

    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"
    CANCELLED = "cancelled"
