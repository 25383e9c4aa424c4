"""Events go into the log of events and, where somebody is to be told, into the outbox."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.events import Event, recipients, requirement, transitions
from onboarding.core.plan import Plan
from onboarding.core.telling import NEEDS
from onboarding.engine.context import Context, Ids
from onboarding.model import AlertKind, DeliveryStatus, Onboarding, Reason
from onboarding.store import alerts, events, outbox
from onboarding.store.alerts import Alert

#: Reasons for which an onboarding waits once nothing is asked of a person any more.
_AT_REST = (Reason.NAME_IN_REVIEW, Reason.CONNECTING, Reason.DONE, Reason.OVER)


def announce(ctx: Context, conn: Connection, happened: Sequence[Event]) -> None:
    """Write events and who is to be told of them, in the transaction of what they tell of.

    Two statements at most, however many there are; one if nobody is to be told.
    """
    if not happened:
        return
    ids = Ids(happened[0].at)
    written = [(ids.next(), event) for event in happened]
    events.insert_events(
        conn,
        [
            {
                "id": id_,
                "at": event.at,
                "type": event.type.value,
                "subject": event.subject,
                "body": event.body(id_),
            }
            for id_, event in written
        ],
    )
    messages = [
        {
            "id": ids.next(),
            "event_id": id_,
            "channel": channel,
            "subject": event.subject,
            "topic": about.value if about is not None else None,
            "status": DeliveryStatus.PENDING,
            "created_at": event.at,
            "next_at": event.at,
            "tries": 0,
        }
        for id_, event in written
        for channel, about in recipients(event, ctx.rules).items()
    ]
    if messages:
        outbox.insert_deliveries(conn, messages)


def announce_plans(
    ctx: Context,
    conn: Connection,
    plans: Sequence[Plan],
    written: Mapping[str, Onboarding],
    now: datetime,
) -> None:
    """Write what plans that were written lead to for those who follow, and for those who wait."""
    happened: list[Event] = []
    for plan in plans:
        row = written[plan.row.id]
        happened += transitions(row, plan.entries)
        if (event := requirement(plan.before or plan.found, row, now)) is not None:
            happened.append(event)
    announce(ctx, conn, happened)
    _follow(ctx, conn, plans, now)


def _follow(ctx: Context, conn: Connection, plans: Sequence[Plan], now: datetime) -> None:
    """Open the alerts of those who begin to wait for a person, and close those that are done."""
    ended = [plan.row.id for plan in plans if _is_done(plan)]
    alerts.close_alerts(conn, ended, [AlertKind.REQUIREMENT], now)
    outbox.cancel(conn, [(id_, AlertKind.REQUIREMENT) for id_ in ended], "it was given")
    alerts.open_alerts(conn, list(waiting(ctx, (p.row for p in plans if _is_new(p)))))


def _is_done(plan: Plan) -> bool:
    """Whether what a person was asked for before is done, or asked for no more.

    It is not while the engine only tries again: then the code is still the code.
    """
    found = plan.before or plan.found
    if found is None or _has_moved(plan):
        return _has_moved(plan)
    before, after = NEEDS.get(found.waiting), NEEDS.get(plan.row.waiting)
    is_another = before is not None and after is not None and before != after
    return is_another or (plan.row.waiting in _AT_REST and plan.row.waiting is not found.waiting)


def _has_moved(plan: Plan) -> bool:
    return any(entry.source not in ("", entry.dest) for entry in plan.entries)


def _is_new(plan: Plan) -> bool:
    found = plan.before or plan.found
    is_same = found is not None and found.waiting is plan.row.waiting
    return plan.row.waiting in NEEDS and (not is_same or _has_moved(plan))


def waiting(ctx: Context, rows: Iterable[Onboarding]) -> Iterable[Alert]:
    """Yield the alert of each onboarding that waits for a person."""
    for row in rows:
        need = NEEDS.get(row.waiting)
        rule = ctx.rules.overdue.get(need or "")
        if need is not None and rule is not None:
            yield Alert(
                kind=AlertKind.REQUIREMENT,
                subject=row.id,
                what=need,
                since=row.waiting_since,
                next_at=row.waiting_since + rule.longer_than,
            )
