"""The reference of what ``--json`` tells about an onboarding."""

from __future__ import annotations

from datetime import UTC, datetime

from docs.generating.markdown import code, table
from onboarding.cli.onboardings import facts
from onboarding.model import Entry, Onboarding, State

#: What each field means.
WORDS = {
    "id": "22 hexadecimal digits; sorts by the time of the request",
    "key": "the key that the caller gave",
    "waba_id": "the WABA",
    "phone_number": "E.164, with the plus sign",
    "cc": "calling code, digits",
    "national_number": "national significant number, digits",
    "region": "two letters, or `001`",
    "display_name": "the display name that was asked for",
    "entry": "how the number came",
    "requested_by": "who asked",
    "created_at": "when it was asked for",
    "state": "see [states](states.md)",
    "state_since": "since when it is in this state",
    "cycle": "1, and one more for each restart",
    "next_due_at": "when the engine looks at it by itself; none: only an event helps",
    "waiting": "why nothing happens now, see [reasons](states.md#reasons)",
    "waiting_for": "whose turn the engine found it to be",
    "waiting_since": "since when it waits for this",
    "phone_number_id": "Meta's id of the number",
    "seen": "the number as Meta's list showed it last",
    "seen_at": "when that read began",
    "seen_present": "whether the number was on the list",
    "absent_since": "first read that did not show a number that is known",
    "code_method": "`SMS` or `VOICE`, as asked for or chosen; see the ledger for what was sent",
    "code_language": "language of the code",
    "code_window": "when the holder can read a code",
    "code_ready": "a person said that the holder can read a code",
    "code_sent_at": "when the last code was asked for",
    "code_sends": "codes asked for in a row that nobody handed in",
    "code_tries": "codes in a row that Meta did not accept",
    "code_given_at": "when a code was handed in last",
    "pin_mismatches": "times that Meta refused our PIN",
    "new_display_name": "the name that a rename asks for",
    "name_submitted_at": "when it was submitted",
    "name_unapproved_at": "last read that did not show it as approved",
    "name_approved_at": "when it counts as approved",
    "renaming": "registered, with a rename in progress",
    "rejection_reason": "why Meta declined the name, from a webhook",
    "name_status": "how Meta last showed the name in use to stand, as the history tells it",
    "new_name_status": "the same of a change",
    "preverified_id": "the temporary id of the number of the pool that it claimed",
    "claimed_at": "when a pre-verified number was claimed at Meta",
    "name_decided_at": "when Meta decided about the name, as a webhook told",
    "drift": "what Meta shows of the registered number otherwise than is held, each since when",
    "name_held": "the display name that Meta showed since the registration, to see a change by",
    "register_accepted_at": "when Meta accepted the register call",
    "registered_at": "when CONNECTED on CLOUD_API was seen",
    "onboarded_at": "when Embedded Signup was finished, as the caller said",
    "register_by": "the deadline",
    "register_by_reason": "why it was set",
    "retry_at": "when a call that failed is tried again",
    "retry_operation": "which call that is",
    "trouble": "the last failure, until something succeeds",
    "hold": "the reason of a hold",
    "hold_text": "the hold in words",
    "hold_by": "who holds it; `engine` or a person",
    "hold_since": "since when",
    "hold_until": "when it ends by itself",
    "offboard_at": "when it was asked that the number leave the Cloud API; none if it was not",
    "history_seq": "entries in the history",
    "head_hash": "hash of the last entry",
    "batch_id": "the batch that it was imported with",
    "batch_line": "its line in the file",
    "has_code": "a code waits to be sent to Meta",
    "has_pin": "a two-step verification PIN is stored",
    "whose_turn": "`holder`, `partner`, `operator`, `meta` or `engine`; none once it is over",
    "why": "the reason in words",
    "remedy": "the command or the act that goes on with it",
    "rejection": "of a declined name: `reason` (Meta's word), `text` in plain words, `mend`",
}


def fields() -> str:
    """Return a row per field.

    Raises:
        KeyError: the program tells a field that has no words here.
    """
    return table(("field", "meaning"), ((code(name), WORDS[name]) for name in facts(_sample())))


def _sample() -> Onboarding:
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    return Onboarding(
        id="0",
        content_digest="",
        waba_id="0",
        number_key="",
        phone_number="+1",
        cc="1",
        national_number="",
        region="US",
        display_name="",
        entry=Entry.NEW,
        requested_by="",
        created_at=now,
        state=State.REQUESTED,
        state_since=now,
        definition=1,
        next_due_at=now,
        waiting_since=now,
    )
