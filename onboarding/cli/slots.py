"""``onboarding slots``: how many numbers Meta takes, and which wait for a slot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onboarding.core.slots import Bound
    from onboarding.engine.slots import PortfolioSlots

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback()
def slots() -> None:
    """How many numbers Meta takes, and which wait for a slot.

    Example:
        onboarding slots list
    """


@app.command("list")
def list_slots(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the slots of every portfolio and WABA, and who waits.

    Meta takes 2 numbers in a new portfolio, 20 once the business is verified or has reached a
    messaging limit of 2,000, and 25 on a WABA; by a webhook (business_capability_update) it says
    what holds for one. The column "who says so" is: told (Meta or a person), refused (Meta took no
    more), rule (the one above), setting, or exceeded (there are more than setting or rule say, so
    that nobody knows the bound).

    Example:
        onboarding slots list
        onboarding slots list --json
    """
    from onboarding.cli.output import print_json, print_table, say, say_next
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        portfolios = engine.slots.portfolios()
    if as_json:
        print_json([_facts(each) for each in portfolios])
    elif portfolios:
        columns = ("portfolio", "waba", "name", "bound", "who says so", "used", "left", "queued")
        print_table(columns, [row for each in portfolios for row in _rows(each)])
    else:
        say("there are no accounts")
        say_next("onboarding account add WABA_ID")


def _rows(each: PortfolioSlots) -> Iterator[tuple[object, ...]]:
    yield (each.portfolio, None, None, *_columns(each.bound), each.queued)
    for waba in each.wabas:
        yield (each.portfolio, waba.waba_id, waba.name, *_columns(waba.bound), waba.queued)


def _columns(bound: Bound) -> tuple[object, ...]:
    return (bound.most, bound.source, bound.used, bound.left)


def _facts(each: PortfolioSlots) -> dict[str, Any]:
    return {
        "portfolio": each.portfolio,
        **_bound(each.bound),
        "queued": each.queued,
        "wabas": [
            {
                "waba_id": waba.waba_id,
                "name": waba.name,
                **_bound(waba.bound),
                "queued": waba.queued,
            }
            for waba in each.wabas
        ],
    }


def _bound(bound: Bound) -> dict[str, Any]:
    return {
        "bound": bound.most, "source": bound.source, "used": bound.used, "left": bound.left,
    }  # fmt: skip


@app.command("set")
def set_bounds(
    ctx: typer.Context,
    waba_id: Annotated[str, typer.Argument(help="Id of the WABA, or of one of the portfolio.")],
    *,
    per_business: Annotated[
        int | None, typer.Option(min=0, help="Numbers that its portfolio may have.")
    ] = None,
    per_waba: Annotated[int | None, typer.Option(min=0, help="Numbers that it may have.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the history.")],
) -> None:
    """Say how many numbers Meta takes, where it has told you and not us.

    What Meta says later by webhook takes its place. The queue moves with the next read of the list.

    Example:
        onboarding slots set 102290129340398 --per-business 50 --reason "support raised it"
    """
    from onboarding.cli.output import say, say_next
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        account = engine.slots.set_bounds(
            waba_id, per_business=per_business, per_waba=per_waba, reason=reason
        )
    told = {
        "in its portfolio": account.numbers_per_business, "on it": account.numbers_per_waba,
    }  # fmt: skip
    words = ", ".join(f"{most} {where}" for where, most in told.items() if most is not None)
    say(f"WABA {waba_id}: at most {words}")
    say_next("onboarding slots list")
