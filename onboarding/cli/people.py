"""What people do with one onboarding: each change names its actor and goes into the history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from onboarding.model import Onboarding

Ref = Annotated[str, typer.Argument(help="Id, start of an id, or phone number.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the history.")]


def rename(
    ctx: typer.Context,
    ref: Ref,
    name: Annotated[str, typer.Argument(help="The new display name, 2 to 75 characters.")],
    *,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a name that Meta's rules speak against.")
    ] = False,
) -> None:
    """Give a number another display name.

    Meta reviews it; a registered number must then be registered again within 14 days, which the
    worker does. Every name and what became of it: "onboarding name list".

    Example:
        onboarding rename "+1 631 555 1000" "Lucky Shrub Garden"
    """
    from onboarding.cli.name_words import warn_of_name
    from onboarding.cli.session import open_engine
    from onboarding.core.name_rules import check_display_name

    with open_engine(ctx) as engine:
        row = engine.rename(ref, name, strict=strict)
        asked = [each for each in engine.approvals.list(row.id) if each.detail]
    warn_of_name(check_display_name(name))
    if asked:
        then = f"onboarding --actor SOMEBODY_ELSE approval approve {asked[-1].id}"
        _done(row, "a second person has to approve another submission of its name", then)
        return
    _done(row, f"the name is to be '{row.new_display_name or row.display_name}'{_from_when(row)}")


def _from_when(row: Onboarding) -> str:
    from onboarding.model import Reason

    if row.new_display_name is None or row.waiting is not Reason.BUDGET or not row.next_due_at:
        return ""
    return f", from {row.next_due_at:%Y-%m-%d %H:%M} UTC on: Meta takes ten changes in 30 days"


def cancel(ctx: typer.Context, ref: Ref, *, reason: Why) -> None:
    """Give an onboarding up.

    What exists at Meta stays there.

    Example:
        onboarding cancel 01a2013e591a --reason "the customer left"
    """
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        row = engine.cancel(ref, reason)
    _done(row, "cancelled", then="")


def restart(
    ctx: typer.Context,
    ref: Ref,
    *,
    reason: Why,
    onboarded_at: Annotated[
        str | None,
        typer.Option(metavar="INSTANT", help="When Embedded Signup was finished again."),
    ] = None,
) -> None:
    """Start an onboarding anew that is over.

    Its history and its PIN stay.

    Example:
        onboarding restart 01a2013e591a --reason "signed up again" \
--onboarded-at 2026-03-02T09:00:00Z
    """
    from onboarding.cli.moments import parse_instant
    from onboarding.cli.session import open_engine

    finished = parse_instant(onboarded_at, "--onboarded-at")
    with open_engine(ctx) as engine:
        row = engine.restart(ref, reason, onboarded_at=finished)
    _done(row, f"restarted, cycle {row.cycle}")


def hold(
    ctx: typer.Context,
    ref: Ref,
    *,
    reason: Why,
    until: Annotated[
        str | None, typer.Option(metavar="WHEN", help="An instant, or 3d from now.")
    ] = None,
) -> None:
    """Stop all calls for an onboarding.

    Its deadline goes on.

    Example:
        onboarding hold 01a2013e591a --reason "contract not signed" --until 2d
    """
    from onboarding.cli.moments import parse_moment
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        now = engine.context.clock.now()
        end = parse_moment(until, now, "--until") if until else None
        row = engine.hold(ref, reason, until=end)
    _done(row, "on hold", then=f"onboarding release {row.id}   (when it may go on)")


def release(ctx: typer.Context, ref: Ref, *, reason: Why = "mended") -> None:
    """End a hold, whoever made it.

    Example:
        onboarding release 01a2013e591a --reason "contract signed"
    """
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        row = engine.release(ref, reason)
    _done(row, "no longer on hold")


def _done(row: Onboarding, what: str, then: str = "onboarding worker") -> None:
    from onboarding.cli.output import cell, say, say_next

    say(f"{row.phone_number} ({row.id}): {cell(what)}")
    if then:
        say_next(then)
