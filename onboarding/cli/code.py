"""``onboarding code``: give a one-time code, say who can read it, and see what was asked for."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from onboarding.cli.code_sources import ingest, mailbox

if TYPE_CHECKING:
    from onboarding.core.code_ledger import CodeLedger
    from onboarding.engine.facade import Engine
    from onboarding.model import Onboarding


class CodeGroup(TyperGroup):
    """A command that takes a number, beside commands by name: no number is called ``list``."""

    allow_extra_args = False
    allow_interspersed_args = True

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Leave the words of a command that we know by name to that command."""
        if not args or args[0] not in self.commands:
            return super().parse_args(ctx, args)
        ctx.invoked_subcommand, ctx.args = args[0], args[1:]
        ctx.command = copy(self)
        ctx.command.params = []  # its usage does not show the words that it does not take
        return list(ctx.args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named, and nothing before it; else our own."""
        if ctx.invoked_subcommand is None:
            return super().invoke(ctx)
        name, command, words = self.resolve_command(ctx, [ctx.invoked_subcommand, *ctx.args])
        assert command is not None  # noqa: S101 - it is one of ours
        with ctx, command.make_context(name, words, parent=ctx) as inner:
            return inner.command.invoke(inner)


app = typer.Typer(
    cls=CodeGroup,
    add_completion=False,
    rich_markup_mode=None,
    subcommand_metavar="| COMMAND [ARGS]...",
)

Ref = Annotated[str, typer.Argument(help="Id, start of an id, or phone number.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_ATTEMPTS = ("asked at (UTC)", "by", "counts", "what came of it")
_WAITING = (
    "id",
    "number",
    "state",
    "why",
    "asked at (UTC)",
    "by",
    "what came of it",
    "left",
    "next",
)


@app.callback(invoke_without_command=True)
def code(
    ctx: typer.Context,
    ref: Ref,
    text: Annotated[
        str | None,
        typer.Argument(help="The code, or the message it came in; without it you are asked."),
    ] = None,
    *,
    ready: Annotated[
        bool, typer.Option("--ready", help="The holder can read a code: have one sent.")
    ] = False,
    method: Annotated[
        str | None,
        typer.Option(metavar="SMS|VOICE", help="Have the next one come like this."),
    ] = None,
    language: Annotated[
        str | None, typer.Option(metavar="LANGUAGE", help="Have the next one in it, like de_DE.")
    ] = None,
    attempts: Annotated[
        bool,
        typer.Option("--attempts", help="Show every code asked for, and what is left."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --attempts: print JSON.")] = False,
) -> None:
    """Give the one-time code, or say who can read it.

    Without TEXT the code is asked for, or read from standard input: so it stays out of the
    shell's history.

    Example:
        onboarding code 01a2013e591a --ready
        onboarding code 01a2013e591a 123-830
        onboarding code 01a2013e591a --method VOICE --language de_DE --ready
        onboarding code 01a2013e591a --attempts
        onboarding code list
    """
    from onboarding.cli.asking import ask_secret
    from onboarding.cli.session import open_engine
    from onboarding.errors import InputError

    is_wish = ready or bool(method) or bool(language)
    if sum((text is not None, is_wish, attempts)) > 1:
        raise InputError(
            "a code, --attempts and what is about the next one exclude each other",
            hint="--ready, --method and --language go together",
        )
    with open_engine(ctx) as engine:
        row = engine.get(ref)  # before anybody is asked for a code
        if attempts:
            _show(row, engine.code_ledger(row.id), as_json=as_json)
        elif is_wish:
            _wish(engine, row, method, language, ready=ready)
        else:
            row = engine.submit_code(row.id, text if text is not None else ask_secret("code"))
            _done(row, "the code will be sent to Meta")


def _wish(
    engine: Engine, row: Onboarding, method: str | None, language: str | None, *, ready: bool
) -> None:
    from onboarding.cli.output import note
    from onboarding.core.code_choice import choose
    from onboarding.errors import ConflictError

    if method or language:
        try:
            row = engine.choose_code(row.id, method=method, language=language)
        except ConflictError:
            if not ready:
                raise  # else it is as it shall be
        if warning := choose(row.phone_number, row.region, method=row.code_method).warning:
            note(f"warning: {warning}")
    if ready:
        row = engine.code_ready(row.id)
        _done(row, "a code will be asked for")
    else:
        _done(row, f"the next code goes out by {row.code_method} in {row.code_language}")


def _done(row: Onboarding, what: str) -> None:
    from onboarding.cli.output import say, say_next

    say(f"{row.phone_number} ({row.id}): {what}")
    say_next("onboarding worker")


def _show(row: Onboarding, ledger: CodeLedger, *, as_json: bool) -> None:
    from onboarding.cli.onboardings import remedy
    from onboarding.cli.output import print_json, print_table, say, say_next

    if as_json:
        print_json(_facts(row, ledger))
        return
    if ledger.attempts:
        print_table(
            _ATTEMPTS, [(a.asked_at, a.method, a.counts, a.result) for a in ledger.attempts]
        )
    say(f"{'' if ledger.attempts else 'no code was asked for; '}{_left(ledger)}; {_next(ledger)}")
    if command := remedy(row):
        say_next(command)


def _facts(row: Onboarding, ledger: CodeLedger) -> dict[str, Any]:
    from onboarding.cli.output import plain

    named = {"id": row.id, "phone_number": row.phone_number, "state": row.state.value}
    return {**named, "waiting": row.waiting.value, **plain(ledger)}


def _left(ledger: CodeLedger) -> str:
    return f"{ledger.left} of {ledger.limit} left in 72 h"


def _next(ledger: CodeLedger) -> str:
    if ledger.next_at is None:
        return ledger.next_why or f"the next may be asked for now, by {ledger.next_method}"
    at = f"{ledger.next_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"the next from {at}, by {ledger.next_method}: {ledger.next_why} until then"


@app.command("list")
def list_codes(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """List the numbers that need a code, with the last one asked for.

    Example:
        onboarding code list
    """
    from onboarding.cli.output import print_json, print_table, say, say_next
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        found = engine.code_ledgers()
    if as_json:
        print_json({"items": [_facts(row, ledger) for row, ledger in found]})
    elif found:
        print_table(_WAITING, [_line(row, ledger) for row, ledger in found])
        say_next("onboarding code ID --attempts")
    else:
        say("no number needs a code")


def _line(row: Onboarding, ledger: CodeLedger) -> tuple[object, ...]:
    last = ledger.attempts[-1] if ledger.attempts else None
    told = (last.asked_at, last.method, last.result) if last else (None, None, None)
    next_at = f"{ledger.next_at:%Y-%m-%d %H:%M} UTC" if ledger.next_at else ledger.next_why or "now"
    left = f"{ledger.left} of {ledger.limit}"
    return (row.id, row.phone_number, row.state, row.waiting, *told, left, next_at)


app.command()(ingest)
app.command()(mailbox)
