"""Parameters of a call, whichever of Meta's four encodings carried them.

The same parameters are accepted as JSON body, urlencoded form, multipart form and query
string; the body wins where both name one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from onboarding.simulator.refusals import Reason, Refusal

Params = Mapping[str, Any]

_SIX_DIGITS = re.compile(r"^[0-9]{6}$")
_TRUE = ("true", "1", "yes")
_NAME_MIN, _NAME_MAX = 2, 75


async def decode_params(request: web.BaseRequest) -> dict[str, Any]:
    """Return the parameters of a request.

    Raises:
        Refusal: the body is not what its content type says.
    """
    params: dict[str, Any] = dict(parse_qsl(request.query_string, keep_blank_values=True))
    if not request.can_read_body:
        return params
    if request.content_type.startswith("multipart/"):
        form = await request.post()
        return params | {name: value for name, value in form.items() if isinstance(value, str)}
    return params | decode_body(await request.read(), request.content_type)


def decode_body(body: bytes, content_type: str) -> dict[str, Any]:
    """Return the parameters of a JSON or urlencoded body; text that looks like JSON is JSON.

    Raises:
        Refusal: it is neither.
    """
    is_json = content_type == "application/json" or body.lstrip()[:1] == b"{"
    try:
        text = body.decode()
        if not is_json:
            return dict(parse_qsl(text, keep_blank_values=True))
        values = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise Refusal(Reason.BODY, kind="JSON" if is_json else "UTF-8") from error
    if not isinstance(values, dict):
        raise Refusal(Reason.BODY, kind="JSON")
    return values


def read_text(params: Params, name: str) -> str | None:
    """Return a parameter as text; an empty one counts as not given."""
    value = params.get(name)
    if value is None or isinstance(value, dict | list):
        return None
    return str(value).strip() or None


def need_text(params: Params, name: str) -> str:
    """Return a parameter that must be there.

    Raises:
        Refusal: it is missing or empty.
    """
    text = read_text(params, name)
    if text is None:
        raise Refusal(Reason.REQUIRED, name=name)
    return text


def read_flag(params: Params, name: str) -> bool:
    """Return whether a parameter says yes."""
    return str(params.get(name, "")).lower() in _TRUE


def read_object(params: Params, name: str) -> dict[str, Any]:
    """Return a parameter that is a JSON object, given as such or as text.

    Raises:
        Refusal: it is something else.
    """
    value = params.get(name)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    if not isinstance(value, dict):
        raise Refusal(Reason.PARAMETER, name=name, why="must be a JSON object")
    return value


def need_pin(params: Params) -> str:
    """Return the two-step verification PIN: exactly six digits, leading zeros kept.

    Raises:
        Refusal: it is missing or not six digits.
    """
    pin = need_text(params, "pin")
    if not _SIX_DIGITS.match(pin):
        raise Refusal(Reason.PIN_FORMAT)
    return pin


def need_code(params: Params) -> str:
    """Return the one-time code: exactly six digits, the hyphen of the text left out.

    Raises:
        Refusal: it is missing or not six digits.
    """
    code = need_text(params, "code")
    if not _SIX_DIGITS.match(code):
        raise Refusal(Reason.CODE_FORMAT)
    return code


def need_display_name(params: Params, name: str) -> str:
    """Return a display name: 2 to 75 characters.

    Raises:
        Refusal: it is missing, too short or too long.
    """
    text = need_text(params, name)
    if not _NAME_MIN <= len(text) <= _NAME_MAX:
        why = f"must be {_NAME_MIN} to {_NAME_MAX} characters"
        raise Refusal(Reason.PARAMETER, name=name, why=why)
    return text
