"""What people do with the outbox: look, send again, give up; and a test of a channel."""

from __future__ import annotations

import json
from collections.abc import Sequence

from onboarding.core.events import FLEET, Event
from onboarding.engine.context import Context, Ids
from onboarding.engine.delivering import message_of
from onboarding.errors import InputError, NotFoundError, TransitionRefusedError
from onboarding.model import Audience, DeliveryStatus, EventType
from onboarding.store import outbox
from onboarding.store.database import again_if_unlucky, reading, writing
from onboarding.store.outbox import Delivery

_SHORTEST_PREFIX = 6
_MOST_AT_ONCE = 10_000


def deliveries(
    ctx: Context,
    *,
    statuses: Sequence[DeliveryStatus] = (),
    channel: str | None = None,
    subject: str | None = None,
    limit: int = 100,
) -> list[Delivery]:
    """Return messages that fit every condition given, the latest first.

    Args:
        ctx: the engine's parts.
        statuses: any of these.
        channel: for this channel.
        subject: about this onboarding or WABA, by its full id.
        limit: at most so many.
    """
    with reading(ctx.database) as conn:
        return outbox.find(conn, statuses=statuses, channel=channel, subject=subject, limit=limit)


def retry(ctx: Context, delivery_id: str, actor: str) -> Delivery:
    """Put a message that was given up, or waits, back to be sent now; its tries count anew.

    Raises:
        NotFoundError: no such message, or several.
        TransitionRefusedError: it was sent.
    """
    return _settle(ctx, delivery_id, DeliveryStatus.PENDING, f"retried by {actor}")


def drop(ctx: Context, delivery_id: str, actor: str) -> Delivery:
    """Take a message out of the outbox for good.

    Raises:
        NotFoundError: no such message, or several.
        TransitionRefusedError: it was sent.
    """
    return _settle(ctx, delivery_id, DeliveryStatus.CANCELLED, f"dropped by {actor}")


def retry_dead(ctx: Context, channel: str, actor: str) -> int:
    """Put every dead letter of a channel back; return how many there were."""
    return _settle_all(ctx, channel, [DeliveryStatus.DEAD], DeliveryStatus.PENDING, actor)


def drop_all(ctx: Context, channel: str, actor: str) -> int:
    """Take everything out that a channel has not got yet; return how much it was."""
    waiting = [DeliveryStatus.PENDING, DeliveryStatus.DEAD]
    return _settle_all(ctx, channel, waiting, DeliveryStatus.CANCELLED, actor)


def _settle(ctx: Context, start: str, status: DeliveryStatus, by: str) -> Delivery:
    def work() -> Delivery:
        with writing(ctx.database) as conn:
            found = outbox.find(conn, id_start=start, limit=2)
            if len(found) != 1 or len(start) < _SHORTEST_PREFIX:
                several = "more than one message starts" if found else "no message starts"
                raise NotFoundError(
                    f"{several} with '{start}'", hint="see: onboarding outbox list --all"
                )
            if not outbox.settle(conn, [found[0].id], status, by, ctx.clock.now()):
                raise TransitionRefusedError(
                    "the message was sent", hint="see: onboarding outbox list --status sent"
                )
            return outbox.load(conn, [found[0].id])[0]

    return again_if_unlucky(work)


def _settle_all(
    ctx: Context,
    channel: str,
    statuses: Sequence[DeliveryStatus],
    status: DeliveryStatus,
    actor: str,
) -> int:
    verb = "retried" if status is DeliveryStatus.PENDING else "dropped"

    def work() -> int:
        with writing(ctx.database) as conn:
            found = outbox.find(conn, statuses=statuses, channel=channel, limit=_MOST_AT_ONCE)
            ids = [each.id for each in found]
            return len(outbox.settle(conn, ids, status, f"{verb} by {actor}", ctx.clock.now()))

    return again_if_unlucky(work)


def send_test(ctx: Context, channel: str, actor: str) -> str:
    """Send a test message to a channel, now and past the outbox; return its id.

    Raises:
        InputError: there is no such channel.
        ChannelError: it did not take the message.
    """
    if channel not in ctx.channels:
        raise InputError(
            f"there is no channel '{channel}'",
            field="channel",
            hint=f"there are: {', '.join(ctx.channels)}",
        )
    now, ids = ctx.clock.now(), Ids(ctx.clock.now())
    event = Event(
        type=EventType.TEST,
        at=now,
        subject=FLEET,
        audience=Audience.OPERATOR,
        data={"channel": channel, "by": actor},
    )
    message = message_of(ctx, ids.next(), 0, json.loads(event.body(ids.next())))
    ctx.channels[channel].send(message)
    return message.id
