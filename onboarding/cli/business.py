"""``onboarding business``: portfolios whose token several WABAs take."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from onboarding.cli.token_options import TokenFile, TokenFrom

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback()
def business() -> None:
    """Portfolios whose token several WABAs take.

    Example:
        onboarding business list
    """


@app.command()
def add(
    ctx: typer.Context,
    business_id: Annotated[str, typer.Argument(help="Id of the business portfolio.")],
    *,
    token_file: TokenFile = None,
    token_from: TokenFrom = None,
    name: Annotated[str, typer.Option(help="What you call it.")] = "",
) -> None:
    """Give a business a token, or a known one another.

    WABAs that take it ("account add WABA_ID --token-of BUSINESS_ID") get the new one; of each the
    one before goes on until a list was read with this.

    Example:
        onboarding business add 506914307656634 --token-file token.txt
        onboarding business add 506914307656634 --token-from env:META_TOKEN
    """
    from onboarding.cli.output import say, say_next
    from onboarding.cli.session import open_engine
    from onboarding.cli.token_options import read_token
    from onboarding.engine.accounting import require_waba_id

    require_waba_id(business_id)  # before a token is asked for
    with open_engine(ctx) as engine:
        token = None if token_from is not None else read_token(token_file)
        engine.tokens.give_to_business(business_id, token, source=token_from, name=name)
    say(f"business {business_id} has a token")
    say_next(f"onboarding account add WABA_ID --token-of {business_id}")


@app.command("list")
def list_businesses(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the businesses that have a token, and who takes it.

    Example:
        onboarding business list --json
    """
    from onboarding.cli.output import print_json, print_table, say, say_next
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        found, accounts = engine.tokens.businesses(), engine.accounts()
    facts: list[dict[str, Any]] = [
        {
            "business_id": each.business_id,
            "name": each.name,
            "source": each.token_source or "stored",
            "changed_at": each.changed_at,
            "wabas": [a.waba_id for a in accounts if a.token_business_id == each.business_id],
        }
        for each in found
    ]
    if as_json:
        print_json(facts)
    elif facts:
        rows = [
            (f["business_id"], f["name"], f["source"], f["changed_at"], len(f["wabas"]))
            for f in facts
        ]
        print_table(("business", "name", "token", "changed", "WABAs"), rows)
    else:
        say("there are none")
        say_next("onboarding business add BUSINESS_ID")
