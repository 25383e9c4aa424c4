"""Rules that were changed hold for what is there already, too."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from onboarding.core.deadlines import dated
from onboarding.core.events import FLEET
from onboarding.core.telling import Rules
from onboarding.engine.account_changes import held
from onboarding.engine.announcing import waiting
from onboarding.engine.batch_changes import load_failed, stopped
from onboarding.engine.context import Context
from onboarding.model import Account, AlertKind
from onboarding.store import accounts, alerts, deadlines, deployment, finding, onboardings
from onboarding.store.alerts import Alert
from onboarding.store.database import again_if_unlucky, reading, writing
from onboarding.telemetry import log

#: Under this name the deployment keeps which rules its rows were dated by.
RULES: Final = "rules"

_PAGE: Final = 500


def adopt_rules(ctx: Context) -> bool:
    """Date rungs, alerts and the digest by the rules of now, if they were dated by others.

    A rung that was raised stays raised. In pages, each a transaction of its own: whoever crashes in
    between leaves the rest to the next start.

    Returns:
        Whether they were.
    """
    mark = _mark(ctx.rules)
    with reading(ctx.database) as conn:
        if deployment.load_fact(conn, RULES) == mark:
            return False
    _in_pages(ctx)
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        alerts.write_alerts(conn, _dated(ctx, alerts.lock_alerts(conn, [FLEET])))
        failed = list(stopped(ctx, load_failed(conn)))
        alerts.write_alerts(
            conn, _dated(ctx, alerts.lock_alerts(conn, [a.subject for a in failed]))
        )
        alerts.open_alerts(conn, [*_digest(ctx, now), *held(ctx, _held(conn)), *failed])
        deployment.put_facts(conn, {RULES: mark})
    log.info("rules_adopted", file=str(ctx.notifications.file or "none"))
    return True


def _mark(rules: Rules) -> str:
    """Return what differs for rules that date rows differently."""
    spans = {need: str(rule.longer_than) for need, rule in sorted(rules.overdue.items())}
    text = repr((rules.ladder, spans, rules.digest))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _in_pages(ctx: Context) -> None:
    for find in (deadlines.load_open_page, finding.load_waiting_page):
        after = ""
        while True:
            with reading(ctx.database) as conn:
                ids = find(conn, after, _PAGE)
            if not ids:
                break
            again_if_unlucky(lambda page=ids: _date(ctx, page))  # type: ignore[misc] # a page of its own
            after = ids[-1]


def _date(ctx: Context, ids: Sequence[str]) -> None:
    with writing(ctx.database) as conn:
        rows = onboardings.load_onboardings(conn, ids, lock=True)
        running = [d for d in deadlines.load_deadlines(conn, ids) if d.closed_at is None]
        if running:
            deadlines.move_rungs(conn, [dated(d, ctx.policy.ladder) for d in running])
        alerts.write_alerts(conn, _dated(ctx, alerts.lock_alerts(conn, ids)))
        alerts.open_alerts(conn, list(waiting(ctx, rows.values())))


def _dated(ctx: Context, there: Sequence[Alert]) -> list[Alert]:
    """Return alerts of which nobody was told yet, by the rules of now."""
    changed: list[Alert] = []
    for alert in there:
        rule = ctx.rules.overdue.get(alert.what)
        if alert.kind is AlertKind.DIGEST:
            changed.append(replace(alert, next_at=None, closed_at=ctx.clock.now()))
        elif rule is not None and alert.step == 0 and alert.next_at is not None:
            changed.append(replace(alert, next_at=alert.since + rule.longer_than))
    return changed


def _digest(ctx: Context, now: datetime) -> list[Alert]:
    weekly = ctx.rules.digest
    if weekly is None:
        return []
    next_at = weekly.next_after(now)
    return [Alert(kind=AlertKind.DIGEST, subject=FLEET, what="weekly", since=now, next_at=next_at)]


def _held(conn: Connection) -> list[Account]:
    return [each for each in accounts.load_accounts(conn).values() if each.hold is not None]
