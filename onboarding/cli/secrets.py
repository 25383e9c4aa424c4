"""``onboarding secrets``: PINs, and the key they are kept with."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Ref = Annotated[str, typer.Argument(help="Id, start of an id, or phone number.")]


@app.callback()
def secrets() -> None:
    """PINs, and the key they are kept with.

    Example:
        onboarding secrets reveal-pin 01a2013e591a --reason "handing over"
    """


@app.command("reveal-pin")
def reveal_pin(
    ctx: typer.Context,
    ref: Ref,
    *,
    reason: Annotated[str, typer.Option(help="Why, for the history.")],
) -> None:
    """Print a number's two-step verification PIN, and nothing else.

    Who asked, and why, goes into the history.

    Example:
        onboarding secrets reveal-pin 01a2013e591a --reason "handing over"
    """
    from onboarding.cli.output import say
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        pin = engine.reveal_pin(ref, reason)
    say(pin)


@app.command("set-pin")
def set_pin(ctx: typer.Context, ref: Ref) -> None:
    """Give the two-step verification PIN that a number has already.

    The PIN is asked for, or read from standard input.

    Example:
        onboarding secrets set-pin 01a2013e591a
    """
    from onboarding.cli.asking import ask_secret
    from onboarding.cli.output import say, say_next
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        row = engine.set_pin(engine.get(ref).id, ask_secret("PIN"))
    say(f"{row.phone_number} ({row.id}): the next registration uses this PIN")
    say_next("onboarding worker")


@app.command()
def rotate(
    ctx: typer.Context,
    *,
    reason: Annotated[str, typer.Option(help="Why, for the history.")],
    force: Annotated[
        bool,
        typer.Option("--force", help="Also while a worker runs that has not the new key in front."),
    ] = False,
) -> None:
    """Encrypt every secret with the first of two keys.

    Workers go on meanwhile.

    Before: give every worker ONBOARDING_SECRET_KEY=NEW,OLD, one after another. After: NEW alone;
    backups that were made before still need OLD. It may be broken off and begun again.

    Example:
        onboarding secrets rotate --reason "yearly"
    """
    from onboarding.cli.output import note, say
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        done = engine.secrets.rotate(reason, force=force)
    say(f"every secret is sealed with key {done.key_id}; {done.resealed} rows were written")
    if done.unreadable:
        note(
            f"warning: {done.unreadable} secrets open with none of the keys; they stay as they are"
        )
    say("take the old key away from every worker; keep it for backups that were made before")


@app.command("new-key")
def new_key() -> None:
    """Print a new key for ONBOARDING_SECRET_KEY.

    With a SQLite database a key file is made by "onboarding db upgrade"; PostgreSQL needs a key.

    Example:
        export ONBOARDING_SECRET_KEY="$(onboarding secrets new-key)"
    """
    from onboarding.cli.output import say
    from onboarding.engine.vault import new_key as make

    say(make())
