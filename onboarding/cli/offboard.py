"""``onboarding offboard``: take a number off the Cloud API."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from onboarding.model import Onboarding


def offboard(
    ctx: typer.Context,
    ref: Annotated[str, typer.Argument(help="Id, start of an id, or phone number.")],
    *,
    reason: Annotated[str, typer.Option(help="Why, for the history.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it without asking for the number to be typed.")
    ] = False,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Keep a number that is still to be taken off.")
    ] = False,
) -> None:
    """Take a registered number off the Cloud API.

    It can then send and receive nothing. It stays on its WABA with its name, and can be started
    again. Meta takes ten such calls in 72 hours, of which eight are made. Where
    ONBOARDING_APPROVALS says so, a second person has to approve it first.

    Example:
        onboarding offboard "+1 631 555 1000" --reason "the customer has left"
        onboarding offboard 01a2013e591a --reason "the customer has left" --yes
        onboarding offboard 01a2013e591a --reason "the customer stays" --withdraw
    """
    from onboarding.cli.output import say, say_next
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        if withdraw:
            row = engine.offboarding.withdraw(ref, reason)
            say(f"{row.phone_number} ({row.id}): stays registered")
            return
        _confirm(engine.get(ref), yes=yes)
        row = engine.offboarding.ask(ref, reason)
        waiting = engine.approvals.list(row.id)
    if row.offboard_at is None and waiting:
        say(f"{row.phone_number} ({row.id}): a second person has to approve it")
        say_next(f"onboarding --actor SOMEBODY_ELSE approval approve {waiting[-1].id}")
        return
    say(f"{row.phone_number} ({row.id}): is deregistered next")
    say_next("onboarding worker")


def _is_terminal() -> bool:
    return sys.stdin.isatty()


def _confirm(row: Onboarding, *, yes: bool) -> None:
    """Let a person type the number, as nothing is sent or received by it afterwards.

    Raises:
        InputError: another number was typed, or nobody can type one.
    """
    from onboarding.core.numbers import number_key
    from onboarding.errors import InputError

    if yes:
        return
    if not _is_terminal():
        raise InputError(
            f"{row.phone_number} would be taken off the Cloud API, and nobody confirmed it",
            field="yes",
            hint="give --yes",
        )
    typed = str(typer.prompt(f"Type the number to take {row.phone_number} off", err=True))
    if number_key(typed) != row.number_key:
        raise InputError("that is another number; nothing was done", field="number", hint="again")
