"""What Meta demands before a number may migrate, and what our own reads tell of each demand.

Meta answers most of them with one subcode (100/2388103) whose text is localised, so that only the
reads can narrow down which one it was. The sources are Meta's rules for migrations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from onboarding.core.seen import is_connected, is_not_ours
from onboarding.model import NameStatus, PhoneNumber

#: Numbers that Meta gives away for tests begin like this.
_PROVIDED_BY_META = "1555"
_APPROVED, _VERIFIED, _SANDBOX = "APPROVED", "VERIFIED", "SANDBOX"


class Standing(StrEnum):
    """What our reads tell of a condition."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class WabaEvidence:
    """What was read of a WABA; ``None`` stands for not told.

    Attributes:
        account_review_status: Meta's word for its review.
        business_verification_status: Meta's word for its business.
        owner_business_id: whose it is.
        has_payment: ``True`` where Meta shows a payment method; it never says that there is none.
        is_subscribed: whether an app gets its webhooks.
    """

    account_review_status: str | None = None
    business_verification_status: str | None = None
    owner_business_id: str | None = None
    has_payment: bool | None = None
    is_subscribed: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was read before a migration, of whatever we may read.

    Attributes:
        number_key: whose.
        number: the number where it is now; ``None`` if that WABA is not ours.
        source: its WABA; nothing is known of one that is not ours.
        destination: the WABA that it is to go to.
    """

    number_key: str
    number: PhoneNumber | None = None
    source: WabaEvidence = WabaEvidence()
    destination: WabaEvidence = WabaEvidence()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One thing that Meta demands.

    Attributes:
        name: for programs.
        text: what must be so.
        mend: who mends it, and how.
        told_by: words of Meta's developer text that name it, in lower case.
        is_met: what the evidence says; ``None``: it does not tell.
    """

    name: str
    text: str
    mend: str
    told_by: tuple[str, ...]
    is_met: Callable[[Evidence], bool | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionFinding:
    """How one condition stands."""

    condition: str
    standing: Standing
    text: str
    mend: str


def _is_not_given_by_meta(evidence: Evidence) -> bool | None:
    if evidence.number_key.startswith(_PROVIDED_BY_META):
        return False
    mode = evidence.number.account_mode if evidence.number else None
    return None if mode is None else mode != _SANDBOX


def _is_registered(evidence: Evidence) -> bool | None:
    number = evidence.number
    if number is None or number.status is None or number.platform_type is None:
        return None
    return is_connected(number)


def _is_not_on_biz_app(evidence: Evidence) -> bool | None:
    number = evidence.number
    if number is None or (number.is_on_biz_app is None and number.platform_type is None):
        return None
    return not is_not_ours(number)


def _has_two_step_off(evidence: Evidence) -> bool | None:
    enabled = evidence.number.is_pin_enabled if evidence.number else None
    return None if enabled is None else not enabled


def _has_approved_name(evidence: Evidence) -> bool | None:
    number = evidence.number
    if number is None or number.name_status is None:
        return None
    is_changing = number.new_name_status == NameStatus.PENDING_REVIEW
    return number.name_status == NameStatus.APPROVED and not is_changing


def _are_of_one_business(evidence: Evidence) -> bool | None:
    """Portfolios may differ where partners own WABAs for one business: only equal ones tell."""
    owners = evidence.source.owner_business_id, evidence.destination.owner_business_id
    return True if None not in owners and owners[0] == owners[1] else None


def _says(told: str | None, wanted: str) -> bool | None:
    return None if told is None else told == wanted


CONDITIONS = (
    Condition(
        name="own_number",
        text="the number is none of Meta's test numbers, nor one that begins with +1 555",
        mend="such a number cannot migrate; use another",
        told_by=("test number", "555 number"),
        is_met=_is_not_given_by_meta,
    ),
    Condition(
        name="registered_at_source",
        text="the number is registered on the Cloud API where it is now",
        mend="if it is on no WABA, request it as a new number; else have it registered there",
        told_by=("not registered there",),
        is_met=_is_registered,
    ),
    Condition(
        name="not_on_business_app",
        text="the number is not in use with the WhatsApp Business app",
        mend="its holder deletes the account in the app, and it is requested as a new number",
        told_by=("business app",),
        is_met=_is_not_on_biz_app,
    ),
    Condition(
        name="two_step_off",
        text="two-step verification of the number is off",
        mend="the owner of the source WABA switches it off in WhatsApp Manager",
        told_by=("two-step",),
        is_met=_has_two_step_off,
    ),
    Condition(
        name="name_approved",
        text="the display name is APPROVED, and no change of it is in review",
        mend="wait for the approval on the source WABA",
        told_by=("verified name",),
        is_met=_has_approved_name,
    ),
    Condition(
        name="source_approved",
        text="the source WABA has passed Meta's review",
        mend="the owner of the source WABA completes its review",
        told_by=("source",),
        is_met=lambda e: _says(e.source.account_review_status, _APPROVED),
    ),
    Condition(
        name="source_verified",
        text="the business of the source WABA is verified",
        mend="the owner of the source WABA completes its business verification",
        told_by=("source",),
        is_met=lambda e: _says(e.source.business_verification_status, _VERIFIED),
    ),
    Condition(
        name="destination_approved",
        text="the destination WABA has passed Meta's review",
        mend="complete the review of the destination WABA",
        told_by=("not approved",),
        is_met=lambda e: _says(e.destination.account_review_status, _APPROVED),
    ),
    Condition(
        name="destination_verified",
        text="the business of the destination WABA is verified",
        mend="complete its business verification",
        told_by=("not approved",),
        is_met=lambda e: _says(e.destination.business_verification_status, _VERIFIED),
    ),
    Condition(
        name="payment_method",
        text="the destination WABA has a payment method",
        mend="add one in WhatsApp Manager; Meta shows it to solution partners only",
        told_by=("payment",),
        is_met=lambda e: e.destination.has_payment,
    ),
    Condition(
        name="subscribed",
        text="an app is subscribed to the webhooks of the destination WABA",
        mend="the engine subscribes it before it starts the migration",
        told_by=("webhook",),
        is_met=lambda e: e.destination.is_subscribed,
    ),
    Condition(
        name="one_business",
        text="both WABAs are for the same end business",
        mend="migrate within one business; portfolios may differ where a partner owns a WABA",
        told_by=("business manager",),
        is_met=_are_of_one_business,
    ),
    Condition(
        name="messaging_for",
        text="the business has approved the partner's request to message for it",
        mend="the business approves the request in Meta Business Suite, which alone shows it",
        told_by=("messaging for",),
        is_met=lambda _: None,
    ),
)

#: What the engine sees to by itself, so that nobody need wait for it.
BY_ENGINE = ("subscribed",)


def findings(evidence: Evidence) -> tuple[ConditionFinding, ...]:
    """Return how each condition stands by what was read."""
    return tuple(
        ConditionFinding(
            condition=each.name,
            standing=_standing(each.is_met(evidence)),
            text=each.text,
            mend=each.mend,
        )
        for each in CONDITIONS
    )


def _standing(is_met: bool | None) -> Standing:  # noqa: FBT001 - it is what is turned into words
    if is_met is None:
        return Standing.UNKNOWN
    return Standing.MET if is_met else Standing.NOT_MET


def hindrances(found: Iterable[ConditionFinding]) -> tuple[ConditionFinding, ...]:
    """Return what is not met and not ours to mend: Meta would refuse the migration."""
    return tuple(
        each
        for each in found
        if each.standing is Standing.NOT_MET and each.condition not in BY_ENGINE
    )


def named_in(message: str, found: Sequence[ConditionFinding]) -> tuple[ConditionFinding, ...]:
    """Return the findings whose condition Meta's text names, less those that our reads saw met."""
    text = message.casefold()
    names = {each.name for each in CONDITIONS if any(words in text for words in each.told_by)}
    return tuple(f for f in found if f.condition in names and f.standing is not Standing.MET)


def narrowed(message: str, found: Sequence[ConditionFinding]) -> str:
    """Return in words what can have been behind a refusal: what is not met, or what still may be.

    Args:
        message: Meta's own text, which may name the condition, in English or not at all.
        found: how the conditions stand by our reads.
    """
    causes = hindrances(found) or named_in(message, found)
    if causes:
        return "; ".join(f"not met: {each.text} ({each.mend})" for each in causes)
    possible = [each for each in found if each.standing is not Standing.MET]
    if not possible:
        return "all that we can read is in order; Meta's support can tell more"
    told = "; ".join(f"{each.text} ({each.mend})" for each in possible)
    return f"Meta does not name the condition; it can be one of {len(possible)}: {told}"
