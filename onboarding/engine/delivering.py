"""The outbox is emptied: each channel by itself, so that one that is down holds up no other.

Delivered at least once. No transaction is open while a channel is talked to; a crash between the
delivery and its note leads to a second one with the same idempotency key.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from onboarding.core.redact import redact_text
from onboarding.core.timing import backoff, jitter
from onboarding.engine.context import Context
from onboarding.engine.crash_points import DELIVERED, reach_channel
from onboarding.errors import ChannelError
from onboarding.notify.message import Message
from onboarding.notify.texts import render
from onboarding.store import events, outbox
from onboarding.store.database import again_if_unlucky, reading, writing
from onboarding.store.outbox import Delivery
from onboarding.telemetry import log

#: A round ends after so many messages, or so many seconds; the next one begins at once.
_MOST, _ROUND_S = 20, 5.0

#: A message belongs to its worker for a round, the longest a channel may take, and some more.
_LEASE = timedelta(seconds=60)

_LONGEST_ERROR = 300

#: Removed at once, every ten seconds.
_MOST_FORGOTTEN = 500


def deliver_due(ctx: Context, channel: str) -> int:
    """Send what one channel is to get now, in order for each subject; return how much was sent.

    After a message that was not taken for a passing reason the round is over: the channel may be
    down, and the others wait for a moment, untried.
    """
    now = ctx.clock.now()
    with reading(ctx.database) as conn:
        due = outbox.next_due(conn, [channel]).get(channel)
    if due is None or due > now:
        return 0
    sent, until = 0, time.monotonic() + _ROUND_S
    taken = again_if_unlucky(lambda: _claim(ctx, channel))
    for at, each in enumerate(taken):
        if time.monotonic() > until:
            _let_go(ctx, taken[at:])
            break
        if not _deliver(ctx, each):
            _let_go(ctx, taken[at:])
            _pause(ctx, channel)
            break
        sent += 1
    return sent


def deliver_all(ctx: Context) -> int:
    """Send what is due on every channel, all channels at once; return how much was sent."""
    now = ctx.clock.now()
    with reading(ctx.database) as conn:
        due = [c for c, at in outbox.next_due(conn, list(ctx.channels)).items() if at <= now]
    if not due:
        return 0
    with ThreadPoolExecutor(len(due), thread_name_prefix="onboarding-deliver") as threads:
        return sum(threads.map(lambda channel: deliver_due(ctx, channel), due))


def _claim(ctx: Context, channel: str) -> list[Delivery]:
    with writing(ctx.database) as conn:
        real_now = ctx.real_now(conn)
        return outbox.claim(
            conn,
            channel,
            worker=ctx.worker,
            now=ctx.clock.now(),
            real_now=real_now,
            lease_until=real_now + _LEASE,
            limit=_MOST,
        )


def _let_go(ctx: Context, untried: Sequence[Delivery]) -> None:
    with writing(ctx.database) as conn:
        outbox.let_go(conn, [each.id for each in untried], ctx.worker)


def _pause(ctx: Context, channel: str) -> None:
    """Let what is due on a channel wait for a moment, so that one that is down is not stormed."""

    def work() -> None:
        with writing(ctx.database) as conn:
            outbox.put_off(conn, channel, ctx.clock.now() + ctx.policy.delivery[0])

    again_if_unlucky(work)


def _deliver(ctx: Context, each: Delivery) -> bool:
    """Send one message; return whether the channel can be expected to take the next."""
    try:
        body = json.loads(each.body)
        message = message_of(ctx, each.id, each.event_seq, body)
        ctx.channels[each.channel].send(message)
    except ChannelError as error:
        return _failed(ctx, each, error)
    except Exception as error:  # noqa: BLE001 - a fault of one message must not hold up the others
        log.exception("message_not_made", delivery=each.id, channel=each.channel)
        fault = ChannelError(f"a fault of the program ({type(error).__name__})")
        return _failed(ctx, each, fault)
    reach_channel(DELIVERED, each.channel)
    with writing(ctx.database) as conn:
        outbox.note_sent(conn, each.id, ctx.clock.now())
    log.info("message_sent", delivery=each.id, channel=each.channel, type=each.type)
    return True


def forget_old(ctx: Context) -> int:
    """Remove events that are kept long enough, a part of them at a time; return how many."""
    before = ctx.clock.now() - timedelta(days=ctx.settings.event_days)
    with writing(ctx.database) as conn:
        return events.forget_before(conn, before, _MOST_FORGOTTEN)


def message_of(ctx: Context, id_: str, seq: int, body: Mapping[str, Any]) -> Message:
    """Return the message that tells of an event, in the words of today."""
    event = {"seq": seq, **body}
    listed = _listed(body["data"].get("due", ()))
    told = event | {"data": {**body["data"], "list": listed}}
    title, text = render(told, ctx.notifications.texts)
    return Message(id=id_, event=event, title=title, text=text)


def _listed(due: Sequence[Mapping[str, str]]) -> str:
    """Return the lines of a digest: what is due within the week."""
    return "".join(
        f"  {each['register_by'][:16].replace('T', ' ')} UTC  {each['phone_number']}  waits for "
        f"{each['waiting_for']} ({each['waiting']})  {each['id']}\n"
        for each in due
    )


def _failed(ctx: Context, each: Delivery, error: ChannelError) -> bool:
    now, tries = ctx.clock.now(), each.tries + 1
    is_over = error.is_permanent or tries >= ctx.policy.delivery_tries
    wait = backoff(tries, ctx.policy.delivery)
    again_at = None if is_over else now + wait + jitter(f"{each.id}/{tries}", wait / 4)
    text = redact_text(str(error))[:_LONGEST_ERROR]

    def note() -> None:
        with writing(ctx.database) as conn:
            outbox.note_failed(conn, each, now, text, again_at)

    again_if_unlucky(note)
    level = log.error if is_over else log.warning
    level(
        "message_dead" if is_over else "message_not_taken",
        delivery=each.id,
        channel=each.channel,
        type=each.type,
        tries=tries,
        error=text,
    )
    return error.is_permanent
