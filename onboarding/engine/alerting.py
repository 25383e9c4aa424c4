"""Alerts that are due: who is told of what waited too long, and who next if nobody took it on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.events import (
    Event,
    account_overdue,
    account_unacknowledged,
    digest,
    overdue,
    unacknowledged,
)
from onboarding.core.pool.stock import Stock, low_stock, still_low
from onboarding.core.reasons import FOR_PEOPLE
from onboarding.core.telling import NEEDS, STOCK, TOKEN, Rules, Tell
from onboarding.core.timing import MINUTE
from onboarding.engine.announcing import announce
from onboarding.engine.context import Context
from onboarding.engine.pool_stock import stock_levels
from onboarding.model import Account, AlertKind, Onboarding
from onboarding.store import accounts, alerts, digests, onboardings
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
    return _Known(
        rules=ctx.rules,
        now=now,
        rows=rows,
        accounts=held,
        standing_still=digests.count_held(conn, list(held)) if held else {},
        acknowledged=alerts.load_acknowledged(conn, [alert.subject for alert in locked], now),
        digest=digests.load_digest(conn, now) if is_digest else {},
        stocks={stock.subject: stock for stock in stock_levels(conn)} if is_stock else {},
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
        case AlertKind.RUNG:
            return _look_at_rung(alert, known)
        case AlertKind.REQUIREMENT:
            return _look_at_requirement(alert, known)
        case AlertKind.STOCK:
            return _look_at_stock(alert, known)


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
    if alert.step == 0:
        return _told(alert, rule.tell, known), account_overdue(account, numbers, rule, known.now)
    event = account_unacknowledged(account, numbers, rule.tell, known.now)
    return _told_next(alert), event if rule.tell.then else None


def _look_at_stock(alert: Alert, known: _Known) -> tuple[Alert, Event | None]:
    stock, rule = known.stocks.get(alert.subject), known.rules.overdue.get(STOCK)
    if stock is None or not stock.is_low or rule is None:
        return _closed(alert, known), None
    if alert.step == 0:
        return _told(alert, rule.tell, known), low_stock(stock, alert.since, rule, known.now)
    event = still_low(stock, alert.since, rule.tell, known.now)
    return _told_next(alert), event if rule.tell.then else None


def _look_at_rung(alert: Alert, known: _Known) -> tuple[Alert, Event | None]:
    row, tell = known.rows.get(alert.subject), known.rules.of_rung(alert.what)
    if row is None or not tell.then:
        return _closed(alert, known), None
    return _told_next(alert), unacknowledged(row, alert.kind, alert.what, tell, known.now)


def _look_at_requirement(alert: Alert, known: _Known) -> tuple[Alert, Event | None]:
    row, rule = known.rows.get(alert.subject), known.rules.overdue.get(alert.what)
    if row is None or rule is None:
        return _closed(alert, known), None
    if NEEDS.get(row.waiting) != alert.what:
        if row.waiting in FOR_PEOPLE:
            return replace(alert, next_at=None), None  # that of the account, which has its own
        return replace(alert, next_at=known.now + _LOOK_AGAIN), None
    if alert.step == 0:
        event = overdue(row, alert.since, rule, known.now)
        return _told(alert, rule.tell, known), event
    event = unacknowledged(row, alert.kind, alert.what, rule.tell, known.now)
    return _told_next(alert), event if rule.tell.then else None


def _closed(alert: Alert, known: _Known) -> Alert:
    return replace(alert, next_at=None, closed_at=known.now)


def _told(alert: Alert, tell: Tell, known: _Known) -> Alert:
    """Return the alert once the first were told: the next are told later, if there are any."""
    return replace(alert, step=1, next_at=known.now + tell.after if tell.after else None)


def _told_next(alert: Alert) -> Alert:
    return replace(alert, step=2, next_at=None)


def _log(alert: Alert, event: Event) -> None:
    log.warning(
        "alert_raised",
        kind=alert.kind.value,
        subject=alert.subject,
        what=alert.what,
        event_type=event.type.value,
        channels=",".join(event.channels),
    )
