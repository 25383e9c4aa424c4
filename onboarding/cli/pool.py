"""``onboarding pool``: pre-verified numbers, from the first code to who claimed them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onboarding.model import CodeMethod

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onboarding.core.pool.model import PoolNumber
    from onboarding.engine.pool_adding import PoolReceipt

app = typer.Typer(add_completion=False, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Business = Annotated[str, typer.Argument(help="Id of the business portfolio.")]
Ref = Annotated[
    str, typer.Argument(metavar="ID", help="Id, temporary id, start of an id, or phone number.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the history.")]
Partner = Annotated[str, typer.Argument(metavar="PARTNER", help="Id of the partner business.")]
Account = Annotated[
    str | None,
    typer.Option("--account", metavar="WABA_ID", help="With whose token the calls are made."),
]
Ready = Annotated[bool, typer.Option("--code-ready", help="Somebody reads the codes now.")]


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


@app.command()
def share(ctx: typer.Context, ref: Ref, partner: Partner) -> None:
    """Let a partner business offer a number, too.

    Example:
        onboarding pool share 106540352242922 616914307656635
    """
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        _say_asked(engine.pool.share(ref, partner), f"will be shared with business {partner}")


@app.command()
def unshare(ctx: typer.Context, ref: Ref, partner: Partner) -> None:
    """Take a number back from a partner business.

    Example:
        onboarding pool unshare 106540352242922 616914307656635
    """
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        _say_asked(engine.pool.unshare(ref, partner), f"will be taken back from {partner}")


@app.command()
def claim(
    ctx: typer.Context,
    ref: Ref,
    *,
    claimed_for: Annotated[str, typer.Option("--for", metavar="WHO", help="Who has taken it.")],
    waba: Annotated[
        str | None, typer.Option(metavar="WABA_ID", help="The WABA that it went to.")
    ] = None,
    phone_number_id: Annotated[
        str | None, typer.Option(metavar="ID", help="What took the place of its temporary id.")
    ] = None,
) -> None:
    """Write down who took a number in another way than by us.

    A number that a customer takes in Embedded Signup is noticed by itself; this says for whom it
    is kept, or which phone number id it became.

    Example:
        onboarding pool claim 106540352242922 --for "Lucky Shrub"
    """
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        row = engine.pool.claim(
            ref, claimed_for=claimed_for, waba_id=waba, phone_number_id=phone_number_id
        )
    _say_asked(row, f"claimed for {claimed_for}")


@app.command()
def release(ctx: typer.Context, ref: Ref, *, reason: Reason) -> None:
    """End a hold of a number, or a claim that was not used.

    Example:
        onboarding pool release 106540352242922 --reason "the customer brought another number"
    """
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        _say_asked(engine.pool.release(ref, reason), "released")


@app.command()
def remove(ctx: typer.Context, ref: Ref, *, reason: Reason) -> None:
    """Take a number out of its pool.

    Example:
        onboarding pool remove 106540352242922 --reason "the line was given up"
    """
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        _say_asked(engine.pool.remove(ref, reason), "will be removed from the pool")


def _say_asked(row: PoolNumber, told: str) -> None:
    from onboarding.cli.output import say, say_next

    say(f"{row.phone_number} ({row.id}): {told}")
    say_next(f"onboarding pool show {row.id}")


@app.command()
def claims(
    ctx: typer.Context,
    ref: Annotated[str | None, typer.Argument(metavar="[ID]", help="Of this number alone.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Print the claim ledger: who took which number, and when.

    Which temporary id became which phone number id, and for whom.

    Example:
        onboarding pool claims
        onboarding pool claims 106540352242922 --json
    """
    from onboarding.cli.output import note, plain, print_json, print_table
    from onboarding.cli.pool_showing import CLAIM_COLUMNS, claim_line
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        found = engine.pool.claims(ref)
    if as_json:
        print_json({"items": [plain(each) for each in found]})
    elif found:
        print_table(CLAIM_COLUMNS, [claim_line(each) for each in found])
    else:
        note("nobody has claimed a number")


@app.command()
def stock(
    ctx: typer.Context,
    business_id: Annotated[
        str | None, typer.Argument(metavar="[BUSINESS_ID]", help="Of this portfolio.")
    ] = None,
    region: Annotated[
        str | None, typer.Argument(metavar="[REGION]", help="Two letters, like BR.")
    ] = None,
    *,
    at_least: Annotated[
        int | None,
        typer.Option(metavar="COUNT", help="Tell of it when fewer are verified; 0 for never."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show how many numbers there are, or set how many there must be.

    They are counted by country.

    Example:
        onboarding pool stock
        onboarding pool stock 506914307656634 BR --at-least 5
    """
    from onboarding.cli.output import note, plain, print_json, print_table
    from onboarding.cli.pool_showing import STOCK_COLUMNS, stock_line
    from onboarding.cli.session import open_engine
    from onboarding.errors import InputError

    if at_least is not None and (business_id is None or region is None):
        raise InputError(
            "--at-least is for one country of one portfolio",
            hint="onboarding pool stock BUSINESS_ID BR --at-least 5",
        )
    with open_engine(ctx) as engine:
        if at_least is not None:
            engine.pool.keep(business_id or "", region or "", at_least)
        found: list[Any] = [
            each
            for each in engine.pool.stock()
            if business_id in (None, each.business_id)
            and (region is None or each.region == region.upper())
        ]
    if as_json:
        print_json({"items": [plain(each) | {"is_low": each.is_low} for each in found]})
    elif found:
        print_table(STOCK_COLUMNS, [stock_line(each) for each in found])
    else:
        note("there is no pool yet")
