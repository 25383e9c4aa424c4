"""``onboarding list``: onboardings that fit conditions, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onboarding.model import Owner, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onboarding.core.next_look import NextLook
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
    batch: Annotated[str | None, typer.Option(metavar="NAME", help="Of this batch.")] = None,
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
        onboarding list --batch june --all --json
    """
    from onboarding.cli.moments import parse_moment
    from onboarding.cli.restored import note_restored
    from onboarding.cli.session import open_engine
    from onboarding.core.lifecycle import IN_PROGRESS
    from onboarding.engine.whose_turn import next_looks

    with open_engine(ctx) as engine:
        now = engine.context.clock.now()
        conditions: dict[str, Any] = {
            "states": state or (IN_PROGRESS if deadline_before else ()),
            "waiting_for": waiting_for,
            "waba_id": waba,
            "phone_number": number,
            "batch": batch,
            "deadline_before": parse_moment(deadline_before, now, "--deadline-before")
            if deadline_before
            else None,
        }
        if everything:
            found = _Found(list(engine.find_all(**conditions)), None)
        else:
            page = engine.find(cursor=cursor, limit=limit, **conditions)
            found = _Found(list(page.items), page.next_cursor)
        looks = next_looks(engine.context, found.rows)
        note_restored(engine)
    _print(found, now, looks, as_json=as_json)


def _print(found: _Found, now: Any, looks: Mapping[str, NextLook | None], *, as_json: bool) -> None:
    from onboarding.cli.onboardings import COLUMNS, facts, line
    from onboarding.cli.output import note, plain, print_json, print_table

    if as_json:
        items = [facts(row) | {"next_look": plain(looks[row.id])} for row in found.rows]
        print_json({"items": items, "next_cursor": found.next_cursor})
        return
    if not found.rows:
        note("no onboarding fits")
        return
    print_table(COLUMNS, [line(row, now, looks[row.id]) for row in found.rows])
    if found.next_cursor:
        note(f"more: the same with --cursor {found.next_cursor}, or with --all")
