"""``onboarding worker``: advance what is due, until stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from onboarding.engine.context import CodeIntake

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
    from onboarding.cli.session import open_engine, report_to_log
    from onboarding.dispatch.fleet import fleet_worker
    from onboarding.dispatch.worker import Worker, run_until_signalled

    report_to_log(ctx)
    with open_engine(ctx, intakes=[_load(path) for path in intake or ()]) as engine:
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


def _load(path: str) -> CodeIntake:
    """Return the intake at ``package.module:name``; a class or function there is called first."""
    import sys
    from importlib import import_module

    from onboarding.errors import ConfigurationError

    module, _, name = path.partition(":")
    sys.path.insert(0, "")
    try:
        found = getattr(import_module(module), name)
        made: CodeIntake = found if hasattr(found, "answers") and not callable(found) else found()
    except Exception as error:  # noqa: BLE001 - code of others; whatever fails in it is told
        raise ConfigurationError(
            f"the intake '{path}' cannot be loaded: {error} ({type(error).__name__})",
            hint="write it like our_package.codes:intake",
        ) from None
    finally:
        sys.path.remove("")
    if not hasattr(made, "answers"):
        raise ConfigurationError(
            f"'{path}' is no intake: it has no method 'answers'",
            hint="see docs/howto/answer-for-codes.md",
        )
    return made
