"""``onboarding worker``: advance what is due, until stopped."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_FLEET_HELP = "Be one of several workers, woken through a queue in PostgreSQL."
_INTAKE_HELP = "What reads one-time codes, as package.module:name; may be given several times."


@app.callback(invoke_without_command=True)
def worker(
    ctx: typer.Context,
    intake: Annotated[
        list[str] | None, typer.Option(metavar="PATH", help=_INTAKE_HELP, show_default=False)
    ] = None,
    *,
    fleet: Annotated[bool, typer.Option("--fleet", help=_FLEET_HELP)] = False,
) -> None:
    """Advance what is due, until stopped.

    SIGTERM (or Ctrl-C) lets calls in flight end; a second one stops at once.

    "onboarding worker list" shows those that run.

    Example:
        onboarding worker
        onboarding worker --intake our_gateway.codes:intake
        onboarding worker --fleet
    """
    if ctx.invoked_subcommand is not None:
        return
    from onboarding.cli.restored import note_restored
    from onboarding.cli.session import open_engine, report_to_log, settings_of
    from onboarding.dispatch.fleet import fleet_worker
    from onboarding.dispatch.worker import Worker, run_until_signalled
    from onboarding.engine.intakes import load_named, load_path

    report_to_log(ctx)
    named = load_named(settings_of(ctx).code_intakes)
    with open_engine(ctx, intakes=[*named, *map(load_path, intake or ())]) as engine:
        name = engine.context.worker

        def on_start() -> None:
            typer.echo(f"worker {name} is running; Ctrl-C stops it", err=True)
            note_restored(engine)

        run_until_signalled(fleet_worker(engine) if fleet else Worker(engine), on_start)


@app.command(name="list")
def list_workers(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the workers of the last 24 hours, and how they do.

    Example:
        onboarding worker list
    """
    from datetime import UTC, datetime

    from onboarding.cli.output import print_json, print_table, say
    from onboarding.cli.session import open_engine
    from onboarding.cli.workers import COLUMNS, as_row, seen_workers

    with open_engine(ctx) as engine:
        seen = seen_workers(engine.context.database, datetime.now(UTC))
    if as_json:
        print_json(seen)
    elif seen:
        print_table(COLUMNS, map(as_row, seen))
    else:
        say("no worker ran in the last 24 hours")
