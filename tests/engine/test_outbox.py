"""Messages: none lost, in order, with one idempotency key, and no channel holds up another."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from onboarding.engine import outbox_desk
from onboarding.engine.delivering import deliver_due, forget_old
from onboarding.errors import ChannelError, NotFoundError, TransitionRefusedError
from onboarding.model import DeliveryStatus, State
from onboarding.notify.message import Message
from onboarding.store.database import reading, writing
from tests.engine.rehearsing import DAY, HOUR, MINUTE, NUMBER, Rehearse, Rehearsed, scenario
from tests.engine.telling import (
    SECRET,
    Listening,
    end_leases,
    file_of,
    listen,
    told,
    webhook,
)
from tests.graph.servers import answer, closed_port, raw_server
from tests.notify.receiving import receiving

ALL = 'events = "*"'
PAGED = """
[[ladder]]
name = "half"
at = "1/2"
then = ["log"]
after = "2d"
"""
TO_OPS = '[audiences]\noperator = ["ops"]\n'


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPS_SECRET", SECRET)


def standing(meta: Rehearsed, channel: str = "ops") -> list[tuple[str, str]]:
    """Return the type of each message and how it stands, the first one first."""
    found = meta.engine.deliveries(channel=channel, limit=1000)
    return [(each.type, each.status.value) for each in reversed(found)]


def test_a_program_that_follows_is_told_everything_in_order(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    with receiving(SECRET) as receiver:
        meta = rehearse(notify_file=file_of(tmp_path, webhook("ops", receiver.url, more=ALL)))
        meta.register()
        meta.settle()
    assert receiver.forged == 0
    assert len(set(receiver.ids)) == len(receiver.ids)
    seen = [e["data"]["to"] for e in receiver.events if e["type"] == "transition"]
    assert seen == meta.path()
    assert (seen[0], seen[-1]) == ("requested", "registered")
    seqs = [event["seq"] for event in receiver.events]
    assert seqs == sorted(seqs) == [event["seq"] for event in told(meta)]
    assert {status for _, status in standing(meta)} == {"sent"}


def test_who_fails_is_tried_again_with_the_same_key_and_nothing_overtakes(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    with receiving(SECRET, statuses=[500, 503, 429]) as receiver:
        meta = rehearse(notify_file=file_of(tmp_path, webhook("ops", receiver.url, more=ALL)))
        meta.register()
        meta.wait(HOUR)
    first = receiver.ids[0]
    assert receiver.ids[:4] == [first] * 4  # three that were refused, and the one that was taken
    taken = receiver.ids[3:]
    assert len(set(taken)) == len(taken)
    seen = [e["data"]["to"] for e in receiver.events[3:] if e["type"] == "transition"]
    assert seen == meta.path()
    (delivery,) = [d for d in meta.engine.deliveries(limit=1000) if d.id == first]
    assert (delivery.tries, delivery.status, delivery.error) == (4, DeliveryStatus.SENT, None)


def test_a_channel_that_is_down_holds_up_no_other_and_loses_nothing(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    with receiving(SECRET) as receiver:
        meta = rehearse(
            notify_file=file_of(
                tmp_path,
                webhook("dead", f"{closed_port()}/hook", more=ALL),
                webhook("ops", receiver.url, more=ALL),
            )
        )
        meta.register()
        meta.settle()
        assert {status for _, status in standing(meta)} == {"sent"}
        waiting = standing(meta, "dead")
        assert {status for _, status in waiting} == {"pending"}
        assert len(waiting) == len(receiver.ids)
        back = listen(meta, "dead")["dead"]
        meta.wait(2 * HOUR)
        assert back.types == [type_ for type_, _ in waiting]


def test_a_crash_between_the_delivery_and_its_note_costs_a_second_one_with_the_same_key(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    with receiving(SECRET) as receiver:
        file = file_of(tmp_path, webhook("ops", receiver.url, more=ALL))
        meta = rehearse(notify_file=file)
        meta.engine.context.channels["ops"] = Listening(_refuse)  # type: ignore[index] # for now
        meta.ask()
        deliver_due(meta.engine.context, "ops")
        with writing(meta.engine.context.database) as conn:
            conn.execute(text("UPDATE delivery SET next_at = created_at"))
        program = (
            "from onboarding import Engine; from onboarding.testing import FrozenClock; "
            "from onboarding.engine.delivering import deliver_due; "
            "engine = Engine.open(clock=FrozenClock()); "
            "deliver_due(engine.context, 'ops')"
        )
        environment = {
            **os.environ, **meta.environment, "OPS_SECRET": SECRET,
            "ONBOARDING_NOTIFY_FILE": str(file), "ONBOARDING_CRASH_AT": "delivered/ops",
        }  # fmt: skip
        done = subprocess.run([sys.executable, "-c", program], env=environment, check=False)
        assert done.returncode == -9
        assert len(receiver.ids) == 1
        with meta.open_engine() as another:
            assert deliver_due(another.context, "ops") == 0  # it is still the dead worker's
            end_leases(meta.engine)
            assert deliver_due(another.context, "ops") >= 1
    assert receiver.ids[0] == receiver.ids[1]
    assert receiver.bodies[0] == receiver.bodies[1]


def _refuse(_: Message) -> None:
    raise ChannelError("not now")


def test_two_workers_send_a_message_once_and_keep_its_place(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    with receiving(SECRET) as receiver:
        meta = rehearse(notify_file=file_of(tmp_path, webhook("ops", receiver.url, more=ALL)))
        meta.ask()
        with meta.open_engine() as second:
            inner = Listening(lambda _: nested.append(deliver_due(second.context, "ops")))
            nested: list[int] = []
            channels = meta.engine.context.channels
            channels["ops"] = inner  # type: ignore[index] # in the place of the file's
            meta.settle()
    assert set(nested) == {0}  # while one is being sent, nobody sends it or what comes after it
    assert receiver.ids == []
    seqs = [message.event["seq"] for message in inner.messages]
    assert seqs == sorted(set(seqs))


def test_no_transaction_is_open_while_a_channel_is_talked_to(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    meta = rehearse(
        notify_file=file_of(tmp_path, webhook("ops", closed_port(), more=ALL)),
        busy_timeout_seconds=0.1,
    )

    def write(_: Message) -> None:
        with meta.open_engine() as other, writing(other.context.database) as conn:
            conn.execute(text("UPDATE delivery SET error = error"))

    meta.engine.context.channels["ops"] = listening = Listening(write)  # type: ignore[index] # as above
    meta.ask()
    meta.settle()
    assert listening.types[0] == "transition"


def test_a_refusal_for_good_is_a_dead_letter_and_can_be_sent_again(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    with receiving(SECRET, statuses=[410]) as receiver:
        meta = rehearse(notify_file=file_of(tmp_path, webhook("ops", receiver.url, more=ALL)))
        meta.reads_codes = False
        meta.ask()
        meta.settle()
        dead = meta.engine.deliveries(statuses=[DeliveryStatus.DEAD])
        assert [(each.tries, each.error) for each in dead] == [(1, "answered 410")]
        assert standing(meta)[1:]
        assert {status for _, status in standing(meta)[1:]} == {"sent"}  # the others went on
        ctx = meta.engine.context
        assert outbox_desk.retry(ctx, dead[0].id[:16], "ada").settled_by == "retried by ada"
        meta.settle()
        assert receiver.ids[-1] == receiver.ids[0]
        with pytest.raises(TransitionRefusedError, match="was sent"):
            outbox_desk.drop(ctx, dead[0].id, "ada")
        with pytest.raises(NotFoundError):
            outbox_desk.retry(ctx, "0000000000", "ada")


def test_tries_are_bounded(rehearse: Rehearse, tmp_path: Path) -> None:
    meta = rehearse(notify_file=file_of(tmp_path, webhook("ops", f"{closed_port()}/x", more=ALL)))
    meta.reads_codes = False
    meta.ask()
    meta.run(most=6 * DAY)
    first = meta.engine.deliveries(channel="ops", limit=1000)[-1]
    assert first.status is DeliveryStatus.DEAD
    assert first.tries == meta.engine.context.policy.delivery_tries
    assert first.tried_at is not None
    assert 2 * DAY < first.tried_at - first.created_at < 5 * DAY
    assert outbox_desk.drop_all(meta.engine.context, "ops", "ada") > 0
    assert {status for _, status in standing(meta)} == {"cancelled"}


def test_a_deadline_that_is_met_cancels_what_was_not_sent_for_it(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    down = webhook("ops", f"{closed_port()}/x")
    meta = rehearse(
        notify_file=file_of(tmp_path, down, webhook("feed", f"{closed_port()}/x", more=ALL), TO_OPS)
    )
    meta.reads_codes = False
    meta.ask()
    meta.wait(7 * DAY)
    assert ("escalation", "pending") in standing(meta)
    meta.reads_codes = True
    meta.run_to(State.REGISTERED)
    assert {status for type_, status in standing(meta) if type_ == "escalation"} == {"cancelled"}
    assert {status for type_, status in standing(meta) if type_ == "overdue"} <= {
        "cancelled", "dead",
    }  # fmt: skip
    # Who follows all events gets all of them, whatever came of it.
    assert {status for _, status in standing(meta, "feed")} <= {"pending", "dead"}


def test_a_deadline_that_is_replaced_cancels_what_was_not_sent_for_it(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    down = webhook("ops", f"{closed_port()}/x")
    never = {"rules": [{"name": "Slow*", "first": "PENDING_REVIEW", "decision": "never"}]}
    meta = rehearse(
        notify_file=file_of(tmp_path, down, TO_OPS, PAGED), scenario=scenario(reviewer=never)
    )
    meta.reads_codes = False
    meta.ask(entry="embedded_signup")
    meta.wait(8 * DAY)
    assert ("escalation", "pending") in standing(meta)
    meta.sign_up(NUMBER, "Slow Shrub", at=meta.clock.now())
    meta.run(most=3 * DAY, until=lambda: len(meta.engine.deadlines(NUMBER)) > 1)
    policy, signup = meta.engine.deadlines(NUMBER)
    assert (policy.closed_how, signup.closed_at) == ("replaced", None)
    of_rungs = {status for type_, status in standing(meta) if type_ == "escalation"}
    assert of_rungs == {"cancelled"}
    meta.wait(DAY + 12 * HOUR)
    assert told(meta, "unacknowledged") == []  # nor is anybody told next of it
    meta.wait(7 * DAY)
    assert ("escalation", "pending") in standing(meta)  # the new one has a ladder of its own


def test_a_window_that_closed_is_still_told(rehearse: Rehearse, tmp_path: Path) -> None:
    meta = rehearse(
        notify_file=file_of(tmp_path, webhook("ops", f"{closed_port()}/x"), TO_OPS), policy_days=1
    )
    meta.reads_codes = False
    meta.ask(entry="embedded_signup", onboarded_at=meta.clock.now())
    meta.run_to(State.EXPIRED, most=20 * DAY)
    escalations = [status for type_, status in standing(meta) if type_ == "escalation"]
    assert "cancelled" not in escalations
    assert escalations


def test_what_is_kept_long_enough_is_removed_but_for_what_is_to_be_sent(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    meta = rehearse(
        notify_file=file_of(tmp_path, webhook("ops", f"{closed_port()}/x", more=ALL)),
        event_days=2,
    )
    meta.ask()
    meta.settle()
    last = told(meta)[-1]["seq"]
    meta.wait(timedelta(days=2, minutes=1))
    assert forget_old(meta.engine.context) == 0  # all are still to be sent
    outbox_desk.drop_all(meta.engine.context, "ops", "ada")
    with writing(meta.engine.context.database) as conn:
        conn.execute(text("UPDATE delivery SET status = 'cancelled'"))
    while forget_old(meta.engine.context):
        pass
    with reading(meta.engine.context.database) as conn:
        kept = list(conn.execute(text("SELECT seq FROM event ORDER BY seq")).scalars())
    assert all(seq > last for seq in kept)
    before = max(kept, default=last)
    meta.ask("+493012345672")
    assert told(meta)[-1]["seq"] > before  # a number is never given twice


def test_a_secret_in_an_address_is_told_nowhere(
    rehearse: Rehearse, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    closed = closed_port()
    address = f"{closed}/services/T0SECRET/B0SECRET"
    chat = f'[channels.room]\nkind = "chat"\nurl = "{address}"\n{ALL}\n'
    meta = rehearse(notify_file=file_of(tmp_path, chat, webhook("ops", f"{address}/x", more=ALL)))
    caplog.set_level("DEBUG")
    meta.ask()
    meta.wait(MINUTE)
    with raw_server(answer(b"ok")) as server:  # what is taken is told no more than what is not
        file_of(tmp_path, chat.replace(closed, server.url), webhook("ops", closed, more=ALL))
        with meta.open_engine() as another:
            meta.clock.move_to(meta.clock.now() + HOUR)
            assert deliver_due(another.context, "room") > 0
    assert {each.error for each in meta.engine.deliveries(limit=1000)} >= {
        "cannot be reached: ConnectError"
    }
    with reading(meta.engine.context.database) as conn:
        for table in ("event", "delivery", "history", "alert"):
            for row in conn.execute(text(f"SELECT * FROM {table}")):  # noqa: S608 - our own names
                assert "T0SECRET" not in str(row)
                assert SECRET not in str(row)
    lines = [record.getMessage() for record in caplog.records]  # those of libraries, too
    assert any("message_not_taken" in line for line in lines)
    assert any("message_sent" in line for line in lines)
    assert [line for line in lines if "T0SECRET" in line or SECRET in line] == []
