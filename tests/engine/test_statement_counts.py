"""Set-based from day one: a step costs the same number of statements for one row and for 100."""

from __future__ import annotations

import pytest

from onboarding import NumberRequest
from onboarding.core.timing import HOUR
from onboarding.engine.advance import claim_due
from onboarding.engine.escalate import escalate_due
from onboarding.engine.intents import write_intents
from onboarding.engine.observe import observe_due
from onboarding.engine.outcomes import write_outcomes
from onboarding.model import State
from tests.engine.rehearsing import DAY, WABA, Rehearse, Rehearsed, roomy
from tests.store.making import counted

COUNTS = (1, 100)


@pytest.fixture
def metas(rehearse: Rehearse) -> dict[int, Rehearsed]:
    """A rehearsal with one requested number, and one with a hundred."""
    made = {}
    for count in COUNTS:
        made[count] = rehearse(
            scenario=roomy(limits={"usage_headers_after": 0}), waba_calls_per_hour=5000
        )
        made[count].engine.request_many(asked(count))
    return made


def asked(count: int) -> list[NumberRequest]:
    """Return requests of so many numbers."""
    return [
        NumberRequest(waba_id=WABA, display_name="Lucky Shrub", phone_number=f"+49301234{place:04}")
        for place in range(count)
    ]


def step(meta: Rehearsed) -> tuple[int, int, int]:
    """Do one step of all that is due; return the statements of claim, intent and outcomes."""
    ctx = meta.engine.context
    with counted(ctx.database) as claiming:
        claimed = claim_due(ctx, 1000)
    with counted(ctx.database) as intending:
        sent = write_intents(ctx, claimed)
    assert len(sent) == len(claimed)
    by_id = {each.operation.id: each for each in sent}
    answered = list(ctx.graph.send([each.call for each in sent]))
    group = [(by_id[result.call.tag], result) for result in answered]
    with counted(ctx.database) as writing:
        write_outcomes(ctx, group)
    return len(claiming), len(intending), len(writing)


def test_claim_intent_and_outcomes_cost_the_same_for_one_and_for_a_hundred(
    metas: dict[int, Rehearsed], backend: str
) -> None:
    for _ in ("create_number", "request_code"):
        one, many = (step(metas[count]) for count in COUNTS)
        assert one == many
        # One UPDATE ... RETURNING, and the BEGIN that we say ourselves.
        assert one[0] == (2 if backend == "sqlite" else 1)
    assert {metas[100].state(f"+49301234{place:04}") for place in range(100)} == {State.OTP_PENDING}


def test_an_observation_costs_the_same_for_one_and_for_a_hundred(
    metas: dict[int, Rehearsed],
) -> None:
    costs = []
    for count in COUNTS:
        meta = metas[count]
        meta.reads_codes = False
        meta.settle()
        for place in range(count):
            meta.edit(f"+49301234{place:04}", code_verification_status="VERIFIED")
        meta.move_to(meta.clock.now() + 9 * HOUR)
        with counted(meta.engine.context.database) as statements:
            assert observe_due(meta.engine.context, 10) == 1
        assert {row.state for row in meta.engine.find_all()} == {State.REGISTER_DEADLINE}
        # What was seen, the step and the head of the history: one version of each row.
        assert sum(each.startswith("UPDATE onboarding ") for each in statements) == 1
        costs.append(len(statements))
    assert costs[0] == costs[1]


def test_a_request_of_many_costs_what_one_costs(rehearse: Rehearse) -> None:
    costs = []
    for count in COUNTS:
        meta = rehearse(scenario=roomy())
        with counted(meta.engine.context.database) as statements:
            meta.engine.request_many(asked(count))
        costs.append(len(statements))
    assert costs[0] == costs[1]


def test_a_rung_of_many_costs_what_one_costs(metas: dict[int, Rehearsed]) -> None:
    costs = []
    for count in COUNTS:
        meta = metas[count]
        meta.move_to(meta.clock.now() + 8 * DAY)
        with counted(meta.engine.context.database) as statements:
            assert escalate_due(meta.engine.context, 1000) == count
        costs.append(len(statements))
    assert costs[0] == costs[1]


def test_a_pass_with_nothing_to_do_costs_little(meta: Rehearsed) -> None:
    meta.register()
    with counted(meta.engine.context.database) as statements:
        assert meta.engine.advance().is_idle
    assert len(statements) <= 8
