"""What people answer to an alert: that they take it on, or not now."""

from __future__ import annotations

from typing import Annotated

import typer

Why = Annotated[str, typer.Option("--reason", help="Why, for the history.")]


def ack(
    ctx: typer.Context,
    ref: Annotated[
        str, typer.Argument(help="Id, start of an id, or phone number; or a WABA on hold.")
    ],
    *,
    until: Annotated[
        str, typer.Option(metavar="WHEN", help="An instant, or 4h or 2d from now.")
    ] = "1d",
    reason: Why = "",
) -> None:
    """Take something on, so that nobody else is told.

    Until then the next person is not told of it, and nothing is told again; afterwards they are,
    if it is not done. Rungs of the ladder are raised all the same. Who took it on is in the
    history.

    Example:
        onboarding ack 01a2013e591a --until 4h --reason "calling the customer"
        onboarding ack 102290129340398 --until 1d
    """
    from onboarding.cli.moments import parse_moment
    from onboarding.cli.output import cell, say, say_next
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        end = parse_moment(until, engine.context.clock.now(), "--until")
        engine.acknowledge(ref, until=end, reason=reason)
    say(f"{ref}: {cell('taken on until')} {cell(end)}")
    say_next(f"onboarding show {ref}   (what is due, and how)")


def snooze(
    ctx: typer.Context,
    ref: Annotated[str, typer.Argument(help="Id, start of an id, or phone number.")],
    *,
    span: Annotated[
        str, typer.Option("--for", metavar="WHEN", help="Like 2d, or an instant to come.")
    ],
    reason: Why = "",
) -> None:
    """Put further rungs of a ladder off, but never its end.

    The deadline stays where it is. Rungs that are put off are raised together afterwards, as the
    highest of them.

    Example:
        onboarding snooze 01a2013e591a --for 2d --reason "the customer is on holiday"
    """
    from onboarding.cli.moments import parse_moment
    from onboarding.cli.output import cell, say, say_next
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        until = parse_moment(span, engine.context.clock.now(), "--for")
        deadline = engine.snooze(ref, until=until, reason=reason)
    told = f"the next rung is due at {cell(deadline.next_rung_at)}"
    say(f"{ref}: {told}; the deadline stays at {cell(deadline.due_at)}")
    say_next(f"onboarding show {deadline.onboarding_id}   (what is due, and how)")
