"""The calls for a pool of pre-verified numbers, as data; see ``requests``.

Writes carry their parameters in a JSON body, but for DELETE, whose parameters are in the query:
no secret is among them, and a body of a DELETE may be lost on the way.
"""

from __future__ import annotations

import re

from onboarding.errors import InputError
from onboarding.graph.requests import PAGE_LIMIT, Body, GraphRequest
from onboarding.model import CodeMethod, Operation, Read

_DIGITS = re.compile(r"[0-9]+")
_SIX_DIGITS = re.compile(r"[0-9]{6}")
_LOCALE = re.compile(r"[a-z]{2,3}(_[A-Za-z]{2,4})?")


def list_preverified(
    business_id: str, waba_id: str, *, after: str | None = None, limit: int = PAGE_LIMIT
) -> GraphRequest:
    """Build one page of a pool's numbers.

    No fields are named: Meta's two schemas have different ones, and the defaults of both tell
    id, number and verification; an unknown field would fail the whole call.

    Args:
        business_id: the business portfolio.
        waba_id: the account whose budget the call counts against.
        after: the cursor of the page before.
        limit: 1 to 100 rows.

    Raises:
        InputError: an id is none, or the limit is out of range.
    """
    if not 1 <= limit <= PAGE_LIMIT:
        raise InputError(f"A page holds 1 to {PAGE_LIMIT} numbers.", field="limit")
    params = {"limit": str(limit)} | ({"after": after} if after else {})
    return GraphRequest(
        endpoint=Read.LIST_PREVERIFIED,
        method="GET",
        path=f"/{_node(business_id)}/preverified_numbers",
        params=params,
        waba_id=_node(waba_id),
    )


def list_partners(
    preverified_id: str, waba_id: str, *, after: str | None = None, limit: int = PAGE_LIMIT
) -> GraphRequest:
    """Build one page of the partner businesses that a number is shared with."""
    return GraphRequest(
        endpoint=Read.LIST_PREVERIFIED_PARTNERS,
        method="GET",
        path=f"/{_node(preverified_id)}/partners",
        params={"limit": str(limit)} | ({"after": after} if after else {}),
        waba_id=_node(waba_id),
    )


def add_preverified(business_id: str, waba_id: str, *, phone_number: str) -> GraphRequest:
    """Build the call that takes a number into a pool; digits with the calling code."""
    body = {"phone_number": _matched(_DIGITS, phone_number, "phone_number", "digits only")}
    edge = f"/{_node(business_id)}/add_phone_numbers"
    return _post(Operation.ADD_PREVERIFIED, waba_id, edge, body)


def request_preverified_code(
    preverified_id: str, waba_id: str, *, code_method: CodeMethod, language: str
) -> GraphRequest:
    """Build the request for a one-time code; ``language`` is a locale such as ``en_US``."""
    body = {
        "code_method": CodeMethod(code_method).value,
        "language": _matched(_LOCALE, language, "language", "a locale such as en_US"),
    }
    edge = f"/{_node(preverified_id)}/request_code"
    return _post(Operation.REQUEST_PREVERIFIED_CODE, waba_id, edge, body)


def verify_preverified(preverified_id: str, waba_id: str, *, code: str) -> GraphRequest:
    """Build the hand-in of a one-time code; hyphen and spaces of ``123-456`` are dropped."""
    digits = re.sub(r"[\s-]", "", code)
    body = {"code": _matched(_SIX_DIGITS, digits, "code", "six digits")}
    edge = f"/{_node(preverified_id)}/verify_code"
    return _post(Operation.VERIFY_PREVERIFIED, waba_id, edge, body)


def share_preverified(
    business_id: str, waba_id: str, *, preverified_id: str, partner_business_id: str
) -> GraphRequest:
    """Build the call that lets a partner business offer a number."""
    edge = f"/{_node(business_id)}/share_preverified_numbers"
    body = _sharing(preverified_id, partner_business_id)
    return _post(Operation.SHARE_PREVERIFIED, waba_id, edge, body)


def unshare_preverified(
    business_id: str, waba_id: str, *, preverified_id: str, partner_business_id: str
) -> GraphRequest:
    """Build the call that takes a number back from a partner business."""
    return GraphRequest(
        endpoint=Operation.UNSHARE_PREVERIFIED,
        method="DELETE",
        path=f"/{_node(business_id)}/share_preverified_numbers",
        params=_sharing(preverified_id, partner_business_id),
        waba_id=_node(waba_id),
    )


def delete_preverified(preverified_id: str, waba_id: str) -> GraphRequest:
    """Build the call that takes a number out of its pool."""
    return GraphRequest(
        endpoint=Operation.DELETE_PREVERIFIED,
        method="DELETE",
        path=f"/{_node(preverified_id)}",
        waba_id=_node(waba_id),
    )


def _sharing(preverified_id: str, partner_business_id: str) -> dict[str, str]:
    return {
        "preverified_id": _node(preverified_id),
        "partner_business_id": _node(partner_business_id),
    }


def _post(endpoint: Operation, waba_id: str, path: str, body: Body) -> GraphRequest:
    return GraphRequest(
        endpoint=endpoint, method="POST", path=path, body=body, waba_id=_node(waba_id)
    )


def _matched(pattern: re.Pattern[str], value: str, name: str, form: str) -> str:
    if not pattern.fullmatch(value):
        raise InputError(f"{name} must be {form}.", field=name)
    return value


def _node(value: str) -> str:
    return _matched(_DIGITS, value, "id", "an id of digits, as Meta gives it")
