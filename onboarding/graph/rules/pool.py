"""Refusals of the calls for a pool of pre-verified numbers.

Source: Meta's rules, pre-verified pool endpoints.
"""

from __future__ import annotations

from onboarding.graph.rules.rule import (
    HOUR_S,
    HUMAN,
    PERMANENT,
    RECONCILE,
    REREAD,
    WAIT,
    Rule,
    rule,
)
from onboarding.model import Endpoint, Operation

_ADD: frozenset[Endpoint] = frozenset({Operation.ADD_PREVERIFIED})
_CODE: frozenset[Endpoint] = frozenset({Operation.REQUEST_PREVERIFIED_CODE})
_VERIFY: frozenset[Endpoint] = frozenset({Operation.VERIFY_PREVERIFIED})
_SHARING: frozenset[Endpoint] = frozenset(
    {Operation.SHARE_PREVERIFIED, Operation.UNSHARE_PREVERIFIED}
)
_DELETE: frozenset[Endpoint] = frozenset({Operation.DELETE_PREVERIFIED})

POOL: tuple[Rule, ...] = (
    rule(
        100,
        PERMANENT,
        "This is not a valid phone number.",
        "Correct the number.",
        text="invalid phone number",
        on=_ADD,
    ),
    rule(
        100,
        PERMANENT,
        "This is not a valid phone number.",
        "Correct the number.",
        text="phone number validation failed",
        on=_ADD,
    ),
    rule(
        100,
        HUMAN,
        "The pool has no room for another number.",
        "Remove a number that nobody needs from the pool, then release this one.",
        text="maximum number of phone numbers",
        on=_ADD,
    ),
    rule(
        100,
        RECONCILE,
        "The number is on WhatsApp Business already, perhaps in this pool.",
        "Look whether the number is on a WABA or in another pool; if so, take it off there first.",
        text="already registered",
        on=_ADD,
    ),
    rule(
        100,
        RECONCILE,
        "The number is verified, so that Meta sends no code.",
        REREAD,
        text="already been verified",
        on=_CODE,
    ),
    rule(
        136024,
        WAIT,
        "Meta did not send the code.",
        "Nothing to do: the pool's list is read, and the code is asked for again later.",
        on=_CODE,
        wait_s=HOUR_S,
    ),
    rule(
        613,
        WAIT,
        "Too many codes were asked for this number.",
        "Nothing to do: it is asked again after the wait.",
        on=_CODE,
        wait_s=HOUR_S,
    ),
    rule(
        100,
        HUMAN,
        "The code is wrong, or too old.",
        "Have another code sent once the last one has lapsed.",
        on=_VERIFY,
    ),
    rule(
        100,
        RECONCILE,
        "The number is verified already.",
        REREAD,
        text="already verified",
        on=_VERIFY,
    ),
    rule(
        100,
        HUMAN,
        "Meta does not let the two businesses share this number.",
        "See in Meta Business Suite that the other business is a partner, then share it again.",
        on=_SHARING,
    ),
    rule(
        100,
        RECONCILE,
        "The number cannot be taken out of the pool while it is in use.",
        REREAD,
        text="in use",
        on=_DELETE,
    ),
)
"""Rows of the table for the pool."""
