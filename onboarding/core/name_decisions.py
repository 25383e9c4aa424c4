"""How a review of a display name ends, and why: Meta's words, and what they ask of people.

Source: Meta's rules, ``phone_number_name_update``. The reason is told by webhook and by nothing
else: no read of a number has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from onboarding.model import NameStatus


class Decision(StrEnum):
    """``decision`` of a webhook. A status calls REJECTED ``DECLINED``."""

    APPROVED = "APPROVED"
    DEFERRED = "DEFERRED"
    PENDING = "PENDING"
    REJECTED = "REJECTED"


class RejectionReason(StrEnum):
    """``rejection_reason`` of a webhook, as far as it is known."""

    NAME_EMPLOYEE_ISSUE = "NAME_EMPLOYEE_ISSUE"
    NAME_ENDCLIENT_NOTRELATED = "NAME_ENDCLIENT_NOTRELATED"
    NAME_FORMAT_UNACCEPTABLE = "NAME_FORMAT_UNACCEPTABLE"
    NAME_INDIVIDUAL_ISSUE = "NAME_INDIVIDUAL_ISSUE"
    NAME_NOT_CONSISTENT = "NAME_NOT_CONSISTENT"
    UNKNOWN = "UNKNOWN"


#: The status that a name has after a decision; a webhook's REJECTED is a status's DECLINED.
#: DEFERRED and PENDING leave it as it is: keep waiting.
STATUS_OF: dict[str, NameStatus] = {
    Decision.APPROVED: NameStatus.APPROVED,
    Decision.REJECTED: NameStatus.DECLINED,
}


@dataclass(frozen=True, slots=True)
class Rejection:
    """A reason in plain words, and what usually mends it."""

    text: str
    mend: str


REJECTIONS = {
    RejectionReason.NAME_EMPLOYEE_ISSUE: Rejection(
        "the name is that of somebody who works there",
        "use the business's name, or its department's: Lucky Shrub Support",
    ),
    RejectionReason.NAME_ENDCLIENT_NOTRELATED: Rejection(
        "Meta sees no relation between the name and the business that the number is for",
        "use the name that the business's website and portfolio show, or say whose it is: "
        "Green Corner by Lucky Shrub; if it is a client's, let both websites say so",
    ),
    RejectionReason.NAME_FORMAT_UNACCEPTABLE: Rejection(
        "the name is not written as Meta wants it",
        "no capitals throughout, no emojis, symbols, addresses or extra punctuation; "
        'see what: onboarding name check "NAME"',
    ),
    RejectionReason.NAME_INDIVIDUAL_ISSUE: Rejection(
        "the name is that of a person, not of a business",
        "add what the business is: Maria Gonzalez Bakery",
    ),
    RejectionReason.NAME_NOT_CONSISTENT: Rejection(
        "the name is not the one under which the business appears elsewhere",
        "write it exactly as on the website and in the business portfolio; add a country, a "
        "department or 'by ...', and nothing else",
    ),
    RejectionReason.UNKNOWN: Rejection(
        "Meta gives no reason",
        'compare with the rules: onboarding name check "NAME"; else appeal in WhatsApp Manager',
    ),
}

#: A declined name whose webhook never came, or came without a reason.
NOT_GIVEN = Rejection(
    "not given: Meta tells the reason by webhook only, and none came",
    "look into WhatsApp Manager, or hand the webhooks over: onboarding webhook ingest FILE",
)


def rejection_of(reason: str | None) -> Rejection:
    """Return what a ``rejection_reason`` means; one that is new to us is told as it came."""
    if not reason:
        return NOT_GIVEN
    try:
        return REJECTIONS[RejectionReason(reason)]
    except ValueError:
        unknown = REJECTIONS[RejectionReason.UNKNOWN]
        return Rejection(f"Meta says {reason}", unknown.mend)
