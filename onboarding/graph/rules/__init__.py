"""The recovery table: every refusal of Meta that is known, as data.

Rows are looked up by endpoint, code and subcode; where one code has many causes, by words of
Meta's developer text, never of the localised one. Source: Meta's rules, errors.
"""

from __future__ import annotations

from dataclasses import dataclass

from onboarding.graph.rules.general import GENERAL
from onboarding.graph.rules.parameters import PARAMETERS
from onboarding.graph.rules.pool import POOL
from onboarding.graph.rules.registration import REGISTRATIONS
from onboarding.graph.rules.rule import (
    ASK_META,
    GRANT,
    HOUR_S,
    HUMAN,
    REAUTH,
    RENEW,
    SLOWER,
    THROTTLE_WABA,
    Rule,
)
from onboarding.model import RecoveryClass

__all__ = ["FAMILIES", "RULES", "Family", "Rule"]

RULES: tuple[Rule, ...] = GENERAL + REGISTRATIONS + PARAMETERS + POOL
"""The table itself, in the order in which it is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What an unlisted code means from the range that it is in.

    The effect is ``refused``, or ``unknown`` when a write was answered with a 5xx.
    """

    first: int
    last: int
    recovery: RecoveryClass
    meaning: str
    remedy: str
    wait_s: float | None = None


FAMILIES: tuple[Family, ...] = (
    Family(
        first=190,
        last=190,
        recovery=REAUTH,
        meaning="The access token is not valid.",
        remedy=RENEW,
    ),
    Family(
        first=200,
        last=299,
        recovery=HUMAN,
        meaning="A permission is missing.",
        remedy=GRANT,
    ),
    Family(
        first=80000,
        last=80014,
        recovery=THROTTLE_WABA,
        wait_s=HOUR_S,
        meaning="A call limit is reached.",
        remedy=SLOWER,
    ),
    Family(
        first=133000,
        last=133999,
        recovery=HUMAN,
        meaning="Meta refused the registration for a reason that is not in the table.",
        remedy=ASK_META,
    ),
    Family(
        first=136000,
        last=136999,
        recovery=HUMAN,
        meaning="Meta refused the code for a reason that is not in the table.",
        remedy=ASK_META,
    ),
)
"""What holds where no row does, by ranges of codes."""
