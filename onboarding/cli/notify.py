"""``onboarding notify``: the channels, what each is told of, and whether it works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from onboarding.engine.channel_checks import ChannelStanding

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback()
def notify() -> None:
    """Channels, and a test of each.

    ONBOARDING_NOTIFY_FILE names the file that sets them up.

    Example:
        onboarding notify channels
    """


@app.command()
def channels(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the channels, and how each stands.

    What it is told of, how many messages wait or are dead, and what it lacks here.

    Example:
        onboarding notify channels
        onboarding notify channels --json
    """
    from onboarding.cli.output import print_json, print_table, say_next
    from onboarding.cli.session import open_engine
    from onboarding.engine.channel_checks import look_at_channels

    with open_engine(ctx) as engine:
        found = look_at_channels(engine.context)
    if as_json:
        print_json({"items": [_facts(each) for each in found]})
        return
    print_table(("channel", "kind", "waits", "dead", "lacks", "told of"), map(_line, found))
    say_next(f"onboarding notify test {found[0].name}")


def _line(each: ChannelStanding) -> tuple[object, ...]:
    told = ", ".join(each.told_of) or "nothing"
    return (each.name, each.kind, each.pending, each.dead, each.lacks, told)


def _facts(each: ChannelStanding) -> dict[str, Any]:
    return {
        "name": each.name,
        "kind": each.kind,
        "told_of": list(each.told_of),
        "pending": each.pending,
        "dead": each.dead,
        "pending_since": each.pending_since,
        "lacks": each.lacks,
    }


@app.command()
def test(
    ctx: typer.Context,
    channel: Annotated[str, typer.Argument(help="Name of the channel.", metavar="CHANNEL")],
) -> None:
    """Send a test message to a channel, now and past the outbox.

    Example:
        onboarding notify test ops
    """
    from onboarding.cli.output import cell, say
    from onboarding.cli.session import open_engine, settings_of
    from onboarding.engine.outbox_desk import send_test

    who = settings_of(ctx).who()
    with open_engine(ctx) as engine:
        id_ = send_test(engine.context, channel, who)
    say(f"{cell(channel)} took the test message {id_}")
