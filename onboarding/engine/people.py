"""What people do with one onboarding: each change names its actor and is in the history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onboarding.core.code_desk import NO_CODE
from onboarding.core.codes import parse_code
from onboarding.core.deadlines import first_deadline
from onboarding.core.lifecycle import FINAL, LIVE, Trigger, allowed_triggers
from onboarding.core.name_desk import renamed
from onboarding.core.names import parse_display_name
from onboarding.core.operations import natural_key
from onboarding.core.pins import parse_pin, pin_given
from onboarding.core.plan import plan
from onboarding.core.restored import is_from_before
from onboarding.core.steps import Move, entry_of, moved
from onboarding.core.waits import NO_HOLD, NO_TROUBLE
from onboarding.engine.context import Context
from onboarding.engine.looking import snapshots
from onboarding.engine.requests import require_past
from onboarding.engine.restoring import restore_of
from onboarding.engine.writing import due_now, write_plans
from onboarding.errors import (
    ConflictError,
    InputError,
    NotFoundError,
    TransitionRefusedError,
)
from onboarding.model import Onboarding, Operation, Reason, State
from onboarding.store import finding, journal, onboardings
from onboarding.store.database import again_if_raced, writing

_UNTIL = "give a time to come, with its offset: 2026-03-02T09:00:00Z"


def change(
    ctx: Context,
    onboarding_id: str,
    actor: str,
    make: Callable[[Onboarding, datetime, Connection], Move],
) -> Onboarding:
    """Apply a person's step to one onboarding, in one transaction.

    A call that is in flight for it keeps its outcome; the next look applies it to what is then.

    Raises:
        NotFoundError: no such onboarding.
        InputError: no reason is given.
    """
    return again_if_raced(lambda: _change(ctx, onboarding_id, actor, make))


def _change(
    ctx: Context,
    onboarding_id: str,
    actor: str,
    make: Callable[[Onboarding, datetime, Connection], Move],
) -> Onboarding:
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        row = onboardings.load_onboardings(conn, [onboarding_id], lock=True).get(onboarding_id)
        if row is None:
            raise NotFoundError(
                f"there is no onboarding '{onboarding_id}'", hint="see: onboarding list"
            )
        step = make(row, now, conn)
        if not step.reason.strip():
            raise InputError("a reason is needed", field="reason", hint='--reason "handing over"')
        after = _moved(row, step, now)
        # What follows from it is seen at once; a call is left to the next pass.
        made = due_now(plan(snapshots(ctx, conn, [after], now)[0], now, ctx.policy), now)
        made.before = None
        made.entries.insert(0, entry_of(row, after, step, now, actor))
        if step.deadline:
            made.deadlines.insert(0, step.deadline)
        write_plans(ctx, conn, [made], now)
        return onboardings.load_onboardings(conn, [row.id])[row.id]  # with the head of its history


#: What a person calls the moves of the lifecycle that people make.
_COMMANDS = {
    Trigger.CANCELLED: "cancel",
    Trigger.RESTARTED: "restart",
    Trigger.RENAME_REQUESTED: "rename",
}


def _moved(row: Onboarding, step: Move, now: datetime) -> Onboarding:
    try:
        return moved(row, step, now)
    except TransitionRefusedError:
        asked = _COMMANDS.get(step.trigger, "this") if step.trigger else "this"
        possible = [name for t, name in _COMMANDS.items() if t in allowed_triggers(row.state)]
        also = f"possible now: {', '.join(possible)}; " if possible else ""
        raise TransitionRefusedError(
            f"{asked} is not possible while the onboarding is '{row.state}'",
            hint=f"{also}see: onboarding show {row.id}",
        ) from None


def submit_code(ctx: Context, onboarding_id: str, text: str, actor: str) -> Onboarding:
    """Take the one-time code that the holder got; it is sent to Meta at the next pass.

    Raises:
        InputError: no six-digit code in the text.
        ConflictError: this code was sent to Meta before.
        TransitionRefusedError: no code was asked for.
    """
    code = parse_code(text)

    def make(row: Onboarding, now: datetime, conn: Connection) -> Move:
        _expects_code(conn, row, now)
        marked = replace(row, code_mac=ctx.vault.mac(row.phone_number_id or "", code))
        if journal.code_was_used(conn, natural_key(Operation.VERIFY_CODE, marked)):
            raise ConflictError(
                "this code was sent to Meta before", field="code", hint="give the newest code"
            )
        changes = {
            "code_sealed": ctx.vault.seal(code),
            "code_mac": marked.code_mac,
            "code_given_at": now,
        }
        return Move(note="code_given", reason="a code was given", changes=changes)

    return change(ctx, onboarding_id, actor, make)


def _expects_code(conn: Connection, row: Onboarding, now: datetime) -> None:
    restore = restore_of(conn, now)
    on_its_way = any(
        op.name is Operation.REQUEST_CODE
        and op.is_open
        and (restore is None or op.intent_at > restore.at)
        for op in journal.load_pressing(conn, [row.id])
    )
    if row.state is State.OTP_PENDING and not on_its_way and is_from_before(row, restore):
        raise TransitionRefusedError(
            "the database was restored since this code was asked for, so it may have been sent "
            "to Meta already",
            hint="another one is asked for; give that",
        )
    if row.state is State.OTP_PENDING or (row.state is State.CREATED and on_its_way):
        return
    raise TransitionRefusedError(
        f"no code is expected while the onboarding is '{row.state}'",
        hint=f"onboarding code {row.id} --ready   says that the holder can read one"
        if row.state is State.CREATED
        else f"see: onboarding show {row.id}",
    )


def code_ready(ctx: Context, onboarding_id: str, actor: str) -> Onboarding:
    """Take a person's word that the holder can read a code now: one code is asked for."""

    def make(row: Onboarding, *_: object) -> Move:
        if row.state not in (State.REQUESTED, State.CREATED, State.OTP_PENDING):
            raise TransitionRefusedError(
                f"no code is needed while the onboarding is '{row.state}'",
                hint=f"see: onboarding show {row.id}",
            )
        return Move(
            note="code_ready", reason="the holder can read a code", changes={"code_ready": True}
        )

    return change(ctx, onboarding_id, actor, make)


def rename(ctx: Context, onboarding_id: str, new_name: str, actor: str) -> Onboarding:
    """Give the number another display name.

    Before the number is created the name is simply replaced; in review it is submitted as a
    change; a registered number goes through review and registration again.

    Raises:
        InputError: not a name that Meta takes.
        ConflictError: the number has this name.
        TransitionRefusedError: a review runs, or the state has no room for a change.
    """
    name = parse_display_name(new_name)
    return change(ctx, onboarding_id, actor, lambda row, *_: renamed(row, name))


def cancel(ctx: Context, onboarding_id: str, reason: str, actor: str) -> Onboarding:
    """Give an onboarding up; what exists at Meta stays there.

    Raises:
        TransitionRefusedError: it is registered or over.
    """

    def make(row: Onboarding, *_: object) -> Move:
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
        _moved(row, Move(trigger=Trigger.RESTARTED, reason=reason), now)
        if onboarded_at is not None:
            require_past(onboarded_at, now, "onboarded_at")
        others = finding.load_by_number(conn, [row.number_key])[row.number_key]
        if live := [other for other in others if other.state in LIVE]:
            raise ConflictError(
                f"{row.phone_number} is onboarded as {live[0].id} by now",
                field="phone_number",
                hint=f"see: onboarding show {live[0].id}",
            )
        anew = replace(row, onboarded_at=onboarded_at, state_since=now)
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
    "rejection_reason": None, "register_accepted_at": None, "registered_at": None,
    "register_by": None, "register_by_reason": None,
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
            "hold": Reason.HELD, "hold_text": reason, "hold_by": actor, "hold_since": now,
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
