"""What Meta says when it refuses, parsed leniently.

No token, PIN or code is ever kept: texts are scrubbed when they are parsed.
Source: Meta's rules, error shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from onboarding.graph.loose import as_bool, as_int, as_text

_HIDDEN = "[hidden]"
_MAX_MESSAGE = 500
_TOKEN_LIKE = re.compile(
    r"EAA[A-Za-z0-9_-]{8,}"  # access tokens of Graph
    r"|(?<=access_token=)[^&\s\"']+"
    r"|(?<=appsecret_proof=)[^&\s\"']+"
    r"|(?i:(?<=bearer )[^\s\"',]+)"
    r"|\b[0-9a-f]{64}\b"  # an appsecret_proof on its own
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphErrorBody:
    """The ``error`` object of an answer; every field but the message may be missing.

    Attributes:
        code: ``error.code``.
        subcode: ``error.error_subcode``.
        type: ``error.type``; not used for logic.
        message: Meta's developer text, English as a rule, scrubbed.
        is_transient: only ever a hint, it is false on many errors that pass.
        user_title: localised to the token's owner.
        user_msg: localised; a wait it names is not reliable.
        details: ``error_data.details``, or ``error_data`` where that is a string.
        fbtrace_id: what Meta's support asks for.
    """

    code: int | None = None
    subcode: int | None = None
    type: str | None = None
    message: str = ""
    is_transient: bool = False
    user_title: str | None = None
    user_msg: str | None = None
    details: str | None = None
    fbtrace_id: str | None = None


def parse_error(payload: object, *, secrets: Iterable[str] = ()) -> GraphErrorBody | None:
    """Return the error of a decoded body.

    Args:
        payload: the decoded JSON document, of any shape.
        secrets: what this very call carried (token, PIN, code); hidden wherever it is echoed.

    Returns:
        The parsed error, or ``None`` if there is no ``error`` object in it.
    """
    error = payload.get("error") if isinstance(payload, dict) else None
    if not isinstance(error, dict):
        return None
    hidden = tuple(secrets)

    def text(value: object) -> str | None:
        told = as_text(value)
        return scrub(told, hidden)[:_MAX_MESSAGE] if told is not None else None

    data = error.get("error_data")
    return GraphErrorBody(
        code=as_int(error.get("code")),
        subcode=as_int(error.get("error_subcode")),
        type=text(error.get("type")),
        message=text(error.get("message")) or "",
        is_transient=as_bool(error.get("is_transient")) is True,
        user_title=text(error.get("error_user_title")),
        user_msg=text(error.get("error_user_msg")),
        details=text(data.get("details") if isinstance(data, dict) else data),
        fbtrace_id=text(error.get("fbtrace_id")),
    )


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """Hide the given secrets and everything that looks like a token or a proof."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, _HIDDEN)
    return _TOKEN_LIKE.sub(_HIDDEN, text)
