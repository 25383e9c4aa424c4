"""``onboarding audit``: the hash chains of the histories."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback()
def audit() -> None:
    """The hash chains of the histories.

    Example:
        onboarding audit verify
    """


@app.command()
def verify(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check that no history was changed after it was written.

    Example:
        onboarding audit verify
    """
    from onboarding.cli.output import print_json, print_table, say
    from onboarding.cli.session import open_engine
    from onboarding.errors import ChainBrokenError

    with open_engine(ctx) as engine:
        count, broken = engine.verify()
    if as_json:
        print_json({"histories": count, "broken": broken})
    elif broken:
        rows = [(each.owner, each.seq, each.what) for each in broken]
        print_table(("whose", "entry", "what"), rows)
    else:
        say(f"{count} histories verify")
    if broken:
        raise ChainBrokenError(
            f"{len(broken)} of {count} histories do not verify", hint="compare with a backup"
        )
