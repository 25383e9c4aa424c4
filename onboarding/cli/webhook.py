"""``onboarding webhook``: webhook payloads of Meta."""

from __future__ import annotations

from typing import Annotated, Any

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback()
def webhook() -> None:
    """Webhook payloads of Meta.

    Example:
        onboarding webhook ingest payload.json
    """


@app.command()
def ingest(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(help="The body of Meta's POST, or - for standard input.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Take in one webhook payload of Meta.

    A payload is a hint: it brings the next read of the WABA forward. The same one twice changes
    nothing.

    Example:
        onboarding webhook ingest payload.json
        curl -s https://example.com/captured | onboarding webhook ingest -
    """
    from onboarding.cli.asking import read_text
    from onboarding.cli.output import print_json, say, say_next
    from onboarding.cli.session import open_engine

    payload = _parse(file, read_text(file))
    with open_engine(ctx) as engine:
        taken = engine.ingest(payload)
    if as_json:
        print_json(taken)
        return
    say(f"{taken.changes} changes, {taken.new} of them new")
    if taken.waba_ids:
        say(f"to be read again: {', '.join(taken.waba_ids)}")
        say_next("onboarding worker")


def _parse(file: str, text: str) -> Any:
    import json

    from onboarding.errors import InputError

    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{file} is not JSON: {error.msg} (line {error.lineno}, column {error.colno})",
            hint="give the body of the POST that Meta sent, as it came",
        ) from None
    except RecursionError:
        raise InputError(f"{file} is nested too deeply", hint="this is not Meta's") from None
