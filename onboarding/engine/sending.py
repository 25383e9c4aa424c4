"""From a decided call to an HTTP request, and from its answer to an outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

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
