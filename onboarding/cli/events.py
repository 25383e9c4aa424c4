"""``onboarding events``: what happened, in an order that does not change afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from onboarding.engine.facade import Engine

_PAGE = 500
_PAUSE_S = 1.0


def events(
    ctx: typer.Context,
    *,
    after: Annotated[
        int, typer.Option(min=0, metavar="SEQ", help="Only what came after this event.")
    ] = 0,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until stopped.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON lines: one event each.")
    ] = False,
) -> None:
    """What happened, for programs that follow.

    Events come in the order of "seq"; give the last one that you have with --after, and none is
    left out or told twice.

    Example:
        onboarding events --after 1200 --json
        onboarding events --follow --json
    """
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        for at, event in enumerate(_each(engine, after, follow=follow), start=1):
            _print(event, as_json=as_json)
            if limit is not None and at >= limit:
                return


def _each(engine: Engine, after: int, *, follow: bool) -> Iterator[Mapping[str, Any]]:
    """Yield events page by page; while following, wait for more."""
    import sys

    while True:
        page = engine.events(after=after, limit=_PAGE)
        yield from page
        if page:
            after = page[-1]["seq"]
            continue
        if not follow:
            return
        sys.stdout.flush()
        time.sleep(_PAUSE_S)


def _print(event: Mapping[str, Any], *, as_json: bool) -> None:
    import json

    from onboarding.cli.output import say

    say(json.dumps(event) if as_json else _line(event))


def _line(event: Mapping[str, Any]) -> str:
    from onboarding.cli.output import cell
    from onboarding.notify.texts import render

    title, _ = render(event, {})
    return f"{event['seq']:>8}  {event['at'][:19]}Z  {event['type']:<16}  {cell(title)}"
