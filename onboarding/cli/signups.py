"""``onboarding signup``: what Embedded Signup handed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from onboarding.engine.signups import SignupTaken

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback()
def signup() -> None:
    """What Embedded Signup handed over.

    One is taken with "onboarding request --signup-event FILE".

    Example:
        onboarding signup list
    """


@app.command("list")
def list_signups(
    ctx: typer.Context,
    *,
    pending: Annotated[
        bool, typer.Option("--pending", help="Only those whose number no list has shown yet.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the latest hand-overs, and what came of each.

    Example:
        onboarding signup list --pending
    """
    from onboarding.cli.output import print_json, print_table, say
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        found = engine.signups.pending() if pending else engine.signups.latest()
    if as_json:
        print_json(found)
    elif found:
        rows = [(s.taken_at, s.waba_id, s.event, s.taken_by, s.result) for s in found]
        print_table(("taken", "waba", "event", "by", "result"), rows)
    else:
        say("there are none")


def take_signup(
    ctx: typer.Context,
    file: str,
    *,
    key: str | None,
    onboarded_at: datetime | None,
    as_json: bool,
) -> None:
    """Take the hand-over in a file, and print what came of it."""
    from onboarding.cli.asking import read_text
    from onboarding.cli.session import open_engine

    event = read_text(file)
    with open_engine(ctx) as engine:
        taken = engine.signups.take(event, key=key, onboarded_at=onboarded_at)
    _print(taken, as_json=as_json)


def _print(taken: SignupTaken, *, as_json: bool) -> None:
    from onboarding.cli.onboardings import facts
    from onboarding.cli.output import note, print_json, say, say_next

    signup, account = taken.signup, taken.account
    if as_json:
        told = {"signup": signup, "warning": taken.warning, "hold": account.hold_text}
        print_json({**told, "onboardings": [facts(row) for row in taken.onboardings]})
        return
    say(f"taken: {signup.event} on WABA {signup.waba_id} ({signup.id})")
    say(signup.result or "its number is asked for as soon as the WABA's list shows it")
    if taken.warning:
        note(f"warning: {taken.warning}")
    if account.hold is not None:
        say_next(f"onboarding account add {account.waba_id}")
    else:
        say_next("onboarding worker")
