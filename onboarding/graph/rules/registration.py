"""Codes of WhatsApp: accounts, one-time codes, registration.

Source: Meta's rules, WhatsApp codes and the registration and code family.
"""

from __future__ import annotations

from onboarding.graph.rules.rule import (
    ASK_META,
    DAY_S,
    DEREGISTER,
    HOUR_S,
    ITSELF,
    MINUTE_S,
    NOT_OURS,
    READS,
    REGISTER,
    REGISTRATION,
    REPORT,
    REQUEST_CODE,
    REREAD,
    VERIFY_CODE,
    Rule,
    rule,
)
from onboarding.model import Effect, RecoveryClass

_BUG = RecoveryClass.BUG
_HUMAN = RecoveryClass.HUMAN
_PERMANENT = RecoveryClass.PERMANENT
_RECONCILE = RecoveryClass.RECONCILE
_TRANSIENT = RecoveryClass.TRANSIENT
_WAIT = RecoveryClass.WAIT
_UNKNOWN = Effect.UNKNOWN

_WHATSAPP = (
    rule(131000, _TRANSIENT, "Something went wrong at Meta.", ITSELF, effect=_UNKNOWN),
    rule(
        131005,
        _HUMAN,
        "Access is denied.",
        "Grant the app the whatsapp_business permissions on this account, then resume.",
    ),
    rule(131008, _BUG, "A required parameter is missing.", REPORT),
    rule(131009, _BUG, "A parameter has a value that Meta does not take.", REPORT),
    rule(131016, _TRANSIENT, "A service of Meta is unavailable.", ITSELF, effect=_UNKNOWN),
    rule(131021, _BUG, "Sender and recipient are the same.", NOT_OURS),
    rule(
        131031,
        _HUMAN,
        "The account is locked or restricted, or the two-step PIN is wrong.",
        "Read the account's health in WhatsApp Manager; if it is well, set the PIN anew.",
    ),
    rule(
        131037,
        _WAIT,
        "A 555 number needs an approved display name first.",
        "Wait for the name's approval, or set another name.",
        wait_s=DAY_S,
    ),
    rule(
        131042,
        _HUMAN,
        "The account has no valid payment method.",
        "Add a payment method to the account.",
    ),
    rule(
        131045,
        _HUMAN,
        "The certificate of the number is not right.",
        "Register the number once more; if that fails, set the display name again.",
    ),
    rule(
        131057,
        _TRANSIENT,
        "The account is in maintenance for about a minute.",
        ITSELF,
        wait_s=MINUTE_S,
    ),
    rule(
        131059,
        _TRANSIENT,
        "The cursor of the list has expired.",
        "Nothing to do: the list is read from its first page.",
    ),
    rule(
        130497,
        _HUMAN,
        "The business may not use WhatsApp in this country.",
        "Read Meta's rules for the country; the number cannot be used there.",
    ),
    rule(135000, _HUMAN, "Meta refused a parameter without saying which.", REPORT),
    rule(
        2494100,
        _WAIT,
        "The number is in maintenance.",
        ITSELF,
        wait_s=5 * MINUTE_S,
    ),
)

_PINS = (
    rule(
        133005,
        _HUMAN,
        "The two-step PIN is not the one that the number has.",
        "Give the right PIN, or let the owner switch off two-step verification.",
    ),
    rule(
        133008,
        _WAIT,
        "Too many wrong PINs were tried.",
        "Wait, then give the right PIN or let the owner switch off two-step verification.",
        wait_s=DAY_S,
    ),
    rule(
        133009,
        _WAIT,
        "PINs were tried too fast.",
        "Nothing to do: it is tried again after the wait.",
        wait_s=HOUR_S,
    ),
)

_REGISTRATION = (
    rule(
        133000,
        _RECONCILE,
        "An earlier deregistration did not finish.",
        "Deregister the number again, then register it; each counts against its limit.",
    ),
    rule(133001, _HUMAN, "A decryption failed.", "Make a new backup of the old installation."),
    rule(
        133002,
        _HUMAN,
        "The backup could not be decrypted.",
        "Make a new backup of the old installation.",
    ),
    rule(
        133003,
        _HUMAN,
        "The recovery token could not be decrypted.",
        "Make a new backup of the old installation.",
    ),
    rule(
        133004,
        _TRANSIENT,
        "Meta's registration server is not available for the moment.",
        ITSELF,
        effect=_UNKNOWN,
        wait_s=MINUTE_S,
    ),
    rule(
        133006,
        _RECONCILE,
        "The number must be verified again before it is registered.",
        "Have a new code sent and handed in.",
    ),
    rule(133007, _HUMAN, "Meta has blocked the number.", ASK_META),
    rule(133010, _RECONCILE, "The number is not registered.", REREAD),
    rule(
        133015,
        _WAIT,
        "The number was deleted a moment ago; Meta has not finished.",
        "Nothing to do: it is tried again after five minutes.",
        wait_s=5 * MINUTE_S,
    ),
    rule(
        133016,
        _WAIT,
        "The number was registered or deregistered too often; Meta blocks it for 72 hours.",
        "Nothing to do: it goes on after the 72 hours. Do not register it elsewhere meanwhile.",
        wait_s=3 * DAY_S,
    ),
    rule(
        100,
        _PERMANENT,
        "The number is used with the WhatsApp Business app; such numbers are never registered.",
        "Leave the number with the app, or take it off the app and add it anew.",
        text="for smb businesses",
        on=REGISTRATION,
    ),
    rule(
        100,
        _PERMANENT,
        "The number is used with the WhatsApp Business app; such numbers are never registered.",
        "Leave the number with the app, or take it off the app and add it anew.",
        text="api solution for smb",
        on=REGISTRATION,
    ),
    rule(
        100,
        _HUMAN,
        "Meta names a missing permission; often the number is only linked to the Business app.",
        "Look at the number's platform_type first, then at the token's permissions.",
        text="missing permission",
        on=REGISTER,
    ),
    rule(
        100,
        _RECONCILE,
        "The number is registered already, or not ready for it.",
        REREAD,
        text="already registered",
        on=REGISTER,
    ),
    rule(
        100,
        _RECONCILE,
        "The number was not registered anyway.",
        "Nothing to do: this is what was wanted.",
        sub=2207051,
        on=DEREGISTER,
        effect=Effect.DONE,
    ),
    rule(
        100,
        _RECONCILE,
        "The number was not on the Cloud API anyway.",
        "Nothing to do: this is what was wanted.",
        text="not currently linked in facebook hosted system",
        on=DEREGISTER,
        effect=Effect.DONE,
    ),
    rule(100, _BUG, "The PIN is not of Meta's form.", REPORT, text="invalid pin format"),
)

_CODES = (
    rule(
        136024,
        _WAIT,
        "Meta did not send the code.",
        "Nothing to do: it is asked again later. If it repeats, look at the number's state.",
        on=REQUEST_CODE,
        wait_s=HOUR_S,
    ),
    rule(
        136024,
        _WAIT,
        "Meta did not send the code and asks to wait; a repeat has a cause that waiting ignores.",
        "Nothing to do at first. If it repeats, see whether the number is on the Business app.",
        sub=2388091,
        wait_s=HOUR_S,
    ),
    rule(
        136024,
        _WAIT,
        "Codes were asked for too often; WhatsApp Manager and the API count together.",
        "Wait, and ask for no code anywhere else meanwhile.",
        sub=2388367,
        wait_s=DAY_S,
    ),
    rule(136024, _RECONCILE, "The number is verified.", REREAD, text="already verified"),
    rule(136024, _RECONCILE, "The number is verified.", REREAD, text="already been verified"),
    rule(
        136025,
        _HUMAN,
        "The code was not accepted.",
        "Hand in the newest code; ask for a new one if it is older than ten minutes.",
        on=VERIFY_CODE,
    ),
    rule(
        136025,
        _HUMAN,
        "The code is wrong.",
        "Hand in the newest code; ask for a new one if it is older than ten minutes.",
        sub=2388093,
    ),
    rule(
        100,
        _HUMAN,
        "The code is wrong or has expired.",
        "Hand in the newest code; ask for a new one if it is older than ten minutes.",
        text="verification code",
        on=VERIFY_CODE,
    ),
    rule(100, _RECONCILE, "The number is verified.", REREAD, text="already verified"),
    rule(100, _RECONCILE, "The number is verified.", REREAD, text="already been verified"),
    rule(
        100,
        _WAIT,
        "The number cannot get a code at this time.",
        "Nothing to do at first. If it repeats, see whether the number is on the Business app.",
        text="not eligible for verification",
        on=REQUEST_CODE,
        wait_s=HOUR_S,
    ),
    rule(
        100,
        _TRANSIENT,
        "Meta cannot tell about the number for the moment.",
        ITSELF,
        text="temporarily unavailable",
        on=READS,
    ),
)

REGISTRATIONS: tuple[Rule, ...] = _WHATSAPP + _PINS + _REGISTRATION + _CODES
