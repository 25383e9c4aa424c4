"""Batches as people handle them: listed, shown, paused, resumed and cancelled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onboarding.core.batches import Batch, Standing, has_reached
from onboarding.core.chain import Entry
from onboarding.core.code_desk import NO_CODE
from onboarding.core.lifecycle import Trigger
from onboarding.core.steps import Move
from onboarding.core.waits import NO_HOLD
from onboarding.engine.batch_changes import change_batch, decided, has_failed
from onboarding.engine.batch_loading import BatchOrder
from onboarding.engine.changing import write_moves
from onboarding.engine.context import Context
from onboarding.engine.import_cost import ImportCost, cost_of
from onboarding.engine.import_results import ImportReport, OnResult
from onboarding.engine.importing import ImportOptions, import_file
from onboarding.engine.request_files import Progress, RequestFile
from onboarding.errors import InputError, NotFoundError, TransitionRefusedError
from onboarding.model import Onboarding, Reason, State
from onboarding.store import batches, history
from onboarding.store.database import again_if_unlucky, reading, writing

_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchView:
    """A batch, and how its numbers stand.

    Attributes:
        batch: the batch.
        states: how many of its numbers are in each state.
        waits: how many wait for each reason.
    """

    batch: Batch
    states: Counter[State] = field(default_factory=Counter)
    waits: Counter[Reason] = field(default_factory=Counter)

    @property
    def numbers(self) -> int:
        """How many numbers it has."""
        return self.states.total()


class BatchDesk:
    """What people do with batches: ``engine.batches``."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def import_file(
        self,
        file: RequestFile,
        *,
        actor: str | None = None,
        dry_run: bool = False,
        code_ready: bool = False,
        strict_names: bool = False,
        leave_out: bool = False,
        batch: BatchOrder | None = None,
        on_result: OnResult | None = None,
        on_progress: Progress | None = None,
    ) -> ImportReport:
        """Store the requests of a file of any length; importing it again changes nothing.

        All of it is checked before any is stored. It is stored a few hundred rows in a transaction:
        whoever is interrupted imports it again. With a batch no number begins before all are there.

        Args:
            file: the file, and how it is to be read.
            actor: who imports.
            dry_run: check everything and store nothing.
            code_ready: the holders of all these numbers can read a code now.
            strict_names: refuse a display name that breaks a published rule of Meta's.
            leave_out: store the sound rows of a file with mistakes, and leave the others out.
            batch: the batch that its numbers go into.
            on_result: told what became of each row, in the order of the file.
            on_progress: told how many rows are done, and the share of the work.

        Raises:
            ImportFileError: what is wrong, each with line and column.
            ConflictError: the batch was cancelled, or another file is being imported into it.
        """
        options = ImportOptions(
            actor=self._who(actor),
            dry_run=dry_run,
            code_ready=code_ready,
            strict_names=strict_names,
            leave_out=leave_out,
            batch=batch,
        )
        return import_file(
            self._ctx,
            file,
            options,
            on_result=on_result or (lambda _: None),
            on_progress=on_progress,
        )

    def cost(self, file: RequestFile, report: ImportReport) -> ImportCost:
        """Return what the numbers that a dry run found to be new cost in calls and days."""
        return cost_of(self._ctx, file, report, self._ctx.settings.who())

    def _who(self, actor: str | None) -> str:
        return actor or self._ctx.settings.who()

    def find_all(self) -> list[BatchView]:
        """Return all batches, the latest first."""
        with reading(self._ctx.database) as conn:
            return _views(conn, batches.list_batches(conn))

    def get(self, name: str) -> BatchView:
        """Return one batch.

        Raises:
            NotFoundError: there is none of this name.
        """
        with reading(self._ctx.database) as conn:
            return _views(conn, [_find(conn, name)])[0]

    def id_of(self, name: str) -> str:
        """Return the id of the batch of a name.

        Raises:
            NotFoundError: there is none.
        """
        with reading(self._ctx.database) as conn:
            return _find(conn, name).id

    def canaries(self, name: str) -> list[tuple[Onboarding, bool]]:
        """Return the numbers of a batch that go first, and which have come as far as they must."""
        with reading(self._ctx.database) as conn:
            batch = _find(conn, name)
            rows = batches.load_canaries(conn, batch) if batch.canary else []
        return [(row, has_reached(batch, row)) for row in rows]

    def history(self, name: str) -> list[tuple[int, Entry]]:
        """Return every decision about a batch, oldest first, each entry with its number."""
        with reading(self._ctx.database) as conn:
            return history.read(conn, _find(conn, name).id, history.BATCHES)

    def numbers(self, name: str) -> Iterator[Onboarding]:
        """Yield the numbers of a batch in the order of its file, page after page."""
        with reading(self._ctx.database) as conn:
            batch = _find(conn, name)
        after = (-1, "")
        while True:
            with reading(self._ctx.database) as conn:
                page = batches.load_page(conn, batch.id, after=after, limit=_PAGE)
            yield from page
            if len(page) < _PAGE:
                return
            after = _place(page[-1])

    def pause(self, name: str, reason: str, *, actor: str | None = None) -> Batch:
        """Stop all calls for the numbers of a batch that are not registered; deadlines go on.

        Raises:
            NotFoundError: there is no such batch.
            InputError: no reason is given.
            TransitionRefusedError: it is paused or cancelled already.
        """
        return again_if_unlucky(
            lambda: _change(
                self._ctx, name, "batch_paused", "pause", reason=reason, actor=self._who(actor)
            )
        )

    def resume(self, name: str, reason: str, *, actor: str | None = None) -> Batch:
        """Let a paused batch go on; where a canary failed, with all of its numbers.

        Raises:
            NotFoundError: there is no such batch.
            InputError: no reason is given.
            TransitionRefusedError: it is not paused.
        """
        return again_if_unlucky(
            lambda: _change(
                self._ctx, name, "batch_resumed", "resume", reason=reason, actor=self._who(actor)
            )
        )

    def cancel(self, name: str, reason: str, *, actor: str | None = None) -> tuple[Batch, int]:
        """Give up every number of a batch that is not registered; what is at Meta stays there.

        Nothing of it is called from the beginning on; then its numbers are given up one page after
        the other. Whoever is interrupted cancels again.

        Returns:
            The batch, and how many numbers were given up.

        Raises:
            NotFoundError: there is no such batch.
            InputError: no reason is given.
        """
        who = self._who(actor)
        batch = again_if_unlucky(lambda: self._close(name, reason, who))
        count, after = 0, (-1, "")
        while True:
            page = again_if_unlucky(
                lambda after=after: self._cancel_page(batch, after, reason, who)  # type: ignore[misc]  # its own page
            )
            count += len(page)
            if len(page) < _PAGE:
                return batch, count
            after = _place(page[-1])

    def _close(self, name: str, reason: str, actor: str) -> Batch:
        with writing(self._ctx.database) as conn:
            now, batch = self._ctx.clock.now(), _find(conn, name, lock=True)
            _require(batch, "cancel", reason)
            if batch.standing is Standing.CANCELLED:
                return batch
            changes = {"cancelled_at": now}
            decided(conn, batch, now)
            return change_batch(
                conn, batch, "batch_cancelled", reason=reason, actor=actor, now=now, changes=changes
            )

    def _cancel_page(
        self, batch: Batch, after: tuple[int, str], reason: str, actor: str
    ) -> list[Onboarding]:
        with writing(self._ctx.database) as conn:
            rows = batches.load_page(conn, batch.id, after=after, limit=_PAGE, live=True, lock=True)
            given_up = Move(
                trigger=Trigger.CANCELLED,
                reason=f"with its batch '{batch.name}': {reason}",
                changes={**NO_CODE, **NO_HOLD, "new_display_name": None},
            )
            steps = [(row, given_up) for row in rows if not row.renaming]
            write_moves(self._ctx, conn, steps, actor, self._ctx.clock.now())
        return rows


def _change(ctx: Context, name: str, note: str, command: str, *, reason: str, actor: str) -> Batch:
    with writing(ctx.database) as conn:
        now, batch = ctx.clock.now(), _find(conn, name, lock=True)
        _require(batch, command, reason)
        decided(conn, batch, now)
        changed = change_batch(
            conn,
            batch,
            note,
            reason=reason,
            actor=actor,
            now=now,
            changes=_changes(conn, batch, command, now),
        )
        batches.wake_batch(conn, batch.id, now)
    return changed


def _find(conn: Connection, name: str, *, lock: bool = False) -> Batch:
    batch = batches.find_batch(conn, name, lock=lock)
    if batch is None:
        raise NotFoundError(f"there is no batch '{name}'", hint="see: onboarding batch list")
    return batch


def _views(conn: Connection, found: list[Batch]) -> list[BatchView]:
    views = {batch.id: BatchView(batch=batch) for batch in found}
    for each in batches.count_rows(conn, list(views)) if views else ():
        views[each.batch_id].states[each.state] += each.count
        views[each.batch_id].waits[each.waiting] += each.count
    return list(views.values())


def _place(row: Onboarding) -> tuple[int, str]:
    return row.batch_line or 0, row.id


def _require(batch: Batch, command: str, reason: str) -> None:
    if not reason.strip():
        raise InputError("a reason is needed", field="reason", hint='--reason "handing over"')
    is_paused = batch.standing is Standing.PAUSED
    possible = {
        "pause": not is_paused and batch.standing is not Standing.CANCELLED,
        "resume": is_paused,
        "cancel": True,
    }
    if not possible[command]:
        raise TransitionRefusedError(
            f"{command} is not possible while the batch '{batch.name}' is {batch.standing}",
            hint=f"see: onboarding batch show {batch.name!r}",
        )


def _changes(conn: Connection, batch: Batch, command: str, now: datetime) -> dict[str, Any]:
    if command == "pause":
        return {"paused_at": now}
    if has_failed(conn, batch):
        return {"paused_at": None, "canary_passed_at": now}
    return {"paused_at": None}
