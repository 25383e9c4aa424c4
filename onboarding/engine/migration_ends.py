"""What the end of a migration means for the onboarding that the number leaves.

Both are written in one transaction, so that at every instant one of them has the claim.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.migrations import ended, has_ended
from onboarding.core.plan import Plan, plan
from onboarding.core.steps import entry_of, moved
from onboarding.engine.context import Context
from onboarding.engine.looking import snapshots
from onboarding.model import Entry, Onboarding, State
from onboarding.store import accounts, migrations, onboardings

Write = Callable[[Context, Connection, Sequence[Plan], datetime], object]


def follow(
    ctx: Context,
    conn: Connection,
    plans: Sequence[Plan],
    written: Mapping[str, Onboarding],
    *,
    now: datetime,
    write: Write,
) -> None:
    """Let the sources of migrations follow their destinations, which were just written."""
    destinations = [
        written[each.row.id]
        for each in plans
        if each.row.entry is Entry.MIGRATION and any(e.source != e.dest for e in each.entries)
    ]
    if not destinations:
        return
    known = migrations.load_migrations(conn, [row.id for row in destinations])
    for row in destinations:
        migration = known.get(row.id)
        if migration is None:
            continue
        if row.state is State.REQUESTED:
            migrations.begin_again(conn, row.id)
        elif has_ended(row) and migration.ended_at is None:
            migrations.end(conn, row.id, now, row.state.value)
            if migration.source_id is not None:
                _end(ctx, conn, migration.source_id, row, now=now, write=write)


def _end(
    ctx: Context,
    conn: Connection,
    source_id: str,
    destination: Onboarding,
    *,
    now: datetime,
    write: Write,
) -> None:
    source = onboardings.load_onboardings(conn, [source_id], lock=True)[source_id]
    if source.state is not State.MIGRATING:
        return  # Meta's list told it before
    step = ended(destination)
    after = moved(source, step, now)
    made = plan(snapshots(ctx, conn, [after], now)[0], now, ctx.policy)
    made.before = made.found = source
    made.entries.insert(0, entry_of(source, after, step, now, "engine"))
    write(ctx, conn, [made], now)
    # Whatever is believed of it, the list that it was on has the last word.
    accounts.want(conn, {source.waba_id: now}, {})
