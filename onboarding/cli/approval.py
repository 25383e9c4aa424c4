"""``onboarding approval``: what one person asked for, and another has to agree to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from onboarding.core.approvals import Approval

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Id = Annotated[str, typer.Argument(help="Id of the approval, or the start of it.", metavar="ID")]


@app.callback()
def approval() -> None:
    """What waits for a second person.

    Example:
        onboarding approval list
    """


@app.command("list")
def list_approvals(
    ctx: typer.Context,
    *,
    onboarding: Annotated[
        str | None, typer.Option(metavar="REF", help="Of this onboarding.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what was approved or refused, and by whom.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List what waits for a second person.

    Example:
        onboarding approval list
        onboarding approval list --all --onboarding 01a2013e591a --json
    """
    from onboarding.cli.output import print_json, print_table, say
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        found = engine.approvals.list(onboarding, with_decided=everything)
    if as_json:
        print_json({"items": found})
        return
    if not found:
        say("nothing waits for a second person")
        return
    columns = ("id", "onboarding", "what", "asked by", "asked", "why", "standing", "decided by")
    print_table(columns, [_line(each) for each in found])


def _line(each: Approval) -> tuple[object, ...]:
    return (
        each.id,
        each.onboarding_id,
        f"{each.kind}: {each.detail}" if each.detail else each.kind,
        each.asked_by,
        each.asked_at,
        each.reason,
        each.status,
        each.decided_by,
    )


@app.command()
def approve(
    ctx: typer.Context,
    id_: Id,
    *,
    reason: Annotated[str, typer.Option(help="Why, for the history.")] = "approved",
) -> None:
    """Approve what somebody else asked for.

    It is set going at once. Who asked cannot approve; say who you are with --actor.

    Example:
        onboarding approval approve 019cadc69a80 --reason "agreed with sales"
    """
    from onboarding.cli.output import say, say_next
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        row = engine.approvals.approve(id_, reason=reason)
    say(f"{row.phone_number} ({row.id}): approved")
    say_next("onboarding worker")


@app.command()
def refuse(
    ctx: typer.Context,
    id_: Id,
    *,
    reason: Annotated[str, typer.Option(help="Why, for the history.")],
) -> None:
    """Refuse what somebody asked for.

    Or take back what you asked for yourself. The number is left as it is.

    Example:
        onboarding approval refuse 019cadc69a80 --reason "the contract runs on"
    """
    from onboarding.cli.output import say
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        row = engine.approvals.refuse(id_, reason)
    say(f"{row.phone_number} ({row.id}): refused; it stays as it is")
