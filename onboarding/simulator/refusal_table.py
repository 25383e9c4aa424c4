"""Every answer of Meta's that says no, in one table with two columns.

The first column is the ``observed`` profile, the second the ``documented`` one. The rows about
putting a number onto a WABA are in ``creation_refusals``.
"""

from __future__ import annotations

from onboarding.simulator.creation_refusals import CREATION
from onboarding.simulator.refusal_forms import (
    BAD_STATE,
    DENIED,
    FORBIDDEN,
    HIDDEN,
    METHOD,
    NOT_FOUND,
    both,
    forbidden,
    seen,
    throttled,
    unprocessable,
)
from onboarding.simulator.refusals import Form, Reason

_CODE_NOT_SENT = {"title": "Could not send the code", "user_msg": "Try again after a while."}
_REGISTER_RATE = throttled("Registration rate limit exceeded")
_NOT_ELIGIBLE = unprocessable("Phone number is not eligible for verification at this time")
_BAD_CODE = unprocessable(
    "The verification code is invalid or has expired",
    title="Verification Failed",
    user_msg="The verification code you entered is invalid or has expired",
)
_UNVERIFIED = seen(
    133006,
    "(#133006) Phone number re-verification needed",
    details="Phone number needs to be verified before registering.",
)
_FIELD = "(#100) Tried accessing nonexisting field ({field}) on node type (WhatsAppBusiness{node})"
_TOO_MANY = "(#133016) Account register deregister rate limit exceeded"
_TOO_MANY_DETAILS = (
    "There were too many registration attempts for this phone number. Try again in {wait}."
)

_TABLE: dict[Reason, tuple[Form, Form]] = {
    Reason.VERSION: (
        seen(2500, "Unknown path components: /{path}"),
        seen(100, "Invalid version format. Use format like 'v23.0'"),
    ),
    Reason.PATH: both(seen(2500, "Unknown path components: /{path}")),
    Reason.BODY: both(seen(100, "(#100) The request body is not valid {kind}")),
    Reason.TOKEN_MISSING: (
        Form(401, 190, "An access token is required to request this resource.", 463),
        Form(401, 104, "An access token is required to request this resource"),
    ),
    Reason.TOKEN_INVALID: (
        Form(401, 190, "Error validating access token: Session has expired", 463),
        Form(401, 190, "Invalid OAuth access token", 463),
    ),
    Reason.PROOF_MISSING: both(
        seen(100, "API calls from the server require an appsecret_proof argument")
    ),
    Reason.PROOF_WRONG: both(seen(100, "Invalid appsecret_proof provided in the API argument")),
    Reason.APP_UNKNOWN: both(
        seen(101, "Error validating application. Cannot get application info due to a system error")
    ),
    Reason.APP_SECRET: both(seen(1, "Error validating client secret.")),
    Reason.SIGNUP_CODE_UNKNOWN: both(seen(100, "Invalid verification code format.")),
    Reason.SIGNUP_CODE_EXPIRED: both(seen(100, "This authorization code has expired.")),
    Reason.SIGNUP_CODE_USED: both(seen(100, "This authorization code has been used.")),
    Reason.SCOPE: (
        Form(FORBIDDEN, 200, "(#200) Requires {scope} permission to manage the object", 1349176),
        forbidden(
            "Requires whatsapp_business_messaging or whatsapp_business_management permission",
            1349176,
        ),
    ),
    Reason.NOT_NUMERIC: (
        Form(
            NOT_FOUND,
            803,
            "(#803) Some of the aliases you requested do not exist: {id}",
        ),
        seen(100, "Invalid phone number ID format. Must be numeric."),
    ),
    Reason.NUMBER_UNKNOWN: (
        HIDDEN,
        Form(NOT_FOUND, 803, "Phone number not found", type=METHOD),
    ),
    Reason.WABA_UNKNOWN: (
        HIDDEN,
        Form(NOT_FOUND, 803, "WhatsApp Business Account not found", type=METHOD),
    ),
    Reason.NO_ACCESS: (
        HIDDEN,
        forbidden("Your app doesn't have permission to access this {thing}", 1349174, **DENIED),
    ),
    Reason.NUMBER_FIELD: (
        seen(100, _FIELD),
        seen(100, "Invalid field requested. Available fields: {available}"),
    ),
    Reason.WABA_FIELD: (
        seen(100, _FIELD),
        unprocessable("The requested fields are not available for this account"),
    ),
    Reason.FILTERING: (
        seen(100, "(#100) Param filtering: {why}"),
        seen(100, "Invalid parameter: filtering must be valid JSON"),
    ),
    Reason.PARAMETER: (
        seen(100, "(#100) Param {name} {why}"),
        seen(100, "Invalid parameter: {name} {why}"),
    ),
    Reason.CURSOR: (
        seen(131059, "(#131059) Invalid cursor: {name}"),
        seen(100, "Invalid parameter: {name} is not a valid cursor"),
    ),
    Reason.REQUIRED: (
        seen(100, "(#100) The parameter {name} is required."),
        seen(100, "Invalid parameter: {name} is required"),
    ),
    Reason.CODE_VERIFIED: (
        seen(
            136024,
            "Request code error",
            title="Could not send the code",
            user_msg="This phone number is already verified.",
        ),
        unprocessable("The phone number has already been verified"),
    ),
    Reason.CODE_VOLUME: (
        seen(
            136024,
            "Request code error",
            2388367,
            title="Could not send the code",
            user_msg="You requested a code too many times. Try again later.",
        ),
        throttled("Application request limit reached"),
    ),
    Reason.CODE_TOO_SOON: (
        seen(136024, "Request code error", 2388091, **_CODE_NOT_SENT),
        _NOT_ELIGIBLE,
    ),
    Reason.CODE_NOT_ELIGIBLE: (
        seen(136024, "Request code error", 2388091, **_CODE_NOT_SENT),
        _NOT_ELIGIBLE,
    ),
    Reason.CODE_FORMAT: (
        seen(100, "(#100) Param code must be six digits"),
        seen(100, "Invalid verification code format"),
    ),
    Reason.CODE_WRONG: (
        seen(
            136025,
            "Verify code error",
            2388093,
            title="Could not verify the code",
            user_msg="The code entered is incorrect.",
        ),
        _BAD_CODE,
    ),
    Reason.CODE_GUESSES: (
        seen(
            136025,
            "Verify code error",
            title="Could not verify the code",
            user_msg="Too many attempts. Try again in {wait}.",
        ),
        throttled("Too many verification attempts. Please try again later"),
    ),
    Reason.PIN_FORMAT: (
        seen(100, "(#100) Param pin must be 6 digits"),
        seen(100, "Invalid PIN format. PIN must be exactly 6 digits"),
    ),
    Reason.PIN_MISMATCH: (
        seen(
            133005,
            "(#133005) Two step verification PIN Mismatch",
            details="Two-step verification PIN mismatch.",
        ),
        BAD_STATE,
    ),
    Reason.PIN_GUESSES: (
        seen(
            133008,
            "(#133008) Too many two step verification PIN guesses",
            details="Too many PIN guesses for this phone number. Try again in {wait}.",
        ),
        _REGISTER_RATE,
    ),
    Reason.PIN_TOO_FAST: (
        seen(
            133009,
            "(#133009) Two step verification PIN guessed too fast",
            details="PIN entered too quickly. Try again in {wait}.",
        ),
        _REGISTER_RATE,
    ),
    Reason.NOT_VERIFIED: (_UNVERIFIED, BAD_STATE),
    Reason.SIGNUP_WINDOW: (_UNVERIFIED, BAD_STATE),
    Reason.NAME_NOT_PROCESSED: (
        seen(
            100,
            "Invalid parameter",
            2388001,
            title="Cannot Create Certificate",
            user_msg="Your display name could not be processed. Please edit your display name "
            "and try again.",
        ),
        BAD_STATE,
    ),
    Reason.REGISTER_WINDOW: (
        seen(133016, _TOO_MANY, details=_TOO_MANY_DETAILS),
        _REGISTER_RATE,
    ),
    Reason.DEREGISTER_WINDOW: (
        seen(133016, _TOO_MANY, details=_TOO_MANY_DETAILS),
        throttled("Rate limit exceeded for deregistration requests"),
    ),
    Reason.REGISTER_SMB: both(seen(100, "Register endpoint is not available for SMB businesses.")),
    Reason.DEREGISTER_SMB: both(
        seen(100, "Deregister endpoint is not available for API solution for SMB businesses.")
    ),
    Reason.REGISTER_APP_LINKED: (seen(100, "(#100) Missing Permission"), BAD_STATE),
    Reason.DEREGISTER_UNFINISHED: (
        Form(500, 133000, "(#133000) Incomplete deregistration", details="Deregister again."),
        Form(500, 2, "An unexpected error occurred. Please retry your request", type=METHOD),
    ),
    Reason.ACCOUNT_LOCKED: (
        Form(FORBIDDEN, 131031, "(#131031) Business Account locked"),
        BAD_STATE,
    ),
    Reason.RECENTLY_DELETED: (
        seen(
            133015,
            "(#133015) Please wait a few minutes before attempting to register this phone number",
            details="The phone number was recently deleted and its deletion is not complete.",
        ),
        BAD_STATE,
    ),
    Reason.NOT_REGISTERED: both(
        seen(100, "Phone number not registered on the WhatsApp Business Platform.", 2207051)
    ),
    Reason.NAME_CHANGES: (
        seen(100, "(#100) You have changed the display name too many times"),
        unprocessable("The display name was changed too many times"),
    ),
    Reason.NAME_IN_REVIEW: (
        seen(100, "(#100) You can't edit the verified name: review already in progress"),
        unprocessable("Phone number is currently under review"),
    ),
    Reason.CALLBACK_FORMAT: (
        seen(100, "(#100) Param override_callback_uri must be a valid URI"),
        seen(100, "Invalid callback URI format"),
    ),
    Reason.OVERRIDE_FIRST: both(
        seen(
            100,
            "(#100) Before override the current callback uri, your app must be subscribed to "
            "receive messages for WhatsApp Business Account",
        )
    ),
    # Meta's rules name no answer; this is the one that an app's own subscription was seen to get.
    Reason.CALLBACK_UNVERIFIED: both(
        seen(2200, "(#2200) Callback verification failed with the following errors: {why}")
    ),
    Reason.NOT_SUBSCRIBED: both(
        Form(
            NOT_FOUND,
            803,
            "WhatsApp Business Account not found or not subscribed",
            type=METHOD,
        )
    ),
    Reason.WABA_BUDGET: (
        seen(
            80007,
            "(#80007) There have been too many calls to this WhatsApp Business account. Wait a "
            "bit and try again.",
            2446079,
        ),
        throttled("Business request limit reached for WhatsApp Business Account", 80007),
    ),
    Reason.WABA_BUDGET_LIST: (
        seen(
            80008,
            "(#80008) There have been too many calls to this WhatsApp Business account. Wait a "
            "bit and try again.",
            2446079,
        ),
        throttled("Business request limit reached for WhatsApp Business Account", 80008),
    ),
    Reason.APP_BUDGET: (
        seen(4, "(#4) Application request limit reached", 2446079),
        throttled("Application request limit reached"),
    ),
    Reason.TOKEN_BUDGET: (
        seen(17, "(#17) User request limit reached", 2446079),
        throttled("User request limit reached", 17),
    ),
    Reason.SERVICE: (
        Form(500, 2, "(#2) Service temporarily unavailable", transient=True),
        Form(
            500,
            2,
            "An unexpected error occurred. Please retry your request",
            type=METHOD,
            transient=True,
        ),
    ),
}

TABLE = _TABLE | CREATION
