"""Alerts that are due: who is told of what waited too long, and who next if nobody took it on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.account_events import (
    account_overdue,
    account_unacknowledged,
    token_expiring,
)
from onboarding.core.approval_events import approval_overdue, approval_unacknowledged
from onboarding.core.approvals import Approval
from onboarding.core.batch_events import canary_failed, still_stopped
from onboarding.core.batches import Batch, Standing
from onboarding.core.chain import Entry
from onboarding.core.events import Event, digest, overdue, unacknowledged
from onboarding.core.pool.stock import Stock, low_stock, still_low
from onboarding.core.reasons import FOR_PEOPLE
from onboarding.core.telling import APPROVAL, CANARY, NEEDS, STOCK, TOKEN, Rules, Tell
from onboarding.core.timing import HOUR, MINUTE
from onboarding.engine.account_changes import HELD
from onboarding.engine.announcing import announce
from onboarding.engine.context import Context
from onboarding.engine.pool_stock import stock_levels
from onboarding.engine.token_checks import next_reminder
from onboarding.model import Account, AlertKind, EventType, Onboarding
from onboarding.store import accounts, alerts, approvals, batches, digests, history, onboardings
from onboarding.store.alerts import Alert
from onboarding.store.database import again_if_unlucky, writing
from onboarding.telemetry import log

#: While the engine itself is at work on something, it is not a person's turn.
_LOOK_AGAIN = 10 * MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What alerts are about, as it stands in this transaction."""

    rules: Rules
    now: datetime
    rows: Mapping[str, Onboarding]
    accounts: Mapping[str, Account]
    standing_still: Mapping[str, int]
    acknowledged: Mapping[str, tuple[str, datetime]]
    digest: Mapping[str, object]
    stocks: Mapping[str, Stock]
    approvals: Mapping[str, tuple[Approval, ...]]
    batches: Mapping[str, Batch]
    held_back: Mapping[str, int]


def tell_due(ctx: Context, limit: int) -> int:
    """Tell whoever is to be told by now; return how many alerts were looked at."""
    return again_if_unlucky(lambda: _tell_due(ctx, limit))


def _tell_due(ctx: Context, limit: int) -> int:
    now = ctx.clock.now()
    with writing(ctx.database) as conn:
        found = alerts.find_due(conn, now, limit)
        if not found:
            return 0
        subjects = sorted({alert.subject for alert in found})
        rows = onboardings.load_onboardings(conn, subjects, lock=True)
        held = accounts.load_accounts(conn, subjects, lock=True)
        # As they are now that nobody else changes them.
        locked = [a for a in alerts.lock_alerts(conn, subjects) if a.next_at and a.next_at <= now]
        known = _known(ctx, conn, locked, rows=rows, held=held, now=now)
        looked_at = [_look(alert, known) for alert in locked]
        alerts.write_alerts(conn, [after for after, _ in looked_at])
        _record(conn, looked_at, known)
        announce(ctx, conn, [event for _, event in looked_at if event is not None])
    for after, event in looked_at:
        if event is not None:
            _log(after, event)
    return len(locked)


def _known(
    ctx: Context,
    conn: Connection,
    locked: list[Alert],
    *,
    rows: Mapping[str, Onboarding],
    held: Mapping[str, Account],
    now: datetime,
) -> _Known:
    is_digest = any(alert.kind is AlertKind.DIGEST for alert in locked)
    is_stock = any(alert.kind is AlertKind.STOCK for alert in locked)
    asked = [alert.subject for alert in locked if alert.kind is AlertKind.APPROVAL]
    of_batches = [alert.subject for alert in locked if alert.kind is AlertKind.BATCH]
    return _Known(
        rules=ctx.rules,
        now=now,
        rows=rows,
        accounts=held,
        standing_still=digests.count_held(conn, list(held)) if held else {},
        acknowledged=alerts.load_acknowledged(conn, [alert.subject for alert in locked], now),
        digest=digests.load_digest(conn, now) if is_digest else {},
        stocks={stock.subject: stock for stock in stock_levels(conn)} if is_stock else {},
        approvals=approvals.load_pending_of(conn, asked) if asked else {},
        batches=batches.load_batches(conn, of_batches),
        held_back=batches.count_live(conn, of_batches) if of_batches else {},
    )


_WITHOUT_HISTORY = (
    AlertKind.DIGEST,
    AlertKind.STOCK,
    AlertKind.TOKEN_EXPIRY,
    AlertKind.BATCH,
)


def _look(alert: Alert, known: _Known) -> tuple[Alert, Event | None]:
    """Return an alert as it stands afterwards, and what is told of it now."""
    if alert.kind is AlertKind.DIGEST:
        return _look_at_digest(alert, known)
    taken = known.acknowledged.get(alert.subject)
    if taken is not None:
        return replace(alert, next_at=taken[1]), None
    match alert.kind:
        case AlertKind.ACCOUNT:
            return _look_at_account(alert, known)
        case AlertKind.TOKEN_EXPIRY:
            return _look_at_expiry(alert, known)
        case AlertKind.RUNG:
            return _look_at_rung(alert, known)
        case AlertKind.REQUIREMENT:
            return _look_at_requirement(alert, known)
        case AlertKind.STOCK:
            return _look_at_stock(alert, known)
        case AlertKind.APPROVAL:
            return _look_at_approval(alert, known)
        case AlertKind.BATCH:
            return _look_at_batch(alert, known)


def _look_at_digest(alert: Alert, known: _Known) -> tuple[Alert, Event | None]:
    weekly = known.rules.digest
    if weekly is None:
        return _closed(alert, known), None
    after = replace(alert, since=known.now, next_at=weekly.next_after(known.now))
    return after, digest(known.digest, weekly.channels, known.now)


def _look_at_account(alert: Alert, known: _Known) -> tuple[Alert, Event | None]:
    account, rule = known.accounts.get(alert.subject), known.rules.overdue.get(TOKEN)
    if account is None or account.hold is None or rule is None:
        return _closed(alert, known), None
    numbers = known.standing_still.get(account.waba_id, 0)
    now, tell = known.now, rule.tell
    return _in_turn(
        alert, tell, known,
        lambda: account_overdue(account, numbers, rule, now),
        lambda: account_unacknowledged(account, numbers, alert.step, tell=tell, now=now),
    )  # fmt: skip


def _look_at_expiry(alert: Alert, known: _Known) -> tuple[Alert, Event | None]:
    """Tell of a token that comes to its end; once it has, the hold of its account is told."""
    account, rule = known.accounts.get(alert.subject), known.rules.overdue.get(TOKEN)
    facts = account.token_facts if account is not None else None
    if account is None or rule is None or facts is None or facts.ends_at is None:
        return _closed(alert, known), None
    after = replace(alert, step=alert.step + 1, next_at=next_reminder(facts.ends_at, known.now))
    return after, token_expiring(account, facts, rule.tell, known.now)


def _look_at_stock(alert: Alert, known: _Known) -> tuple[Alert, Event | None]:
    stock, rule = known.stocks.get(alert.subject), known.rules.overdue.get(STOCK)
    if stock is None or not stock.is_low or rule is None:
        return _closed(alert, known), None
    now, tell = known.now, rule.tell
    return _in_turn(
        alert, tell, known,
        lambda: low_stock(stock, alert.since, rule, now),
        lambda: still_low(stock, alert.since, alert.step, tell=tell, now=now),
    )  # fmt: skip


def _look_at_approval(alert: Alert, known: _Known) -> tuple[Alert, Event | None]:
    row, rule = known.rows.get(alert.subject), known.rules.overdue.get(APPROVAL)
    asked = known.approvals.get(alert.subject)
    if row is None or rule is None or not asked:
        return _closed(alert, known), None
    now, tell = known.now, rule.tell
    return _in_turn(
        alert, tell, known,
        lambda: approval_overdue(row, asked[0], rule, now),
        lambda: approval_unacknowledged(row, asked[0], alert.step, tell=tell, now=now),
    )  # fmt: skip


def _look_at_batch(alert: Alert, known: _Known) -> tuple[Alert, Event | None]:
    batch, rule = known.batches.get(alert.subject), known.rules.overdue.get(CANARY)
    if batch is None or batch.standing is not Standing.PAUSED or rule is None:
        return _closed(alert, known), None
    numbers, now, tell = known.held_back.get(batch.id, 0), known.now, rule.tell
    return _in_turn(
        alert, tell, known,
        lambda: canary_failed(batch, alert.since, numbers, rule, now),
        lambda: still_stopped(batch, alert.since, numbers, alert.step, tell=tell, now=now),
    )  # fmt: skip


def _look_at_rung(alert: Alert, known: _Known) -> tuple[Alert, Event | None]:
    row, tell = known.rows.get(alert.subject), known.rules.of_rung(alert.what)
    if row is None or not tell.then:
        return _closed(alert, known), None
    return _told(alert, tell, known), _unacknowledged(row, alert, tell, known)


def _look_at_requirement(alert: Alert, known: _Known) -> tuple[Alert, Event | None]:
    row, rule = known.rows.get(alert.subject), known.rules.overdue.get(alert.what)
    if row is None or rule is None:
        return _closed(alert, known), None
    if NEEDS.get(row.waiting) != alert.what:
        # An account on hold has an alert of its own; behind it, this one waits for its turn.
        after = HOUR if row.waiting in FOR_PEOPLE else _LOOK_AGAIN
        return replace(alert, next_at=known.now + after), None
    return _in_turn(
        alert, rule.tell, known,
        lambda: overdue(row, alert.since, rule, known.now),
        lambda: _unacknowledged(row, alert, rule.tell, known),
    )  # fmt: skip


def _in_turn(
    alert: Alert,
    tell: Tell,
    known: _Known,
    first: Callable[[], Event],
    again: Callable[[], Event],
) -> tuple[Alert, Event | None]:
    """Tell whom the rule names first, and after that who is next, if there is anybody."""
    if alert.step and not tell.then:
        return replace(alert, next_at=None), None
    return _told(alert, tell, known), again() if alert.step else first()


def _unacknowledged(row: Onboarding, alert: Alert, tell: Tell, known: _Known) -> Event:
    return unacknowledged(row, alert.kind, alert.what, alert.step, tell=tell, now=known.now)


def _closed(alert: Alert, known: _Known) -> Alert:
    return replace(alert, next_at=None, closed_at=known.now)


def _told(alert: Alert, tell: Tell, known: _Known) -> Alert:
    """Return the alert once somebody was told: who is next is told later, if there is anybody."""
    next_at = known.now + tell.after if tell.after else None
    return replace(alert, step=alert.step + 1, next_at=next_at)


def _record(
    conn: Connection, looked_at: Sequence[tuple[Alert, Event | None]], known: _Known
) -> None:
    """Append who was told of what to the histories.

    A digest and a stock are about none of them, a batch has told of itself, and that a token ends
    is told often, and is no news.
    """
    of_rows: dict[str, list[Entry]] = {}
    of_accounts: dict[str, list[Entry]] = {}
    for alert, event in looked_at:
        if event is None or alert.kind in _WITHOUT_HISTORY:
            continue
        if alert.kind is AlertKind.ACCOUNT:
            of_accounts.setdefault(alert.subject, []).append(_entry(alert, event, HELD))
        else:
            state = known.rows[alert.subject].state.value
            of_rows.setdefault(alert.subject, []).append(_entry(alert, event, state))
    rows = {id_: (row.history_seq, row.head_hash) for id_, row in known.rows.items()}
    history.append(conn, of_rows, rows)
    held = {id_: (each.history_seq, each.head_hash) for id_, each in known.accounts.items()}
    history.append(conn, of_accounts, held, history.ACCOUNTS)


def _entry(alert: Alert, event: Event, state: str) -> Entry:
    told = ", ".join(event.channels) or "nobody"
    since = f"{alert.what}, since {alert.since:%Y-%m-%d %H:%M} UTC"
    is_first = event.type is EventType.OVERDUE
    note = "overdue" if is_first else "unacknowledged"
    return Entry(
        at=event.at,
        trigger=note,
        source=state,
        dest=state,
        actor="engine",
        reason=f"{since}; " + (f"told: {told}" if is_first else f"nobody took it on; told: {told}"),
        detail={"of": alert.kind.value, "what": alert.what, "told": ",".join(event.channels)},
    )


def _log(alert: Alert, event: Event) -> None:
    log.warning(
        "alert_raised",
        kind=alert.kind.value,
        subject=alert.subject,
        what=alert.what,
        event_type=event.type.value,
        channels=",".join(event.channels),
    )
