"""``onboarding list``: onboardings that fit conditions, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onboarding.model import Owner, State

if TYPE_CHECKING:
    from onboarding.engine.facade import Engine
    from onboarding.model import Onboarding

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class _Found:
    rows: list[Onboarding]
    next_cursor: str | None


def list_onboardings(
    ctx: typer.Context,
    *,
    state: Annotated[
        list[State] | None,
        typer.Option(
            metavar="STATE", help="In this state, like otp_pending; may be given several times."
        ),
    ] = None,
    waba: Annotated[str | None, typer.Option(metavar="ID", help="On this WABA.")] = None,
    number: Annotated[str | None, typer.Option(help="Of this phone number.")] = None,
    deadline_before: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN", help="To be registered before: an instant, or 3d from now; in progress."
        ),
    ] = None,
    waiting_for: Annotated[Owner | None, typer.Option(help="Whose turn it is.")] = None,
    cursor: Annotated[str | None, typer.Option(help="Where a page before said to go on.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=_PAGE, help="At most so many.")] = 100,
    everything: Annotated[bool, typer.Option("--all", help="All pages.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List onboardings.

    Every condition that is given must fit.

    Example:
        onboarding list --state otp_pending --state created
        onboarding list --deadline-before 3d --waiting-for partner
        onboarding list --all --json
    """
    from onboarding.cli.moments import parse_moment
    from onboarding.cli.session import open_engine
    from onboarding.core.lifecycle import IN_PROGRESS

    with open_engine(ctx) as engine:
        now = engine.context.clock.now()
        conditions: dict[str, Any] = {
            "states": state or (IN_PROGRESS if deadline_before or waiting_for else ()),
            "waba_id": waba,
            "phone_number": number,
            "deadline_before": parse_moment(deadline_before, now, "--deadline-before")
            if deadline_before
            else None,
        }
        found = _find(engine, conditions, waiting_for, cursor, None if everything else limit)
    _print(found, now, as_json=as_json)


def _find(
    engine: Engine,
    conditions: dict[str, Any],
    waiting_for: Owner | None,
    cursor: str | None,
    limit: int | None,
) -> _Found:
    """Return at most ``limit`` onboardings (all without one), read in pages."""
    from onboarding.cli.onboardings import owner_of

    rows: list[Onboarding] = []
    while True:
        size = _PAGE if limit is None or waiting_for else limit
        page = engine.find(cursor=cursor, limit=size, **conditions)
        rows += [r for r in page.items if waiting_for is None or owner_of(r) is waiting_for]
        if limit is not None and (len(rows) > limit or (len(rows) == limit and page.next_cursor)):
            return _Found(rows[:limit], rows[limit - 1].id)
        cursor = page.next_cursor
        if cursor is None:
            return _Found(rows, None)


def _print(found: _Found, now: Any, *, as_json: bool) -> None:
    from onboarding.cli.onboardings import COLUMNS, facts, line
    from onboarding.cli.output import note, print_json, print_table

    if as_json:
        items = [facts(row) for row in found.rows]
        print_json({"items": items, "next_cursor": found.next_cursor})
        return
    if not found.rows:
        note("no onboarding fits")
        return
    print_table(COLUMNS, [line(row, now) for row in found.rows])
    if found.next_cursor:
        note(f"more: the same with --cursor {found.next_cursor}, or with --all")
