"""Whose turn it is, with all that it depends on read by a fixed number of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.attribution import Attribution, attribute
from onboarding.core.next_look import NextLook, next_look
from onboarding.core.requirements import Known, Requirement, requirements
from onboarding.core.timing import iso, parse_iso
from onboarding.engine.context import Context
from onboarding.errors import InputError
from onboarding.graph.recovery import meaning_of
from onboarding.model import Deadline, Onboarding, Owner
from onboarding.store import accounts, approvals, deadlines, due, turns, unsettled
from onboarding.store.database import reading
from onboarding.store.due import Place

#: The order of whose turn it is among those that are due at one instant.
_ORDER = (Owner.HOLDER, Owner.PARTNER, Owner.OPERATOR, Owner.META, Owner.ENGINE)
_MOST_PER_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One requirement of one onboarding."""

    onboarding: Onboarding
    requirement: Requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class DuePage:
    """What is due, in order, and where the next page starts: ``None`` if there is no more."""

    items: tuple[Due, ...]
    next_cursor: str | None


def load_known(ctx: Context, conn: Connection, rows: Sequence[Onboarding]) -> list[Known]:
    """Return all that the turn of each row depends on; four queries however many there are."""
    ids, now = [row.id for row in rows], ctx.clock.now()
    there = accounts.load_accounts(conn, sorted({row.waba_id for row in rows}))
    operations = unsettled.load_unsettled_of(conn, ids)
    asked = approvals.load_pending_of(conn, ids)
    dated: dict[str, list[Deadline]] = {}
    for deadline in deadlines.load_deadlines(conn, ids):
        dated.setdefault(deadline.onboarding_id, []).append(deadline)
    return [
        Known(
            row=row,
            account=there[row.waba_id],
            operations=tuple(operations.get(row.id, ())),
            deadlines=tuple(dated.get(row.id, ())),
            approvals=asked.get(row.id, ()),
            now=now,
            explain=meaning_of,
        )
        for row in rows
    ]


def known_of(ctx: Context, row: Onboarding) -> Known:
    """Return all that the turn of one onboarding depends on."""
    with reading(ctx.database) as conn:
        return load_known(ctx, conn, [row])[0]


def next_looks(ctx: Context, rows: Sequence[Onboarding]) -> Mapping[str, NextLook | None]:
    """Return when the engine looks at each next by itself, by id; one query."""
    with reading(ctx.database) as conn:
        there = accounts.load_accounts(conn, sorted({row.waba_id for row in rows}))
    return {row.id: next_look(row, there[row.waba_id], ctx.policy) for row in rows}


def attribution(ctx: Context, row: Onboarding) -> Attribution:
    """Return for whom an onboarding waited, and how long."""
    with reading(ctx.database) as conn:
        taken = turns.load(conn, [row.id]).get(row.id, [])
    return attribute(row.created_at, taken, ctx.clock.now())


def find_due(
    ctx: Context,
    *,
    who: Sequence[Owner],
    before: datetime | None,
    cursor: str | None,
    limit: int,
) -> DuePage:
    """Return what is due over the fleet, nearest deadline first, then by whose turn it is.

    Args:
        ctx: the engine's parts.
        who: from any of these; empty: from anybody but the engine.
        before: only of numbers that must be registered by then.
        cursor: ``DuePage.next_cursor`` of the page before.
        limit: at most so many onboardings, 1 to 1000.

    Raises:
        InputError: the limit is out of range, or the cursor is none.
    """
    if not 1 <= limit <= _MOST_PER_PAGE:
        raise InputError(
            f"a page holds 1 to {_MOST_PER_PAGE} onboardings", field="limit", hint="use cursor"
        )
    wanted = set(who) or set(Owner) - {Owner.ENGINE}
    after = _place(cursor) if cursor else None
    found: list[list[Due]] = []
    with reading(ctx.database) as conn:
        while len(found) <= limit:
            # One more than fits says whether there is another page.
            rows = due.page(
                conn,
                who=who[0] if len(who) == 1 else None,
                now=ctx.clock.now(),
                before=before,
                after=after,
                limit=limit + 1,
            )
            for known in load_known(ctx, conn, rows):
                found += _wanted(known, wanted)
            if len(rows) <= limit:
                break
            after = due.place_of(rows[-1])
    shown = found[:limit]
    more = len(found) > limit
    last = shown[-1][0].onboarding if shown else None
    items = sorted((each for several in shown for each in several), key=_in_order)
    return DuePage(
        items=tuple(items), next_cursor=_cursor(due.place_of(last)) if more and last else None
    )


def _wanted(known: Known, who: set[Owner]) -> list[list[Due]]:
    required = [each for each in requirements(known) if each.from_whom in who]
    return [[Due(onboarding=known.row, requirement=each) for each in required]] if required else []


def _in_order(each: Due) -> tuple[bool, str, int, str]:
    due_by, owner = each.requirement.due_by, each.requirement.from_whom
    return due_by is None, iso(due_by) if due_by else "", _ORDER.index(owner), each.onboarding.id


def _cursor(place: Place) -> str:
    at = iso(place.register_by) if place.register_by else ""
    return f"{at},{place.waiting_for},{place.id}"


def _place(cursor: str) -> Place:
    try:
        at, owner, id_ = cursor.split(",")
        return Place(register_by=parse_iso(at) if at else None, waiting_for=Owner(owner), id=id_)
    except ValueError:
        raise InputError(
            f"'{cursor}' is not a cursor", field="cursor", hint="give what the page before said"
        ) from None
