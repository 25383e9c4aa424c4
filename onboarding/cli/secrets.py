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
