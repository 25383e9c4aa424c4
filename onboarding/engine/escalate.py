"""The ladder: each rung of each deadline is raised once, in the history and in the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onboarding.core.chain import Entry
from onboarding.core.deadlines import Raised, climb
from onboarding.core.events import Event, escalation
from onboarding.engine.announcing import announce
from onboarding.engine.context import Context
from onboarding.model import AlertKind, Onboarding, State
from onboarding.store import alerts, deadlines, history, onboardings
from onboarding.store.alerts import Alert
from onboarding.store.database import writing
from onboarding.telemetry import log


def escalate_due(ctx: Context, limit: int) -> int:
    """Raise the rungs that are due; return how many deadlines there were."""
    now = ctx.clock.now()
    with writing(ctx.database) as conn:
        if not (ids := deadlines.find_climbable(conn, now, limit)):
            return 0
        rows = onboardings.load_onboardings(conn, ids, lock=True)
        climbed = raise_rungs(ctx, conn, ids, rows, now)
    for up in climbed:
        _log(up, rows[up.deadline.onboarding_id], now)
    return len(climbed)


def raise_rungs(
    ctx: Context,
    conn: Connection,
    ids: Sequence[str],
    rows: dict[str, Onboarding],
    now: datetime,
) -> list[Raised]:
    """Raise the rungs that are due of some onboardings.

    Args:
        ctx: the engine's parts.
        conn: a transaction that holds their rows.
        ids: which onboardings.
        rows: their rows by id, which are brought up to date with their histories.
        now: business time.
    """
    due = deadlines.load_climbable(conn, ids, now)  # as they are now that nobody moves them
    climbed = [up for d in due if (up := climb(d, now, ctx.policy.ladder)) is not None]
    if climbed:
        _record(ctx, conn, climbed, rows, now)
    return climbed


def _record(
    ctx: Context,
    conn: Connection,
    climbed: Sequence[Raised],
    rows: dict[str, Onboarding],
    now: datetime,
) -> None:
    deadlines.insert_escalations(conn, [row for up in climbed for row in _rows(up, now)])
    deadlines.move_rungs(conn, [up.deadline for up in climbed])
    entries: dict[str, list[Entry]] = {}
    for up in climbed:
        row = rows[up.deadline.onboarding_id]
        entries.setdefault(row.id, []).append(_entry(up, row, now))
    heads = {id_: (rows[id_].history_seq, rows[id_].head_hash) for id_ in entries}
    for id_, (seq, head) in history.append(conn, entries, heads).items():
        rows[id_] = replace(rows[id_], history_seq=seq, head_hash=head)
    _tell(ctx, conn, climbed, rows, now)


def _tell(
    ctx: Context,
    conn: Connection,
    climbed: Sequence[Raised],
    rows: dict[str, Onboarding],
    now: datetime,
) -> None:
    """Tell whoever a rung is for; who is next if nobody takes it on is told later."""
    told: list[Event] = []
    nexts: dict[str, Alert] = {}
    for up in climbed:
        row, tell = rows[up.deadline.onboarding_id], ctx.rules.of_rung(up.rung.name)
        told.append(escalation(up, row, tell, now))
        if tell.after is not None:
            nexts[row.id] = Alert(
                kind=AlertKind.RUNG,
                subject=row.id,
                what=up.rung.name,
                since=now,
                step=1,
                next_at=now + tell.after,
            )
    announce(ctx, conn, told)
    alerts.open_alerts(conn, list(nexts.values()))


def _rows(up: Raised, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "onboarding_id": up.deadline.onboarding_id,
            "cycle": up.deadline.cycle,
            "reason": up.deadline.reason,
            "rung": rung.name,
            "raised_at": now,
            "collapsed_into": None if rung is up.rung else up.rung.name,
        }
        for rung in (*up.collapsed, up.rung)
    ]


def _entry(up: Raised, row: Onboarding, now: datetime) -> Entry:
    detail = {"rung": up.rung.name, "deadline": up.deadline.reason.value}
    if up.collapsed:
        detail["collapsed"] = ",".join(rung.name for rung in up.collapsed)
    return Entry(
        at=now,
        trigger="escalated",
        source=row.state.value,
        dest=row.state.value,
        actor="engine",
        reason=f"{up.rung.name}: {_standing(up, row)}",
        detail=detail,
    )


def _standing(up: Raised, row: Onboarding) -> str:
    by = f"registered by {up.deadline.due_at:%Y-%m-%d %H:%M} UTC"
    if row.state is State.EXPIRED:
        return f"not {by}"
    return f"to be {by}, waiting for {row.waiting_for} ({row.waiting})"


def _log(up: Raised, row: Onboarding, now: datetime) -> None:
    left = up.deadline.due_at - now
    log.warning(
        "deadline_rung",
        rung=up.rung.name,
        onboarding=row.id,
        phone_number=row.phone_number,
        state=row.state.value,
        waiting_for=row.waiting_for.value,
        waiting=row.waiting.value,
        register_by=up.deadline.due_at.isoformat(),
        hours_left=round(left.total_seconds() / 3600, 1),
    )
