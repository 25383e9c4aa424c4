"""How refusals are built that look alike; the table itself is in ``refusal_table``."""

from __future__ import annotations

from onboarding.simulator.refusals import Form

METHOD = "GraphMethodException"
BAD_REQUEST = 400
FORBIDDEN = 403
NOT_FOUND = 404
CONFLICT = 409
UNPROCESSABLE = 422
THROTTLED = 429


def seen(
    code: int,
    message: str,
    subcode: int | None = None,
    *,
    type_: str = "OAuthException",
    title: str | None = None,
    user_msg: str | None = None,
    details: str | None = None,
) -> Form:
    """Return an answer of the live API: nearly always HTTP 400."""
    return Form(BAD_REQUEST, code, message, subcode, type_, title, user_msg, details)


def unprocessable(message: str, title: str | None = None, user_msg: str | None = None) -> Form:
    """Return the specification's 422."""
    return Form(UNPROCESSABLE, 100, message, None, METHOD, title, user_msg)


def throttled(message: str, code: int = 4) -> Form:
    """Return the specification's 429."""
    return Form(THROTTLED, code, message, 2446079, transient=True)


def forbidden(
    message: str, subcode: int, title: str | None = None, user_msg: str | None = None
) -> Form:
    """Return the specification's 403."""
    return Form(FORBIDDEN, 200, message, subcode, title=title, user_msg=user_msg)


def both(form: Form) -> tuple[Form, Form]:
    """Return a row that is the same in both profiles."""
    return form, form


_UNSUPPORTED = (
    "Unsupported {verb} request. Object with ID '{id}' does not exist, cannot be loaded due to "
    "missing permissions, or does not support this operation"
)
HIDDEN = seen(100, _UNSUPPORTED, 33, type_=METHOD)
DENIED = {
    "title": "Permission Denied",
    "user_msg": "Your app doesn't have permission to access this resource",
}
BAD_STATE = unprocessable("Phone number is already registered or in invalid state for registration")
