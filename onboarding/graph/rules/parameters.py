"""Code 100 and its many causes, and the codes of 2,000,000 and more.

Source: Meta's rules, code 100 and its subcodes.
"""

from __future__ import annotations

from onboarding.graph.rules.rule import (
    ASK_META,
    BUG,
    CREATE,
    EXCHANGE,
    HOUR_S,
    HUMAN,
    MINUTE_S,
    NOT_OURS,
    PERMANENT,
    READS,
    RECONCILE,
    REGISTER,
    REPORT,
    REQUEST_CODE,
    REREAD,
    RUN_SIGNUP,
    SUBSCRIBE,
    TRANSIENT,
    VERIFY_CODE,
    WAIT,
    Rule,
    rule,
)

_NAMES = (
    rule(
        100,
        WAIT,
        "The display name has not been processed yet, or was refused.",
        "Nothing to do while the name is under review; if it was declined, set another name.",
        sub=2388001,
        on=REGISTER,
        wait_s=15 * MINUTE_S,
    ),
    rule(
        100,
        HUMAN,
        "Ownership must be confirmed first, or two-step verification is on at the old account.",
        "Let the owner switch off two-step verification at the old account, then verify again.",
        sub=2388001,
    ),
)

_CREATION = (
    rule(100, RECONCILE, "The number is on the WABA already.", REREAD, sub=2388012),
    rule(
        100,
        RECONCILE,
        "The number is on WhatsApp Business already, perhaps on this WABA.",
        "Look whether the number is on another account; if so, take it off there first.",
        text="already registered",
        on=CREATE,
    ),
    rule(
        100,
        HUMAN,
        "The account has no room for another number.",
        "Remove an unused number in WhatsApp Manager, or verify the business to raise the limit.",
        text="maximum number of phone numbers",
        on=CREATE,
    ),
    rule(
        100,
        BUG,
        "Meta wants the number in another form.",
        "Send it once more with the calling code as part of phone_number.",
        text="e.164",
        on=CREATE,
    ),
    rule(
        100,
        PERMANENT,
        "This is not a valid phone number.",
        "Correct the number.",
        text="phone number validation failed",
        on=CREATE,
    ),
    rule(
        100,
        PERMANENT,
        "This is not a valid phone number.",
        "Correct the number.",
        text="invalid phone number",
        on=CREATE,
    ),
    rule(
        200000,
        RECONCILE,
        "The number cannot be added to this WABA, perhaps because it is on it.",
        "See that the number is not in use on WhatsApp, not banned, and not on this WABA already.",
    ),
    rule(
        200000,
        HUMAN,
        "The number cannot be added to this WABA.",
        "Only solution partners may add numbers, not to an app's WABA, and only up to its limit.",
        sub=3095008,
    ),
)

_MIGRATION = (
    rule(
        100,
        WAIT,
        "The number cannot get a code: it is not being migrated.",
        "Nothing to do at first. If it repeats, start the migration again.",
        sub=2388091,
        on=REQUEST_CODE,
        wait_s=HOUR_S,
    ),
    rule(
        100,
        HUMAN,
        "The code is wrong, or the number is not being migrated.",
        "Hand in the newest code; if it is right, start the migration again.",
        sub=2388093,
        on=VERIFY_CODE,
    ),
    rule(
        100,
        HUMAN,
        "The number cannot be migrated.",
        "Read Meta's message: it names which account or name is not ready.",
        sub=2388103,
    ),
    rule(
        100,
        RECONCILE,
        "The destination WABA has no webhooks.",
        "Subscribe the app to the destination WABA, then start the migration again.",
        sub=2388103,
        text="webhook",
    ),
    rule(
        100,
        PERMANENT,
        "The number needs no migration.",
        "Add it as a new number.",
        sub=2388103,
        text="without migrat",
    ),
    rule(
        100,
        PERMANENT,
        "The number needs no migration.",
        "Add it as a new number.",
        sub=2388103,
        text="directly",
    ),
    rule(
        100,
        HUMAN,
        "The display name is missing, not approved or under review.",
        "Wait for the approval of the name at the old account.",
        sub=2388103,
        text="verified name",
    ),
    rule(
        100,
        HUMAN,
        "The source WABA is not set up rightly.",
        "Let the owner of the source WABA mend it.",
        sub=2388103,
        text="source",
    ),
    rule(
        100,
        HUMAN,
        "The destination WABA has no payment method.",
        "Add a payment method to the destination WABA.",
        sub=2388103,
        text="payment",
    ),
    rule(
        100,
        TRANSIENT,
        "The migration failed for the moment.",
        "Nothing to do at first. If it repeats: " + ASK_META,
        sub=2388103,
        text="try again later",
    ),
    rule(
        100,
        HUMAN,
        "The two WABAs belong to different businesses.",
        "Migrate within one business, or use Embedded Signup.",
        sub=2388103,
        text="business manager",
    ),
    rule(
        100,
        HUMAN,
        "The destination WABA is not approved.",
        "Wait for Meta's review of the destination WABA.",
        sub=2388103,
        text="not approved",
    ),
    rule(
        100,
        HUMAN,
        "The request to send messages for this business is not approved.",
        "Let the business approve the request in Meta Business Suite.",
        sub=2388103,
        text="messaging for",
    ),
)

_TEXTS = (
    rule(
        100,
        BUG,
        "A field was asked for that Meta does not know in this version.",
        "Nothing to do: the read goes on without the field.",
        text="nonexisting field",
        on=READS,
    ),
    rule(
        100,
        BUG,
        "A field was asked for that this account does not have.",
        REPORT,
        text="requested fields are not available",
        on=READS,
    ),
    rule(
        100,
        RECONCILE,
        "The app must be subscribed to the WABA before its callback can be set.",
        "Subscribe the app first, then set the callback.",
        text="before override the current callback uri",
        on=SUBSCRIBE,
    ),
    rule(
        100,
        HUMAN,
        "The code of Embedded Signup is older than its 30 seconds.",
        RUN_SIGNUP,
        text="code has expired",
        on=EXCHANGE,
    ),
    rule(
        100,
        HUMAN,
        "The code of Embedded Signup was exchanged before.",
        RUN_SIGNUP,
        text="code has been used",
        on=EXCHANGE,
    ),
    rule(
        100,
        BUG,
        "The proof made with the app secret is wrong.",
        "Check the app secret in the settings: it must be of the app that the token was made for.",
        text="invalid appsecret_proof",
    ),
    rule(
        100,
        BUG,
        "The app demands a proof made with its secret.",
        "Set the app secret in the settings.",
        text="require an appsecret_proof",
    ),
    rule(100, BUG, "A required parameter is missing.", REPORT, text="missing required parameter"),
    rule(100, BUG, "A required parameter is missing.", REPORT, text="(#100) the parameter "),
    rule(100, BUG, "A parameter is not of Meta's form.", REPORT, text="(#100) param "),
    rule(
        100,
        BUG,
        "A field was asked for that Meta does not know in this version.",
        REPORT,
        text="invalid field requested",
        on=READS,
    ),
)

_OWNERSHIP = "Settle the ownership of the WABA in Meta Business Suite."
_OFFBOARD = "Take the number off and let the customer run Embedded Signup again."

_OTHERS = (
    rule(
        2200,
        HUMAN,
        "The callback did not answer Meta's handshake.",
        "Let the address answer Meta's GET with hub.challenge where hub.verify_token is the one "
        "that was given; it is tried again every hour.",
        on=SUBSCRIBE,
    ),
    rule(2593079, HUMAN, "The ownership of the WABA cannot be moved.", _OWNERSHIP),
    rule(2593085, HUMAN, "The ownership of the WABA cannot be moved.", _OWNERSHIP),
    rule(2593107, PERMANENT, "The app's data was asked for more than once.", _OFFBOARD),
    rule(2593108, PERMANENT, "The app's data was asked for after its 24 hours.", _OFFBOARD),
    rule(2593109, PERMANENT, "The business does not share its history.", "Nothing to do."),
    *(
        rule(code, HUMAN, "This is about insights of templates.", NOT_OURS)
        for code in (200005, 200006, 200007)
    ),
    *(
        rule(100, HUMAN, "This is about message templates.", NOT_OURS, sub=subcode)
        for subcode in (2388019, 2388040, 2388047, 2388072, 2388073, 2388293, 2388299)
    ),
)

PARAMETERS: tuple[Rule, ...] = _NAMES + _CREATION + _MIGRATION + _TEXTS + _OTHERS
