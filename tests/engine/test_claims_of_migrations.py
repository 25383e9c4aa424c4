"""The claim on a number that migrates: at every instant one onboarding has it, whoever does what.

No Graph is needed: what Meta would show is written as the step that the engine takes from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from onboarding import Engine, NumberRequest
from onboarding.core.lifecycle import LIVE, Trigger
from onboarding.core.steps import Move
from onboarding.engine.changing import write_moves
from onboarding.errors import OnboardingError
from onboarding.model import Onboarding, State
from onboarding.store import onboardings
from onboarding.store.database import writing
from tests.engine.rehearsing import NUMBER, OTHER_WABA, WABA

THIRD = "104390129340390"
WABAS = (WABA, OTHER_WABA, THIRD)
STEPS = 24


@pytest.fixture
def engine(offline: Engine) -> Engine:
    """An engine with three accounts, and a number that is registered on the first."""
    offline.add_account(THIRD, "EAAtesttoken0123456789")
    request = NumberRequest(waba_id=WABA, phone_number=NUMBER, display_name="Lucky Shrub")
    connect(offline, offline.request(request).onboarding)
    return offline


def shown(engine: Engine, row: Onboarding, *triggers: Trigger) -> None:
    """Take an onboarding along some moves, as if Meta had shown what leads to them."""
    with writing(engine.context.database) as conn:
        now = engine.context.clock.now()
        for trigger in triggers:
            current = onboardings.load_onboardings(conn, [row.id], lock=True)[row.id]
            id_ = {"phone_number_id": f"1{current.waba_id}"}
            step = Move(trigger=trigger, reason="as Meta shows", changes=id_)
            write_moves(engine.context, conn, [(current, step)], "engine", now)


def connect(engine: Engine, row: Onboarding) -> None:
    shown(engine, row, Trigger.NUMBER_FOUND, Trigger.CONNECTED)


def rows(engine: Engine) -> list[Onboarding]:
    return list(engine.find_all(phone_number=NUMBER))


def claims(engine: Engine) -> list[Onboarding]:
    return [row for row in rows(engine) if row.state in LIVE]


def what_speaks_against(engine: Engine) -> Iterator[str]:
    """Yield every way in which the claim is not with exactly whom it must be with."""
    live, under_way = claims(engine), engine.migrations.list()
    resting = [row for row in rows(engine) if row.state is State.MIGRATING]
    if len(live) != 1:
        yield f"{len(live)} onboardings have the claim"
    if len(under_way) != len(resting):
        yield f"{len(under_way)} migrations are under way, {len(resting)} sources rest"
    for each in under_way:
        if [row.id for row in live] != [each.destination_id]:
            yield "the claim is not with the destination"
        if [row.id for row in resting] != [each.source_id]:
            yield "the source does not rest"


def act(engine: Engine, chance: Random) -> None:
    """Let somebody do something, or Meta show something."""
    (live,) = claims(engine)
    match chance.choice(["start", "start", "undo", "cancel", "fail", "finish", "restart", "ask"]):
        case "start":
            engine.migrations.start(NUMBER, chance.choice(WABAS), force=True)
        case "undo":
            engine.migrations.undo(chance.choice(rows(engine)).id, "not now")
        case "cancel" if live.state is State.REQUESTED and engine.migrations.of(live):
            engine.cancel(live.id, "not now")
        case "fail" if live.state is State.REQUESTED and engine.migrations.of(live):
            shown(engine, live, Trigger.REFUSED)
        case "finish" if live.state is State.REQUESTED:
            connect(engine, live)
        case "restart":
            engine.restart(chance.choice(rows(engine)).id, "again")
        case "ask":
            request = NumberRequest(
                waba_id=chance.choice(WABAS), phone_number=NUMBER, display_name="Lucky Shrub",
                entry=chance.choice(["new", "migration"]), again=True,
            )  # fmt: skip
            engine.request(request)


@pytest.mark.parametrize("seed", range(6))
def test_one_onboarding_has_the_claim_whatever_is_done(engine: Engine, seed: int) -> None:
    chance, done, refused = Random(seed), 0, 0  # noqa: S311 - a test that can be repeated
    for _ in range(STEPS):
        try:
            act(engine, chance)
            done += 1
        except OnboardingError:
            refused += 1
        assert list(what_speaks_against(engine)) == []
    assert done > STEPS // 8
    assert refused > 0
    assert engine.require_verified()


@pytest.mark.parametrize("end", ["registered", "cancelled"])
def test_of_many_who_start_at_once_one_does(engine: Engine, end: str) -> None:
    def start(to: str) -> Onboarding | OnboardingError:
        try:
            return engine.migrations.start(NUMBER, to, force=True)
        except OnboardingError as error:
            return error

    with ThreadPoolExecutor(max_workers=6) as threads:
        told = list(threads.map(start, [OTHER_WABA, THIRD] * 3))
    (started,) = [each for each in told if isinstance(each, Onboarding)]
    assert list(what_speaks_against(engine)) == []
    if end == "registered":
        connect(engine, started)
    else:
        engine.migrations.undo(NUMBER, "not now")
    assert list(what_speaks_against(engine)) == []
    (live,) = claims(engine)
    assert (live.id == started.id) == (end == "registered")
