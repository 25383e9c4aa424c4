"""``onboarding account``: WABAs and their tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from onboarding.cli.token_options import TokenFile, TokenFrom

if TYPE_CHECKING:
    from onboarding.engine.accounting import AccountCheck
    from onboarding.engine.facade import Engine
    from onboarding.errors import OnboardingError
    from onboarding.model import Account

app = typer.Typer(add_completion=False, rich_markup_mode=None)


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
    token_file: TokenFile = None,
    token_from: TokenFrom = None,
    token_of: Annotated[
        str | None,
        typer.Option(metavar="BUSINESS_ID", help="Take the token of this business."),
    ] = None,
    name: Annotated[str, typer.Option(help="What you call the account.")] = "",
    business: Annotated[
        str | None, typer.Option(metavar="ID", help="Id of its business portfolio.")
    ] = None,
) -> None:
    """Add a WABA, or give a known one a new token.

    The token is never an argument: it would stay in the shell's history and show in the list of
    processes. It is stored encrypted. Where a token works already, the new one takes over once a
    list was read with it.

    Example:
        onboarding account add 102290129340398 --name "Lucky Shrub" --token-file token.txt
        onboarding account add 102290129340398 --token-from file:/run/secrets/waba
        pass show waba | onboarding account add 102290129340398
    """
    from onboarding.cli.output import say, say_next
    from onboarding.cli.session import open_engine
    from onboarding.cli.token_options import read_token, require_one
    from onboarding.engine.accounting import require_waba_id

    require_waba_id(waba_id)  # before a token is asked for
    with open_engine(ctx) as engine:
        is_known = any(each.waba_id == waba_id for each in engine.accounts())
        if token_of is not None:
            require_one(token_file, token_from, token_of)
            engine.tokens.share(waba_id, token_of, name=name)
        elif token_from is not None:
            require_one(token_file, token_from)
            engine.tokens.read_from(waba_id, token_from, name=name, business_id=business)
        else:
            token = read_token(token_file)
            engine.add_account(waba_id, token, name=name, business_id=business)
    say(f"{'new token for' if is_known else 'added'} WABA {waba_id}")
    say_next(f"onboarding account check {waba_id}")


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
    from onboarding.cli.account_facts import standing
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
        (a.waba_id, a.name, a.business_id, standing(a), a.listed_at, a.subscribed_at)
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


@app.command()
def show(
    ctx: typer.Context,
    waba_id: Annotated[str, typer.Argument(help="Id of the WABA.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show an account: its token, scopes, end and callback.

    Example:
        onboarding account show 102290129340398
    """
    from onboarding.cli.account_facts import account_facts, account_lines
    from onboarding.cli.output import print_fields, print_json
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        account = engine.account(waba_id)
    if as_json:
        print_json(account_facts(account))
    else:
        print_fields(account_lines(account))


@app.command()
def callback(
    ctx: typer.Context,
    waba_id: Annotated[str, typer.Argument(help="Id of the WABA.")],
    uri: Annotated[
        str | None, typer.Argument(help="An https address; without it the override is taken away.")
    ] = None,
) -> None:
    """Send the messages of a WABA's numbers elsewhere.

    Without an address they go to the app's own callback again.

    The verify token, which Meta shows to that address first, is asked for or read from standard
    input. A worker subscribes the app and then sets the address.

    Example:
        onboarding account callback 102290129340398 https://hooks.example/lucky
        onboarding account callback 102290129340398
    """
    from onboarding.cli.asking import ask_secret
    from onboarding.cli.output import say, say_next
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        verify_token = ask_secret("verify token") if uri is not None else ""
        engine.tokens.set_callback(waba_id, uri, verify_token=verify_token)
    say(f"messages of WABA {waba_id} are to go to {uri or 'the callback of the app'}")
    say_next("onboarding worker")


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
