"""``onboarding adopt``: take numbers over that are on a WABA's list already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onboarding.engine.adoption import Adopted

_COLUMNS = ("waba", "number", "name", "verdict", "state", "register by (UTC)", "why")


def adopt(
    ctx: typer.Context,
    waba_ids: Annotated[
        list[str], typer.Argument(metavar="WABA_ID...", help="WABAs, added as accounts before.")
    ],
    *,
    yes: Annotated[
        bool, typer.Option("--yes", help="Adopt. Without it, it is only shown what would be.")
    ] = False,
    live: Annotated[
        bool,
        typer.Option("--live", help="Also take registered numbers, to watch over them."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Take numbers over that are on a WABA's list already.

    The list is read now, and each number begins where Meta says it stands. Its deadline counts
    from the end of its Embedded Signup, as Meta tells it. Numbers that are registered, in the
    WhatsApp Business app, banned, gone or known are left alone, each with the reason. Doing it
    twice adopts nothing twice.

    Example:
        onboarding adopt 102290129340398
        onboarding adopt 102290129340398 --yes
    """
    from onboarding.cli.output import print_json
    from onboarding.cli.session import open_engine

    told: list[Adopted] = []
    with open_engine(ctx) as engine:
        for waba_id in dict.fromkeys(waba_ids):
            if yes:
                told += engine.adoption.adopt(waba_id, live=live)
            else:
                told += engine.adoption.preview(waba_id, live=live)
    if as_json:
        print_json({"dry_run": not yes, "numbers": told})
        return
    _print(told, adopted=yes)
    if not yes and any(each.verdict == "adopt" for each in told):
        from onboarding.cli.output import say_next

        more = " --live" if live else ""
        say_next(f"onboarding adopt {' '.join(dict.fromkeys(waba_ids))}{more} --yes")


def _print(told: Sequence[Adopted], *, adopted: bool) -> None:
    from onboarding.cli.output import print_table, say

    if not told:
        say("there are no numbers")
        return
    print_table(_COLUMNS, [_line(each) for each in told])
    taken = sum(each.verdict == "adopt" for each in told)
    left = len(told) - taken
    done = "adopted" if adopted else "would be adopted; nothing was stored"
    say(f"{taken} {done}, {left} left alone")


def _line(each: Adopted) -> tuple[object, ...]:
    by = each.register_by
    return (
        each.waba_id,
        each.phone_number,
        each.display_name,
        each.verdict,
        each.state,
        f"{by:%Y-%m-%d %H:%M}" if by else None,
        each.why,
    )
