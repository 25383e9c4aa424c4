"""What is known of how Meta judges display names: checked before one is submitted.

Meta publishes guidelines, not an algorithm: people decide. What is found here is therefore a
warning, each with its reason; nothing found does not mean approved. The rules are the table
``NAME_RULES``; how each looks is in ``core/name_looks.py``, for which words in
``core/name_words.py``. Sources: the length is that of the create and rename calls (2 to 75); the
rest are Meta's display name guidelines, set beside the reasons for which a review declines
(``phone_number_name_update``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from onboarding.core.name_decisions import RejectionReason
from onboarding.core.name_looks import LOOKS, Name


@dataclass(frozen=True, slots=True, kw_only=True)
class NameFinding:
    """What speaks against a display name.

    Attributes:
        rule: the rule's id, see ``onboarding name rules``.
        found: the part of the name that it is about.
        reason: why Meta declines such names.
        mend: what to do about it.
    """

    rule: str
    found: str
    reason: str
    mend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRule:
    """One rule, as data.

    Attributes:
        id: by which it is named everywhere.
        checks: what is looked for.
        reason: why Meta declines such names.
        mend: what to do about it.
        passes: a name that it has nothing against.
        fails: a name that it finds.
        declined_as: the ``rejection_reason`` under which Meta's review declines it.
        business: the business of the two examples, where the rule needs it.
        unless: whose name may break it: one of a brand that is written so in ``part``, or as a
            ``whole``; empty: nobody's.
    """

    id: str
    checks: str
    reason: str
    mend: str
    passes: str
    fails: str
    declined_as: RejectionReason
    business: str = ""
    unless: Literal["", "part", "whole"] = ""


def check_display_name(name: str, *, business: str = "") -> tuple[NameFinding, ...]:
    """Return what speaks against a display name, by Meta's published rules.

    Pure, and for any text: nothing is raised, nothing is stored, nobody is asked. Findings are
    warnings: Meta's reviewers decide, and may decide otherwise.

    Args:
        name: the display name.
        business: the name under which the business is known to its customers. If given, the name
            must have to do with it, and what is written like this there may be written so here.

    Returns:
        At most one finding per rule, in the order of ``NAME_RULES``; none is a good sign.
    """
    text = " ".join(name.split())
    looked_at = Name(text=text, business=" ".join(business.split()))
    found = ((rule, LOOKS[rule.id](looked_at)) for rule in NAME_RULES)
    return tuple(
        NameFinding(rule=rule.id, found=part, reason=rule.reason, mend=rule.mend)
        for rule, part in found
        if part is not None and not _is_branded(rule, part, looked_at)
    )


def _is_branded(rule: NameRule, part: str, name: Name) -> bool:
    """Whether the business itself is written so: Meta takes a name as its brand is."""
    match rule.unless:
        case "part":
            return part in name.business
        case "whole":
            return name.text == name.business
        case _:
            return False


NAME_RULES = (
    NameRule(
        id="length",
        checks="fewer than 2 characters, or more than 75",
        reason="Meta's calls take 2 to 75 characters",
        mend="use the name that customers know the business by",
        passes="Lucky Shrub",
        fails="L",
        declined_as=RejectionReason.NAME_FORMAT_UNACCEPTABLE,
    ),
    NameRule(
        id="too_short",
        checks="fewer than three characters",
        reason="a name has at least three characters",
        mend="write it out, or add what the business does",
        passes="KT Garden Tools",
        fails="KT",
        declined_as=RejectionReason.NAME_FORMAT_UNACCEPTABLE,
        unless="whole",
    ),
    NameRule(
        id="unshown",
        checks="control characters, invisible characters, characters that do not exist",
        reason="it has a character that nobody sees",
        mend="write the name anew instead of pasting it",
        passes="Lucky Shrub",
        fails="Lucky\u200bShrub",
        declined_as=RejectionReason.NAME_FORMAT_UNACCEPTABLE,
    ),
    NameRule(
        id="url",
        checks="a web or e-mail address",
        reason="a name is no address",
        mend="leave out www and the ending; the website has its place in the business profile",
        passes="Lucky Shrub",
        fails="www.luckyshrub.com",
        declined_as=RejectionReason.NAME_FORMAT_UNACCEPTABLE,
        unless="part",
    ),
    NameRule(
        id="all_capitals",
        checks="a word of five or more letters, or a whole name of several words, in capitals",
        reason="capitals are for acronyms, and for brands that are written so everywhere",
        mend="write it as in a sentence: Lucky Shrub",
        passes="BMW Garden",
        fails="LUCKY SHRUB",
        declined_as=RejectionReason.NAME_FORMAT_UNACCEPTABLE,
        unless="part",
    ),
    NameRule(
        id="no_capitals",
        checks="not one capital letter",
        reason="a name is capitalised as the business writes itself",
        mend="begin its words with capitals, as on the website",
        passes="eBay Shrubs",
        fails="lucky shrub",
        declined_as=RejectionReason.NAME_FORMAT_UNACCEPTABLE,
        unless="part",
    ),
    NameRule(
        id="spacing",
        checks="a blank before punctuation, or letters that are spaced out",
        reason="a name is spaced as usual",
        mend="one blank between words, and none elsewhere",
        passes="Lil' Cupcakes",
        fails="L u c k y Shrub",
        declined_as=RejectionReason.NAME_FORMAT_UNACCEPTABLE,
        unless="part",
    ),
    NameRule(
        id="punctuation",
        checks="exclamation marks, quotes, slashes and the like; punctuation twice in a row",
        reason="a name has no punctuation that the brand does not have",
        mend="leave it out, unless the business is written so everywhere",
        passes="Jasper's Market, Inc.",
        fails="Lucky Shrub!!!",
        declined_as=RejectionReason.NAME_FORMAT_UNACCEPTABLE,
        unless="part",
    ),
    NameRule(
        id="emoji",
        checks="emojis and pictures",
        reason="a name has no emojis",
        mend="leave it out",
        passes="Lucky Shrub",
        fails="Lucky Shrub \U0001f331",
        declined_as=RejectionReason.NAME_FORMAT_UNACCEPTABLE,
    ),
    NameRule(
        id="symbol",
        checks="trademark signs, currency and other symbols; & and + are no symbols here",
        reason="a name has no symbols such as trademark signs",
        mend="leave it out",
        passes="Lucky & Shrub+",
        fails="Lucky Shrub™",
        declined_as=RejectionReason.NAME_FORMAT_UNACCEPTABLE,
        unless="part",
    ),
    NameRule(
        id="platform",
        checks="WhatsApp, Facebook, Instagram, Messenger, Threads or Meta in the name",
        reason="Meta's own names are not the business's",
        mend="leave it out; customers see that they are on WhatsApp",
        passes="Lucky Shrub Chat",
        fails="Lucky Shrub WhatsApp",
        declined_as=RejectionReason.NAME_FORMAT_UNACCEPTABLE,
    ),
    NameRule(
        id="official",
        checks="'official', in several languages",
        reason="what is official is said by Meta's badge, not by the name",
        mend="leave it out; apply for the badge in WhatsApp Manager",
        passes="Lucky Shrub Spain",
        fails="Lucky Shrub Official",
        declined_as=RejectionReason.NAME_NOT_CONSISTENT,
    ),
    NameRule(
        id="person",
        checks="a title and a name, or a common given name and a surname, and nothing else",
        reason="a name stands for a business, not for a person",
        mend="add what the business is: Maria Gonzalez Bakery",
        passes="Maria Gonzalez Bakery",
        fails="Maria Gonzalez",
        declined_as=RejectionReason.NAME_INDIVIDUAL_ISSUE,
        unless="whole",
    ),
    NameRule(
        id="employee",
        checks="a person 'from' or 'at' a business",
        reason="a name stands for a business, not for one who works there",
        mend="use the business or its department: Lucky Shrub Support",
        passes="Lucky Shrub Support",
        fails="Anna from Lucky Shrub",
        declined_as=RejectionReason.NAME_EMPLOYEE_ISSUE,
        unless="whole",
    ),
    NameRule(
        id="generic",
        checks="nothing but words that any business might use",
        reason="a name tells which business it is",
        mend="put the business's own name first: Lucky Shrub Online Shop",
        passes="Lucky Shrub Online Shop",
        fails="Online Shop",
        declined_as=RejectionReason.NAME_NOT_CONSISTENT,
        unless="whole",
    ),
    NameRule(
        id="place",
        checks="nothing but a country or a large city",
        reason="a name tells which business it is, not where",
        mend="put the business's own name first: Lucky Shrub New York",
        passes="Lucky Shrub New York",
        fails="New York",
        declined_as=RejectionReason.NAME_NOT_CONSISTENT,
        unless="whole",
    ),
    NameRule(
        id="slogan",
        checks="more than six words",
        reason="a name is no slogan and no description",
        mend="keep the business's own name, and what tells its branch or department",
        passes="Fresh Produce Cold Pressed Juices",
        fails="Lucky Shrub the best plants for your garden",
        declined_as=RejectionReason.NAME_NOT_CONSISTENT,
        unless="whole",
    ),
    NameRule(
        id="unlike_business",
        checks="with the business's name given: no word in common with it",
        reason="a name has a clear relation to the business, as on its website",
        mend="use the name from the website, or say whose it is: Green Corner by Lucky Shrub",
        passes="Green Corner by Lucky Shrub",
        fails="Green Corner",
        declined_as=RejectionReason.NAME_ENDCLIENT_NOTRELATED,
        business="Lucky Shrub",
    ),
)
