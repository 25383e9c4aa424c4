"""Looking ahead: today's data and budgets, read once, and the rules run on them in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from onboarding.core.budgets import APP, waba_key
from onboarding.core.deadlines import deadline_of, first_deadline
from onboarding.core.forecast.assumptions import Assumptions
from onboarding.core.forecast.fleet import Progress, forecast
from onboarding.core.forecast.outlook import Outlook
from onboarding.core.forecast.start import Start
from onboarding.core.lifecycle import FINAL
from onboarding.engine.breakers import load_breakers
from onboarding.engine.context import Context
from onboarding.engine.importing import preview_file
from onboarding.engine.looking import load_attempts, read_by_intakes
from onboarding.engine.request_files import RequestFile
from onboarding.engine.restoring import restore_of
from onboarding.engine.slots import open_slots
from onboarding.model import Account, Deadline, JournaledOperation, Onboarding, Reason, changed
from onboarding.store import accounts, budgets, deadlines, due
from onboarding.store.database import reading

_AT_ONCE = 1000


def look_ahead(
    ctx: Context,
    *,
    span: timedelta,
    assumed: Assumptions,
    file: RequestFile | None,
    actor: str,
    on_progress: Progress,
) -> Outlook:
    """Return what the coming span brings; nothing is called, and nothing is written.

    Raises:
        ImportFileError: the file of further numbers has mistakes.
    """
    further: list[Onboarding] = []
    if file is not None:
        further = preview_file(ctx, file, actor)
    with reading(ctx.database) as conn:
        start = _start(ctx, conn, further)
    return forecast(start, assumed, ctx.policy, span, on_progress)


def _start(ctx: Context, conn: Connection, further: Sequence[Onboarding]) -> Start:
    now = ctx.clock.now()
    rows = [_begun(row, now) for row in _all_due(conn, now)]
    known = accounts.load_accounts(conn)
    new = {row.waba_id for row in further} - known.keys()
    made = {waba_id: _unknown(waba_id, now) for waba_id in new}
    keys = [APP, *map(waba_key, known)]
    restore = restore_of(conn, now)
    operations: dict[str, Sequence[JournaledOperation]] = {}
    for part in _parts(rows):
        for number, attempts in load_attempts(ctx, conn, part, now, restore).items():
            operations[number] = attempts.made
    return Start(
        now=now,
        rows=[*rows, *(changed(row, next_due_at=now) for row in further)],
        accounts=known | made,
        operations=operations,
        deadlines=_deadlines(ctx, conn, rows, further),
        others=_others(conn, rows),
        used=budgets.load_used(conn, keys, now),
        breakers=load_breakers(ctx, conn, list(known), now),
        restore=restore,
        slots=open_slots(ctx, conn, list(known), now),
        reads=partial(read_by_intakes, ctx),
    )


def _begun(row: Onboarding, now: datetime) -> Onboarding:
    """Return the row as if its batch came to it now; a batch that is paused stays so."""
    if row.waiting is not Reason.BATCH:
        return row
    return changed(row, next_due_at=now, waiting=Reason.DUE)


def _unknown(waba_id: str, now: datetime) -> Account:
    """Return a WABA of a file that was not added yet, as it would be."""
    return Account(waba_id=waba_id, token_sealed="", created_at=now, observe_due_at=now)


def _all_due(conn: Connection, now: datetime) -> list[Onboarding]:
    """Return every onboarding that is somebody's turn, page after page."""
    rows: list[Onboarding] = []
    after = None
    while True:
        page = due.page(conn, who=None, now=now, before=None, after=after, limit=_AT_ONCE)
        rows += page
        if len(page) < _AT_ONCE:
            return rows
        after = due.place_of(page[-1])


def _parts(rows: Sequence[Onboarding]) -> list[Sequence[Onboarding]]:
    return [rows[first : first + _AT_ONCE] for first in range(0, len(rows), _AT_ONCE)]


def _deadlines(
    ctx: Context, conn: Connection, rows: Sequence[Onboarding], further: Sequence[Onboarding]
) -> Mapping[str, Sequence[Deadline]]:
    found: dict[str, list[Deadline]] = {}
    for part in _parts(rows):
        for deadline in deadlines.load_deadlines(conn, [row.id for row in part]):
            found.setdefault(deadline.onboarding_id, []).append(deadline)
    for row in further:
        found[row.id] = [deadline_of(row, first_deadline(row, ctx.policy), ctx.policy.ladder)]
    return found


def _others(conn: Connection, rows: Sequence[Onboarding]) -> dict[str, int]:
    """Return how many numbers that are not looked at each WABA's list has beside those that are."""
    there = due.count_numbers(conn)
    for row in rows:
        if row.phone_number_id is not None and row.state not in FINAL:
            there[row.waba_id] -= 1
    return there
