"""``onboarding db``: the database's schema."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback()
def db() -> None:
    """The database's schema.

    Example:
        onboarding db upgrade
    """


@app.command()
def upgrade(
    ctx: typer.Context,
    *,
    fleet: Annotated[
        bool, typer.Option("--fleet", help="Also make the tables of a fleet's queue.")
    ] = False,
) -> None:
    """Bring the schema to this release's, or make it.

    A SQLite database that is not there yet is made, with its key beside it.

    Example:
        onboarding db upgrade
        onboarding db upgrade --fleet
        onboarding --database-url sqlite:////var/lib/onboarding/onboarding.db db upgrade
    """
    from onboarding.cli.output import say, say_next
    from onboarding.cli.session import settings_of
    from onboarding.engine import opening

    settings = settings_of(ctx)
    before, after = opening.upgrade(settings)
    say(f"the schema is at {after}{_change(before, after)}")
    if before is None:
        if settings.secret_key is None:
            say(f"keep a copy of the key apart from the database: {settings.key_file()}")
        say_next("onboarding account add WABA_ID")
    if fleet:
        from onboarding.dispatch.fleet import upgrade_fleet

        made = upgrade_fleet(settings)
        say(f"the tables of the fleet's queue {'are new' if made else 'are there, as before'}")


def _change(before: str | None, after: str) -> str:
    if before is None:
        return ": it is new"
    return ", as before" if before == after else f", was at {before}"


@app.command()
def current(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the schema's revision, and the one that is needed.

    Example:
        onboarding db current --json
    """
    from onboarding.cli.output import print_fields, print_json
    from onboarding.cli.session import settings_of
    from onboarding.engine.opening import open_existing
    from onboarding.store import schema

    database = open_existing(settings_of(ctx))
    try:
        revision = schema.current(database)
    finally:
        database.dispose()
    facts = {"revision": revision, "needed": schema.HEAD}
    print_json(facts) if as_json else print_fields(facts.items())


@app.command()
def check(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what is missing or wrong in the schema and its triggers.

    Example:
        onboarding db check
    """
    from onboarding.cli.output import print_json, say
    from onboarding.cli.session import settings_of
    from onboarding.engine.opening import open_existing
    from onboarding.errors import SchemaError
    from onboarding.store import schema

    database = open_existing(settings_of(ctx))
    try:
        problems = schema.problems(database)
    finally:
        database.dispose()
    if as_json:
        print_json({"ok": not problems, "problems": problems})
    elif not problems:
        say(f"the schema is at {schema.HEAD} and complete")
    if problems:
        raise SchemaError("; ".join(problems), hint="run: onboarding db upgrade")


class Dialect(StrEnum):
    """A kind of database."""

    POSTGRESQL = "postgresql"
    SQLITE = "sqlite"


@app.command()
def sql(
    *,
    dialect: Annotated[Dialect, typer.Option(help="For which kind of database.")],
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="REVISION",
            help="Where the database is; default: it is empty.",
            show_default=False,
        ),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="REVISION",
            help="Where it shall be; default: this release's.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print the SQL that 'upgrade' would run, and run nothing.

    For a database that only its owner may change, by means of its own; one transaction.

    Example:
        onboarding db sql --dialect postgresql
        onboarding db sql --dialect postgresql --from 0001 --to 0002
    """
    from onboarding.store import schema

    typer.echo(schema.offline_sql(dialect, start, end), nl=False)


@app.command()
def grants(
    *,
    owner: Annotated[
        str, typer.Option(metavar="NAME", help="Owns the tables; upgrades.")
    ] = "onboarding_owner",
    app_role: Annotated[
        str, typer.Option("--app", metavar="NAME", help="Runs workers and commands.")
    ] = "onboarding_app",
    reader: Annotated[
        str, typer.Option(metavar="NAME", help="Reads all but secrets, for reports.")
    ] = "onboarding_reader",
) -> None:
    """Print SQL that grants three PostgreSQL roles what they need.

    Run it as a superuser, or as the owner of database and tables, after each upgrade: what was
    granted before is taken back first. Roles that are missing are made, without a password.

    Example:
        onboarding db grants | psql onboarding
    """
    from onboarding.store.grants import grants_sql

    typer.echo(grants_sql(owner=owner, app=app_role, reader=reader), nl=False)


@app.command(name="mark-restored")
def mark_restored(
    ctx: typer.Context,
    *,
    reason: Annotated[
        str, typer.Option("--reason", help="Why, for the log and the accounts' histories.")
    ] = "a person says so",
) -> None:
    """Say that this database is a restored copy.

    It calls nobody until "onboarding db release". Copies by "onboarding backup", and PostgreSQL
    databases in another cluster, database or timeline, are noticed without this.

    Example:
        onboarding db mark-restored --reason "the disk's snapshot of 2 March"
    """
    from onboarding.cli.output import say, say_next
    from onboarding.cli.restored import seen
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        held = engine.mark_restored(reason)
    say(f"this database calls nobody until it is released; {seen(held)}")
    say_next("onboarding worker")


@app.command()
def release(
    ctx: typer.Context,
    *,
    reason: Annotated[
        str, typer.Option("--reason", help="Why, for the log and the accounts' histories.")
    ],
    force: Annotated[
        bool, typer.Option("--force", help="Also while some were not seen; these wait until then.")
    ] = False,
) -> None:
    """Let a restored copy call Meta again.

    Stop the original for good first. Every live onboarding must have been seen on its WABA's list
    since the restore, and every number of a pool on the pool's list, which a worker sees to; until
    then this ends with 5.

    Example:
        onboarding db release --reason "the old host is gone"
    """
    from onboarding.cli.output import say, say_next
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        held = engine.release_restored(reason, force=force)
    say(f"released: {held.held} go on")
    if held.missing:
        say(f"{held.missing} wait until they are seen on Meta's lists")
    say_next("onboarding worker")
