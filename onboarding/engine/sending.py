"""From a decided call to an HTTP request, and from its answer to an outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from onboarding.core.budgets import APP, STOP_ALL_AT, Breaker, waba_key
from onboarding.core.operations import ADDING
from onboarding.core.pins import carried_pin
from onboarding.core.steps import Call
from onboarding.engine.vault import Vault
from onboarding.errors import GraphError
from onboarding.graph import requests
from onboarding.graph.calls import GraphResult
from onboarding.graph.requests import GraphRequest
from onboarding.graph.responses import parse_created_id
from onboarding.model import (
    CodeMethod,
    Effect,
    Failure,
    Onboarding,
    Operation,
    OperationStatus,
    Outcome,
    RecoveryClass,
)

_STATUS = {
    Effect.DONE: OperationStatus.SUCCEEDED,
    Effect.REFUSED: OperationStatus.REFUSED,
    Effect.UNSENT: OperationStatus.UNSENT,
    Effect.UNKNOWN: OperationStatus.UNKNOWN,
}


def request_of(call: Call, row: Onboarding, vault: Vault) -> GraphRequest:
    """Return the request of a call, with the secrets that belong into it."""
    return _BUILDERS[call.operation](call, row, vault)


def _create(call: Call, row: Onboarding, vault: Vault) -> GraphRequest:
    del vault
    return requests.create_number(
        row.waba_id,
        cc=call.params["cc"],
        phone_number=call.params["phone_number"],
        verified_name=call.params["verified_name"],
        preverified_id=call.params.get("preverified_id"),
    )


def _migrate(call: Call, row: Onboarding, vault: Vault) -> GraphRequest:
    del vault
    return requests.create_number(
        row.waba_id,
        cc=call.params["cc"],
        phone_number=call.params["phone_number"],
        verified_name=None,
        migrate_phone_number=True,
    )


def _request_code(call: Call, row: Onboarding, vault: Vault) -> GraphRequest:
    del vault
    return requests.request_code(
        row.phone_number_id or "",
        row.waba_id,
        code_method=CodeMethod(call.params["code_method"]),
        language=call.params["language"],
    )


def _verify_code(call: Call, row: Onboarding, vault: Vault) -> GraphRequest:
    del call
    code = vault.open(row.code_sealed or "")
    return requests.verify_code(row.phone_number_id or "", row.waba_id, code=code)


def _pin_of(row: Onboarding, vault: Vault) -> str:
    return vault.open(carried_pin(row) or "")


def _register(call: Call, row: Onboarding, vault: Vault) -> GraphRequest:
    del call
    return requests.register(row.phone_number_id or "", row.waba_id, pin=_pin_of(row, vault))


def _deregister(call: Call, row: Onboarding, vault: Vault) -> GraphRequest:
    del call, vault
    return requests.deregister(row.phone_number_id or "", row.waba_id)


def _set_pin(call: Call, row: Onboarding, vault: Vault) -> GraphRequest:
    del call
    return requests.set_pin(row.phone_number_id or "", row.waba_id, pin=_pin_of(row, vault))


def _set_display_name(call: Call, row: Onboarding, vault: Vault) -> GraphRequest:
    del vault
    name = call.params["new_display_name"]
    return requests.set_display_name(row.phone_number_id or "", row.waba_id, new_display_name=name)


_BUILDERS: dict[Operation, Callable[[Call, Onboarding, Vault], GraphRequest]] = {
    Operation.CREATE_NUMBER: _create,
    Operation.MIGRATE_NUMBER: _migrate,
    Operation.REQUEST_CODE: _request_code,
    Operation.VERIFY_CODE: _verify_code,
    Operation.REGISTER: _register,
    Operation.DEREGISTER: _deregister,
    Operation.SET_PIN: _set_pin,
    Operation.SET_DISPLAY_NAME: _set_display_name,
}


#: Calls that are answered with the id of what they made.
_CREATING = (*ADDING, Operation.ADD_PREVERIFIED)


def outcome_of(result: GraphResult) -> Outcome:
    """Return what is stored of an answer."""
    answered = Outcome(
        effect=Effect.DONE if result.failure is None else result.failure.effect,
        failure=result.failure,
        fbtrace_id=result.fbtrace_id or result.x_fb_trace_id,
        http_status=result.http_status,
        served_version=result.served_version,
        x_fb_request_id=result.x_fb_request_id,
        x_fb_rev=result.x_fb_rev,
    )
    creates = result.call.request.endpoint in _CREATING
    if not creates or result.failure is not None:
        return answered
    try:
        return replace(answered, phone_number_id=parse_created_id(result.payload))
    except GraphError as error:
        unreadable = Failure(
            effect=Effect.UNKNOWN, recovery=RecoveryClass.RECONCILE, message=str(error)
        )
        return replace(answered, effect=Effect.UNKNOWN, failure=unreadable)


def status_of(outcome: Outcome) -> OperationStatus:
    """Return how an operation stands after this outcome."""
    return _STATUS[outcome.effect]


def breakers_of(results: Iterable[GraphResult], now: datetime) -> list[Breaker]:
    """Return what the answers' headers and refusals say about the call budgets.

    Answers of one moment arrive in any order: of each budget the strictest word counts.
    """
    found: dict[str, Breaker] = {}
    for result in results:
        for breaker in _breakers(result, now):
            known = found.get(breaker.key)
            found[breaker.key] = breaker if known is None else _stricter(known, breaker)
    return list(found.values())


def _breakers(result: GraphResult, now: datetime) -> Iterator[Breaker]:
    waba_id, usage, failure = result.call.request.waba_id, result.usage, result.failure
    if waba_id in usage.by_id:
        yield _told(waba_key(waba_id), *usage.by_id[waba_id], now)
    if usage.app_percent is not None:
        yield _told(APP, usage.app_percent, 0, now)
    if failure is not None and failure.recovery in _THROTTLES:
        yield Breaker(
            key=_THROTTLES[failure.recovery] or waba_key(waba_id),
            percent=STOP_ALL_AT,
            read_at=now,
            open_until=now + timedelta(seconds=failure.wait_s or _HOUR_S),
            why=failure.message,
        )


def _stricter(one: Breaker, other: Breaker) -> Breaker:
    """Return the breaker that stays open longer, with the higher of the two counts."""
    ends = (one.open_until or one.read_at, other.open_until or other.read_at)
    longer = one if ends[0] >= ends[1] else other
    return replace(longer, percent=max(one.percent, other.percent))


_THROTTLES = {RecoveryClass.THROTTLE_APP: APP, RecoveryClass.THROTTLE_WABA: ""}
_HOUR_S = 3600.0


def _told(key: str, percent: float, minutes: float, now: datetime) -> Breaker:
    over = percent >= STOP_ALL_AT
    wait = timedelta(minutes=minutes or 60)
    return Breaker(
        key=key,
        percent=round(percent),
        read_at=now,
        open_until=now + wait if over else None,
        why=f"Meta's headers say {percent:.0f} %" if over else "",
    )
