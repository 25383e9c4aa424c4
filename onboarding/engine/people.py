"""What people do with one onboarding: each change names its actor and is in the history."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onboarding.core.code_desk import NO_CODE
from onboarding.core.code_wishes import chosen_anew, ready
from onboarding.core.deadlines import first_deadline
from onboarding.core.lifecycle import FINAL, LIVE, Trigger
from onboarding.core.migrations import require_undoable
from onboarding.core.name_desk import renamed
from onboarding.core.pins import parse_pin, pin_given
from onboarding.core.steps import Move
from onboarding.core.waits import NO_HOLD, NO_TROUBLE
from onboarding.engine.asking import ask, is_needed_for_name
from onboarding.engine.changing import change, require_move
from onboarding.engine.context import Context
from onboarding.engine.name_checks import sound_name
from onboarding.engine.requests import parse_code_language, parse_code_method, require_past
from onboarding.errors import ConflictError, InputError, TransitionRefusedError
from onboarding.model import ApprovalKind, Entry, Onboarding, Reason, changed
from onboarding.store import finding, journal
from onboarding.store.rowset import storable

_UNTIL = "give a time to come, with its offset: 2026-03-02T09:00:00Z"


def code_ready(ctx: Context, onboarding_id: str, actor: str) -> Onboarding:
    """Take a person's word that the holder can read a code now: one code is asked for."""
    return change(ctx, onboarding_id, actor, lambda row, *_: ready(row))


def choose_code(
    ctx: Context, onboarding_id: str, method: str | None, language: str | None, actor: str
) -> Onboarding:
    """Let codes go out by another method or in another language, from the next one on.

    Raises:
        InputError: no method, no language, or neither is given.
        ConflictError: they go out like that already.
        TransitionRefusedError: no code is needed.
    """
    if not method and not language:
        raise InputError("neither a method nor a language is given", hint="like VOICE, or de_DE")
    by, spoken = parse_code_method(method), parse_code_language(language)
    return change(ctx, onboarding_id, actor, lambda row, *_: chosen_anew(row, by, spoken))


def rename(
    ctx: Context, onboarding_id: str, new_name: str, actor: str, *, strict: bool = False
) -> Onboarding:
    """Give the number another display name.

    Before the number is created the name is simply replaced; in review it is submitted as a
    change; a registered number goes through review and registration again. A name that is
    resubmitted often waits for a second person, if the settings say so.

    Raises:
        InputError: not a name that Meta takes; or, if ``strict``, one that breaks a rule.
        ConflictError: the number has this name, or it is not known yet what became of a call
            that carries another one.
        TransitionRefusedError: a review runs, or the state has no room for a change.
    """
    name = sound_name(new_name, strict=strict)

    def make(row: Onboarding, now: datetime, conn: Connection) -> Move:
        step = renamed(row, name, journal.load_pressing(conn, [row.id]))
        if is_needed_for_name(ctx, conn, row):
            kind = ApprovalKind.DISPLAY_NAME
            return ask(ctx, conn, row, kind, reason=step.reason, actor=actor, now=now, detail=name)
        return step

    return change(ctx, onboarding_id, actor, make)


def cancel(ctx: Context, onboarding_id: str, reason: str, actor: str) -> Onboarding:
    """Give an onboarding up; what exists at Meta stays there.

    A migration that is given up leaves the number where it was.

    Raises:
        TransitionRefusedError: it is registered or over.
        ConflictError: it is a migration whose last step was made.
    """

    def make(row: Onboarding, _: object, conn: Connection) -> Move:
        if row.entry is Entry.MIGRATION:
            require_undoable(row, journal.load_pressing(conn, [row.id]))
        if row.renaming:
            raise TransitionRefusedError(
                "the number is registered; a change of its name cannot be cancelled here",
                hint=f"wait for the review to end, then: onboarding rename {row.id} OLD_NAME",
            )
        changes = {**NO_CODE, **NO_HOLD, "new_display_name": None}
        return Move(trigger=Trigger.CANCELLED, reason=reason, changes=changes)

    return change(ctx, onboarding_id, actor, make)


def restart(
    ctx: Context, onboarding_id: str, reason: str, actor: str, onboarded_at: datetime | None
) -> Onboarding:
    """Start a new cycle of an onboarding that expired, failed or left; its history goes on.

    Raises:
        TransitionRefusedError: it is not over, or was cancelled.
        ConflictError: the number is being onboarded elsewhere by now.
    """

    def make(row: Onboarding, now: datetime, conn: Connection) -> Move:
        require_move(row, Move(trigger=Trigger.RESTARTED, reason=reason), now)
        if row.entry is Entry.PREVERIFIED and row.phone_number_id is None:
            raise TransitionRefusedError(
                "its number went back into the pool; it is claimed anew, not started again",
                hint="onboarding request WABA_ID NAME --preverified ID",
            )
        if onboarded_at is not None:
            require_past(onboarded_at, now, "onboarded_at")
        others = finding.load_by_number(conn, [row.number_key])[row.number_key]
        if live := [other for other in others if other.state in LIVE]:
            raise ConflictError(
                f"{row.phone_number} is onboarded as {live[0].id} by now",
                field="phone_number",
                hint=f"see: onboarding show {live[0].id}",
            )
        anew = changed(row, cycle=row.cycle + 1, onboarded_at=onboarded_at, state_since=now)
        return Move(
            trigger=Trigger.RESTARTED,
            reason=reason,
            changes={**_NEW_CYCLE, "cycle": row.cycle + 1, "onboarded_at": onboarded_at},
            deadline=first_deadline(anew, ctx.policy),
        )

    return change(ctx, onboarding_id, actor, make)


#: What a new cycle begins with; the PIN and the history stay.
_NEW_CYCLE: dict[str, Any] = {
    **NO_CODE, **NO_HOLD, **NO_TROUBLE,
    "phone_number_id": None, "code_ready": False, "code_sent_at": None, "code_sends": 0,
    "code_tries": 0, "pin_mismatches": 0, "new_display_name": None, "name_submitted_at": None,
    "name_unapproved_at": None, "name_approved_at": None, "renaming": False,
    "rejection_reason": None, "name_status": None, "new_name_status": None,
    "name_decided_at": None, "register_accepted_at": None, "registered_at": None,
    "register_by": None, "register_by_reason": None, "drift": None, "name_held": None,
    "offboard_at": None,
}  # fmt: skip


def hold(
    ctx: Context, onboarding_id: str, reason: str, actor: str, until: datetime | None
) -> Onboarding:
    """Stop all calls for an onboarding; its deadline goes on.

    Raises:
        TransitionRefusedError: it is over.
    """

    def make(row: Onboarding, now: datetime, _: object) -> Move:
        if until is not None and (until.tzinfo is None or until <= now):
            raise InputError("the hold would end before it begins", field="until", hint=_UNTIL)
        if row.state in FINAL:
            raise TransitionRefusedError(
                f"nothing can be held while the onboarding is '{row.state}'",
                hint=f"see: onboarding show {row.id}",
            )
        changes = {
            "hold": Reason.HELD, "hold_text": storable(reason), "hold_by": actor, "hold_since": now,
            "hold_until": until,
        }  # fmt: skip
        return Move(note="held", reason=reason, changes=changes)

    return change(ctx, onboarding_id, actor, make)


def release(ctx: Context, onboarding_id: str, reason: str, actor: str) -> Onboarding:
    """End a hold, whoever made it, and forget the failures behind it.

    Raises:
        TransitionRefusedError: it is not on hold.
    """

    def make(row: Onboarding, *_: object) -> Move:
        if row.hold is None:
            raise TransitionRefusedError(
                "the onboarding is not on hold", hint=f"see: onboarding show {row.id}"
            )
        changes = {**NO_HOLD, **NO_TROUBLE, "pin_mismatches": 0}
        return Move(note="released", reason=reason, changes=changes)

    return change(ctx, onboarding_id, actor, make)


def set_pin(ctx: Context, onboarding_id: str, pin: str, actor: str) -> Onboarding:
    """Take the two-step verification PIN that the number has; the next register call uses it.

    Raises:
        InputError: not six digits.
        ConflictError: it is not known yet what became of a call that carries another one.
    """
    sealed = ctx.vault.seal(parse_pin(pin))

    def make(row: Onboarding, _: object, conn: Connection) -> Move:
        return pin_given(row, sealed, journal.load_pressing(conn, [row.id]))

    return change(ctx, onboarding_id, actor, make)


def reveal_pin(ctx: Context, onboarding_id: str, reason: str, actor: str) -> str:
    """Return the two-step verification PIN; who asked, and why, goes into the history.

    Raises:
        InputError: no reason was given.
        ConflictError: the number has no PIN yet.
    """
    revealed: list[str] = []

    def make(row: Onboarding, *_: object) -> Move:
        sealed = row.pin_sealed or row.pin_pending_sealed
        if sealed is None:
            raise ConflictError(
                "the number has no PIN yet", hint="one is made before the first registration"
            )
        revealed.append(ctx.vault.open(sealed))
        return Move(note="pin_revealed", reason=reason)

    change(ctx, onboarding_id, actor, make)
    return revealed[0]
