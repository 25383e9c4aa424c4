"""The outbox in the database: what is claimed, in which order, and that it stays cheap."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, event, text

from onboarding.model import AlertKind, DeliveryStatus
from onboarding.store import events, outbox
from onboarding.store.outbox import Delivery
from tests.store.making import MINUTE, REAL, SECOND, START, counted, read, write


def put(database: Engine, *subjects: str, channel: str = "ops", topic: str | None = None) -> None:
    """Put a message per subject into the outbox, in this order."""

    def work(conn: Connection) -> None:
        known = len(outbox.find(conn, limit=10_000))
        ids = [f"{channel}-{known + place:04}" for place in range(len(subjects))]
        stored = [
            {"id": f"e-{id_}", "at": START, "type": "test", "subject": s, "body": "{}"}
            for id_, s in zip(ids, subjects, strict=True)
        ]
        events.insert_events(conn, stored)
        messages: list[dict[str, Any]] = [
            {
                "id": id_, "event_id": f"e-{id_}", "channel": channel, "subject": s,
                "topic": topic, "status": DeliveryStatus.PENDING, "created_at": START,
                "next_at": START, "tries": 0,
            }
            for id_, s in zip(ids, subjects, strict=True)
        ]  # fmt: skip
        outbox.insert_deliveries(conn, messages)

    write(database, work)


def claim(
    database: Engine, worker: str = "one", now: datetime = START, **given: Any
) -> list[Delivery]:
    fields: dict[str, Any] = {
        "real_now": REAL, "lease_until": REAL + MINUTE, "limit": 10, **given,
    }  # fmt: skip
    return write(database, lambda c: outbox.claim(c, "ops", worker=worker, now=now, **fields))


def ids(claimed: list[Delivery]) -> list[str]:
    return [each.id for each in claimed]


def test_of_each_subject_the_first_is_taken_and_no_other(database: Engine) -> None:
    put(database, "a", "a", "b", "a", "b")
    assert ids(claim(database)) == ["ops-0000", "ops-0002"]
    assert claim(database, "two") == []  # what comes after them waits
    write(database, lambda c: outbox.note_sent(c, "ops-0000", START))
    assert ids(claim(database, "two")) == ["ops-0001"]


def test_a_lease_that_ran_out_is_taken_again(database: Engine) -> None:
    put(database, "a")
    assert ids(claim(database)) == ["ops-0000"]
    assert claim(database, "two") == []
    assert ids(claim(database, "two", real_now=REAL + 2 * MINUTE)) == ["ops-0000"]


def test_what_comes_after_a_failure_waits_with_it(database: Engine) -> None:
    put(database, "a", "a", "b")
    (first, _) = claim(database)
    again = START + 10 * MINUTE
    write(database, lambda c: outbox.note_failed(c, first, START, "no", again))
    put(database, "a")
    write(database, lambda c: outbox.note_sent(c, "ops-0002", START))
    due = read(database, lambda c: outbox.next_due(c, ["ops"]))
    assert due == {"ops": again}
    assert claim(database, now=again - SECOND) == []
    assert ids(claim(database, now=again)) == ["ops-0000"]


def test_only_what_is_done_is_cancelled(database: Engine) -> None:
    put(database, "a", "b", topic=AlertKind.RUNG.value)
    put(database, "a", channel="feed")
    done = [("a", AlertKind.RUNG), ("b", AlertKind.REQUIREMENT)]
    write(database, lambda c: outbox.cancel(c, done, "met"))
    standing = {d.id: d.status.value for d in read(database, lambda c: outbox.find(c, limit=9))}
    assert standing == {"ops-0000": "cancelled", "ops-0001": "pending", "feed-0002": "pending"}


def test_a_message_that_was_cancelled_on_its_way_counts_as_sent(database: Engine) -> None:
    put(database, "a", topic=AlertKind.RUNG.value)
    claim(database)
    write(database, lambda c: outbox.cancel(c, [("a", AlertKind.RUNG)], "met"))
    write(database, lambda c: outbox.note_sent(c, "ops-0000", START))
    (found,) = read(database, lambda c: outbox.find(c, limit=9))
    assert (found.status, found.tries) == (DeliveryStatus.SENT, 1)


def test_many_messages_cost_what_one_costs(database: Engine) -> None:
    costs = []
    for count in (1, 100):
        with counted(database) as statements:
            put(database, *[f"s{count}-{place}" for place in range(count)])
        costs.append(len(statements))
    assert costs[0] == costs[1]


def test_a_claim_reads_what_is_pending_and_nothing_else(database: Engine) -> None:
    put(database, *[f"s{place % 700}" for place in range(2000)])
    settled = "UPDATE delivery SET status = 'sent' WHERE id < 'ops-1900'"
    write(database, lambda c: c.execute(text(settled)))
    write(database, lambda c: c.execute(text("ANALYZE")))
    seen: list[tuple[str, Any]] = []

    def keep(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    event.listen(database, "before_cursor_execute", keep)
    claim(database)
    event.remove(database, "before_cursor_execute", keep)
    taking, parameters = next(each for each in seen if "UPDATE delivery" in each[0])
    explain = "EXPLAIN QUERY PLAN " if database.dialect.name == "sqlite" else "EXPLAIN "
    told = write(
        database, lambda c: [str(row) for row in c.exec_driver_sql(explain + taking, parameters)]
    )
    assert "ix_delivery_channel_next_at_pending" in "\n".join(told)
