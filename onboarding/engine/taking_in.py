"""Requests that were found sound become rows: with history, deadline and, if asked for, a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from onboarding.core.batches import Batch, gate
from onboarding.core.chain import Entry as HistoryEntry
from onboarding.core.deadlines import deadline_of, first_deadline
from onboarding.core.events import transitions
from onboarding.core.migrations import Migration
from onboarding.core.reasons import MEANINGS
from onboarding.engine.announcing import announce
from onboarding.engine.context import Context, Ids
from onboarding.engine.definition import DEFINITION
from onboarding.engine.requests import ValidRequest
from onboarding.errors import ConflictError
from onboarding.model import Deadline, DeadlineReason, Entry, Onboarding, State, changed
from onboarding.store import batches, deadlines, history, migrations, onboardings


@dataclass(frozen=True, slots=True, kw_only=True)
class Into:
    """The batch that requests go into.

    Attributes:
        batch_id: which one.
        name: what it is called.
        lines: the line of each request.
        is_begun_again: an import into it was interrupted, and is taken up again.
        after_line: the last line that a batch has to which numbers are added. Theirs follow, so
            that none of them comes before, or becomes, one of its canaries.
    """

    batch_id: str
    name: str
    lines: Sequence[int] = ()
    is_begun_again: bool = False
    after_line: int = 0


def open_batch(conn: Connection, into: Into | None) -> Batch | None:
    """Return the batch, which may not be cancelled meanwhile."""
    if into is None:
        return None
    batch = batches.load_batches(conn, [into.batch_id], lock=True)[into.batch_id]
    if batch.cancelled_at is not None:
        raise ConflictError(
            f"the batch '{batch.name}' was cancelled", field="batch", hint="give it another name"
        )
    return batch


def in_batch(row: Onboarding, batch: Batch, line: int) -> Onboarding:
    """Return the row as it belongs to a batch; asleep, if its turn has not come."""
    row = changed(row, batch_id=batch.id, batch_line=line)
    reason = gate(batch, row)
    if reason is None:
        return row
    window_end = row.register_by if row.register_by_reason is not DeadlineReason.POLICY else None
    return changed(row, waiting=reason, waiting_for=MEANINGS[reason].owner, next_due_at=window_end)


def note_canaries(conn: Connection, batch: Batch | None) -> None:
    """Note the line of the last number that goes first, once it is there."""
    if batch is None or not batch.canary or batch.canary_line is not None:
        return
    line = batches.line_of_nth(conn, batch.id, batch.canary)
    if line is not None:
        batches.update_batch(conn, batch.id, canary_line=line)


def rows_of(
    ctx: Context, fresh: Mapping[int, ValidRequest], actor: str, now: datetime
) -> dict[int, Onboarding]:
    """Return the rows that sound requests make, by their places."""
    ids = Ids(now)
    return {index: row_of(ctx, each, ids.next(), actor, now) for index, each in fresh.items()}


def store_rows(
    ctx: Context,
    conn: Connection,
    rows: Mapping[int, Onboarding],
    fresh: Mapping[int, ValidRequest],
    *,
    batch: Batch | None = None,
    source: Onboarding | None = None,
    actor: str,
    now: datetime,
) -> None:
    """Store rows with their first history entry and their deadline, and tell who follows.

    Of a migration, ``source`` is the onboarding that it leaves.
    """
    onboardings.insert_onboardings(conn, list(rows.values()))
    came = {"source": source.id, "source_waba_id": source.waba_id} if source else {}
    if batch is not None:
        came["batch"] = batch.name
    entries = {
        row.id: [_first_entry(row, fresh[i].code.why, came, actor, now)] for i, row in rows.items()
    }
    history.append(
        conn,
        entries,
        {row.id: (0, "") for row in rows.values()},
    )
    deadlines.set_deadlines(conn, [_first_deadline(ctx, row) for row in rows.values()])
    moving = [row for row in rows.values() if row.entry is Entry.MIGRATION]
    migrations.insert_migrations(conn, [_migration(row, actor, now, source) for row in moving])
    announce(ctx, conn, [e for row in rows.values() for e in transitions(row, entries[row.id])])


def row_of(ctx: Context, each: ValidRequest, id_: str, actor: str, now: datetime) -> Onboarding:
    """Return the row that one sound request makes."""
    request, number = each.request, each.number
    row = Onboarding(
        id=id_,
        key=request.key,
        content_digest=each.digest,
        waba_id=request.waba_id,
        number_key=number.key,
        phone_number=number.e164,
        cc=number.cc,
        national_number=number.national_number,
        region=number.region,
        display_name=each.display_name,
        entry=each.entry,
        requested_by=actor,
        created_at=now,
        state=State.REQUESTED,
        state_since=now,
        definition=DEFINITION,
        next_due_at=now,
        waiting_since=now,
        code_method=each.code.method,
        code_language=each.code.language,
        code_window=request.code_window,
        code_ready=request.code_ready,
        onboarded_at=request.onboarded_at.astimezone(UTC) if request.onboarded_at else None,
        pin_sealed=ctx.vault.seal(request.pin) if request.pin else None,
        preverified_id=request.preverified_id,
    )
    first = first_deadline(row, ctx.policy)
    return changed(row, register_by=first.due_at, register_by_reason=first.reason)


def _migration(row: Onboarding, actor: str, now: datetime, source: Onboarding | None) -> Migration:
    return Migration(
        destination_id=row.id,
        destination_waba_id=row.waba_id,
        number_key=row.number_key,
        source_id=source.id if source else None,
        source_waba_id=source.waba_id if source else None,
        started_by=actor,
        started_at=now,
    )


def _first_entry(
    row: Onboarding, choice: str, came: Mapping[str, str], actor: str, now: datetime
) -> HistoryEntry:
    return HistoryEntry(
        at=now,
        trigger="requested",
        source="",
        dest=State.REQUESTED.value,
        actor=actor,
        reason=f"{row.phone_number} as '{row.display_name}' on WABA {row.waba_id}",
        detail={
            "entry": row.entry.value,
            "display_name": row.display_name,
            "code_choice": choice,
            **came,
        },
    )


def _first_deadline(ctx: Context, row: Onboarding) -> Deadline:
    return deadline_of(row, first_deadline(row, ctx.policy), ctx.policy.ladder)
