"""``onboarding migrate``: numbers that go from one WABA to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from onboarding.model import CodeMethod

if TYPE_CHECKING:
    from onboarding.core.migrations import Migration
    from onboarding.engine.migrations import MigrationCheck

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Ref = Annotated[str, typer.Argument(help="Id, start of an id, or phone number.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def migrate() -> None:
    """Numbers that go from one WABA to another.

    Example:
        onboarding migrate check "+1 631 555 1000" --to 102290129340398
    """


@app.command()
def check(
    ctx: typer.Context,
    ref: Ref,
    *,
    to: Annotated[
        str | None,
        typer.Option(metavar="WABA_ID", help="Where to; known of a migration under way."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check what Meta demands of a migration.

    Both WABAs and the number are read, as far as they are ours; nothing is changed. What no read
    can tell is unknown. Fails (exit code 5) if something is not met.

    Example:
        onboarding migrate check "+1 631 555 1000" --to 102290129340398
        onboarding migrate check 01a2013e591a --json
    """
    from onboarding.cli.output import print_json, print_table, say
    from onboarding.cli.session import open_engine
    from onboarding.errors import TransitionRefusedError

    with open_engine(ctx) as engine:
        found = engine.migrations.check(ref, to)
    if as_json:
        print_json(_facts(found))
    else:
        source = f"WABA {found.source.waba_id}" if found.source else "a WABA that is not ours"
        say(f"{found.phone_number}: from {source} to WABA {found.to}")
        rows = [(each.condition, each.standing, each.text, each.mend) for each in found.findings]
        print_table(("condition", "standing", "what must be so", "what mends it"), rows)
    if against := found.hindrances:
        raise TransitionRefusedError(
            f"Meta would refuse the migration: {len(against)} of its conditions are not met",
            hint=against[0].mend,
        )


def _facts(found: MigrationCheck) -> dict[str, object]:
    return {
        "phone_number": found.phone_number,
        "source_id": found.source.id if found.source else None,
        "source_waba_id": found.source.waba_id if found.source else None,
        "destination_waba_id": found.to,
        "conditions": found.findings,
        "is_possible": not found.hindrances,
    }


@app.command()
def start(
    ctx: typer.Context,
    ref: Ref,
    *,
    to: Annotated[str, typer.Option(metavar="WABA_ID", help="Where to; an account of ours.")],
    reason: Annotated[str, typer.Option(help="Why, for the history.")] = "asked for",
    display_name: Annotated[
        str | None, typer.Option(help="The name that it has; only for numbers not ours yet.")
    ] = None,
    code_method: Annotated[
        CodeMethod | None, typer.Option(help="How the code is delivered; default: as before.")
    ] = None,
    code_ready: Annotated[
        bool, typer.Option("--code-ready", help="The holder can read the code now.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Start although a condition does not seem to be met.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Have a number migrated to another WABA.

    The number works where it is until it is registered there. From now on the new onboarding has
    the claim on it, and the old one rests; both end with the last step.

    Example:
        onboarding migrate start "+1 631 555 1000" --to 102290129340398 --code-ready
        onboarding migrate start "+1 631 555 1000" --to 102290129340398 --display-name "Lucky Shrub"
    """
    from onboarding.cli.onboardings import facts
    from onboarding.cli.output import print_json, say, say_next
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        row = engine.migrations.start(
            ref,
            to,
            reason=reason,
            display_name=display_name,
            code_method=code_method,
            code_ready=code_ready,
            force=force,
        )
    if as_json:
        print_json(facts(row))
        return
    say(f"{row.phone_number}: migrates to WABA {row.waba_id} as {row.id}")
    say("it works where it is until it is registered there")
    say_next("onboarding worker")


@app.command()
def undo(
    ctx: typer.Context,
    ref: Ref,
    *,
    reason: Annotated[str, typer.Option(help="Why, for the history.")],
) -> None:
    """Give a migration up before its last step.

    The number stays where it is, and its old onboarding has the claim again. Nothing has to be
    undone at Meta.

    Example:
        onboarding migrate undo "+1 631 555 1000" --reason "the customer stays"
    """
    from onboarding.cli.output import say
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        row = engine.migrations.undo(ref, reason)
    say(f"{row.phone_number}: not migrated; {row.id} on WABA {row.waba_id} is '{row.state}'")


@app.command("list")
def list_migrations(
    ctx: typer.Context,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that have ended, and how.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the migrations that are under way.

    Example:
        onboarding migrate list
        onboarding migrate list --all --json
    """
    from onboarding.cli.output import print_json, print_table, say
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        found = engine.migrations.list(with_ended=everything)
    if as_json:
        print_json({"items": found})
        return
    if not found:
        say("no number migrates")
        return
    columns = ("number", "from WABA", "to WABA", "onboarding", "started", "by", "ended")
    print_table(columns, [_line(each) for each in found])


def _line(each: Migration) -> tuple[object, ...]:
    return (
        f"+{each.number_key}",
        each.source_waba_id or "not ours",
        each.destination_waba_id,
        each.destination_id,
        each.started_at,
        each.started_by,
        each.ended_how,
    )
