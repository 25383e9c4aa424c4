"""The rows of the table that refuse to put a number onto a WABA: create, migrate, claim."""

from __future__ import annotations

from onboarding.simulator.refusal_forms import (
    BAD_STATE,
    CONFLICT,
    DENIED,
    FORBIDDEN,
    HIDDEN,
    METHOD,
    UNPROCESSABLE,
    both,
    forbidden,
    seen,
    unprocessable,
)
from onboarding.simulator.refusals import Form, Reason

_ADD_FAILED = "Cannot add phone number to WhatsApp Business Account"
_MIGRATE_FAILED = "Cannot migrate phone number"
_CLAIM_FAILED = "Cannot use pre-verified phone number"
_TAKEN = Form(
    CONFLICT, 100, "Phone number is already registered with WhatsApp Business", type=METHOD
)


def _migration(told: str, subcode: int = 2388103) -> tuple[Form, Form]:
    """One subcode has many causes: only the text tells which one it was."""
    observed = seen(
        100, "Invalid parameter", subcode, title=_MIGRATE_FAILED, user_msg=told, details=told
    )
    return observed, unprocessable(told, title=_MIGRATE_FAILED, user_msg=told)


def _claim(told: str) -> tuple[Form, Form]:
    observed = seen(100, f"(#100) {told}", title=_CLAIM_FAILED, user_msg=told)
    return observed, unprocessable(told, title=_CLAIM_FAILED, user_msg=told)


_CREATE: dict[Reason, tuple[Form, Form]] = {
    Reason.PHONE_FORMAT: (
        seen(100, "(#100) Param phone_number must be a phone number"),
        seen(100, "Invalid parameter: phone_number must be in E.164 format"),
    ),
    Reason.PHONE_INVALID: (
        seen(100, "(#100) Invalid phone number"),
        unprocessable("Phone number validation failed: invalid format"),
    ),
    Reason.NOT_PARTNER: (
        seen(
            200000,
            _ADD_FAILED,
            3095008,
            title=_ADD_FAILED,
            user_msg="The business that owns this app is not a solution provider.",
        ),
        forbidden(
            "Your app doesn't have permission to access this WhatsApp Business Account",
            1349174,
            **DENIED,
        ),
    ),
    Reason.WABA_RESTRICTED: both(
        Form(FORBIDDEN, 368, "(#368) The action attempted has been deemed abusive or disallowed")
    ),
    Reason.NUMBER_CAP: (
        seen(
            200,
            "(#200) Phone number limit exceeded",
            1349175,
            title="Limit Exceeded",
            user_msg="You have reached the maximum number of phone numbers for this account",
        ),
        forbidden(
            "Phone number limit exceeded for this WhatsApp Business Account",
            1349175,
            title="Limit Exceeded",
            user_msg="You have reached the maximum number of phone numbers for this account",
        ),
    ),
    Reason.NUMBER_DUPLICATE: (
        seen(
            100,
            "Invalid parameter",
            2388012,
            title="Number already added",
            user_msg="The phone number is already in your list of phone numbers.",
        ),
        _TAKEN,
    ),
    Reason.NUMBER_IN_USE: (
        seen(
            200000,
            _ADD_FAILED,
            title=_ADD_FAILED,
            user_msg="This number is registered on a WhatsApp account. Disconnect it and try "
            "again; this can take up to 3 minutes.",
        ),
        _TAKEN,
    ),
    Reason.NUMBER_BANNED: (
        seen(200000, _ADD_FAILED, title=_ADD_FAILED, user_msg="This phone number has been banned."),
        unprocessable("Phone number validation failed: the number is banned"),
    ),
}

_MIGRATE: dict[Reason, tuple[Form, Form]] = {
    Reason.MIGRATE_WEBHOOKS: _migration(
        "Webhooks are not set up for the destination WhatsApp Business Account: subscribe your "
        "app to it."
    ),
    Reason.MIGRATE_DIRECTLY: _migration(
        "This phone number can be added directly and does not need the migration."
    ),
    Reason.MIGRATE_NAME: _migration(
        "The verified name of the phone number must be there and approved, with no change of it "
        "pending."
    ),
    Reason.MIGRATE_SOURCE: _migration(
        "The source WhatsApp Business Account is not set up for a migration: {why}."
    ),
    Reason.MIGRATE_PAYMENT: _migration(
        "The destination WhatsApp Business Account has no payment account."
    ),
    Reason.MIGRATE_LATER: _migration(
        "The phone number cannot be migrated right now: another migration of it is under way. "
        "Try again later."
    ),
    Reason.MIGRATE_BUSINESS: _migration(
        "The phone number and the destination belong to different businesses: both must be in "
        "the same Business Manager."
    ),
    Reason.MIGRATE_DESTINATION: _migration(
        "The destination WhatsApp Business Account is not approved: {why}."
    ),
    Reason.MIGRATE_MESSAGING_FOR: _migration(
        'The "messaging for" request of the destination WhatsApp Business Account is still open.'
    ),
    Reason.MIGRATE_TEST_NUMBER: _migration("Test numbers and 555 numbers cannot be migrated."),
    Reason.MIGRATE_APP_NUMBER: _migration(
        "The phone number is in use with the WhatsApp Business app and cannot be migrated."
    ),
    Reason.MIGRATE_TWO_STEP: _migration(
        "Two-step verification must be turned off for this phone number before it is migrated.",
        2388001,
    ),
    Reason.MIGRATE_OWNERSHIP: (
        seen(
            100,
            "Invalid parameter",
            2388001,
            title="Cannot Create Certificate",
            user_msg="Confirm the ownership of the phone number that is being migrated first.",
            details="The ownership of the phone number that is being migrated is not confirmed.",
        ),
        BAD_STATE,
    ),
    Reason.MIGRATED: (
        HIDDEN,
        unprocessable("The phone number was migrated to another WhatsApp Business Account"),
    ),
}

_PREVERIFIED: dict[Reason, tuple[Form, Form]] = {
    Reason.PREVERIFIED_UNKNOWN: _claim("There is no pre-verified phone number {id}."),
    Reason.PREVERIFIED_CLAIMED: _claim("The pre-verified phone number {id} was claimed before."),
    Reason.PREVERIFIED_UNVERIFIED: _claim("The pre-verified phone number {id} is not verified."),
    Reason.PREVERIFIED_EXPIRED: _claim(
        "The verification of the pre-verified phone number {id} has expired."
    ),
    Reason.PREVERIFIED_OTHER: _claim("The pre-verified phone number {id} is another number."),
    Reason.POOL_FULL: both(
        unprocessable("Maximum number of phone numbers per business account exceeded")
    ),
    Reason.POOL_CODE_VOLUME: (
        seen(136024, "Request code error", 2388367, title="Could not send the code"),
        Form(UNPROCESSABLE, 613, "Too many verification code requests", type=METHOD),
    ),
    Reason.SHARED_ALREADY: both(
        unprocessable("The phone number {id} is already shared with this partner")
    ),
    Reason.NOT_SHARED: both(unprocessable("The phone number {id} is not shared with this partner")),
    Reason.NO_PARTNER: both(
        unprocessable("The business {id} has no partner relationship with this business")
    ),
}

CREATION = _CREATE | _MIGRATE | _PREVERIFIED
