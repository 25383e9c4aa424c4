"""``onboarding plan``: what the coming weeks bring, with today's data and budgets."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from datetime import timedelta

    from onboarding.core.forecast.outlook import Ending, Outlook

#: Numbers at risk, and WABAs, that people are shown; ``--json`` has all of them.
_MOST = 20
_NEVER = "never"
_LONGEST_DAYS = 3650
_EVENTS = (
    ("number_created", "created"),
    ("number_found", "found"),
    ("code_requested", "codes"),
    ("code_verified", "verified"),
    ("name_usable", "names ok"),
    ("connected", "registered"),
    ("window_closed", "expired"),
    ("escalated", "escalated"),
)


def plan(
    ctx: typer.Context,
    *,
    file: Annotated[
        Path | None, typer.Option(help="Further numbers that come in now: CSV or JSON lines.")
    ] = None,
    weeks: Annotated[float, typer.Option(min=0.1, max=52, help="How far ahead.")] = 3,
    review: Annotated[
        str, typer.Option(metavar="SPAN", help="Meta approves a name after; or: never.")
    ] = "3d",
    holder: Annotated[
        str, typer.Option(metavar="SPAN", help="A holder answers after; or: never.")
    ] = "4h",
    partner: Annotated[
        str, typer.Option(metavar="SPAN", help="A partner answers after; or: never.")
    ] = "2d",
    operator: Annotated[
        str, typer.Option(metavar="SPAN", help="An operator answers after; or: never.")
    ] = "1d",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what the coming weeks bring, if all goes as assumed.

    The engine's own rules are run ahead of time, in memory, from today's data and budgets: what
    happens on which day, which numbers miss their deadline or come close to it, and how many
    calls of Meta's API it takes. Nothing is called, and nothing is written. What is assumed of
    Meta and of people is printed with it.

    Example:
        onboarding plan
        onboarding plan --file numbers.csv --weeks 2 --holder never
    """
    from datetime import timedelta

    from onboarding.cli.output import print_json
    from onboarding.cli.session import open_engine
    from onboarding.core.forecast.assumptions import Assumptions

    assumed = Assumptions(
        review=_span(review, "review"),
        holder=_span(holder, "holder"),
        partner=_span(partner, "partner"),
        operator=_span(operator, "operator"),
    )
    with open_engine(ctx) as engine, _progress() as tell:
        span = timedelta(weeks=weeks)
        outlook = engine.plan(span=span, assumed=assumed, file=file, on_progress=tell)
    if as_json:
        print_json(_facts(outlook))
        return
    _print(outlook)


def _span(text: str, option: str) -> timedelta | None:
    from onboarding.cli.moments import parse_span
    from onboarding.errors import InputError

    if text.strip().casefold() == _NEVER:
        return None
    span = parse_span(text)
    if span is None or span.days > _LONGEST_DAYS:
        raise InputError(
            f"'{text}' is not a span (--{option})", field=option, hint="like 90m, 12h, 3d, or never"
        )
    return span


@contextmanager
def _progress() -> Iterator[Callable[[float], None]]:
    """Show a bar on a terminal; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("looking ahead", total=1.0)
        yield lambda share: bar.update(task, completed=share)


def _facts(outlook: Outlook) -> dict[str, Any]:
    from onboarding.cli.output import plain

    endings = [
        {**plain(each), "left": each.left.total_seconds() if each.left else None}
        for each in outlook.endings
    ]
    return {
        "starts_at": outlook.starts_at,
        "ends_at": outlook.ends_at,
        "assumptions": list(outlook.assumptions),
        "days": [
            {"date": day.date.isoformat(), "events": dict(day.events), "calls": dict(day.calls)}
            for day in outlook.days
        ],
        "calls": dict(outlook.calls),
        "put_off": outlook.put_off,
        "busiest": plain(outlook.busiest),
        "endings": endings,
    }


def _print(outlook: Outlook) -> None:
    from onboarding.cli.output import print_table, say

    first, last = f"{outlook.starts_at:%Y-%m-%d %H:%M}", f"{outlook.ends_at:%Y-%m-%d %H:%M}"
    say(f"{first} to {last} UTC, {len(outlook.endings)} numbers. It is assumed:")
    for line in outlook.assumptions:
        say(f"  {line}")
    say("")
    shown = [each for each in _EVENTS if any(day.events[each[0]] for day in outlook.days)]
    rows = [
        (day.date, *(day.events[event] or None for event, _ in shown), day.calls.total() or None)
        for day in outlook.days
    ]
    if rows:
        print_table(("day (UTC)", *(name for _, name in shown), "calls"), rows)
    _print_calls(outlook)
    _print_risks(outlook)


def _print_calls(outlook: Outlook) -> None:
    from onboarding.cli.output import print_table, say

    told = ", ".join(f"{name} {count}" for name, count in outlook.calls.most_common())
    say(f"\nGraph calls: {outlook.calls.total()}" + (f" ({told})" if told else ""))
    say(f"put off by a budget: {outlook.put_off}")
    busy = [each for each in outlook.busiest if each.calls * 2 >= each.limit][:_MOST]
    if busy:
        say("\nhours in which a WABA uses half of its budget or more, the fullest of each")
        rows = [
            (each.waba_id, f"{each.at:%Y-%m-%d %H:%M}", each.calls, each.limit) for each in busy
        ]
        print_table(("WABA", "hour (UTC)", "calls", "of"), rows)


def _print_risks(outlook: Outlook) -> None:
    from onboarding.cli.output import note, print_table, say, say_next

    done = sum(each.registered_at is not None for each in outlook.endings)
    say(f"\nregistered by then: {done} of {len(outlook.endings)}")
    at_risk = outlook.at_risk
    if not at_risk:
        return
    say("at risk")
    print_table(
        ("risk", "number", "register by (UTC)", "state", "waits for", "why"),
        [_risk_line(each) for each in at_risk[:_MOST]],
    )
    if len(at_risk) > _MOST:
        note(f"... and {len(at_risk) - _MOST} more; --json has all of them")
    say_next("onboarding due")


def _risk_line(each: Ending) -> tuple[object, ...]:
    at = each.register_by
    is_done = each.registered_at is not None
    return (
        each.risk,
        each.phone_number,
        f"{at:%Y-%m-%d %H:%M}" if at else None,
        each.state,
        None if is_done else each.waiting_for,
        f"registered {each.registered_at:%Y-%m-%d %H:%M}" if is_done else each.waiting,
    )
