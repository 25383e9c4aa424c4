"""From an HTTP status and a body to a success or a failure. Pure; never raises.

A success has the shape of a success of its endpoint: the parsers of ``responses`` do not refuse
its ``payload``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from onboarding.errors import GraphError
from onboarding.graph.errors import GraphErrorBody, parse_error
from onboarding.graph.loose import parse_json
from onboarding.graph.pool_responses import parse_partners, parse_preverified_list
from onboarding.graph.recovery import classify
from onboarding.graph.responses import (
    parse_created_id,
    parse_debugged_token,
    parse_exchanged_token,
    parse_number,
    parse_number_list,
    parse_subscribed_apps,
    parse_success,
    parse_waba,
)
from onboarding.model import Effect, Endpoint, Failure, Operation, Read, RecoveryClass

_SHAPES: Mapping[Endpoint, Callable[[object], object]] = {
    Read.LIST_NUMBERS: parse_number_list,
    Read.READ_NUMBER: parse_number,
    Read.READ_WABA: parse_waba,
    Read.LIST_SUBSCRIBED_APPS: parse_subscribed_apps,
    Read.DEBUG_TOKEN: parse_debugged_token,
    Read.LIST_PREVERIFIED: parse_preverified_list,
    Read.LIST_PREVERIFIED_PARTNERS: parse_partners,
    Operation.CREATE_NUMBER: parse_created_id,
    Operation.EXCHANGE_CODE: parse_exchanged_token,
    Operation.ADD_PREVERIFIED: parse_created_id,
    Operation.MIGRATE_NUMBER: parse_created_id,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an answer means: a ``payload`` or a ``failure``, and the error behind the failure."""

    payload: object | None = None
    failure: Failure | None = None
    error: GraphErrorBody | None = None


def read_answer(
    endpoint: Endpoint,
    http_status: int,
    content: bytes,
    *,
    secrets: Iterable[str] = (),
    now: datetime | None = None,
) -> Answer:
    """Return what an answer means.

    Args:
        endpoint: which call was answered.
        http_status: as received; never decides alone where Meta names a code.
        content: the body, decompressed.
        secrets: what the call carried; hidden wherever the answer echoes it.
        now: aware UTC; needed only to read a wait that is given as an instant.
    """
    document = parse_json(content)
    error = parse_error(document, secrets=secrets)
    is_success = 200 <= http_status < 300  # noqa: PLR2004  # HTTP's own border
    if error is not None or document is None or not is_success:
        failure = classify(endpoint, http_status, error, now=now)
        return Answer(failure=failure, error=error)
    if _is_confirmed(endpoint, document):
        return Answer(payload=document)
    return Answer(failure=_unconfirmed(endpoint, http_status))


def _is_confirmed(endpoint: Endpoint, document: object) -> bool:
    shape = _SHAPES.get(endpoint)
    if shape is None:
        return parse_success(document)
    try:
        shape(document)
    except GraphError:
        return False
    return True


def _unconfirmed(endpoint: Endpoint, http_status: int) -> Failure:
    """Return the failure of a 2xx that does not say what a success says, or says the contrary."""
    is_read = isinstance(endpoint, Read)
    return Failure(
        effect=Effect.UNKNOWN,
        recovery=RecoveryClass.TRANSIENT if is_read else RecoveryClass.RECONCILE,
        http_status=http_status,
        message="Meta answered without an error, but did not confirm the call.",
        remedy="Read the number again to see what holds.",
    )
