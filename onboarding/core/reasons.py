"""Why an onboarding waits, on whom, and what that person can do: one catalogue for all."""

from __future__ import annotations

from dataclasses import dataclass

from onboarding.model import Owner, Reason, State, What


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a reason tells a person. ``{id}`` and ``{waba_id}`` are filled in on display."""

    owner: Owner
    text: str
    remedy: str = ""


MEANINGS = {
    Reason.DUE: Meaning(Owner.ENGINE, "the next step is due"),
    Reason.SETTLING: Meaning(
        Owner.ENGINE, "a call was not answered; it is looked into before anything is repeated"
    ),
    Reason.RESTORED: Meaning(
        Owner.OPERATOR,
        "this database is a restored copy; it calls nobody until a person releases it",
        'onboarding db release --reason "..."   (once the original is stopped for good)',
    ),
    Reason.LISTING: Meaning(Owner.ENGINE, "the WABA's list is to be read"),
    Reason.RETRY: Meaning(Owner.ENGINE, "a passing failure; tried again by itself"),
    Reason.BUDGET: Meaning(Owner.ENGINE, "a call budget is spent; goes on when it frees up"),
    Reason.THROTTLED: Meaning(Owner.META, "Meta throttles the app, the WABA or the token"),
    Reason.SUBSCRIBING: Meaning(
        Owner.ENGINE, "the WABA is looked at: the app's subscription, and how many numbers it takes"
    ),
    Reason.DEADLINE_CHECK: Meaning(
        Owner.ENGINE, "the window is over; the list is read once more before it counts as expired"
    ),
    Reason.NOT_ON_WABA: Meaning(
        Owner.PARTNER,
        "the number is not on the WABA: Embedded Signup was not finished, or on another WABA",
        "have the customer finish Embedded Signup with this number on WABA {waba_id}",
    ),
    Reason.CODE_READY: Meaning(
        Owner.HOLDER,
        "nobody is known to be ready to read the one-time code",
        "onboarding code {id} --ready   (when the holder can read it)",
    ),
    Reason.CODE_WINDOW: Meaning(
        Owner.ENGINE,
        "the holder's hours for the code have not come: its window is shut, or it is night there",
    ),
    Reason.CODE: Meaning(
        Owner.HOLDER, "a one-time code is on its way to the holder", "onboarding code {id} 123-456"
    ),
    Reason.NAME_IN_REVIEW: Meaning(Owner.META, "Meta reviews the display name"),
    Reason.NAME_MISSING: Meaning(
        Owner.PARTNER,
        "Meta shows no usable display name",
        'onboarding rename {id} "New name"',
    ),
    Reason.NAME_DECLINED: Meaning(
        Owner.PARTNER, "Meta declined the display name", 'onboarding rename {id} "New name"'
    ),
    Reason.NAME_EXPIRED: Meaning(
        Owner.PARTNER,
        "the approval of the display name expired before registration",
        'onboarding rename {id} "Name"   (the same name may be submitted again)',
    ),
    Reason.CONNECTING: Meaning(
        Owner.META, "registered; waiting for Meta to show CONNECTED on CLOUD_API"
    ),
    Reason.ACCOUNT_HELD: Meaning(
        Owner.OPERATOR,
        "the WABA's account is on hold",
        "onboarding account check {waba_id}; if its token is dead, a new one: "
        "onboarding account add {waba_id}",
    ),
    Reason.HELD: Meaning(Owner.OPERATOR, "on hold", "onboarding release {id}"),
    Reason.REFUSED: Meaning(
        Owner.OPERATOR,
        "Meta refused in a way that only a person can mend",
        "onboarding show {id}, mend the cause, then: onboarding release {id}",
    ),
    Reason.MIGRATION: Meaning(
        Owner.OPERATOR,
        "Meta refuses the migration until its conditions are met",
        "mend what is named, then: onboarding release {id}; or leave the number where it is: "
        "onboarding migrate undo {id}",
    ),
    Reason.STUCK: Meaning(
        Owner.OPERATOR,
        "workers ended several times while they held this machine",
        "read the workers' logs, then: onboarding release {id}",
    ),
    Reason.PIN: Meaning(
        Owner.HOLDER,
        "the number has a two-step verification PIN that we do not know",
        "onboarding secrets set-pin {id}   (the number's PIN), or have its holder switch "
        "two-step verification off in WhatsApp Manager, then: onboarding release {id}",
    ),
    Reason.NOT_OURS: Meaning(
        Owner.OPERATOR,
        "the number lives in the WhatsApp Business app or on-premises; registering it would "
        "cut it off there",
        'onboarding cancel {id}   (once registered: onboarding drift accept {id} --reason "...")',
    ),
    Reason.BANNED: Meaning(
        Owner.OPERATOR,
        "Meta banned the number; only an appeal in WhatsApp Manager helps",
        "appeal; once Meta lifts the ban it goes on by itself",
    ),
    Reason.DISCONNECTED: Meaning(
        Owner.OPERATOR,
        "Meta no longer shows the registered number as connected; somebody may have meant that, so "
        "the engine does not register it again by itself",
        'onboarding drift register {id} --reason "..."   (brings it back), or, if it was meant: '
        'onboarding drift accept {id} --reason "..."',
    ),
    Reason.NAME_CHANGED: Meaning(
        Owner.PARTNER,
        "the display name was changed at Meta, and not from here",
        'onboarding drift accept {id} --reason "..."   (keeps Meta\'s name), or back to another: '
        'onboarding rename {id} "Name"',
    ),
    Reason.SLOT: Meaning(
        Owner.OPERATOR,
        "the portfolio or the WABA has as many numbers as Meta allows; this one is in the queue",
        "onboarding slots list; then remove a number or verify the business in WhatsApp Manager, "
        "or, if Meta allows more: onboarding slots set {waba_id}",
    ),
    Reason.BATCH: Meaning(
        Owner.ENGINE,
        "its batch has not come to it: the file is being imported, or the canaries go first",
    ),
    Reason.BATCH_PAUSED: Meaning(
        Owner.OPERATOR,
        "its batch is paused",
        "onboarding batch list, then: onboarding batch resume NAME",
    ),
    Reason.DONE: Meaning(Owner.ENGINE, "registered"),
    Reason.OVER: Meaning(Owner.ENGINE, "nothing more happens by itself"),
}

#: Why nothing more happens by itself, by the state in which an onboarding ended or rests.
WHY_OVER = {
    State.EXPIRED: "the 14 days after Embedded Signup ended before the number was registered; Meta "
    "takes no registration until the customer has gone through Embedded Signup again",
    State.LEFT: "the number is no longer on this WABA: migrated away, deregistered or deleted",
    State.MIGRATING: "it works here until it is registered on the WABA that it migrates to",
    State.FAILED: "Meta refused for good",
    State.CANCELLED: "a person gave it up",
}

#: How an onboarding that is over is taken up again, by the state in which it ended or rests.
WHEN_OVER = {
    State.EXPIRED: "have the customer go through Embedded Signup again, with this number on WABA "
    '{waba_id}, then: onboarding restart {id} --reason "..."   (the number id may be another one; '
    "history, PIN and budgets stay)",
    State.MIGRATING: 'to keep it here: onboarding migrate undo {id} --reason "..."',
    State.LEFT: 'if the number is back: onboarding restart {id} --reason "..."',
    State.FAILED: 'mend the cause, then: onboarding restart {id} --reason "..."',
    State.CANCELLED: "if it is wanted again, ask again: onboarding request {waba_id} ... --again",
}

#: Reasons that a read of the WABA's list may end.
ENDED_BY_LIST = frozenset(
    {
        Reason.LISTING,
        Reason.SETTLING,
        Reason.RESTORED,
        Reason.DEADLINE_CHECK,
        Reason.NOT_ON_WABA,
        Reason.NAME_IN_REVIEW,
        Reason.NAME_MISSING,
        Reason.NAME_DECLINED,
        Reason.NAME_EXPIRED,
        Reason.CONNECTING,
        Reason.NOT_OURS,
        Reason.BANNED,
        Reason.DISCONNECTED,
        Reason.NAME_CHANGED,
        Reason.SLOT,
    }
)

#: Reasons that mean: a person has to act.
FOR_PEOPLE = frozenset(
    reason
    for reason, meaning in MEANINGS.items()
    if meaning.owner in (Owner.HOLDER, Owner.OPERATOR, Owner.PARTNER)
)

#: What each reason requires, of whoever ``MEANINGS`` names; at rest nothing is required.
REQUIRED = {
    Reason.DUE: What.STEP,
    Reason.SETTLING: What.OPERATION,
    Reason.RESTORED: What.RELEASE,
    Reason.LISTING: What.LIST,
    Reason.RETRY: What.STEP,
    Reason.BUDGET: What.BUDGET,
    Reason.THROTTLED: What.ALLOWANCE,
    Reason.SUBSCRIBING: What.SUBSCRIPTION,
    Reason.DEADLINE_CHECK: What.LIST,
    Reason.NOT_ON_WABA: What.EMBEDDED_SIGNUP,
    Reason.CODE_READY: What.CODE_READY,
    Reason.CODE_WINDOW: What.WINDOW,
    Reason.CODE: What.CODE,
    Reason.NAME_IN_REVIEW: What.REVIEW,
    Reason.NAME_MISSING: What.DISPLAY_NAME,
    Reason.NAME_DECLINED: What.DISPLAY_NAME,
    Reason.NAME_EXPIRED: What.DISPLAY_NAME,
    Reason.CONNECTING: What.CONNECTION,
    Reason.ACCOUNT_HELD: What.TOKEN,
    Reason.HELD: What.RELEASE,
    Reason.REFUSED: What.RELEASE,
    Reason.MIGRATION: What.CONDITION,
    Reason.STUCK: What.RELEASE,
    Reason.PIN: What.PIN,
    Reason.NOT_OURS: What.DECISION,
    Reason.BANNED: What.SUPPORT,
    Reason.DISCONNECTED: What.DECISION,
    Reason.NAME_CHANGED: What.DECISION,
    Reason.SLOT: What.SLOT,
    Reason.BATCH: What.BATCH,
    Reason.BATCH_PAUSED: What.BATCH,
}

#: Nothing is due from anybody.
AT_REST = (Reason.DONE, Reason.OVER)

#: What the engine does at ``next_due_at``, by what it waits for until then.
THEN = {
    Reason.DUE: "the next step is taken",
    Reason.SETTLING: "what became of the call is looked into",
    Reason.RESTORED: "the WABA's list is read again",
    Reason.LISTING: "the WABA's list is read",
    Reason.RETRY: "the call that failed is made again",
    Reason.BUDGET: "the call is made, if the budget has room for it",
    Reason.THROTTLED: "the call is made again, if Meta lets it through",
    Reason.SUBSCRIBING: "the app's subscription is looked at",
    Reason.DEADLINE_CHECK: "the list is read once more, and then the window is over",
    Reason.NOT_ON_WABA: "the list is read again, to see whether the number is there",
    Reason.CODE_READY: "the list is read, in case the number was verified elsewhere",
    Reason.CODE_WINDOW: "the holder's window opens, and a code is asked for",
    Reason.CODE: "the code lapses; another one is asked for when somebody can read it",
    Reason.NAME_IN_REVIEW: "the list is read, to see whether the review has ended",
    Reason.NAME_MISSING: "the list is read, to see whether there is a name",
    Reason.NAME_DECLINED: "the list is read, to see whether the name was mended there",
    Reason.NAME_EXPIRED: "the list is read, to see whether the name was mended there",
    Reason.CONNECTING: "the list is read, to see whether the number is connected",
    Reason.ACCOUNT_HELD: "the next step is looked at",
    Reason.HELD: "the hold ends, or the list is read",
    Reason.REFUSED: "the list is read, in case it was mended at Meta",
    Reason.MIGRATION: "the list is read, in case the number came there by other means",
    Reason.STUCK: "the list is read, in case something changed at Meta",
    Reason.PIN: "the list is read, in case something changed at Meta",
    Reason.NOT_OURS: "the list is read, to see whether the number is free",
    Reason.BANNED: "the list is read, to see whether the ban was lifted",
    Reason.DISCONNECTED: "the list is read, to see whether the number is connected again",
    Reason.NAME_CHANGED: "the list is read, to see which name the number has",
    Reason.SLOT: "the list is read, to see whether a slot is free",
    Reason.BATCH: "the batch is looked at",
    Reason.BATCH_PAUSED: "the list is read, in case something changed at Meta",
}
