"""One row of the recovery table, and the words that its rows share."""

from __future__ import annotations

from dataclasses import dataclass

from onboarding.model import Effect, Endpoint, Operation, Read, RecoveryClass

MINUTE_S = 60.0
HOUR_S = 3600.0
DAY_S = 24 * HOUR_S

READS: frozenset[Endpoint] = frozenset(Read)
CREATE: frozenset[Endpoint] = frozenset({Operation.CREATE_NUMBER, Operation.MIGRATE_NUMBER})
REQUEST_CODE: frozenset[Endpoint] = frozenset({Operation.REQUEST_CODE})
VERIFY_CODE: frozenset[Endpoint] = frozenset({Operation.VERIFY_CODE})
REGISTER: frozenset[Endpoint] = frozenset({Operation.REGISTER})
DEREGISTER: frozenset[Endpoint] = frozenset({Operation.DEREGISTER})
REGISTRATION = REGISTER | DEREGISTER
MIGRATE: frozenset[Endpoint] = frozenset({Operation.MIGRATE_NUMBER})
SUBSCRIBE: frozenset[Endpoint] = frozenset({Operation.SUBSCRIBE_APP, Operation.SET_CALLBACK})
EXCHANGE: frozenset[Endpoint] = frozenset({Operation.EXCHANGE_CODE})

BUG = RecoveryClass.BUG
HUMAN = RecoveryClass.HUMAN
PERMANENT = RecoveryClass.PERMANENT
REAUTH = RecoveryClass.REAUTH
RECONCILE = RecoveryClass.RECONCILE
THROTTLE_APP = RecoveryClass.THROTTLE_APP
THROTTLE_TOKEN = RecoveryClass.THROTTLE_TOKEN
THROTTLE_WABA = RecoveryClass.THROTTLE_WABA
TRANSIENT = RecoveryClass.TRANSIENT
WAIT = RecoveryClass.WAIT
UNKNOWN = Effect.UNKNOWN

RENEW = "Give the account a new access token."
RUN_SIGNUP = "Let the customer run Embedded Signup again; it gives a new token."
LOG_IN = "Let the owner of the token log in at facebook.com and follow what Meta asks there."
GRANT = "Grant the app the permissions it needs on this account, then resume."
ITSELF = "Nothing to do: it is tried again by itself."
SLOWER = "Nothing to do: calls pause until Meta lets them through again."
REREAD = "Nothing to do: the number is read again and work goes on from what Meta says."
REPORT = "Report it to the maintainers with the fbtrace_id: the request has to change."
ASK_META = "Ask Meta's support, with the fbtrace_id."
NOT_OURS = "Ignore it: this product makes no such call."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one refusal means and what follows from it.

    Attributes:
        code: Meta's ``error.code``.
        subcode: Meta's ``error.error_subcode``; ``None`` stands for any.
        text: lower-case words that Meta's developer text must contain; ``None`` for any text.
        endpoints: the calls it holds for; ``None`` for all of them.
        effect: what the call did: ``refused`` (nothing), ``unknown`` or ``done`` (it was so).
        recovery: when and by whom it is tried again.
        wait_s: seconds to wait where the answer does not say; ``None`` leaves it to the policy.
        meaning: one sentence for people.
        remedy: one sentence for people.
    """

    code: int
    subcode: int | None
    text: str | None
    endpoints: frozenset[Endpoint] | None
    effect: Effect
    recovery: RecoveryClass
    wait_s: float | None
    meaning: str
    remedy: str


def rule(
    code: int,
    recovery: RecoveryClass,
    meaning: str,
    remedy: str,
    *,
    sub: int | None = None,
    text: str | None = None,
    on: frozenset[Endpoint] | None = None,
    effect: Effect = Effect.REFUSED,
    wait_s: float | None = None,
) -> Rule:
    """Return a row; most refusals did nothing, hold for every call and name no wait."""
    return Rule(
        code=code,
        subcode=sub,
        text=text,
        endpoints=on,
        effect=effect,
        recovery=recovery,
        wait_s=wait_s,
        meaning=meaning,
        remedy=remedy,
    )
