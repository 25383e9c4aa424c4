"""Throttles: what Meta says about budgets opens breakers, and nothing is called before."""

from __future__ import annotations

from typing import Any

import pytest

from onboarding.core.budgets import Breaker, token_key, waba_key
from onboarding.core.timing import parse_iso
from onboarding.engine.breakers import load_breakers
from onboarding.model import Reason, State
from onboarding.store import budgets
from onboarding.store.database import writing
from tests.engine.rehearsing import (
    DAY,
    HOUR,
    MINUTE,
    NUMBER,
    OTHER_WABA,
    START,
    WABA,
    Rehearse,
    Rehearsed,
    roomy,
    scenario,
)

SECOND_NUMBER = "+493012345672"
THIRD_WABA = "104390129340390"
FIRST, TOKEN = "EAAfirst0123456789", "EAAsecond0123456789"


def two_wabas(**given: Any) -> dict[str, Any]:
    return scenario(business={"wabas": [{"id": WABA}, {"id": OTHER_WABA}]}, **given)


@pytest.mark.parametrize("scope", ["waba", "app"])
def test_a_throttled_call_stops_everything_of_its_scope_for_an_hour(
    rehearse: Rehearse, scope: str
) -> None:
    meta = rehearse(scenario=two_wabas())
    meta.fail("throttle", "create_number", number=NUMBER, times=1, scope=scope)
    meta.ask()
    meta.settle()
    meta.ask(SECOND_NUMBER)
    meta.ask("+493012345673", waba_id=OTHER_WABA)
    meta.run(most=59 * MINUTE)
    by_waba = [call["waba_id"] for call in meta.calls()]
    assert by_waba.count(WABA) == 1
    assert (OTHER_WABA in by_waba) == (scope == "waba")
    assert meta.row(SECOND_NUMBER).waiting is Reason.BUDGET
    meta.run()
    assert meta.state() is meta.state(SECOND_NUMBER) is State.REGISTERED
    assert len([c for c in meta.calls("create_number") if c["number"] == NUMBER[1:]]) == 2


def two_tokens(*wabas: str) -> dict[str, Any]:
    given = [{"value": FIRST}, {"value": TOKEN}]
    return scenario(business={"wabas": [{"id": waba_id} for waba_id in wabas]}, tokens=given)


def test_a_throttled_token_stops_the_accounts_that_have_it_and_no_other(
    rehearse: Rehearse,
) -> None:
    meta = rehearse(scenario=two_tokens(WABA, OTHER_WABA, THIRD_WABA))
    meta.engine.add_account(THIRD_WABA, TOKEN)
    meta.run()
    before = len(meta.calls())
    meta.fail("throttle", "create_number", number=NUMBER, times=1, scope="token", seconds="20m")
    meta.ask()
    meta.settle()
    meta.ask(SECOND_NUMBER, waba_id=OTHER_WABA)
    third = meta.ask("+493012345673", waba_id=THIRD_WABA)
    meta.run(most=19 * MINUTE)
    assert {call["waba_id"] for call in meta.calls()[before + 1 :]} == {THIRD_WABA}
    assert meta.state(third) is State.REGISTERED
    assert (meta.row().waiting, meta.row().hold) == (Reason.THROTTLED, None)
    assert meta.row(SECOND_NUMBER).waiting is Reason.BUDGET
    meta.run_to(State.REGISTERED, SECOND_NUMBER, most=10 * MINUTE)
    meta.run_to(State.REGISTERED, most=10 * MINUTE)


def test_another_token_ends_the_throttle_of_the_one_before(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=two_tokens(WABA))
    meta.fail("throttle", "create_number", number=NUMBER, times=1, scope="token")
    meta.ask()
    meta.ask(SECOND_NUMBER)
    meta.settle()
    meta.engine.add_account(WABA, TOKEN)
    meta.run_to(State.REGISTERED, SECOND_NUMBER, most=30 * MINUTE)


def test_a_throttled_token_that_waits_to_be_proven_stops_no_call_with_the_present_one(
    rehearse: Rehearse,
) -> None:
    meta = rehearse(scenario=two_tokens(WABA))
    meta.fail("throttle", "list_numbers", times=1, scope="token")
    meta.engine.add_account(WABA, TOKEN)
    meta.settle()
    meta.ask()
    meta.run(most=30 * MINUTE, until=lambda: bool(meta.calls("request_code")))
    assert meta.calls("request_code")


def test_an_account_with_two_tokens_is_stopped_until_the_first_of_them_may_call(
    rehearse: Rehearse,
) -> None:
    engine = rehearse(scenario=two_tokens(WABA)).engine
    engine.add_account(WABA, TOKEN)  # which waits to be proven
    context = engine.context
    first, second = (token_key(context.vault.mac("token", each)) for each in (FIRST, TOKEN))
    with writing(context.database) as conn:
        budgets.write_breakers(conn, [stopped(first, 30)])
        assert waba_key(WABA) not in load_breakers(context, conn, [WABA], START)
        budgets.write_breakers(conn, [stopped(second, 10)])
        found = load_breakers(context, conn, [WABA], START)[waba_key(WABA)]
    assert found.open_until == START + 10 * MINUTE


def stopped(key: str, minutes: int) -> Breaker:
    return Breaker(key=key, percent=100, read_at=START, open_until=START + minutes * MINUTE)


def test_a_throttled_list_stops_reads_and_writes_of_its_waba(meta: Rehearsed) -> None:
    meta.sign_up(NUMBER)
    meta.fail("throttle", "list_numbers", times=1)
    meta.ask(entry="embedded_signup")
    meta.settle()
    meta.ask(SECOND_NUMBER)
    meta.run(most=59 * MINUTE)
    assert meta.endpoints() == ["list_numbers"]
    meta.run()
    assert meta.state() is meta.state(SECOND_NUMBER) is State.REGISTERED


def test_an_answer_of_the_same_moment_does_not_close_the_breaker_again(rehearse: Rehearse) -> None:
    """Every answer carries a usage header; one of them must not outweigh a refusal."""
    meta = rehearse(scenario=scenario(limits={"usage_headers_after": 0}))
    meta.fail("throttle", "create_number", number=NUMBER, times=1)
    numbers = [f"+4930123456{place:02}" for place in range(60, 70)]
    for number in (*numbers, NUMBER):
        meta.ask(number)
    meta.run(most=59 * MINUTE)
    assert len(meta.calls()) == len(numbers) + 1
    meta.run()
    assert {meta.state(number) for number in (*numbers, NUMBER)} == {State.REGISTERED}


def test_the_own_count_keeps_below_metas(rehearse: Rehearse) -> None:
    meta = rehearse(
        scenario=roomy(limits={"management_calls": 40, "management_calls_active": 40}),
        waba_calls_per_hour=40,
        active_waba_calls_per_hour=40,
    )
    numbers = [f"+4930123456{place:02}" for place in range(30)]
    for number in numbers:
        meta.ask(number)
    meta.run()
    assert {meta.state(number) for number in numbers} == {State.REGISTERED}
    assert not [call for call in meta.calls() if call["code"] is not None]
    for call in meta.calls("register"):
        since = parse_iso(call["at"]) - HOUR
        window = [c for c in meta.calls() if since < parse_iso(c["at"]) <= parse_iso(call["at"])]
        assert len(window) <= 40


def test_a_code_is_asked_for_only_if_its_verification_fits_the_budget_too(
    rehearse: Rehearse,
) -> None:
    """A code lives ten minutes; the next call that the budget allows may be an hour away."""
    meta = rehearse(scenario=roomy(), waba_calls_per_hour=40, active_waba_calls_per_hour=40)
    numbers = [f"+4930123456{place:02}" for place in range(30)]
    for number in numbers:
        meta.ask(number)
    meta.run()
    assert len(meta.calls("request_code")) == len(numbers)


def test_metas_headers_stop_calls_that_the_own_count_would_allow(rehearse: Rehearse) -> None:
    meta = rehearse(
        scenario=roomy(limits={"management_calls": 40, "management_calls_active": 40}),
        batch_size=5,
        waba_calls_per_hour=1000,
        active_waba_calls_per_hour=1000,
    )
    numbers = [f"+4930123456{place:02}" for place in range(12)]
    for number in numbers:
        meta.ask(number)
    meta.run()
    assert {meta.state(number) for number in numbers} == {State.REGISTERED}
    refused = [call for call in meta.calls() if call["code"] is not None]
    assert len(refused) <= 5  # those of the batch that was on its way


def test_the_numbers_with_the_nearest_deadlines_spend_the_budget_first(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=roomy(), waba_calls_per_hour=12, active_waba_calls_per_hour=12)
    days = {f"+4930123456{place:02}": 1 + 5 * place % 13 for place in range(12)}
    for number, left in days.items():
        finished = START - (14 - left) * DAY
        meta.sign_up(number, at=finished)
        meta.ask(number, entry="embedded_signup", onboarded_at=finished)
    meta.run(most=6 * HOUR)
    order = [days["+" + call["number"]] for call in meta.calls("register")]
    assert len(order) == len(days)
    assert order == sorted(order)
