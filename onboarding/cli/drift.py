"""``onboarding drift``: where Meta shows numbers otherwise than the engine holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from onboarding.core.drift_findings import Finding
    from onboarding.engine.drifting import DriftReport

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_COLUMNS = ("number", "id", "kind", "engine holds", "Meta shows", "since", "done", "from", "how")


Ref = Annotated[str, typer.Argument(help="Id, start of an id, or phone number.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the history.")]


@app.callback(invoke_without_command=True)
def drift(
    ctx: typer.Context,
    waba: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="This WABA; several times for several. Default: all."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare every number that is not over with what Meta shows.

    Lists are read now. The engine reacts as when a worker reads them: it notes, waits or asks, and
    changes nothing at Meta. The exit code is 0 if nothing differs, and 9 if something does, or a
    list could not be read.

    "onboarding drift show" shows what the last reads showed; "drift accept" and "drift register"
    answer.

    Example:
        onboarding drift
        onboarding drift --waba 102290129340398 --json
    """
    if ctx.invoked_subcommand is not None:
        return
    from onboarding.cli.exit_codes import PROBLEMS_FOUND
    from onboarding.cli.output import print_json
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        report = engine.drift.check(waba or None)
    if as_json:
        print_json(report)
    else:
        _print(report)
    if not report.is_clean:
        raise typer.Exit(PROBLEMS_FOUND)


@app.command()
def show(
    ctx: typer.Context,
    *,
    left: Annotated[
        str, typer.Option(metavar="SPAN", help="Tell of registered numbers that left within: 7d.")
    ] = "7d",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the differences that the last reads showed.

    No list is read now.

    Example:
        onboarding drift show
        onboarding drift show --left 30d --json
    """
    from onboarding.cli.moments import parse_moment
    from onboarding.cli.output import print_json
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        now = engine.context.clock.now()
        found = engine.drift.findings(left_within=parse_moment(left, now, "--left") - now)
    if as_json:
        print_json(found)
    else:
        _print_findings(found, now)


@app.command()
def accept(
    ctx: typer.Context,
    ref: Ref,
    *,
    reason: Why,
) -> None:
    """Take what Meta shows for right.

    A number that lost its connection, is banned or moved to the WhatsApp Business app is let go. A
    display name that was changed at Meta becomes the name; if it was approved as a change, the
    number is registered again, which makes it take effect.

    Example:
        onboarding drift accept "+1 631 555 1000" --reason "the shop closed"
    """
    from onboarding.cli.output import say
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        row = engine.drift.accept(ref, reason)
    say(f"{row.phone_number} is '{row.state}' as '{row.new_display_name or row.display_name}'")


@app.command()
def register(
    ctx: typer.Context,
    ref: Ref,
    *,
    reason: Why,
) -> None:
    """Have a number registered again that lost its connection.

    Example:
        onboarding drift register "+1 631 555 1000" --reason "deregistered by mistake"
    """
    from onboarding.cli.output import say, say_next
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        row = engine.drift.register(ref, reason)
    say(f"{row.phone_number} is '{row.state}': a worker registers it")
    say_next(f"onboarding show {row.id}")


def _print(report: DriftReport) -> None:
    from onboarding.cli.output import note, say

    _print_findings(report.findings, report.at)
    say(f"{report.compared} compared, {len(report.findings)} differ")
    for waba_id, why in report.unread.items():
        note(f"WABA {waba_id} was not read: {why}")
    for waba_id, number in report.adoptable.items():
        note(f"WABA {waba_id} has {number} more that can be adopted: onboarding adopt {waba_id}")


def _print_findings(found: tuple[Finding, ...], now: datetime) -> None:
    from onboarding.cli.moments import distance
    from onboarding.cli.output import print_table, say

    if not found:
        say("nothing differs")
        return
    rows = [
        (
            each.phone_number,
            each.onboarding_id,
            each.kind,
            each.holds,
            each.shows,
            distance(each.since, now),
            each.did,
            each.from_whom,
            each.how or None,
        )
        for each in found
    ]
    print_table(_COLUMNS, rows)
