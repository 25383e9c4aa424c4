"""``onboarding outbox``: messages to channels, what became of them, and a person's word on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from onboarding.model import DeliveryStatus

if TYPE_CHECKING:
    from onboarding.store.outbox import Delivery

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Id = Annotated[
    str | None, typer.Argument(help="Id of the message, or the start of it.", metavar="ID")
]
Channel = Annotated[str | None, typer.Option(metavar="NAME", help="Of this channel.")]


@app.callback()
def outbox() -> None:
    """Messages to channels, and what became of them.

    Example:
        onboarding outbox list
    """


@app.command("list")
def list_messages(
    ctx: typer.Context,
    *,
    status: Annotated[
        list[DeliveryStatus] | None,
        typer.Option(metavar="STATUS", help="pending, sent, dead or cancelled; several times."),
    ] = None,
    channel: Channel = None,
    onboarding: Annotated[
        str | None, typer.Option(metavar="REF", help="About this onboarding.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    everything: Annotated[
        bool, typer.Option("--all", help="However they stand: the log of deliveries.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List messages that wait, and dead letters.

    The latest comes first.

    With --all also those that were sent or cancelled: the log of deliveries.

    Example:
        onboarding outbox list
        onboarding outbox list --status dead --channel ops --json
        onboarding outbox list --all --onboarding 01a2013e591a
    """
    from onboarding.cli.output import note, print_json, print_table, say_next
    from onboarding.cli.session import open_engine

    wanted = status or (() if everything else (DeliveryStatus.PENDING, DeliveryStatus.DEAD))
    with open_engine(ctx) as engine:
        subject = engine.get(onboarding).id if onboarding is not None else None
        found = engine.deliveries(statuses=wanted, channel=channel, subject=subject, limit=limit)
    if as_json:
        print_json({"items": [_facts(each) for each in found]})
        return
    if not found:
        note("nothing waits to be sent" if not (everything or status) else "no message fits")
        return
    columns = ("id", "channel", "about", "type", "status", "tries", "next try", "error")
    print_table(columns, map(_line, found))
    if any(each.status is DeliveryStatus.DEAD for each in found):
        say_next("onboarding outbox retry ID   (once the channel is mended)")


def _line(each: Delivery) -> tuple[object, ...]:
    waits = each.status is DeliveryStatus.PENDING
    return (
        each.id,
        each.channel,
        each.subject,
        each.type,
        each.status,
        each.tries,
        each.next_at if waits else None,
        each.error or each.settled_by,
    )


def _facts(each: Delivery) -> dict[str, Any]:
    return {
        "id": each.id,
        "seq": each.event_seq,
        "type": each.type,
        "channel": each.channel,
        "subject": each.subject,
        "status": each.status,
        "created_at": each.created_at,
        "next_at": each.next_at if each.status is DeliveryStatus.PENDING else None,
        "tries": each.tries,
        "tried_at": each.tried_at,
        "error": each.error,
        "settled_by": each.settled_by,
    }


@app.command()
def retry(
    ctx: typer.Context,
    id_: Id = None,
    *,
    channel: Annotated[
        str | None, typer.Option(metavar="NAME", help="All dead letters of this channel.")
    ] = None,
) -> None:
    """Send messages again that were given up.

    Or one that waits; a worker sends it at once. It keeps its id, by which receivers know a
    message that comes twice.

    Example:
        onboarding outbox retry 019cadb56d1c
        onboarding outbox retry --channel ops
    """
    from onboarding.cli.output import say, say_next
    from onboarding.cli.session import open_engine, settings_of
    from onboarding.engine import outbox_desk

    _require_one(id_, channel)
    who = settings_of(ctx).who()
    with open_engine(ctx) as engine:
        if id_ is not None:
            done = outbox_desk.retry(engine.context, id_, who)
            say(f"{done.id}: to be sent to '{done.channel}' now")
        else:
            count = outbox_desk.retry_dead(engine.context, str(channel), who)
            say(f"{count} messages are to be sent to '{channel}' now")
    say_next("onboarding worker")


@app.command()
def drop(
    ctx: typer.Context,
    id_: Id = None,
    *,
    channel: Annotated[
        str | None, typer.Option(metavar="NAME", help="All that this channel has not got yet.")
    ] = None,
) -> None:
    """Give messages up: they are not sent.

    Example:
        onboarding outbox drop 019cadb56d1c
        onboarding outbox drop --channel old-room
    """
    from onboarding.cli.output import say
    from onboarding.cli.session import open_engine, settings_of
    from onboarding.engine import outbox_desk

    _require_one(id_, channel)
    who = settings_of(ctx).who()
    with open_engine(ctx) as engine:
        if id_ is not None:
            done = outbox_desk.drop(engine.context, id_, who)
            say(f"{done.id}: not sent to '{done.channel}'")
        else:
            count = outbox_desk.drop_all(engine.context, str(channel), who)
            say(f"{count} messages are not sent to '{channel}'")


def _require_one(id_: str | None, channel: str | None) -> None:
    from onboarding.errors import InputError

    if (id_ is None) == (channel is None):
        raise InputError("name one message, or a channel", hint="ID, or --channel NAME")
