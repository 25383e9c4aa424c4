"""A deployment that used everything, so that each of its tables has rows, and as older ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, inspect, select, text

from alembic import command
from onboarding import NumberRequest
from onboarding.core.pool.lifecycle import PoolState
from onboarding.engine.batch_loading import BatchOrder
from onboarding.engine.pool_adding import PoolRequest
from onboarding.engine.request_files import RequestFile
from onboarding.engine.sealing import seal_now
from onboarding.model import State
from onboarding.store import mail_read, schema, workers
from onboarding.store.database import reading, writing
from onboarding.store.tables import metadata
from tests.engine.moving import two_sides
from tests.engine.rehearsing import DAY, HOUR, NUMBER, OTHER_WABA, WABA, Rehearsed
from tests.engine.test_ingest import named, payload

BUSINESS, PARTNER = "506914307656634", "616914307656635"
SPARE, WAITING, LEAVING = "+493012345680", "+493012345672", "+493012345673"
UNANSWERED = "+493012345674"
WITH_APPROVALS = {"approvals": "offboard"}


def world() -> dict[str, Any]:
    """Two businesses: ours with its WABAs, and a partner."""
    played = two_sides(limits={"usage_headers_after": 0})
    return {**played, "businesses": [*played["businesses"], {"id": PARTNER}]}


def fill(meta: Rehearsed, folder: Path) -> None:
    """Let a deployment live for some weeks."""
    meta.ask(entry="embedded_signup")
    meta.register(LEAVING)
    meta.run_to(State.REGISTERED, NUMBER)
    _move(meta)
    _pool(meta)
    _batch(meta, folder)
    meta.engine.tokens.give_to_business(BUSINESS, meta.simulator.token)
    handed_over = {"phone_number": "+493012345679", "verified_name": "Lucky Shrub"}
    event = meta.tell("/embedded_signup/session", {"waba_id": WABA, **handed_over})["event"]
    meta.engine.signups.take(event)
    meta.engine.ingest(payload(named("APPROVED", number=LEAVING[1:])))
    with writing(meta.engine.context.database) as conn:
        now = meta.clock.now()
        workers.insert_worker(conn, "host:1:a", now, host="host", version="0.1.0", definition=1)
        mail_read.claim_mail(conn, "inbox", 1, 1, now=now, result="taken")
    meta.run(most=DAY)
    seal_now(meta.engine.context)
    meta.fail("drop_before_effect", "create_number", times=1)
    meta.ask(UNANSWERED)
    meta.engine.advance()


def _move(meta: Rehearsed) -> None:
    meta.engine.migrations.start(NUMBER, OTHER_WABA, reason="one portfolio")
    meta.engine.offboarding.ask(LEAVING, "the customer has left", actor="ada")


def _pool(meta: Rehearsed) -> None:
    pool = meta.engine.pool
    pool.add(BUSINESS, [PoolRequest(phone_number=SPARE)], waba_id=WABA)
    meta.run(most=HOUR, until=lambda: pool.get(SPARE).state is PoolState.VERIFIED)
    pool.share(SPARE, PARTNER)
    pool.keep(BUSINESS, "DE", 2)
    pool.request(NumberRequest(waba_id=WABA, phone_number="", display_name="Sun"), region="DE")


def _batch(meta: Rehearsed, folder: Path) -> None:
    """A batch of one, whose code is waited for until rungs are raised."""
    (folder / "june.csv").write_text(f"waba_id,phone_number,display_name\n{WABA},{WAITING},Tree\n")
    meta.reads_codes = False
    file = RequestFile(path=folder / "june.csv")
    meta.engine.batches.import_file(file, batch=BatchOrder(name="june"))
    meta.run(most=9 * DAY)
    meta.engine.make_link(WAITING, meta.clock.now() + DAY)
    meta.engine.acknowledge(WAITING, until=meta.clock.now() + HOUR)
    meta.reads_codes = True


def as_of(revision: str, database: Engine, filled: Engine) -> dict[str, list[str]]:
    """Fill an empty database with what an earlier release would have of a deployment.

    Returns:
        The columns of each table that there was then.
    """
    known: dict[str, list[str]] = {}
    with writing(database, script=True) as conn:
        command.upgrade(schema._config(conn), revision)
    with reading(filled) as source, writing(database) as conn:
        there = inspect(conn)
        # What triggers note of the entries is replaced: that table comes last.
        for table in sorted(metadata.sorted_tables, key=lambda each: each.name == "unsealed"):
            if there.has_table(table.name):
                names = [column["name"] for column in there.get_columns(table.name)]
                known[table.name] = names
                query = select(*(table.c[name] for name in names))
                _put(conn, table, [dict(row) for row in source.execute(query).mappings()])
    return known


def _put(conn: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if table.name == "unsealed":
        conn.execute(table.delete())
    conn.execute(table.insert(), rows)
    for column in table.c:
        if column.identity is not None and conn.dialect.name == "postgresql":
            place = f"pg_get_serial_sequence('{table.name}', '{column.name}')"
            conn.execute(text(f"SELECT setval({place}, max({column.name})) FROM {table.name}"))  # noqa: S608 - our own names
