"""JSON schemas of our own for every answer of the Graph API that the simulator plays."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

_ID: Schema = {"type": "string", "pattern": "^[0-9]+$"}
_TEXT: Schema = {"type": "string", "minLength": 1}
_NAME_STATUS: Schema = {
    "enum": [
        "APPROVED",
        "AVAILABLE_WITHOUT_REVIEW",
        "PENDING_REVIEW",
        "DECLINED",
        "EXPIRED",
        "NONE",
    ]
}
_HEALTH_LEVEL: Schema = {"enum": ["AVAILABLE", "LIMITED", "BLOCKED"]}


def _object(required: list[str], properties: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
    }


_HEALTH_ENTITY = _object(
    ["entity_type", "id", "can_send_message"],
    {
        "entity_type": {"enum": ["PHONE_NUMBER", "WABA", "BUSINESS", "APP"]},
        "id": _ID,
        "can_send_message": _HEALTH_LEVEL,
        "additional_info": {"type": "array", "items": _TEXT},
        "errors": {
            "type": "array",
            "items": _object(
                ["error_code", "error_description", "possible_solution"],
                {
                    "error_code": {"type": "integer"},
                    "error_description": _TEXT,
                    "possible_solution": _TEXT,
                },
            ),
        },
    },
)
_HEALTH = _object(
    ["can_send_message", "entities"],
    {"can_send_message": _HEALTH_LEVEL, "entities": {"type": "array", "items": _HEALTH_ENTITY}},
)

_STATUS = {
    "observed": [
        "PENDING",
        "UNVERIFIED",
        "CONNECTED",
        "DISCONNECTED",
        "MIGRATED",
        "BANNED",
        "RESTRICTED",
    ],
    "documented": ["PENDING", "LINKED", "UNLINKED", "DELETED", "MIGRATED", "BANNED", "RESTRICTED"],
}
_VERIFICATION = {
    "observed": ["NOT_VERIFIED", "VERIFIED", "EXPIRED"],
    "documented": ["VERIFIED", "UNVERIFIED"],
}
_QUALITY = {
    "observed": ["GREEN", "YELLOW", "RED", "NA", "UNKNOWN"],
    "documented": ["GREEN", "YELLOW", "RED", "NA"],
}
_PLATFORM: Schema = {"enum": ["CLOUD_API", "ON_PREMISE", "NOT_APPLICABLE"]}
_INSTANT: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000$"}


def phone_number(profile: str) -> Schema:
    """A phone number node with any selection of fields."""
    return _object(
        ["id"],
        {
            "id": _ID,
            "display_phone_number": {"type": "string", "pattern": r"^\+[0-9][0-9 \-]+$"},
            "verified_name": {"type": "string", "minLength": 2, "maxLength": 75},
            "status": {"enum": _STATUS[profile]},
            "code_verification_status": {"enum": _VERIFICATION[profile]},
            "quality_rating": {"enum": _QUALITY[profile]},
            "quality_score": _object(["score"], {"score": {"enum": _QUALITY["observed"]}}),
            "platform_type": _PLATFORM,
            "host_platform": _PLATFORM,
            "throughput": _object(
                ["level"], {"level": {"enum": ["STANDARD", "HIGH", "NOT_APPLICABLE"]}}
            ),
            "webhook_configuration": {
                "type": "object",
                "additionalProperties": {"type": "string", "format": "uri"},
            },
            "last_onboarded_time": _INSTANT,
            "name_status": _NAME_STATUS,
            "new_name_status": _NAME_STATUS,
            "new_display_name": _TEXT,
            "certificate": _TEXT,
            "new_certificate": _TEXT,
            "account_mode": {"enum": ["LIVE", "SANDBOX"]},
            "health_status": _HEALTH,
            "is_pin_enabled": {"type": "boolean"},
            "is_on_biz_app": {"type": "boolean"},
            "is_official_business_account": {"type": "boolean"},
            "is_preverified_number": {"type": "boolean"},
            "official_business_account": _object(["oba_status"], {"oba_status": _TEXT}),
            "eligibility_for_api_business_global_search": _TEXT,
            "country_code": {"type": "string", "pattern": "^[A-Z0-9]{2,3}$"},
            "country_dial_code": {"type": "string", "pattern": "^[0-9]{1,3}$"},
            "messaging_limit_tier": {"type": "string", "pattern": "^TIER_"},
            "unified_cert_status": {
                "enum": [
                    "APPROVED",
                    "NAME_PENDING_REVIEW",
                    "NAME_NOT_APPROVED",
                    "ACCOUNT_REVIEW_NOT_STARTED",
                    "LIMITED_ACCESS",
                ]
            },
            "search_visibility": _TEXT,
        },
    )


def phone_numbers(profile: str) -> Schema:
    """One page of a WABA's numbers."""
    cursors = _object(["before", "after"], {"before": _TEXT, "after": _TEXT})
    link: Schema = {"type": "string", "pattern": "^http://127"}
    paging = _object(["cursors"], {"cursors": cursors, "next": link, "previous": link})
    summary = _object(["total_count"], {"total_count": {"type": "integer", "minimum": 0}})
    return _object(
        ["data"],
        {
            "data": {"type": "array", "items": phone_number(profile)},
            "paging": paging,
            "summary": summary,
        },
    )


def waba(profile: str) -> Schema:
    """A WhatsApp Business Account with any selection of fields."""
    observed = profile == "observed"
    return _object(
        ["id"],
        {
            "id": _ID,
            "name": _TEXT,
            "timezone_id": _TEXT,
            "message_template_namespace": _TEXT,
            "account_review_status": {"enum": ["APPROVED", "PENDING", "REJECTED", "RESTRICTED"]},
            "business_verification_status": {
                "enum": ["verified", "not_verified"] if observed else ["VERIFIED", "UNVERIFIED"]
            },
            "ownership_type": {"enum": ["SELF", "CLIENT", "AGENCY"]}
            if observed
            else {"enum": ["SELF_OWNED", "CLIENT_OWNED", "AGENCY_OWNED"]},
            "status": _TEXT,
            "country": {"type": "string", "pattern": "^[A-Z]{2}$"},
            "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
            "health_status": _HEALTH,
            "owner_business_info": _object(["id", "name"], {"id": _ID, "name": _TEXT}),
            "whatsapp_business_manager_messaging_limit": {"type": "string", "pattern": "^TIER_"},
            "is_enabled_for_insights": {"type": "boolean"},
        },
    )


def subscribed_apps(profile: str) -> Schema:
    """The apps that are subscribed to a WABA."""
    uri: Schema = {"type": "string", "format": "uri"}
    flat = _object(["id", "name"], {"id": _ID, "name": _TEXT, "override_callback_uri": uri})
    inner = _object(["id", "name", "link"], {"id": _ID, "name": _TEXT, "link": uri})
    nested = _object(
        ["whatsapp_business_api_data"],
        {"whatsapp_business_api_data": inner, "override_callback_uri": uri},
    )
    item = nested if profile == "observed" else flat
    return _object(["data"], {"data": {"type": "array", "items": item}})


CREATED = _object(["id"], {"id": _ID})
SUCCESS = _object(["success"], {"success": {"const": True}})
VERIFIED = _object(["success"], {"success": {"const": True}, "id": _ID})
ERROR = _object(
    ["error"],
    {
        "error": _object(
            ["message", "type", "code", "fbtrace_id"],
            {
                "message": _TEXT,
                "type": {"enum": ["OAuthException", "GraphMethodException"]},
                "code": {"type": "integer", "minimum": 1},
                "error_subcode": {"type": "integer", "minimum": 1},
                "is_transient": {"type": "boolean"},
                "error_user_title": _TEXT,
                "error_user_msg": _TEXT,
                "error_data": _object(
                    ["messaging_product", "details"],
                    {"messaging_product": {"const": "whatsapp"}, "details": _TEXT},
                ),
                "fbtrace_id": {"type": "string", "pattern": "^A[A-Za-z0-9_-]{22}$"},
            },
        )
    },
)


#: Of Meta's two schemas of the pool each profile plays one: that of the guide, and the spec's.
_PREVERIFIED: dict[str, Schema] = {
    "observed": _object(
        ["id", "phone_number", "code_verification_status"],
        {
            "id": _ID,
            "phone_number": _TEXT,
            "code_verification_status": {"enum": ["NOT_VERIFIED", "VERIFIED", "EXPIRED"]},
            "code_verification_time": _INSTANT,
            "verification_expiry_time": _INSTANT,
            "owner_business": _object(["id", "name"], {"id": _ID, "name": _TEXT}),
        },
    ),
    "documented": _object(
        ["id", "display_phone_number", "verification_status"],
        {
            "id": _ID,
            "display_phone_number": _TEXT,
            "verification_status": {"enum": ["VERIFIED", "PENDING", "FAILED", "EXPIRED"]},
            "availability_status": {"enum": ["AVAILABLE", "IN_USE", "RESERVED", "UNAVAILABLE"]},
        },
    ),
}
PARTNERS: Schema = _object(
    ["data"],
    {"data": {"type": "array", "items": _object(["id", "name"], {"id": _ID, "name": _TEXT})}},
)


def preverified_numbers(profile: str) -> Schema:
    """One page of a pool."""
    cursors = _object(["before", "after"], {"before": _TEXT, "after": _TEXT})
    paging = _object(["cursors"], {"cursors": cursors, "next": _TEXT})
    items: Schema = {"type": "array", "items": _PREVERIFIED[profile]}
    return _object(["data"], {"data": items, "paging": paging})


def preverified_node(profile: str) -> Schema:
    """One number of a pool."""
    if profile == "observed":
        return _PREVERIFIED[profile]
    return _object(
        ["id", "is_input_id_valid"], {"id": _ID, "is_input_id_valid": {"type": "boolean"}}
    )


def pool_schema(endpoint: str, profile: str) -> Schema:
    """Return the schema of a success of the pool's endpoints."""
    match endpoint:
        case "add_preverified":
            return CREATED
        case "list_preverified":
            return preverified_numbers(profile)
        case "read_preverified":
            return preverified_node(profile)
        case "list_preverified_partners":
            return PARTNERS
        case _:
            return SUCCESS


def answer_schema(endpoint: str, profile: str) -> Schema:
    """Return the schema of an endpoint's success."""
    match endpoint:
        case "list_numbers":
            return phone_numbers(profile)
        case "read_number":
            return phone_number(profile)
        case "read_waba":
            return waba(profile)
        case "list_subscribed_apps":
            return subscribed_apps(profile)
        case "create_number":
            return CREATED
        case "subscribe_app" if profile == "documented":
            apps = subscribed_apps(profile)["properties"]
            return _object(["success"], {**SUCCESS["properties"], **apps})
        case "exchange_code":
            return _object(
                ["access_token", "token_type"],
                {"access_token": {"type": "string"}, "token_type": {"const": "bearer"}},
            )
        case "debug_token":
            return _object(["data"], {"data": {"type": "object", "required": ["is_valid"]}})
        case "verify_code":
            return VERIFIED
        case _:
            return pool_schema(endpoint, profile)
