"""What a refusal means and what follows from it: the decision over the recovery table.

The table itself is data (``onboarding.graph.rules``). Effect and class are independent: the class
says when a call may be tried again, the effect whether it must first be looked up what it did.
Source: Meta's rules, decision order for a client.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from onboarding.graph.errors import GraphErrorBody
from onboarding.graph.rules import FAMILIES, RULES, Family, Rule
from onboarding.graph.waits import parse_wait
from onboarding.model import Effect, Endpoint, Failure, Operation, Read, RecoveryClass

_TOO_MANY_REQUESTS = 429
_BAD_REQUEST = 400
_SERVER_ERROR = 500
_INVALID_PARAMETER = 100
_SUBCODES_FROM = 2_000_000
_THROTTLED_S = 3600.0
_WAITS_IN_DETAILS = frozenset({133008, 133009})
_REREAD = "Nothing to do: what holds at Meta is read before anything is repeated."


def _by_code(rules: Iterable[Rule]) -> Mapping[int, tuple[Rule, ...]]:
    index: dict[int, list[Rule]] = defaultdict(list)
    for rule in rules:
        index[rule.code].append(rule)
    return {code: tuple(rows) for code, rows in index.items()}


_INDEX = _by_code(RULES)


def classify(
    endpoint: Endpoint,
    http_status: int,
    error: GraphErrorBody | None,
    *,
    now: datetime | None = None,
) -> Failure:
    """Return what a refusal means: the row, else the family, else what the status leaves open.

    Args:
        endpoint: the call that was refused.
        http_status: as received; decides only where no code does.
        error: Meta's error; ``None`` if the answer was not one of Graph.
        now: aware UTC; needed only to read a wait that is given as an instant.

    Returns:
        A failure with effect, class, wait and remedy. An unknown 4xx is never one that is tried
        again by itself; a 5xx on a write is ``unknown`` unless its row says ``refused``.
    """
    if error is None:
        return _not_graph(http_status)
    rule = find_rule(endpoint, error)
    if rule is not None:
        wait_s = rule.wait_s
        if error.code in _WAITS_IN_DETAILS:
            wait_s = parse_wait(error.details, now=now) or wait_s
        return _failure(http_status, error, rule, effect=rule.effect, wait_s=wait_s)
    family = _find_family(error.code)
    effect = Effect.REFUSED if http_status < _SERVER_ERROR else Effect.UNKNOWN
    if family is not None:
        return _failure(http_status, error, family, effect=effect, wait_s=family.wait_s)
    return _unlisted(http_status, error, effect)


def find_rule(endpoint: Endpoint, error: GraphErrorBody) -> Rule | None:
    """Return the row that fits best: by subcode before by text, by call before for any call."""
    if error.code is None:
        return None
    code, subcode = error.code, error.subcode
    if code >= _SUBCODES_FROM and code not in _INDEX:
        code, subcode = _INVALID_PARAMETER, code
    text = f"{error.message}\n{error.details or ''}".casefold()
    fitting = [
        rule for rule in _INDEX.get(code, ()) if _fits(rule, endpoint, subcode=subcode, text=text)
    ]
    return max(fitting, key=_precision, default=None)


def _fits(rule: Rule, endpoint: Endpoint, *, subcode: int | None, text: str) -> bool:
    return (
        (rule.endpoints is None or endpoint in rule.endpoints)
        and (rule.subcode is None or rule.subcode == subcode)
        and (rule.text is None or rule.text in text)
    )


def _precision(rule: Rule) -> tuple[bool, bool, bool]:
    return rule.subcode is not None, rule.text is not None, rule.endpoints is not None


def _find_family(code: int | None) -> Family | None:
    return next((f for f in FAMILIES if code is not None and f.first <= code <= f.last), None)


def _unlisted(http_status: int, error: GraphErrorBody, effect: Effect) -> Failure:
    """Return what holds for a code that is in no row and no family."""
    if http_status == _TOO_MANY_REQUESTS:
        recovery, wait_s = RecoveryClass.THROTTLE_APP, _THROTTLED_S
        remedy = "Nothing to do: calls pause until Meta lets them through again."
    elif error.is_transient or http_status >= _SERVER_ERROR:
        effect, recovery, wait_s, remedy = Effect.UNKNOWN, RecoveryClass.TRANSIENT, None, _REREAD
    else:
        recovery, wait_s = RecoveryClass.HUMAN, None
        remedy = "Read Meta's message and mend what it names; else ask its support."
    return Failure(
        effect=effect,
        recovery=recovery,
        code=error.code,
        subcode=error.subcode,
        http_status=http_status,
        message=error.message,
        wait_s=wait_s,
        remedy=remedy,
        fbtrace_id=error.fbtrace_id,
    )


def _not_graph(http_status: int) -> Failure:
    """Return what an answer without Graph's JSON means: something before Graph gave it."""
    recovery, wait_s = RecoveryClass.TRANSIENT, None
    remedy = _REREAD
    effect = Effect.UNKNOWN
    if http_status == _TOO_MANY_REQUESTS:
        recovery, wait_s, effect = RecoveryClass.THROTTLE_APP, _THROTTLED_S, Effect.REFUSED
    elif _BAD_REQUEST <= http_status < _SERVER_ERROR:
        recovery = RecoveryClass.HUMAN
        remedy = "See what answers in Graph's place: a proxy, a firewall, a wrong address."
    return Failure(
        effect=effect,
        recovery=recovery,
        http_status=http_status,
        message=f"The answer (HTTP {http_status}) is not one of Graph's.",
        wait_s=wait_s,
        remedy=remedy,
    )


def _failure(
    http_status: int,
    error: GraphErrorBody,
    row: Rule | Family,
    *,
    effect: Effect,
    wait_s: float | None,
) -> Failure:
    return Failure(
        effect=effect,
        recovery=row.recovery,
        code=error.code,
        subcode=error.subcode,
        http_status=http_status,
        message=error.message or row.meaning,
        wait_s=wait_s,
        remedy=row.remedy,
        fbtrace_id=error.fbtrace_id,
    )


def meaning_of(operation: str, failure: Failure) -> str:
    """Return what a failure of a call means, in a sentence; empty where no row or family says so.

    Args:
        operation: the call's name.
        failure: what came of it.
    """
    known = {endpoint.value: endpoint for endpoint in (*Operation, *Read)}
    body = GraphErrorBody(code=failure.code, subcode=failure.subcode, message=failure.message)
    found = find_rule(known[operation], body) if operation in known else None
    row = found or _find_family(failure.code)
    return row.meaning if row else ""
