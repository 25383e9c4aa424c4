"""``onboarding db``: the database's schema."""

from __future__ import annotations

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
def upgrade(ctx: typer.Context) -> None:
    """Bring the schema to this release's, or make it.

    A SQLite database that is not there yet is made, with its key beside it.

    Example:
        onboarding db upgrade
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
    """Say what is missing or wrong in the schema, triggers included.

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
