"""Every call to Meta that the engine makes, as data: pure builders, nothing is sent here.

Only what our own callers give is validated (``InputError`` before anything leaves). Writes carry
their parameters in a JSON body, so that a PIN or a code is never part of a URL.
Source: Meta's rules, endpoints.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from onboarding.errors import InputError
from onboarding.model import CodeMethod, Endpoint, Operation, Read

DEFAULT_FIELDS = (
    "id",
    "display_phone_number",
    "verified_name",
    "status",
    "code_verification_status",
    "name_status",
    "new_name_status",
    "new_display_name",
    "platform_type",
    "throughput",
    "account_mode",
    "is_on_biz_app",
    "is_official_business_account",
    "quality_rating",
    "last_onboarded_time",
)
"""What is asked of a number: Meta returns most of these only on request."""

WABA_FIELDS = (
    "id",
    "name",
    "status",
    "account_review_status",
    "business_verification_status",
    "ownership_type",
    "country",
    "currency",
    "timezone_id",
    "owner_business_info",
)
"""What is asked of a WABA."""

PORTFOLIO_FIELDS = (
    "id",
    "business_verification_status",
    "owner_business_info",
    "whatsapp_business_manager_messaging_limit",
)
"""What a WABA tells of its portfolio, and of how many numbers that may have."""

PAGE_LIMIT = 100
"""The most numbers that one page of a list may hold."""

_DIGITS = re.compile(r"[0-9]+")
_CALLING_CODE = re.compile(r"[0-9]{1,3}")
_SIX_DIGITS = re.compile(r"[0-9]{6}")
_LOCALE = re.compile(r"[a-z]{2,3}(_[A-Za-z]{2,4})?")
_REGION = re.compile(r"[A-Z]{2}")
_CALLBACK = re.compile(r"https://[!-~]{1,192}")
_NAME_LENGTH = range(2, 76)

Body = Mapping[str, str | bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphRequest:
    """One call, complete but for version, host and token.

    Attributes:
        endpoint: which call this is; the key of the recovery table.
        method: ``GET``, ``POST`` or ``DELETE``.
        path: without the version, for example ``/123/phone_numbers``.
        params: the query; only reads and deletions have one, and it never holds a secret.
        body: what is sent as JSON; ``None`` sends no body. Not part of ``repr()``.
        waba_id: whose budget the call counts against.
        secret_params: parameters that Meta wants in the query although they are secrets. They are
            added on the wire and are nowhere else: not in ``repr()``, a log or an error.
        takes_token: whether it is made in the name of a token at all.
    """

    endpoint: Endpoint
    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = field(default=None, repr=False)
    waba_id: str
    secret_params: Mapping[str, str] = field(default_factory=dict, repr=False)
    takes_token: bool = True

    @property
    def is_read(self) -> bool:
        """Whether the call changes nothing at Meta."""
        return isinstance(self.endpoint, Read)


def list_numbers(
    waba_id: str,
    *,
    fields: Iterable[str] = DEFAULT_FIELDS,
    filtering: Iterable[Mapping[str, str]] = (),
    sort: str | None = None,
    limit: int = PAGE_LIMIT,
    after: str | None = None,
    before: str | None = None,
    display_phone_number: str | None = None,
    summary: bool = False,
) -> GraphRequest:
    """Build one page of the numbers of a WABA, the newest onboarded first unless sorted.

    Args:
        waba_id: the WhatsApp Business Account.
        fields: never left to Meta's default, which lacks the states.
        filtering: conditions like ``{"field": "account_mode", "operator": "EQUAL", ...}``.
        sort: Meta's own syntax; sorting at home is safer, the spellings differ.
        limit: 1 to 100 rows.
        after: the cursor of ``NumberPage.after``.
        before: the cursor of the page before.
        display_phone_number: digits; an exact filter. It misses numbers that Meta shows
            otherwise than they were created (Brazil, Mexico): never proof of absence.
        summary: also ask for the total count.

    Raises:
        InputError: an argument is not of Meta's form.
    """
    if not 1 <= limit <= PAGE_LIMIT:
        raise InputError(f"A page holds 1 to {PAGE_LIMIT} numbers.", field="limit")
    conditions = [dict(condition) for condition in filtering]
    params = {
        "fields": ",".join(fields),
        "filtering": json.dumps(conditions, separators=(",", ":")) if conditions else None,
        "sort": sort,
        "limit": str(limit),
        "after": after,
        "before": before,
        "display_phone_number": display_phone_number,
        "summary": "total_count" if summary else None,
    }
    return _get(Read.LIST_NUMBERS, waba_id, waba_id, "/phone_numbers", params)


def read_number(
    phone_number_id: str, waba_id: str, *, fields: Iterable[str] = DEFAULT_FIELDS
) -> GraphRequest:
    """Build the read of one number; a list costs the same and tells of a hundred."""
    params = {"fields": ",".join(fields)}
    return _get(Read.READ_NUMBER, waba_id, phone_number_id, "", params)


def read_waba(waba_id: str, *, fields: Iterable[str] = WABA_FIELDS) -> GraphRequest:
    """Build the read of a WABA itself."""
    return _get(Read.READ_WABA, waba_id, waba_id, "", {"fields": ",".join(fields)})


def list_subscribed_apps(waba_id: str) -> GraphRequest:
    """Build the list of apps that receive the WABA's webhooks."""
    return _get(Read.LIST_SUBSCRIBED_APPS, waba_id, waba_id, "/subscribed_apps", {})


def create_number(
    waba_id: str,
    *,
    cc: str,
    phone_number: str,
    verified_name: str | None,
    migrate_phone_number: bool = False,
    preverified_id: str | None = None,
) -> GraphRequest:
    """Build the call that puts a number on a WABA.

    Args:
        waba_id: the account that is to own the number.
        cc: calling code without plus, 1 to 3 digits.
        phone_number: digits, best the national number without trunk zero.
        verified_name: the display name to review, 2 to 75 characters; ``None`` only when migrating.
        migrate_phone_number: move a registered number here from another WABA.
        preverified_id: claim this number of the pre-verified pool instead of asking for a code.

    Raises:
        InputError: an argument is not of Meta's form.
    """
    body: dict[str, str | bool] = {
        "cc": _matched(_CALLING_CODE, cc, "cc", "1 to 3 digits"),
        "phone_number": _matched(_DIGITS, phone_number, "phone_number", "digits only"),
    }
    if verified_name is not None:
        body["verified_name"] = _name(verified_name, "verified_name")
    elif not migrate_phone_number:
        raise InputError("A new number needs a display name.", field="verified_name")
    if migrate_phone_number:
        body["migrate_phone_number"] = True
    if preverified_id is not None:
        body["preverified_id"] = _matched(_DIGITS, preverified_id, "preverified_id", "digits")
    operation = Operation.MIGRATE_NUMBER if migrate_phone_number else Operation.CREATE_NUMBER
    return _post(operation, waba_id, waba_id, "/phone_numbers", body)


def request_code(
    phone_number_id: str, waba_id: str, *, code_method: CodeMethod, language: str
) -> GraphRequest:
    """Build the request for a one-time code; ``language`` is a locale such as ``en_US``."""
    body = {
        "code_method": CodeMethod(code_method).value,
        "language": _matched(_LOCALE, language, "language", "a locale such as en_US"),
    }
    return _post(Operation.REQUEST_CODE, waba_id, phone_number_id, "/request_code", body)


def verify_code(phone_number_id: str, waba_id: str, *, code: str) -> GraphRequest:
    """Build the hand-in of a one-time code; hyphen and spaces of ``123-456`` are dropped."""
    digits = re.sub(r"[\s-]", "", code)
    body = {"code": _matched(_SIX_DIGITS, digits, "code", "six digits")}
    return _post(Operation.VERIFY_CODE, waba_id, phone_number_id, "/verify_code", body)


def register(
    phone_number_id: str, waba_id: str, *, pin: str, data_localization_region: str | None = None
) -> GraphRequest:
    """Build the registration on the Cloud API; it sets or must match the two-step ``pin``."""
    body = {"messaging_product": "whatsapp", "pin": _pin(pin)}
    if data_localization_region is not None:
        body["data_localization_region"] = _matched(
            _REGION, data_localization_region, "data_localization_region", "a country such as DE"
        )
    return _post(Operation.REGISTER, waba_id, phone_number_id, "/register", body)


def deregister(phone_number_id: str, waba_id: str) -> GraphRequest:
    """Build the call that takes a number off the Cloud API; it deletes nothing."""
    return _post(Operation.DEREGISTER, waba_id, phone_number_id, "/deregister", None)


def set_pin(phone_number_id: str, waba_id: str, *, pin: str) -> GraphRequest:
    """Build the change of the two-step PIN; Meta does not ask for the old one."""
    return _post(Operation.SET_PIN, waba_id, phone_number_id, "", {"pin": _pin(pin)})


def set_display_name(phone_number_id: str, waba_id: str, *, new_display_name: str) -> GraphRequest:
    """Build the change of the display name; it starts a review (10 in 30 days)."""
    body = {"new_display_name": _name(new_display_name, "new_display_name")}
    return _post(Operation.SET_DISPLAY_NAME, waba_id, phone_number_id, "", body)


def subscribe_app(waba_id: str) -> GraphRequest:
    """Build the subscription of the calling app; it also removes a WABA-level override."""
    return _post(Operation.SUBSCRIBE_APP, waba_id, waba_id, "/subscribed_apps", None)


def set_callback(waba_id: str, *, uri: str, verify_token: str) -> GraphRequest:
    """Build the override of the callback; the app must be subscribed already.

    Meta asks the address for ``verify_token`` before it answers.
    """
    if not _CALLBACK.fullmatch(uri):
        raise InputError("A callback is an https address of 200 characters at most.", field="uri")
    body = {"override_callback_uri": uri, "verify_token": verify_token}
    return _post(Operation.SET_CALLBACK, waba_id, waba_id, "/subscribed_apps", body)


def exchange_code(waba_id: str, *, app_id: str, app_secret: str, code: str) -> GraphRequest:
    """Build the exchange of Embedded Signup's code, which lives 30 seconds, for a token.

    Meta's guide shows it as a GET. As a POST its secrets are in no address, and the transport,
    which may repeat a GET on a dead connection, never sends the code twice.
    """
    body = {"client_id": _node(app_id), "client_secret": app_secret, "code": code}
    return GraphRequest(
        endpoint=Operation.EXCHANGE_CODE,
        method="POST",
        path="/oauth/access_token",
        body=body,
        waba_id=_node(waba_id),
        takes_token=False,
    )


def debug_token(waba_id: str, *, token: str) -> GraphRequest:
    """Build the question what a token may do and until when."""
    return GraphRequest(
        endpoint=Read.DEBUG_TOKEN,
        method="GET",
        path="/debug_token",
        secret_params={"input_token": token},
        waba_id=_node(waba_id),
    )


def _get(
    endpoint: Read, waba_id: str, node: str, edge: str, params: Mapping[str, str | None]
) -> GraphRequest:
    return GraphRequest(
        endpoint=endpoint,
        method="GET",
        path=f"/{_node(node)}{edge}",
        params={key: value for key, value in params.items() if value},
        waba_id=_node(waba_id),
    )


def _post(
    endpoint: Operation, waba_id: str, node: str, edge: str, body: Body | None
) -> GraphRequest:
    return GraphRequest(
        endpoint=endpoint,
        method="POST",
        path=f"/{_node(node)}{edge}",
        body=body,
        waba_id=_node(waba_id),
    )


def _matched(pattern: re.Pattern[str], value: str, name: str, form: str) -> str:
    """Return the value, or refuse it without repeating it: it may be a secret."""
    if not pattern.fullmatch(value):
        raise InputError(f"{name} must be {form}.", field=name)
    return value


def _node(value: str) -> str:
    return _matched(_DIGITS, value, "id", "an id of digits, as Meta gives it")


def _pin(value: str) -> str:
    return _matched(_SIX_DIGITS, value, "pin", "six digits")


def _name(value: str, name: str) -> str:
    stripped = value.strip()
    if len(stripped) not in _NAME_LENGTH:
        raise InputError(f"{name} must have 2 to 75 characters.", field=name)
    return stripped
