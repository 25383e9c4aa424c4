"""Meta's answers as our types: lenient, pure parsers of already decoded JSON.

Enums stay open, a field that cannot be read counts as not told, and an answer that has not even
the shape of a success raises ``GraphError``: a list that cannot be read must never look like an
empty list. Source: Meta's rules, endpoints and enums.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from onboarding.errors import GraphError
from onboarding.graph.loose import as_bool, as_instant, as_int, as_mapping, as_text
from onboarding.model import PhoneNumber

_STATUS_TWINS = {"LINKED": "CONNECTED", "UNLINKED": "DISCONNECTED"}
_CODE_TWINS = {"UNVERIFIED": "NOT_VERIFIED"}
_NAME_TWINS = {"NON_EXISTS": "NONE"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberPage:
    """One page of the numbers of a WABA.

    Attributes:
        numbers: what could be read, in Meta's order.
        after: the cursor of the next page; ``None`` on the last one.
        total_count: of all pages, where it was asked for and told.
        skipped: rows that could not be read at all (no usable id).
        cut_off: Meta says that more follows but gives no cursor to it.
    """

    numbers: tuple[PhoneNumber, ...]
    after: str | None = None
    total_count: int | None = None
    skipped: int = 0
    cut_off: bool = False

    @property
    def is_sound(self) -> bool:
        """Whether nothing on this page was lost: only then may absence be concluded from it."""
        return not self.skipped and not self.cut_off


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribedApp:
    """An app that receives the WABA's webhooks."""

    id: str
    name: str | None = None
    override_callback_uri: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waba:
    """What Meta says about a WABA. ``None`` means: not told.

    ``account_review_status``, ``business_verification_status``, ``ownership_type`` and ``status``
    are upper case, whatever the spelling of the answer.
    """

    id: str
    name: str | None = None
    status: str | None = None
    account_review_status: str | None = None
    business_verification_status: str | None = None
    ownership_type: str | None = None
    country: str | None = None
    currency: str | None = None
    timezone_id: str | None = None
    message_template_namespace: str | None = None
    messaging_limit: str | None = None
    can_send_message: str | None = None
    owner_business_id: str | None = None
    owner_business_name: str | None = None
    primary_funding_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangedToken:
    """A token that came for a code; ``expires_in_s`` is ``None`` for one that does not end."""

    token: str = field(repr=False)
    expires_in_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DebuggedToken:
    """What Meta says about a token. ``None`` means: not told, or never."""

    app_id: str | None = None
    kind: str | None = None
    scopes: tuple[str, ...] = ()
    is_valid: bool | None = None
    expires_at: datetime | None = None
    data_access_expires_at: datetime | None = None


def parse_exchanged_token(payload: object) -> ExchangedToken:
    """Return the token that came for a code.

    Raises:
        GraphError: the answer holds none.
    """
    row = as_mapping(payload)
    token = as_text(row.get("access_token"))
    if token is None:
        raise GraphError("Meta's answer holds no token.", hint="Let Embedded Signup be done again.")
    return ExchangedToken(token=token, expires_in_s=as_int(row.get("expires_in")) or None)


def parse_debugged_token(payload: object) -> DebuggedToken:
    """Return what a token is; scopes are those of all assets and those of single ones together.

    Raises:
        GraphError: the answer is about no token.
    """
    row = as_mapping(as_mapping(payload).get("data"))
    if not row:
        raise GraphError("Meta's answer is not about a token.", hint="Check the token again.")
    given = row.get("scopes")
    granular = row.get("granular_scopes")
    rows = granular if isinstance(granular, list) else []
    named = [
        *(given if isinstance(given, list) else []),
        *(as_mapping(each).get("scope") for each in rows),
    ]
    return DebuggedToken(
        app_id=as_text(row.get("app_id")),
        kind=as_text(row.get("type")),
        scopes=tuple(sorted({text for each in named if (text := as_text(each))})),
        is_valid=as_bool(row.get("is_valid")),
        expires_at=as_instant(row.get("expires_at") or None),
        data_access_expires_at=as_instant(row.get("data_access_expires_at") or None),
    )


def parse_number_list(payload: object) -> NumberPage:
    """Return one page; a row that cannot be read is counted and loses no other.

    Raises:
        GraphError: the answer is not a list.
    """
    document = as_mapping(payload)
    rows = document.get("data")
    if not isinstance(rows, list):
        raise GraphError("Meta's answer is not a list of numbers.", hint="Read the list again.")
    numbers = tuple(number for number in map(_read_number, rows) if number is not None)
    after, is_cut_off = cursor_of(as_mapping(document.get("paging")))
    return NumberPage(
        numbers=numbers,
        after=after,
        total_count=as_int(as_mapping(document.get("summary")).get("total_count")),
        skipped=len(rows) - len(numbers),
        cut_off=is_cut_off,
    )


def parse_number(payload: object) -> PhoneNumber:
    """Return one number.

    Raises:
        GraphError: the answer is not a number with an id.
    """
    number = _read_number(payload)
    if number is None:
        raise GraphError("Meta's answer is not a phone number.", hint="Read the number again.")
    return number


def parse_created_id(payload: object) -> str:
    """Return the id of what was just created.

    Raises:
        GraphError: the answer holds no id. The number may exist all the same: list the WABA.
    """
    created = _read_id(as_mapping(payload).get("id"))
    if created is None:
        raise GraphError("Meta's answer holds no id.", hint="List the WABA's numbers.")
    return created


def parse_success(payload: object) -> bool:
    """Return whether Meta confirms: ``{"success": true}``, or with ``"true"`` or ``1``."""
    return as_bool(as_mapping(payload).get("success")) is True


def parse_subscribed_apps(payload: object) -> tuple[SubscribedApp, ...]:
    """Return the subscribed apps, from the nested or the flat shape.

    Raises:
        GraphError: the answer is not a list.
    """
    rows = as_mapping(payload).get("data")
    if not isinstance(rows, list):
        raise GraphError("Meta's answer is not a list of apps.", hint="Read the list again.")
    return tuple(app for app in map(_read_app, rows) if app is not None)


def parse_waba(payload: object) -> Waba:
    """Return a WABA.

    Raises:
        GraphError: the answer is not a WABA with an id.
    """
    row = as_mapping(payload)
    waba_id = _read_id(row.get("id"))
    if waba_id is None:
        raise GraphError("Meta's answer is not a WABA.", hint="Read the account again.")
    owner = as_mapping(row.get("owner_business_info"))
    return Waba(
        id=waba_id,
        name=as_text(row.get("name")),
        status=_upper(row.get("status")),
        account_review_status=_upper(row.get("account_review_status")),
        business_verification_status=_upper(row.get("business_verification_status")),
        ownership_type=_upper(row.get("ownership_type")),
        country=as_text(row.get("country")),
        currency=as_text(row.get("currency")),
        timezone_id=as_text(row.get("timezone_id")),
        message_template_namespace=as_text(row.get("message_template_namespace")),
        messaging_limit=as_text(row.get("whatsapp_business_manager_messaging_limit")),
        can_send_message=as_text(as_mapping(row.get("health_status")).get("can_send_message")),
        owner_business_id=_read_id(owner.get("id")),
        owner_business_name=as_text(owner.get("name")),
        primary_funding_id=_read_id(row.get("primary_funding_id")),
    )


def _read_number(payload: object) -> PhoneNumber | None:
    row = as_mapping(payload)
    number_id = _read_id(row.get("id"))
    if number_id is None:
        return None
    return PhoneNumber(
        id=number_id,
        display_phone_number=as_text(row.get("display_phone_number")),
        verified_name=as_text(row.get("verified_name")),
        status=_enum(row.get("status"), _STATUS_TWINS),
        code_verification_status=_enum(row.get("code_verification_status"), _CODE_TWINS),
        name_status=_enum(row.get("name_status"), _NAME_TWINS),
        new_display_name=as_text(row.get("new_display_name")),
        new_name_status=_enum(row.get("new_name_status"), _NAME_TWINS),
        platform_type=_enum(row.get("platform_type"), {}),
        throughput_level=_throughput(row.get("throughput")),
        account_mode=_enum(row.get("account_mode"), {}),
        quality_rating=as_text(row.get("quality_rating")),
        messaging_limit_tier=as_text(row.get("messaging_limit_tier")),
        is_on_biz_app=as_bool(row.get("is_on_biz_app")),
        is_official_business_account=as_bool(row.get("is_official_business_account")),
        is_pin_enabled=as_bool(row.get("is_pin_enabled")),
        country_code=as_text(row.get("country_code")),
        country_dial_code=as_text(row.get("country_dial_code")),
        unified_cert_status=as_text(row.get("unified_cert_status")),
        host_platform=_enum(row.get("host_platform"), {}),
        username=as_text(row.get("username")),
        last_onboarded_time=as_instant(row.get("last_onboarded_time")),
    )


def _read_app(payload: object) -> SubscribedApp | None:
    row = as_mapping(payload)
    nested = as_mapping(row.get("whatsapp_business_api_data")) or row
    app_id = _read_id(nested.get("id"))
    if app_id is None:
        return None
    override = as_text(row.get("override_callback_uri"))
    return SubscribedApp(
        id=app_id, name=as_text(nested.get("name")), override_callback_uri=override
    )


def _read_id(value: object) -> str | None:
    return as_text(value)


def _enum(value: object, twins: Mapping[str, str]) -> str | None:
    """Keep what Meta says, twins of a spelling as one; UNKNOWN tells nothing."""
    text = as_text(value) if isinstance(value, str) else None
    if text is None or text == "UNKNOWN":
        return None
    return twins.get(text, text)


def _upper(value: object) -> str | None:
    text = as_text(value)
    return text.upper() if text else None


def _throughput(value: object) -> str | None:
    level = as_mapping(value).get("level") if isinstance(value, dict) else value
    return _enum(level, {})


def cursor_of(paging: Mapping[str, object]) -> tuple[str | None, bool]:
    """Return the cursor of the next page, and whether there is a next page without one."""
    if not paging.get("next"):
        return None, False
    after = _cursor(paging)
    return after, after is None


def _cursor(paging: Mapping[str, object]) -> str | None:
    """Return the cursor of the next page; only asked for when Meta says that there is one."""
    given = as_text(as_mapping(paging.get("cursors")).get("after"))
    if given is not None:
        return given
    try:
        values = parse_qs(urlsplit(as_text(paging.get("next")) or "").query).get("after", [])
    except ValueError:
        return None
    return values[0] if values else None
