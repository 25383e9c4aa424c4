"""What people answer when they are told of something: that they take it on, or not now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from onboarding.core.account_events import account_event
from onboarding.core.chain import Entry
from onboarding.core.deadlines import dated
from onboarding.core.events import answered
from onboarding.core.lifecycle import FINAL
from onboarding.core.timing import iso
from onboarding.engine.account_changes import HELD
from onboarding.engine.announcing import announce
from onboarding.engine.context import Context
from onboarding.errors import InputError, NotFoundError, TransitionRefusedError
from onboarding.model import Deadline, EventType, Onboarding, State
from onboarding.store import accounts, alerts, deadlines, history, onboardings
from onboarding.store.database import again_if_unlucky, writing

_Write = Callable[[Connection, Onboarding, datetime], None]

_UNTIL = "give a time to come, like 4h, 2d or 2026-03-02T09:00:00Z"


def acknowledge(
    ctx: Context, onboarding_id: str, until: datetime, reason: str, actor: str
) -> Onboarding:
    """Note that a person has taken an onboarding on: until then nobody else is told of it.

    Rungs of its ladder are raised all the same. The row itself is left alone, so that a call in
    flight keeps its outcome.

    Raises:
        InputError: the time is past.
        TransitionRefusedError: the onboarding is over, or registered with nothing to do.
    """

    def write(conn: Connection, row: Onboarding, now: datetime) -> None:
        if row.state in FINAL or (row.state is State.REGISTERED and not row.renaming):
            raise TransitionRefusedError(
                f"nothing is asked of anybody while the onboarding is '{row.state}'",
                hint=f"see: onboarding show {row.id}",
            )
        alerts.acknowledge(conn, row.id, actor, now, until)
        _tell(
            ctx, conn, row, EventType.ACKNOWLEDGED, actor=actor, reason=reason, until=until, now=now
        )

    return _with_row(ctx, onboarding_id, until, write)


def snooze(ctx: Context, onboarding_id: str, until: datetime, reason: str, actor: str) -> Deadline:
    """Put further rungs and alerts of an onboarding off, but never the end of its deadline.

    Raises:
        InputError: the time is past.
        TransitionRefusedError: it has no deadline with a rung ahead.
    """
    snoozed: list[Deadline] = []

    def write(conn: Connection, row: Onboarding, now: datetime) -> None:
        found = deadlines.load_deadlines(conn, [row.id])
        running = [d for d in found if d.closed_at is None and d.next_rung_at is not None]
        if not running:
            raise TransitionRefusedError(
                "there is no deadline to snooze", hint=f"see: onboarding show {row.id}"
            )
        ladder = ctx.policy.ladder
        snoozed[:] = [dated(replace(d, snoozed_until=until), ladder) for d in running]
        deadlines.move_rungs(conn, snoozed)
        _put_off(conn, row.id, until)
        _tell(ctx, conn, row, EventType.SNOOZED, actor=actor, reason=reason, until=until, now=now)

    _with_row(ctx, onboarding_id, until, write)
    return snoozed[-1]


def acknowledge_account(
    ctx: Context, waba_id: str, until: datetime, reason: str, actor: str
) -> None:
    """Note that a person has taken on an account that is on hold.

    Raises:
        NotFoundError: no such account.
        InputError: the time is past.
        TransitionRefusedError: it is not on hold.
    """

    def work() -> None:
        with writing(ctx.database) as conn:
            now = _require_future(ctx, until)
            account = accounts.load_accounts(conn, [waba_id], lock=True).get(waba_id)
            if account is None:
                raise NotFoundError(
                    f"there is no onboarding or account '{waba_id}'",
                    hint="see: onboarding list, onboarding account list",
                )
            if account.hold is None:
                raise TransitionRefusedError(
                    "the account is not on hold", hint="see: onboarding account list"
                )
            alerts.acknowledge(conn, waba_id, actor, now, until)
            entry = _entry("acknowledged", HELD, actor=actor, reason=reason, until=until, now=now)
            heads = {waba_id: (account.history_seq, account.head_hash)}
            history.append(conn, {waba_id: [entry]}, heads, history.ACCOUNTS)
            facts = {"by": actor, "until": until, "reason": reason}
            announce(ctx, conn, [account_event(EventType.ACKNOWLEDGED, account, facts, now)])

    again_if_unlucky(work)


def _with_row(ctx: Context, onboarding_id: str, until: datetime, write: _Write) -> Onboarding:
    def work() -> Onboarding:
        with writing(ctx.database) as conn:
            now = _require_future(ctx, until)
            row = onboardings.load_onboardings(conn, [onboarding_id], lock=True)[onboarding_id]
            write(conn, row, now)
            return row

    return again_if_unlucky(work)


def _require_future(ctx: Context, until: datetime) -> datetime:
    now = ctx.clock.now()
    if until.tzinfo is None or until <= now:
        raise InputError("that is past, or has no offset", field="until", hint=_UNTIL)
    return now


def _entry(
    note: str, state: str, *, actor: str, reason: str, until: datetime, now: datetime
) -> Entry:
    told = f"until {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return Entry(
        at=now,
        trigger=note,
        source=state,
        dest=state,
        actor=actor,
        reason=f"{told}: {reason}" if reason else told,
        detail={"until": iso(until)},
    )


def _put_off(conn: Connection, subject: str, until: datetime) -> None:
    put_off = [
        replace(alert, next_at=until)
        for alert in alerts.lock_alerts(conn, [subject])
        if alert.next_at is not None and alert.next_at < until
    ]
    alerts.write_alerts(conn, put_off)


def _tell(
    ctx: Context,
    conn: Connection,
    row: Onboarding,
    type_: EventType,
    *,
    actor: str,
    reason: str,
    until: datetime,
    now: datetime,
) -> None:
    """Append to the history, and to the events."""
    note = "snoozed" if type_ is EventType.SNOOZED else "acknowledged"
    entry = _entry(note, row.state.value, actor=actor, reason=reason, until=until, now=now)
    history.append(conn, {row.id: [entry]}, {row.id: (row.history_seq, row.head_hash)})
    told = answered(type_, row, actor=actor, reason=reason, until=until, now=now)
    announce(ctx, conn, [told])
