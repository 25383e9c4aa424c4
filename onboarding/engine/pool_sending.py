"""From a decided call of the pool to an HTTP request."""

from __future__ import annotations

from collections.abc import Callable

from onboarding.core.pool.model import PoolNumber
from onboarding.core.steps import Call
from onboarding.engine.vault import Vault
from onboarding.graph import pool_requests as requests
from onboarding.graph.requests import GraphRequest
from onboarding.model import CodeMethod, Operation


def request_of(call: Call, row: PoolNumber, waba_id: str, vault: Vault) -> GraphRequest:
    """Return the request of a call, with the secrets that belong into it."""
    return _BUILDERS[call.operation](call, row, waba_id, vault)


def _add(call: Call, row: PoolNumber, waba_id: str, vault: Vault) -> GraphRequest:
    del vault
    return requests.add_preverified(
        row.business_id, waba_id, phone_number=call.params["phone_number"]
    )


def _request_code(call: Call, row: PoolNumber, waba_id: str, vault: Vault) -> GraphRequest:
    del vault
    return requests.request_preverified_code(
        row.preverified_id or "",
        waba_id,
        code_method=CodeMethod(call.params["code_method"]),
        language=call.params["language"],
    )


def _verify(call: Call, row: PoolNumber, waba_id: str, vault: Vault) -> GraphRequest:
    del call
    code = vault.open(row.code_sealed or "")
    return requests.verify_preverified(row.preverified_id or "", waba_id, code=code)


def _share(call: Call, row: PoolNumber, waba_id: str, vault: Vault) -> GraphRequest:
    del vault
    return requests.share_preverified(
        row.business_id,
        waba_id,
        preverified_id=row.preverified_id or "",
        partner_business_id=call.params["partner_business_id"],
    )


def _unshare(call: Call, row: PoolNumber, waba_id: str, vault: Vault) -> GraphRequest:
    del vault
    return requests.unshare_preverified(
        row.business_id,
        waba_id,
        preverified_id=row.preverified_id or "",
        partner_business_id=call.params["partner_business_id"],
    )


def _delete(call: Call, row: PoolNumber, waba_id: str, vault: Vault) -> GraphRequest:
    del call, vault
    return requests.delete_preverified(row.preverified_id or "", waba_id)


_BUILDERS: dict[Operation, Callable[[Call, PoolNumber, str, Vault], GraphRequest]] = {
    Operation.ADD_PREVERIFIED: _add,
    Operation.REQUEST_PREVERIFIED_CODE: _request_code,
    Operation.VERIFY_PREVERIFIED: _verify,
    Operation.SHARE_PREVERIFIED: _share,
    Operation.UNSHARE_PREVERIFIED: _unshare,
    Operation.DELETE_PREVERIFIED: _delete,
}
