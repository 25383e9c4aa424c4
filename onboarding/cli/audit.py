"""``onboarding audit``: the hash chains of the histories, and their seals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from onboarding.core.chain import Broken

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
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Compare with a file of 'onboarding audit seal --out', too.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check that no history was changed after it was written.

    Seals show where entries at the end, or whole onboardings, were removed. A file that was kept
    elsewhere shows it even if the seals were removed, too.

    Example:
        onboarding audit verify
        onboarding audit verify --against /elsewhere/2026-03-02.jsonl
    """
    from onboarding.cli.output import print_json, print_table, say
    from onboarding.cli.session import open_engine
    from onboarding.errors import ChainBrokenError

    with open_engine(ctx) as engine:
        count, broken = engine.verify()
        seals, unsealed = engine.verify_seals(against)
    found = _once_per_history([*broken, *unsealed])
    if as_json:
        print_json({"histories": count, "seals": seals, "broken": found})
    elif found:
        rows = [(each.owner, each.seq, each.what) for each in found]
        print_table(("whose", "entry", "what"), rows)
    else:
        agree = ", and agree with every seal" if seals else ""
        say(f"{count} histories verify{agree}{' and with the file' if against else ''}")
    if found:
        raise ChainBrokenError(_summary(found, count), hint="compare with a backup")


def _once_per_history(found: list[Broken]) -> list[Broken]:
    """Return the first finding about each history, and all about seals."""
    from onboarding.engine.seal_checks import SEALS

    first = {(each.owner, each.seq if each.owner == SEALS else 0): each for each in reversed(found)}
    return [each for each in found if each in first.values()]


def _summary(found: list[Broken], count: int) -> str:
    """Return the findings in a line; a history that was removed is none of those that are left."""
    from onboarding.engine.seal_checks import SEALS

    seals = sum(each.owner == SEALS for each in found)
    histories = len(found) - seals
    if not seals:
        return f"{histories} of {count} histories do not verify"
    removed = f"{seals} seals were removed or changed"
    return (
        f"{removed}, and {histories} of {count} histories do not verify" if histories else removed
    )


@app.command()
def seal(
    ctx: typer.Context,
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the end of every history into a new file, for 'verify --against'.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Seal what the histories have come to, now.

    A worker does so every ten minutes. Keep the file where whoever owns the database cannot
    change it.

    Example:
        onboarding audit seal --out 2026-03-02.jsonl
    """
    from onboarding.cli.output import print_json, say
    from onboarding.cli.session import open_engine
    from onboarding.engine.seal_files import write_heads
    from onboarding.engine.sealing import seal_now

    with open_engine(ctx) as engine:
        done = seal_now(engine.context)
        written = write_heads(engine.context, out) if out else None
    last = done.seal
    if as_json:
        told = {"seal": last.seq, "at": last.at, "hash": last.hash} if last else {"seal": None}
        print_json({**told, "histories": done.histories, "written": written})
        return
    if last is None:
        say("there is no history yet")
    elif done.histories:
        say(f"seal {last.seq} at {last.at}: {done.histories} histories, hash {last.hash}")
    else:
        say(f"nothing new since seal {last.seq} at {last.at}, hash {last.hash}")
    if written is not None:
        say(f"{written} histories written to {out}")
