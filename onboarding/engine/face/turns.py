"""Whose turn it is, what comes next, and what was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from onboarding.core.attribution import Attribution
from onboarding.core.chain import Broken, Entry
from onboarding.core.forecast.assumptions import Assumptions
from onboarding.core.forecast.outlook import Outlook
from onboarding.core.name_submissions import NameSubmission, submissions
from onboarding.core.requirements import Requirement, requirements
from onboarding.core.story import Story, tell
from onboarding.engine import (
    feed,
    outbox_desk,
)
from onboarding.engine.face.finding import Finding
from onboarding.engine.forecasting import look_ahead
from onboarding.engine.request_files import RequestFile
from onboarding.engine.seal_checks import check_against, check_seals
from onboarding.engine.seal_files import HeadsFile
from onboarding.engine.whose_turn import DuePage, attribution, find_due, known_of
from onboarding.errors import ChainBrokenError
from onboarding.model import (
    Deadline,
    JournaledOperation,
    Owner,
)
from onboarding.store import (
    deadlines,
    history,
    journal,
    views,
)
from onboarding.store.database import reading
from onboarding.store.outbox import Delivery
from onboarding.store.views import Overview


class Turns(Finding):
    """What ``Engine`` tells of numbers."""

    def requirements(self, reference: str) -> tuple[Requirement, ...]:
        """Return what is required for an onboarding to go on, from whom, by when, and how.

        The first one says whose turn it is; empty, if nothing is due from anybody.

        Raises:
            NotFoundError: no such onboarding.
        """
        return requirements(known_of(self.context, self.get(reference)))

    def due(
        self,
        *,
        who: Sequence[Owner] = (),
        before: datetime | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> DuePage:
        """Return what is required over the fleet, nearest deadline first, then by whose turn it is.

        Args:
            who: from any of these; by default from anybody but the engine.
            before: only of numbers that must be registered by then.
            cursor: ``DuePage.next_cursor`` of the page before.
            limit: at most so many onboardings, 1 to 1000.

        Raises:
            InputError: the limit is out of range, or the cursor is none.
        """
        return find_due(self.context, who=who, before=before, cursor=cursor, limit=limit)

    def attribution(self, reference: str) -> Attribution:
        """Return for whom an onboarding waited since it was asked for: every instant is one's.

        Raises:
            NotFoundError: no such onboarding.
        """
        return attribution(self.context, self.get(reference))

    def why(self, reference: str) -> Story:
        """Tell what an onboarding waits for, what happened before, and what happens next.

        Raises:
            NotFoundError: no such onboarding.
        """
        row = self.get(reference)
        entries = [entry for _, entry in self.history(row.id)]
        known = known_of(self.context, row)
        return tell(known, entries, self.operations(row.id), self.context.policy)

    def plan(
        self,
        *,
        span: timedelta = timedelta(weeks=3),
        assumed: Assumptions | None = None,
        file: Path | str | None = None,
        on_progress: Callable[[float], None] = lambda _: None,
        actor: str | None = None,
    ) -> Outlook:
        """Return what the coming weeks bring with today's data and budgets, if all goes as assumed.

        The engine's own rules are run ahead of time in memory: no token is needed, nothing is
        called, and nothing is written.

        Args:
            span: how far ahead.
            assumed: what Meta and people do; default: see ``Assumptions``.
            file: a file of further numbers, as for ``import_file``, that come in now.
            on_progress: is told the share that is done.
            actor: who would ask for the file's numbers.

        Raises:
            ImportFileError: the file has mistakes, each with line and column.
        """
        return look_ahead(
            self.context,
            span=span,
            assumed=assumed or Assumptions(),
            file=RequestFile(path=Path(file)) if file is not None else None,
            actor=self._actor(actor),
            on_progress=on_progress,
        )

    def overview(self) -> Overview:
        """Return the fleet at a glance."""
        with reading(self.context.database) as conn:
            return views.overview(conn, self.context.clock.now())

    def history(self, reference: str) -> list[tuple[int, Entry]]:
        """Return the history of an onboarding, oldest first, each entry with its number.

        Raises:
            NotFoundError: no such onboarding.
        """
        row = self.get(reference)
        with reading(self.context.database) as conn:
            return history.read(conn, row.id)

    def name_submissions(self, reference: str) -> list[NameSubmission]:
        """Return every display name that was submitted for the number, with what became of it.

        The first one first. One that waits to be submitted comes last, without an instant.
        """
        row = self.get(reference)
        return submissions([entry for _, entry in self.history(row.id)], row)

    def operations(self, reference: str) -> list[JournaledOperation]:
        """Return the calls that were made for an onboarding, oldest first."""
        row = self.get(reference)
        with reading(self.context.database) as conn:
            return journal.load_operations(conn, row.id)

    def deadlines(self, reference: str) -> list[Deadline]:
        """Return the deadlines of an onboarding, with the anchor of each."""
        row = self.get(reference)
        with reading(self.context.database) as conn:
            return deadlines.load_deadlines(conn, [row.id])

    def verify(self) -> tuple[int, list[Broken]]:
        """Check every history's hash chain; return how many there are, and those that break."""
        with reading(self.context.database) as conn:
            results = [each for kind in history.LEDGERS for each in history.verify_all(conn, kind)]
        return len(results), [broken for broken in results if broken is not None]

    def verify_seals(self, against: Path | str | None = None) -> tuple[int, list[Broken]]:
        """Check the seals, and the histories with them; return how many seals, and what breaks.

        Args:
            against: a file of ``onboarding audit seal --out`` to compare with, too.

        Raises:
            InputError: it is not such a file.
        """
        file = HeadsFile(Path(against)) if against is not None else None
        with reading(self.context.database) as conn:
            count, broken = check_seals(conn)
            return count, [*broken, *(check_against(conn, file) if file else ())]

    def require_verified(self) -> int:
        """Check every history's hash chain, and the seals; return how many histories there are.

        Raises:
            ChainBrokenError: at least one does not verify.
        """
        count, broken = self.verify()
        broken += self.verify_seals()[1]
        if broken:
            first = broken[0]
            raise ChainBrokenError(
                f"{len(broken)} of {count} histories do not verify; the first: "
                f"{first.owner}, entry {first.seq}: {first.what}",
                hint="compare with a backup",
            )
        return count

    def events(self, *, after: int = 0, limit: int = 1000) -> list[feed.Told]:
        """Return what happened since an event, in order; give the last ``seq`` to go on.

        None is left out by that, and none is told twice. Events are kept for
        ``ONBOARDING_EVENT_DAYS``; ``docs/reference/events.md`` describes them.
        """
        return feed.events(self.context, after, limit)

    def deliveries(self, **conditions: Any) -> list[Delivery]:
        """Return messages of the outbox, the latest first; see ``outbox_desk.deliveries``.

        Args:
            conditions: ``statuses``, ``channel``, ``subject`` (the id of an onboarding or WABA)
                and ``limit``.
        """
        return outbox_desk.deliveries(self.context, **conditions)
