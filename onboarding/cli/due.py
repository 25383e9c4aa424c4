"""``onboarding due``: what is required over the fleet, nearest deadline first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from onboarding.model import Owner

if TYPE_CHECKING:
    from datetime import datetime

    from onboarding.engine.whose_turn import Due, DuePage

_MOST = 1000
_COLUMNS = ("due by (UTC)", "left", "from", "what", "since", "number", "id", "how")


def due(
    ctx: typer.Context,
    *,
    who: Annotated[
        list[Owner] | None,
        typer.Option(help="From whom; several times for several. Default: all but the engine."),
    ] = None,
    within: Annotated[
        str | None,
        typer.Option(metavar="SPAN", help="To be registered within: 3d, 12h, or an instant."),
    ] = None,
    cursor: Annotated[str | None, typer.Option(help="Where a page before said to go on.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="At most so many numbers.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List what is required, from whom and by when.

    The nearest deadline comes first, numbers without one last. Each line names the command, or
    the act, with which it is given.

    Example:
        onboarding due
        onboarding due --who holder --within 3d
        onboarding due --who partner --who operator --json
    """
    from onboarding.cli.moments import parse_moment
    from onboarding.cli.restored import note_restored
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        now = engine.context.clock.now()
        before = parse_moment(within, now, "--within") if within else None
        page = engine.due(who=who or (), before=before, cursor=cursor, limit=limit)
        note_restored(engine)
    _print(page, now, as_json=as_json)


def _print(page: DuePage, now: datetime, *, as_json: bool) -> None:
    from onboarding.cli.output import note, print_json, print_table, say_next

    if as_json:
        print_json(
            {"items": [_facts(each) for each in page.items], "next_cursor": page.next_cursor}
        )
        return
    if not page.items:
        note("nothing is due")
        return
    print_table(_COLUMNS, [_line(each, now) for each in page.items])
    if page.next_cursor:
        note(f"more: the same with --cursor {page.next_cursor}")
    say_next(f"onboarding why {page.items[0].onboarding.id}")


def _facts(each: Due) -> dict[str, Any]:
    from onboarding.cli.output import plain

    row = each.onboarding
    number = {
        "id": row.id,
        "key": row.key,
        "waba_id": row.waba_id,
        "phone_number": row.phone_number,
        "display_name": row.new_display_name or row.display_name,
        "state": row.state,
    }
    return {**number, **plain(each.requirement)}


def _line(each: Due, now: datetime) -> tuple[object, ...]:
    from onboarding.cli.moments import distance

    row, required = each.onboarding, each.requirement
    at = required.due_by
    return (
        f"{at:%Y-%m-%d %H:%M}" if at else None,
        distance(at, now).removeprefix("in ") if at else None,
        required.from_whom,
        required.what,
        distance(required.since, now).removesuffix(" ago"),
        row.phone_number,
        row.id,
        required.how or None,
    )
