"""References to onboardings: ids, the start of an id, phone numbers; and who acts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onboarding.core.lifecycle import LIVE
from onboarding.core.numbers import number_key
from onboarding.engine.batches import BatchDesk
from onboarding.engine.changing import no_onboarding
from onboarding.engine.context import Context
from onboarding.errors import InputError, NotFoundError
from onboarding.model import (
    Onboarding,
    Owner,
    State,
)
from onboarding.store import (
    finding,
    onboardings,
)
from onboarding.store.database import reading

_SHORTEST_PREFIX = 6
_MOST_PER_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some onboardings, and where the next ones start: ``None`` if there are no more."""

    items: tuple[Onboarding, ...]
    next_cursor: str | None


def _latest(rows: Sequence[Onboarding]) -> Onboarding | None:
    """Return the onboarding of a number: one that was started again lives on before a later one."""
    return next((row for row in rows if row.state in LIVE), rows[-1] if rows else None)


def _find_started(conn: Connection, reference: str) -> Onboarding | NotFoundError:
    started = finding.load_by_prefix(conn, reference, limit=2)
    if len(reference) >= _SHORTEST_PREFIX and len(started) == 1:
        return started[0]
    if not started:
        return no_onboarding(reference)
    return NotFoundError(
        f"more than one onboarding starts with '{reference}'", hint="see: onboarding list"
    )


class Finding:
    """Finds onboardings; the common base of everything that ``Engine`` can do."""

    def __init__(self, context: Context) -> None:
        """Take an open context; ``Engine.open`` makes one."""
        self.context = context

    def _actor(self, actor: str | None) -> str:
        return actor or self.context.settings.who()

    def get(self, reference: str) -> Onboarding:
        """Return an onboarding by its id, the start of its id, or its phone number.

        Raises:
            NotFoundError: there is none, or more than one.
        """
        (found,) = self._find_each([reference])
        if isinstance(found, NotFoundError):
            raise found
        return found

    def _find_each(self, references: Sequence[str]) -> list[Onboarding | NotFoundError]:
        with reading(self.context.database) as conn:
            exact = onboardings.load_onboardings(conn, references)
            keys = {reference: number_key(reference) for reference in references}
            numbered = finding.load_by_number(conn, sorted(set(keys.values())))
            return [
                exact.get(reference)
                or _latest(numbered.get(keys[reference], []))
                or _find_started(conn, reference)
                for reference in references
            ]

    def find(
        self,
        *,
        states: Sequence[State] = (),
        waiting_for: Owner | None = None,
        waba_id: str | None = None,
        phone_number: str | None = None,
        deadline_before: datetime | None = None,
        batch: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page:
        """Return onboardings that fit every condition given, in the order of their making.

        Args:
            states: any of these.
            waiting_for: whose turn it is.
            waba_id: on this WABA.
            phone_number: of this number, in any spelling with its country code.
            deadline_before: to be registered before this.
            batch: of the batch of this name.
            cursor: ``Page.next_cursor`` of the page before.
            limit: 1 to 1000.

        Raises:
            InputError: the limit is out of range.
            NotFoundError: there is no such batch.
        """
        if not 1 <= limit <= _MOST_PER_PAGE:
            raise InputError(
                f"a page holds 1 to {_MOST_PER_PAGE} onboardings", field="limit", hint="use cursor"
            )
        batch_id = BatchDesk(self.context).id_of(batch) if batch is not None else None
        with reading(self.context.database) as conn:
            rows = finding.find(
                conn,
                states=states,
                waiting_for=waiting_for,
                waba_id=waba_id,
                number_key=number_key(phone_number) if phone_number is not None else None,
                due_before=deadline_before,
                batch_id=batch_id,
                after_id=cursor,
                limit=limit + 1,
            )
        more = len(rows) > limit
        return Page(items=tuple(rows[:limit]), next_cursor=rows[limit - 1].id if more else None)

    def find_all(self, **conditions: Any) -> Iterator[Onboarding]:
        """Yield every onboarding that fits, page after page; conditions as in ``find``."""
        cursor: str | None = None
        while True:
            page = self.find(cursor=cursor, limit=_MOST_PER_PAGE, **conditions)
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return
