"""A storm over many numbers: when it is over, each is where it should be, and nothing was repeated.

It rages in real time. Then Meta behaves, workers live, and business time skips to the end.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from onboarding import Engine, NumberRequest
from onboarding.core.lifecycle import FINAL
from onboarding.core.timing import iso
from onboarding.errors import StoreError
from onboarding.model import Onboarding, Owner, Reason, State
from tests.engine.telling import SECRET, end_leases, file_of, webhook
from tests.kills.deployed import OTHER_WABA, WABA, WORLD, Deployed, deployed, eventually
from tests.notify.receiving import Receiver, receiving
from tests.postgres import PostgresServer, create_database
from tests.storm.weather import Storm

SEED = int(os.environ.get("SEED", "20260302"))
PEOPLE = (Owner.HOLDER, Owner.OPERATOR, Owner.PARTNER)

#: The ladder of what partners promise is climbed within the storm: in three quarters of a minute.
SETTINGS = {"policy_days": 0.0005, "max_in_flight": 32, "batch_size": 20}
SKIPPED_S, TOLD_S = 240.0, 60.0
WORKERS = 4

#: What the channel of the storm is to hear of.
EVERYTHING = 'events = "*"'


@contextmanager
def database(backend: str, folder: Path) -> Iterator[tuple[dict[str, Any], PostgresServer | None]]:
    """Make an empty database; yield the settings that open it, and its server if it has one."""
    with ExitStack() as stack:
        server: PostgresServer | None = None
        given: dict[str, Any] = {"database_url": f"sqlite:///{folder / 'onboarding.db'}"}
        if backend == "postgresql":
            server = stack.enter_context(PostgresServer())
            key = Fernet.generate_key().decode()
            given = {"database_url": create_database(server.url()), "secret_key": key}
        settings = dict(given)
        Engine.open(settings.pop("database_url"), upgrade=True, **settings).close()
        yield given, server


def requests(meta: Deployed, chance: random.Random, count: int) -> list[NumberRequest]:
    """Make the requests; one in eight has an Embedded Signup whose window is about to close."""
    made = []
    for place in range(count):
        waba_id, number = chance.choice((WABA, OTHER_WABA)), f"+4930{12340000 + place}"
        given: dict[str, Any] = {}
        if place % 8 == 0:
            left = timedelta(seconds=chance.uniform(8, 40))
            done_at = iso(meta.clock.now() - timedelta(days=14) + left)
            meta.sign_up(number, waba_id=waba_id, at=done_at)
            given = {"entry": "embedded_signup"}
        made.append(
            NumberRequest(waba_id=waba_id, phone_number=number, display_name="Lucky Shrub", **given)
        )
    return made


def in_waves(meta: Deployed, wanted: list[NumberRequest], waves: int) -> Callable[[], None]:
    """Return what asks for some more of the numbers every time; the database may be away."""
    size = -(-len(wanted) // waves)

    def ask() -> None:
        wave = wanted[:size]
        try:
            meta.engine.request_many(wave)
        except StoreError:
            return
        del wanted[:size]

    return ask


def rests(row: Onboarding) -> bool:
    """Whether it is registered, over, or waits for a person who is named."""
    if row.state in (*FINAL, State.REGISTERED):
        return row.waiting in (Reason.DONE, Reason.OVER)
    return row.waiting_for in PEOPLE and row.waiting is not Reason.CODE


def restless(meta: Deployed) -> list[str]:
    """Return the numbers that do not rest yet."""
    return [
        f"{row.phone_number} {row.state} {row.waiting} {row.next_due_at}"
        for row in meta.engine.find_all()
        if not rests(row)
    ]


def weather(meta: Deployed, storm: Storm, *, numbers: int, seconds: float) -> None:
    """Ask for the numbers while the storm rages, then let it calm down and time skip."""
    wanted = requests(meta, storm.chance, numbers)
    asking = in_waves(meta, wanted, waves=8)
    storm.rage(seconds, asking)
    storm.calm_down()
    while wanted:
        asking()
    meta.tell("/clock", {"mode": "skipping"})
    eventually(lambda: not restless(meta), lambda: restless(meta)[:20], SKIPPED_S)


def untold(meta: Deployed, receiver: Receiver) -> set[str]:
    """Return the events of which the channel has not heard."""
    happened: set[str] = set()
    seq = 0
    while page := meta.engine.events(after=seq, limit=1000):
        happened |= {event["id"] for event in page}
        seq = page[-1]["seq"]
    return happened - {event["id"] for event in receiver.events}


def check(meta: Deployed, numbers: int) -> None:
    """Ask the oracle, and look where each number ended."""
    assert meta.faults() == []
    rows = list(meta.engine.find_all())
    assert len(rows) == numbers
    ended = Counter(f"{row.state}/{row.waiting}" for row in rows)
    assert ended["registered/done"] > numbers / 2, ended
    for row in rows:
        _, last = meta.engine.history(row.id)[-1]
        assert last.reason
        assert row.state is not State.EXPIRED or row.entry == "embedded_signup"


@pytest.mark.quick_on("postgresql")
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("numbers", "seconds"), [(60, 12.0), pytest.param(500, 60.0, marks=pytest.mark.slow)]
)
def test_nothing_is_lost_or_repeated_in_a_storm(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, numbers: int, seconds: float
) -> None:
    monkeypatch.setenv("OPS_SECRET", SECRET)
    world = {**WORLD, "seed": SEED, "clock": {**WORLD["clock"], "mode": "real"}}
    with ExitStack() as stack:
        given, server = stack.enter_context(database(backend, tmp_path))
        receiver = stack.enter_context(receiving(SECRET))
        told = {"notify_file": file_of(tmp_path, webhook("ops", receiver.url, more=EVERYTHING))}
        meta = stack.enter_context(deployed(tmp_path, {**SETTINGS, **told, **given}, world))
        meta.environment["OPS_SECRET"] = SECRET
        storm = Storm(meta, random.Random(SEED), WORKERS, server)  # noqa: S311 - weather, no secret
        weather(meta, storm, numbers=numbers, seconds=seconds)
        end_leases(meta.engine)
        eventually(lambda: not untold(meta, receiver), lambda: len(untold(meta, receiver)), TOLD_S)
        meta.end_programs()
        check(meta, numbers)
