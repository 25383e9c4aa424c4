"""``onboarding account``: WABAs and their tokens."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from onboarding.engine.accounting import AccountCheck
    from onboarding.engine.facade import Engine
    from onboarding.errors import OnboardingError
    from onboarding.model import Account

app = typer.Typer(add_completion=False, rich_markup_mode=None)

TOKEN_VARIABLE = "ONBOARDING_TOKEN"  # noqa: S105 - the name of a variable


@app.callback()
def account() -> None:
    """WABAs and their tokens.

    Example:
        onboarding account list
    """


@app.command()
def add(
    ctx: typer.Context,
    waba_id: Annotated[str, typer.Argument(help="Id of the WABA, from WhatsApp Manager.")],
    *,
    token_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A file with the token, or - for standard input. "
            f"Without it: {TOKEN_VARIABLE}, else you are asked.",
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="What you call the account.")] = "",
    business: Annotated[
        str | None, typer.Option(metavar="ID", help="Id of its business portfolio.")
    ] = None,
) -> None:
    """Add a WABA, or give a known one a new token.

    The token is never an argument: it would stay in the shell's history and show in the list of
    processes. It is stored encrypted.

    Example:
        onboarding account add 102290129340398 --name "Lucky Shrub" --token-file token.txt
        pass show waba | onboarding account add 102290129340398
    """
    from onboarding.cli.output import say, say_next
    from onboarding.cli.session import open_engine
    from onboarding.engine.accounting import require_waba_id

    require_waba_id(waba_id)  # before a token is asked for
    with open_engine(ctx) as engine:
        is_known = any(each.waba_id == waba_id for each in engine.accounts())
        engine.add_account(waba_id, _token(token_file), name=name, business_id=business)
    say(f"{'new token for' if is_known else 'added'} WABA {waba_id}")
    say_next(f"onboarding account check {waba_id}")


def _token(file: str | None) -> str:
    from onboarding.cli.asking import ask_secret, read_text

    if file is not None:
        return read_text(file).strip()
    return os.environ.get(TOKEN_VARIABLE) or ask_secret("token")


@app.command("list")
def list_accounts(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the accounts, and which of them are on hold.

    Example:
        onboarding account list --json
    """
    from onboarding.cli.output import print_json, print_table
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        accounts = engine.accounts()
    if as_json:
        print_json([_facts(each) for each in accounts])
        return
    if not accounts:
        _say_none()
        return
    rows = [
        (a.waba_id, a.name, a.business_id, _standing(a), a.listed_at, a.subscribed_at)
        for a in accounts
    ]
    print_table(("waba", "name", "business", "standing", "list read", "app subscribed"), rows)


def _say_none() -> None:
    from onboarding.cli.output import say, say_next

    say("there are none")
    say_next("onboarding account add WABA_ID")


def _facts(account: Account) -> dict[str, object]:
    from onboarding.cli.output import plain

    facts: dict[str, object] = plain(account)
    return {name: value for name, value in facts.items() if name not in ("version", "lease_until")}


def _standing(account: Account) -> str:
    if account.hold is not None:
        return f"on hold: {account.hold_text}"
    if account.trouble is not None:
        return f"trouble: {account.trouble.failure.message}"
    return "ok"


@app.command()
def history(
    ctx: typer.Context,
    waba_id: Annotated[str, typer.Argument(help="Id of the WABA.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show who changed an account, when it was held, and why.

    Example:
        onboarding account history 102290129340398
    """
    from onboarding.cli.history import print_history
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        entries = engine.account_history(waba_id)
    print_history(waba_id, entries, as_json=as_json)


@app.command()
def check(
    ctx: typer.Context,
    waba_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[WABA_ID]...", help="Default: all of them.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read WABAs with their own tokens.

    A read that works ends the hold of an account whose token was dead.

    Example:
        onboarding account check 102290129340398
        onboarding account check all
    """
    from onboarding.cli.output import print_json, print_table
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        everything = not waba_ids or waba_ids == ["all"]
        chosen = [a.waba_id for a in engine.accounts()] if everything else list(waba_ids or ())
        results = [(waba_id, _check(engine, waba_id)) for waba_id in dict.fromkeys(chosen)]
    if as_json:
        print_json([_check_facts(waba_id, result) for waba_id, result in results])
    elif not results:
        _say_none()
    else:
        rows = [_check_row(waba_id, result) for waba_id, result in results]
        print_table(("waba", "result", "name", "review", "Graph version"), rows)
    if failed := [result for _, result in results if isinstance(result, Exception)]:
        raise failed[0]


def _check(engine: Engine, waba_id: str) -> AccountCheck | OnboardingError:
    from onboarding.errors import ConfigurationError, GraphError, NotFoundError

    try:
        return engine.check_account(waba_id)
    except (ConfigurationError, GraphError, NotFoundError) as error:
        return error


def _check_row(waba_id: str, result: AccountCheck | OnboardingError) -> tuple[object, ...]:
    if isinstance(result, Exception):
        return (waba_id, f"failed: {result}", None, None, None)
    waba = result.waba
    return (waba_id, "ok", waba.name, waba.account_review_status, result.served_version)


def _check_facts(waba_id: str, result: AccountCheck | OnboardingError) -> dict[str, object]:
    if isinstance(result, Exception):
        return {"waba_id": waba_id, "ok": False, "error": str(result), "hint": result.hint}
    return {
        "waba_id": waba_id,
        "ok": True,
        "waba": result.waba,
        "served_version": result.served_version,
    }
