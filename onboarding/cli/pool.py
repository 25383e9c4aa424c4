"""``onboarding pool``: pre-verified numbers, from the first code to who claimed them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onboarding.cli import pool_claiming
from onboarding.cli.pool_options import Account, AsJson, Business, Ready, Ref
from onboarding.model import CodeMethod

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onboarding.engine.pool_adding import PoolReceipt

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback()
def pool() -> None:
    """Pre-verified numbers: verified beforehand, claimed later.

    Example:
        onboarding pool add 506914307656634 "+1 631 555 1000" --code-ready
    """


@app.command()
def add(
    ctx: typer.Context,
    business_id: Business,
    numbers: Annotated[list[str], typer.Argument(metavar="NUMBER...", help="In any format.")],
    *,
    region: Annotated[str, typer.Option(help="Region of national numbers, like BR.")] = "",
    code_method: Annotated[
        CodeMethod | None, typer.Option(help="How codes go out; default: as the number needs it.")
    ] = None,
    code_language: Annotated[
        str | None, typer.Option(metavar="xx_YY", help="Of the code; default: the region's.")
    ] = None,
    account: Account = None,
    code_ready: Ready = False,
    as_json: AsJson = False,
) -> None:
    """Add numbers to the pool of a business portfolio.

    The pool's calls are made with the token of the business's account; where it has several, or
    none here, --account says which. Adding a number again changes nothing.

    Example:
        onboarding pool add 506914307656634 "+1 631 555 1000" "+1 631 555 1001" --code-ready
    """
    from onboarding.cli.session import open_engine
    from onboarding.engine.pool_adding import PoolRequest

    requests = [
        PoolRequest(
            phone_number=number,
            region=region,
            code_method=code_method,
            code_language=code_language,
        )
        for number in numbers
    ]
    with open_engine(ctx) as engine:
        receipts = engine.pool.add(business_id, requests, waba_id=account, code_ready=code_ready)
    _print_receipts(receipts, as_json=as_json)


@app.command("import")
def import_numbers(
    ctx: typer.Context,
    business_id: Business,
    file: Annotated[Path, typer.Argument(help="A CSV file with a column phone_number.")],
    *,
    account: Account = None,
    code_ready: Ready = False,
    as_json: AsJson = False,
) -> None:
    """Add all numbers of a CSV file, or none of them.

    Columns: phone_number, and if you like code_method (SMS or VOICE) and code_language.

    Example:
        onboarding pool import 506914307656634 spares.csv --code-ready
    """
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        receipts = engine.pool.import_file(
            business_id, file, waba_id=account, code_ready=code_ready
        )
    _print_receipts(receipts, as_json=as_json)


def _print_receipts(receipts: Sequence[PoolReceipt], *, as_json: bool) -> None:
    from onboarding.cli.output import print_json, say, say_next
    from onboarding.cli.pool_showing import facts

    if as_json:
        items = [{"result": each.result, "number": facts(each.number)} for each in receipts]
        print_json({"items": items})
        return
    for each in receipts:
        say(f"{each.result}: {each.number.phone_number} as {each.number.id} ({each.number.state})")
    say_next("onboarding worker")


@app.command("list")
def list_numbers(
    ctx: typer.Context,
    *,
    business: Annotated[
        str | None, typer.Option("--business", metavar="ID", help="Of this portfolio.")
    ] = None,
    region: Annotated[
        str | None, typer.Option("--region", metavar="XX", help="Of this country.")
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(metavar="STATE", help="In this state; may be given several times."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List numbers of pools.

    Example:
        onboarding pool list --region BR --state verified
    """
    from onboarding.cli.output import note, print_json, print_table
    from onboarding.cli.pool_showing import COLUMNS, facts, line, states_of
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        found = engine.pool.numbers(
            business_id=business, region=region, states=states_of(state or ())
        )
    if as_json:
        print_json({"items": [facts(each) for each in found]})
    elif found:
        print_table(COLUMNS, [line(each) for each in found])
    else:
        note("no number of a pool fits")


@app.command()
def show(ctx: typer.Context, ref: Ref, *, as_json: AsJson = False) -> None:
    """Show how one number stands, who shares it, and who claimed it.

    Example:
        onboarding pool show 106540352242922
    """
    from onboarding.cli.pool_showing import print_number
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        row = engine.pool.get(ref)
        shares, claims = engine.pool.shares(row.id), engine.pool.claims(row.id)
        operations = engine.pool.operations(row.id)
    print_number(row, shares, claims, operations, as_json=as_json)


@app.command()
def history(ctx: typer.Context, ref: Ref, *, as_json: AsJson = False) -> None:
    """Show everything that happened to one number.

    Example:
        onboarding pool history 106540352242922
    """
    from onboarding.cli.history import print_history
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        row = engine.pool.get(ref)
        entries = engine.pool.history(row.id)
    print_history(row.id, entries, as_json=as_json)


@app.command()
def code(
    ctx: typer.Context,
    ref: Ref,
    text: Annotated[
        str | None, typer.Argument(metavar="CODE", help="The code, or its whole message.")
    ] = None,
    *,
    ready: Annotated[
        bool, typer.Option("--ready", help="Somebody reads a code now: have one sent if needed.")
    ] = False,
) -> None:
    """Give the one-time code of a number, or say who reads one.

    Without a code and without --ready you are asked for the code.

    Example:
        onboarding pool code "+1 631 555 1000" --ready
        onboarding pool code "+1 631 555 1000" 123-830
    """
    from onboarding.cli.asking import ask_secret
    from onboarding.cli.output import say, say_next
    from onboarding.cli.session import open_engine
    from onboarding.errors import InputError

    if ready and text is not None:
        raise InputError("give a code or --ready, not both", hint="onboarding pool code --help")
    with open_engine(ctx) as engine:
        if ready:
            row = engine.pool.code_ready(ref)
            told = "a code is asked for as soon as one is needed"
        else:
            row = engine.pool.submit_code(ref, text if text is not None else ask_secret("code"))
            told = "the code will be sent to Meta"
    say(f"{row.phone_number} ({row.id}): {told}")
    say_next("onboarding worker")


for each in pool_claiming.COMMANDS:
    app.command()(each)
