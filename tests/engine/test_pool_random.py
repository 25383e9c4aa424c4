"""Random days of a pool: whatever people do and Meta drops, no number is ever given twice."""

from __future__ import annotations

import itertools
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import func, select

from onboarding.core.pool.lifecycle import LIVE
from onboarding.core.timing import parse_iso
from onboarding.engine.pool_adding import PoolRequest
from onboarding.engine.requests import NumberRequest
from onboarding.errors import OnboardingError
from onboarding.model import OPEN
from onboarding.store.database import reading
from onboarding.store.tables import operation, pool_claim, pool_number
from tests.engine.rehearsing import DAY, HOUR, MINUTE, WABA, Rehearse, Rehearsed, roomy

BUSINESS = "506914307656634"
NUMBERS = [f"+4930123456{place}" for place in range(80, 84)]
STEPS = 40
SPANS = (MINUTE, 15 * MINUTE, 2 * HOUR, DAY, 20 * DAY)
FAULTS = ("drop_after_effect", "drop_before_effect", "error_500_transient")
ENDPOINTS = (
    "add_preverified", "request_preverified_code", "verify_preverified", "delete_preverified",
    "list_preverified", "create_number",
)  # fmt: skip


def act(meta: Rehearsed, dice: Random) -> None:
    """Do something that somebody might do, and take a no for an answer."""
    pool, number = meta.engine.pool, dice.choice(NUMBERS)
    kind = dice.randrange(8)
    with suppress(OnboardingError):
        match kind:
            case 0 | 1:
                pool.add(BUSINESS, [PoolRequest(phone_number=number)])
            case 2 | 3:
                name = f"Customer {dice.randrange(1000)}"
                request = NumberRequest(waba_id=WABA, phone_number="", display_name=name)
                pool.request(request, region="DE")
            case 4:
                meta.engine.cancel(number, "given up")
            case 5:
                pool.remove(number, "given up")
            case 6:
                pool.release(number, "look again")
            case _:
                meta.fail(dice.choice(FAULTS), dice.choice(ENDPOINTS), times=1)


def check(meta: Rehearsed) -> None:
    """No number has two slots, two claims or two open calls."""
    n, c, o = pool_number.c, pool_claim.c, operation.c
    twice = func.count() > 1
    with reading(meta.engine.context.database) as conn:
        slots = select(n.number_key).where(n.state.in_(LIVE)).group_by(n.number_key).having(twice)
        claims = (
            select(c.pool_number_id)
            .where(c.released_at.is_(None))
            .group_by(c.pool_number_id)
            .having(twice)
        )
        calls = (
            select(o.pool_number_id)
            .where(o.status.in_(OPEN), o.pool_number_id.is_not(None))
            .group_by(o.pool_number_id)
            .having(twice)
        )
        for query in (slots, claims, calls):
            assert conn.execute(query).all() == []


def check_calls(meta: Rehearsed) -> None:
    """Of every temporary id there is one phone number, and codes are ten minutes apart."""
    became = Counter(
        call["params"]["preverified_id"]
        for call in meta.calls("create_number")
        if call["effect"] and "preverified_id" in call["params"]
    )
    assert not [id_ for id_, times in became.items() if times > 1]
    asked: dict[str, list[str]] = {}
    for call in meta.calls("request_preverified_code", "request_code"):
        if call["effect"]:
            asked.setdefault(call["number"], []).append(call["at"])
    for times in asked.values():
        instants = [parse_iso(at) for at in times]
        gaps = [later - earlier for earlier, later in itertools.pairwise(instants)]
        assert all(gap >= timedelta(minutes=10) for gap in gaps), times


@pytest.mark.parametrize("seed", range(4))
def test_no_number_is_ever_given_twice(rehearse: Rehearse, seed: int) -> None:
    dice = Random(seed)  # noqa: S311 - no secret
    meta = rehearse(scenario=roomy())
    for _ in range(STEPS):
        act(meta, dice)
        meta.run(most=dice.choice(SPANS[:3]))
        if dice.random() < 0.1:
            meta.move_to(meta.clock.now() + dice.choice(SPANS))
        check(meta)
    check_calls(meta)
    assert meta.engine.verify()[1] == []
    claimed = [each for each in meta.engine.pool.claims() if each.onboarding_id]
    assert claimed, "nothing was claimed: these days prove nothing"
