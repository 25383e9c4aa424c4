"""``onboarding pool``: who may offer a number, who took it, and how many are left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from onboarding.cli.pool_options import AsJson, Partner, Reason, Ref

if TYPE_CHECKING:
    from onboarding.core.pool.model import PoolNumber


def share(ctx: typer.Context, ref: Ref, partner: Partner) -> None:
    """Let a partner business offer a number, too.

    Example:
        onboarding pool share 106540352242922 616914307656635
    """
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        _say_asked(engine.pool.share(ref, partner), f"will be shared with business {partner}")


def unshare(ctx: typer.Context, ref: Ref, partner: Partner) -> None:
    """Take a number back from a partner business.

    Example:
        onboarding pool unshare 106540352242922 616914307656635
    """
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        _say_asked(engine.pool.unshare(ref, partner), f"will be taken back from {partner}")


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


def release(ctx: typer.Context, ref: Ref, *, reason: Reason) -> None:
    """End a hold of a number, or a claim that was not used.

    Example:
        onboarding pool release 106540352242922 --reason "the customer brought another number"
    """
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        _say_asked(engine.pool.release(ref, reason), "released")


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


#: In the order of the help.
COMMANDS = (share, unshare, claim, release, remove, claims, stock)
