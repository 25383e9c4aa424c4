"""The records of the product; everything above imports them, they import nothing but ``words``.

Field names are Meta's for Meta's things. Meta's enums are open: a value that is not listed here
is kept as the string that came, and ``None`` always means "not told", never "no".
"""

from __future__ import annotations

from onboarding.model.account import Account, Business, TokenFacts
from onboarding.model.changing import changed
from onboarding.model.deadline import Deadline
from onboarding.model.onboarding import Drift, Onboarding, onboarding_of
from onboarding.model.operation import Failure, JournaledOperation, Outcome, Trouble
from onboarding.model.phone_number import PhoneNumber
from onboarding.words import (
    OPEN,
    POOL_OPERATIONS,
    THROTTLES,
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
    "THROTTLES",
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
