"""Codes of Graph in general. Source: Meta's rules, general Graph codes."""

from __future__ import annotations

from onboarding.graph.rules.rule import (
    ASK_META,
    BUG,
    CREATE,
    DAY_S,
    DEREGISTER,
    GRANT,
    HOUR_S,
    HUMAN,
    ITSELF,
    LOG_IN,
    NOT_OURS,
    PERMANENT,
    REAUTH,
    RECONCILE,
    REGISTER,
    RENEW,
    REPORT,
    REREAD,
    RUN_SIGNUP,
    SLOWER,
    THROTTLE_APP,
    THROTTLE_TOKEN,
    THROTTLE_WABA,
    TRANSIENT,
    UNKNOWN,
    VERIFY_CODE,
    WAIT,
    Rule,
    rule,
)
from onboarding.model import Effect

_FAULTS = (
    rule(1, TRANSIENT, "Meta had a fault or did not understand.", ITSELF, effect=UNKNOWN),
    rule(2, TRANSIENT, "Meta's service is down or overloaded.", ITSELF, effect=UNKNOWN),
    rule(3, HUMAN, "The app lacks a capability.", "Add the capability in the App Dashboard."),
    rule(300, TRANSIENT, "Meta could not store the change.", ITSELF, effect=UNKNOWN),
    rule(506, RECONCILE, "The same call was made just before.", REREAD),
    rule(
        1752041,
        RECONCILE,
        "The same onboarding was asked for before.",
        REREAD,
        effect=Effect.DONE,
    ),
)

_LIMITS = (
    rule(4, THROTTLE_APP, "The app's call limit is reached.", SLOWER, wait_s=HOUR_S),
    rule(4, THROTTLE_APP, "The app's call limit is reached.", SLOWER, sub=2446079, wait_s=HOUR_S),
    rule(
        4,
        WAIT,
        "This number was registered too often.",
        "Nothing to do: registration goes on after 72 hours.",
        sub=2446079,
        text="registration rate limit",
        on=REGISTER,
        wait_s=3 * DAY_S,
    ),
    rule(
        4,
        WAIT,
        "This number was deregistered too often.",
        "Nothing to do: it goes on after 72 hours.",
        sub=2446079,
        text="deregistration requests",
        on=DEREGISTER,
        wait_s=3 * DAY_S,
    ),
    rule(
        4,
        WAIT,
        "Too many codes were tried for this number.",
        "Wait about 12 hours, then ask for a new code.",
        sub=2446079,
        text="verification attempts",
        on=VERIFY_CODE,
        wait_s=12 * HOUR_S,
    ),
    rule(4, THROTTLE_APP, "Too many numbers were created.", SLOWER, sub=2446080, wait_s=HOUR_S),
    rule(17, THROTTLE_TOKEN, "The call limit of this token is reached.", SLOWER, wait_s=HOUR_S),
    rule(
        17,
        THROTTLE_TOKEN,
        "The call limit of this token is reached.",
        SLOWER,
        sub=2446079,
        wait_s=HOUR_S,
    ),
    rule(32, THROTTLE_APP, "A page's call limit is reached.", SLOWER, wait_s=HOUR_S),
    rule(341, THROTTLE_APP, "The app's limit of actions is reached.", SLOWER, wait_s=HOUR_S),
    rule(613, THROTTLE_WABA, "The limit of this kind of call is reached.", SLOWER, wait_s=HOUR_S),
    rule(80007, THROTTLE_WABA, "The WABA's call limit is reached.", SLOWER, wait_s=HOUR_S),
    rule(
        80007,
        THROTTLE_WABA,
        "The WABA's call limit is reached.",
        SLOWER,
        sub=2446079,
        wait_s=HOUR_S,
    ),
    rule(80008, THROTTLE_WABA, "The WABA had too many calls.", SLOWER, wait_s=HOUR_S),
    rule(130429, TRANSIENT, "Messages are sent too fast.", NOT_OURS),
    rule(130429, TRANSIENT, "Messages are sent too fast.", NOT_OURS, sub=2494055),
)

_TOKENS = (
    rule(0, REAUTH, "Meta could not authenticate the app user.", RENEW),
    rule(102, REAUTH, "The session is not valid any more.", RENEW),
    rule(
        104,
        BUG,
        "The token or the proof of the app secret is missing or wrong.",
        "Check the token and the app secret in the settings: both must be of the same app.",
    ),
    rule(190, REAUTH, "The access token is not valid.", RENEW),
    rule(190, REAUTH, "The session of the token is malformed.", RENEW, sub=456),
    rule(190, REAUTH, "The token has an invalid origin.", RENEW, sub=457),
    rule(190, REAUTH, "The customer removed the app.", RUN_SIGNUP, sub=458),
    rule(190, HUMAN, "The owner of the token must pass a check.", LOG_IN, sub=459),
    rule(190, REAUTH, "The password behind the token changed.", RENEW, sub=460),
    rule(190, REAUTH, "The app was installed anew.", RENEW, sub=461),
    rule(190, REAUTH, "The session of the token is stale.", RENEW, sub=462),
    rule(190, REAUTH, "The access token has expired.", RENEW, sub=463),
    rule(190, HUMAN, "The owner of the token is not confirmed.", LOG_IN, sub=464),
    rule(190, HUMAN, "The owner of the token is not valid.", LOG_IN, sub=465),
    rule(190, REAUTH, "The token was invalidated.", RENEW, sub=466),
    rule(190, REAUTH, "The token was logged out.", RENEW, sub=467),
    rule(190, REAUTH, "The token was not used for long.", RENEW, sub=468),
    rule(190, HUMAN, "The owner of the token has no role on the account.", GRANT, sub=492),
)

_PERMISSIONS = (
    rule(
        10,
        HUMAN,
        "The app may not do this; some calls are for Meta's solution partners only.",
        GRANT,
    ),
    rule(200, HUMAN, "A permission is missing.", GRANT),
    rule(200, HUMAN, "The app has no permission on this object.", GRANT, sub=1349174),
    rule(
        200,
        HUMAN,
        "The app is not linked to this WABA.",
        "Share the WABA with the app, then resume.",
        sub=1349175,
    ),
    rule(
        200,
        HUMAN,
        "The account has no room for another number.",
        "Remove an unused number in WhatsApp Manager, or verify the business to raise the limit.",
        sub=1349175,
        on=CREATE,
    ),
    rule(200, HUMAN, "A whatsapp_business permission is missing.", GRANT, sub=1349176),
    rule(
        368,
        HUMAN,
        "Meta has blocked the account for a while, for policy reasons.",
        "Read the account's health in WhatsApp Manager and settle what Meta names there.",
    ),
)

_OBJECTS = (
    rule(
        33,
        PERMANENT,
        "The number was deleted at Meta.",
        "The list of the WABA is read, and decides. If the number is gone, add it again.",
    ),
    rule(
        100,
        RECONCILE,
        "The object does not exist or the token may not see it.",
        "Check that the token belongs to this WABA and that the number is still on it.",
        sub=33,
    ),
    rule(192, PERMANENT, "This is not a valid phone number.", "Correct the number."),
    rule(
        803,
        PERMANENT,
        "The object was not found.",
        "The list of the WABA is read, and decides. If the number is on it, check that the token "
        "may see it; if it was deleted, add it again.",
    ),
    rule(
        100,
        HUMAN,
        "Meta refused a parameter, or what it stands for.",
        "Read Meta's message, mend what it names, then resume. If it says nothing: " + ASK_META,
    ),
    rule(100, BUG, "A parameter is not of Meta's form.", REPORT, text="invalid parameter:"),
)

GENERAL: tuple[Rule, ...] = _FAULTS + _LIMITS + _TOKENS + _PERMISSIONS + _OBJECTS
