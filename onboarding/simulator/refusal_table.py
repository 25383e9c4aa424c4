"""Every answer of Meta's that says no, in one table with two columns.

The first column is the ``observed`` profile, the second the ``documented`` one.
"""

from __future__ import annotations

from onboarding.simulator.refusals import Form, Reason

_METHOD = "GraphMethodException"
_BAD_REQUEST = 400
_FORBIDDEN = 403
_NOT_FOUND = 404
_UNPROCESSABLE = 422
_THROTTLED = 429


def _seen(
    code: int,
    message: str,
    subcode: int | None = None,
    *,
    type_: str = "OAuthException",
    title: str | None = None,
    user_msg: str | None = None,
    details: str | None = None,
) -> Form:
    return Form(_BAD_REQUEST, code, message, subcode, type_, title, user_msg, details)


def _unprocessable(message: str, title: str | None = None, user_msg: str | None = None) -> Form:
    return Form(_UNPROCESSABLE, 100, message, None, _METHOD, title, user_msg)


def _throttled(message: str, code: int = 4) -> Form:
    return Form(_THROTTLED, code, message, 2446079, transient=True)


def _forbidden(
    message: str, subcode: int, title: str | None = None, user_msg: str | None = None
) -> Form:
    return Form(_FORBIDDEN, 200, message, subcode, title=title, user_msg=user_msg)


def _both(form: Form) -> tuple[Form, Form]:
    return form, form


_UNSUPPORTED = (
    "Unsupported {verb} request. Object with ID '{id}' does not exist, cannot be loaded due to "
    "missing permissions, or does not support this operation"
)
_HIDDEN = _seen(100, _UNSUPPORTED, 33, type_=_METHOD)
_DENIED = {
    "title": "Permission Denied",
    "user_msg": "Your app doesn't have permission to access this resource",
}
_ADD_FAILED = "Cannot add phone number to WhatsApp Business Account"
_CODE_NOT_SENT = {"title": "Could not send the code", "user_msg": "Try again after a while."}
_BAD_STATE = _unprocessable(
    "Phone number is already registered or in invalid state for registration"
)
_REGISTER_RATE = _throttled("Registration rate limit exceeded")
_NOT_ELIGIBLE = _unprocessable("Phone number is not eligible for verification at this time")
_BAD_CODE = _unprocessable(
    "The verification code is invalid or has expired",
    title="Verification Failed",
    user_msg="The verification code you entered is invalid or has expired",
)
_UNVERIFIED = _seen(
    133006,
    "(#133006) Phone number re-verification needed",
    details="Phone number needs to be verified before registering.",
)
_FIELD = "(#100) Tried accessing nonexisting field ({field}) on node type (WhatsAppBusiness{node})"
_TAKEN = Form(409, 100, "Phone number is already registered with WhatsApp Business", type=_METHOD)
_TOO_MANY = "(#133016) Account register deregister rate limit exceeded"
_TOO_MANY_DETAILS = (
    "There were too many registration attempts for this phone number. Try again in {wait}."
)

TABLE: dict[Reason, tuple[Form, Form]] = {
    Reason.VERSION: (
        _seen(2500, "Unknown path components: /{path}"),
        _seen(100, "Invalid version format. Use format like 'v23.0'"),
    ),
    Reason.PATH: _both(_seen(2500, "Unknown path components: /{path}")),
    Reason.BODY: _both(_seen(100, "(#100) The request body is not valid {kind}")),
    Reason.TOKEN_MISSING: (
        Form(401, 190, "An access token is required to request this resource.", 463),
        Form(401, 104, "An access token is required to request this resource"),
    ),
    Reason.TOKEN_INVALID: (
        Form(401, 190, "Error validating access token: Session has expired", 463),
        Form(401, 190, "Invalid OAuth access token", 463),
    ),
    Reason.PROOF_MISSING: _both(
        _seen(100, "API calls from the server require an appsecret_proof argument")
    ),
    Reason.PROOF_WRONG: _both(_seen(100, "Invalid appsecret_proof provided in the API argument")),
    Reason.SCOPE: (
        Form(_FORBIDDEN, 200, "(#200) Requires {scope} permission to manage the object", 1349176),
        _forbidden(
            "Requires whatsapp_business_messaging or whatsapp_business_management permission",
            1349176,
        ),
    ),
    Reason.NOT_NUMERIC: (
        Form(
            _NOT_FOUND,
            803,
            "(#803) Some of the aliases you requested do not exist: {id}",
        ),
        _seen(100, "Invalid phone number ID format. Must be numeric."),
    ),
    Reason.NUMBER_UNKNOWN: (
        _HIDDEN,
        Form(_NOT_FOUND, 803, "Phone number not found", type=_METHOD),
    ),
    Reason.WABA_UNKNOWN: (
        _HIDDEN,
        Form(_NOT_FOUND, 803, "WhatsApp Business Account not found", type=_METHOD),
    ),
    Reason.NO_ACCESS: (
        _HIDDEN,
        _forbidden("Your app doesn't have permission to access this {thing}", 1349174, **_DENIED),
    ),
    Reason.NUMBER_FIELD: (
        _seen(100, _FIELD),
        _seen(100, "Invalid field requested. Available fields: {available}"),
    ),
    Reason.WABA_FIELD: (
        _seen(100, _FIELD),
        _unprocessable("The requested fields are not available for this account"),
    ),
    Reason.FILTERING: (
        _seen(100, "(#100) Param filtering: {why}"),
        _seen(100, "Invalid parameter: filtering must be valid JSON"),
    ),
    Reason.PARAMETER: (
        _seen(100, "(#100) Param {name} {why}"),
        _seen(100, "Invalid parameter: {name} {why}"),
    ),
    Reason.CURSOR: (
        _seen(131059, "(#131059) Invalid cursor: {name}"),
        _seen(100, "Invalid parameter: {name} is not a valid cursor"),
    ),
    Reason.REQUIRED: (
        _seen(100, "(#100) The parameter {name} is required."),
        _seen(100, "Invalid parameter: {name} is required"),
    ),
    Reason.PHONE_FORMAT: (
        _seen(100, "(#100) Param phone_number must be a phone number"),
        _seen(100, "Invalid parameter: phone_number must be in E.164 format"),
    ),
    Reason.PHONE_INVALID: (
        _seen(100, "(#100) Invalid phone number"),
        _unprocessable("Phone number validation failed: invalid format"),
    ),
    Reason.NOT_PLAYED: _both(
        _seen(100, "(#100) {name} is not played by this version of the simulator")
    ),
    Reason.NOT_PARTNER: (
        _seen(
            200000,
            _ADD_FAILED,
            3095008,
            title=_ADD_FAILED,
            user_msg="The business that owns this app is not a solution provider.",
        ),
        _forbidden(
            "Your app doesn't have permission to access this WhatsApp Business Account",
            1349174,
            **_DENIED,
        ),
    ),
    Reason.WABA_RESTRICTED: _both(
        Form(_FORBIDDEN, 368, "(#368) The action attempted has been deemed abusive or disallowed")
    ),
    Reason.NUMBER_CAP: (
        _seen(
            200,
            "(#200) Phone number limit exceeded",
            1349175,
            title="Limit Exceeded",
            user_msg="You have reached the maximum number of phone numbers for this account",
        ),
        _forbidden(
            "Phone number limit exceeded for this WhatsApp Business Account",
            1349175,
            title="Limit Exceeded",
            user_msg="You have reached the maximum number of phone numbers for this account",
        ),
    ),
    Reason.NUMBER_DUPLICATE: (
        _seen(
            100,
            "Invalid parameter",
            2388012,
            title="Number already added",
            user_msg="The phone number is already in your list of phone numbers.",
        ),
        _TAKEN,
    ),
    Reason.NUMBER_IN_USE: (
        _seen(
            200000,
            _ADD_FAILED,
            title=_ADD_FAILED,
            user_msg="This number is registered on a WhatsApp account. Disconnect it and try "
            "again; this can take up to 3 minutes.",
        ),
        _TAKEN,
    ),
    Reason.NUMBER_BANNED: (
        _seen(
            200000, _ADD_FAILED, title=_ADD_FAILED, user_msg="This phone number has been banned."
        ),
        _unprocessable("Phone number validation failed: the number is banned"),
    ),
    Reason.CODE_VERIFIED: (
        _seen(
            136024,
            "Request code error",
            title="Could not send the code",
            user_msg="This phone number is already verified.",
        ),
        _unprocessable("The phone number has already been verified"),
    ),
    Reason.CODE_VOLUME: (
        _seen(
            136024,
            "Request code error",
            2388367,
            title="Could not send the code",
            user_msg="You requested a code too many times. Try again later.",
        ),
        _throttled("Application request limit reached"),
    ),
    Reason.CODE_TOO_SOON: (
        _seen(136024, "Request code error", 2388091, **_CODE_NOT_SENT),
        _NOT_ELIGIBLE,
    ),
    Reason.CODE_NOT_ELIGIBLE: (
        _seen(136024, "Request code error", 2388091, **_CODE_NOT_SENT),
        _NOT_ELIGIBLE,
    ),
    Reason.CODE_FORMAT: (
        _seen(100, "(#100) Param code must be six digits"),
        _seen(100, "Invalid verification code format"),
    ),
    Reason.CODE_WRONG: (
        _seen(
            136025,
            "Verify code error",
            2388093,
            title="Could not verify the code",
            user_msg="The code entered is incorrect.",
        ),
        _BAD_CODE,
    ),
    Reason.CODE_GUESSES: (
        _seen(
            136025,
            "Verify code error",
            title="Could not verify the code",
            user_msg="Too many attempts. Try again in {wait}.",
        ),
        _throttled("Too many verification attempts. Please try again later"),
    ),
    Reason.PIN_FORMAT: (
        _seen(100, "(#100) Param pin must be 6 digits"),
        _seen(100, "Invalid PIN format. PIN must be exactly 6 digits"),
    ),
    Reason.PIN_MISMATCH: (
        _seen(
            133005,
            "(#133005) Two step verification PIN Mismatch",
            details="Two-step verification PIN mismatch.",
        ),
        _BAD_STATE,
    ),
    Reason.PIN_GUESSES: (
        _seen(
            133008,
            "(#133008) Too many two step verification PIN guesses",
            details="Too many PIN guesses for this phone number. Try again in {wait}.",
        ),
        _REGISTER_RATE,
    ),
    Reason.PIN_TOO_FAST: (
        _seen(
            133009,
            "(#133009) Two step verification PIN guessed too fast",
            details="PIN entered too quickly. Try again in {wait}.",
        ),
        _REGISTER_RATE,
    ),
    Reason.NOT_VERIFIED: (_UNVERIFIED, _BAD_STATE),
    Reason.SIGNUP_WINDOW: (_UNVERIFIED, _BAD_STATE),
    Reason.NAME_NOT_PROCESSED: (
        _seen(
            100,
            "Invalid parameter",
            2388001,
            title="Cannot Create Certificate",
            user_msg="Your display name could not be processed. Please edit your display name "
            "and try again.",
        ),
        _BAD_STATE,
    ),
    Reason.REGISTER_WINDOW: (
        _seen(133016, _TOO_MANY, details=_TOO_MANY_DETAILS),
        _REGISTER_RATE,
    ),
    Reason.DEREGISTER_WINDOW: (
        _seen(133016, _TOO_MANY, details=_TOO_MANY_DETAILS),
        _throttled("Rate limit exceeded for deregistration requests"),
    ),
    Reason.REGISTER_SMB: _both(
        _seen(100, "Register endpoint is not available for SMB businesses.")
    ),
    Reason.DEREGISTER_SMB: _both(
        _seen(100, "Deregister endpoint is not available for API solution for SMB businesses.")
    ),
    Reason.REGISTER_APP_LINKED: (_seen(100, "(#100) Missing Permission"), _BAD_STATE),
    Reason.DEREGISTER_UNFINISHED: (
        Form(500, 133000, "(#133000) Incomplete deregistration", details="Deregister again."),
        Form(500, 2, "An unexpected error occurred. Please retry your request", type=_METHOD),
    ),
    Reason.ACCOUNT_LOCKED: (
        Form(_FORBIDDEN, 131031, "(#131031) Business Account locked"),
        _BAD_STATE,
    ),
    Reason.RECENTLY_DELETED: (
        _seen(
            133015,
            "(#133015) Please wait a few minutes before attempting to register this phone number",
            details="The phone number was recently deleted and its deletion is not complete.",
        ),
        _BAD_STATE,
    ),
    Reason.NOT_REGISTERED: _both(
        _seen(100, "Phone number not registered on the WhatsApp Business Platform.", 2207051)
    ),
    Reason.NAME_CHANGES: (
        _seen(100, "(#100) You have changed the display name too many times"),
        _unprocessable("The display name was changed too many times"),
    ),
    Reason.NAME_IN_REVIEW: (
        _seen(100, "(#100) You can't edit the verified name: review already in progress"),
        _unprocessable("Phone number is currently under review"),
    ),
    Reason.CALLBACK_FORMAT: (
        _seen(100, "(#100) Param override_callback_uri must be a valid URI"),
        _seen(100, "Invalid callback URI format"),
    ),
    Reason.OVERRIDE_FIRST: _both(
        _seen(
            100,
            "(#100) Before override the current callback uri, your app must be subscribed to "
            "receive messages for WhatsApp Business Account",
        )
    ),
    Reason.NOT_SUBSCRIBED: _both(
        Form(
            _NOT_FOUND,
            803,
            "WhatsApp Business Account not found or not subscribed",
            type=_METHOD,
        )
    ),
    Reason.WABA_BUDGET: (
        _seen(
            80007,
            "(#80007) There have been too many calls to this WhatsApp Business account. Wait a "
            "bit and try again.",
            2446079,
        ),
        _throttled("Business request limit reached for WhatsApp Business Account", 80007),
    ),
    Reason.WABA_BUDGET_LIST: (
        _seen(
            80008,
            "(#80008) There have been too many calls to this WhatsApp Business account. Wait a "
            "bit and try again.",
            2446079,
        ),
        _throttled("Business request limit reached for WhatsApp Business Account", 80008),
    ),
    Reason.APP_BUDGET: (
        _seen(4, "(#4) Application request limit reached", 2446079),
        _throttled("Application request limit reached"),
    ),
    Reason.SERVICE: (
        Form(500, 2, "(#2) Service temporarily unavailable", transient=True),
        Form(
            500,
            2,
            "An unexpected error occurred. Please retry your request",
            type=_METHOD,
            transient=True,
        ),
    ),
}
