"""Bounds of portfolios and WABAs: what is over them waits, and Meta never has to refuse it."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from onboarding import NumberRequest
from onboarding.errors import InputError, NotFoundError
from onboarding.model import Owner, Reason, State, What
from onboarding.settings import load_settings
from tests.engine.rehearsing import (
    DAY,
    HOUR,
    OTHER_WABA,
    WABA,
    Rehearse,
    Rehearsed,
    scenario,
)

NUMBERS = [f"+49301234567{place}" for place in range(8)]


def two_wabas(**business: Any) -> dict[str, Any]:
    """Return a scenario with one portfolio of two WABAs."""
    wabas = business.pop("wabas", [{"id": WABA}, {"id": OTHER_WABA}])
    return scenario(business={"id": "506914307656634", "wabas": wabas, **business})


def ask(meta: Rehearsed, count: int, *wabas: str) -> None:
    """Request numbers, on these WABAs in turn."""
    meta.engine.request_many(
        [
            NumberRequest(
                waba_id=wabas[place % len(wabas)], phone_number=number, display_name="Lucky Shrub"
            )
            for place, number in enumerate(NUMBERS[:count])
        ]
    )


def told(meta: Rehearsed, waba_id: str = WABA, **value: object) -> None:
    """Let Meta's webhook say how many numbers it takes."""
    change = {"field": "business_capability_update", "value": value}
    at = int(meta.clock.now().timestamp())
    meta.engine.ingest({"entry": [{"id": waba_id, "time": at, "changes": [change]}]})


def queued(meta: Rehearsed) -> list[str]:
    """Return the numbers that wait for a slot."""
    return [r.phone_number for r in meta.engine.find_all() if r.waiting is Reason.SLOT]


def in_state(meta: Rehearsed, state: State) -> int:
    return sum(row.state is state for row in meta.engine.find_all())


def require_none_refused(meta: Rehearsed, most: int) -> None:
    """No create was ever refused, and Meta never had more than so many numbers."""
    creates = meta.calls("create_number")
    assert [call["code"] for call in creates if not call["effect"]] == []
    there = [n for n in meta.control.get("/state").json()["numbers"] if n["status"] != "DELETED"]
    assert len(there) <= most


def test_what_is_over_the_bound_waits_and_the_eldest_goes_first(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=two_wabas(max_phone_numbers=3), numbers_per_business=3)
    ask(meta, 6, WABA, OTHER_WABA)
    meta.run(most=2 * DAY)
    assert in_state(meta, State.REGISTERED) == 3
    assert queued(meta) == NUMBERS[3:6]
    row = meta.row(NUMBERS[3])
    assert (row.state, row.waiting_for) == (State.REQUESTED, Owner.OPERATOR)
    (needed,) = meta.engine.requirements(NUMBERS[3])
    assert (needed.what, needed.reason) == (What.SLOT, Reason.SLOT)
    assert f"onboarding slots set {row.waba_id}" in needed.how
    require_none_refused(meta, 3)


def test_a_number_that_leaves_makes_room_for_one(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=two_wabas(max_phone_numbers=2), numbers_per_business=2)
    ask(meta, 4, WABA, OTHER_WABA)
    meta.run(most=DAY)
    meta.edit(NUMBERS[0], deleted=True)
    meta.run(most=2 * DAY)
    assert in_state(meta, State.REGISTERED) == 2
    assert in_state(meta, State.LEFT) == 1
    assert len(queued(meta)) == 1
    require_none_refused(meta, 2)


def test_metas_word_holds_back_and_lets_go(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=two_wabas())
    told(meta, max_phone_numbers_per_business=2)
    ask(meta, 5, WABA, OTHER_WABA)
    meta.run(most=DAY)
    assert in_state(meta, State.REGISTERED) == 2
    assert len(queued(meta)) == 3
    require_none_refused(meta, 2)
    told(meta, OTHER_WABA, max_phone_numbers_per_business="20")
    meta.run(most=HOUR)
    assert in_state(meta, State.REGISTERED) == 5
    entries = [entry for _, entry in meta.engine.account_history(OTHER_WABA)]
    assert (entries[-1].trigger, entries[-1].actor) == ("bounds_told", "meta")
    assert "20 in the portfolio" in entries[-1].reason


def test_an_older_word_of_metas_changes_nothing(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=two_wabas())
    told(meta, max_phone_numbers_per_business=20)
    change = {
        "field": "business_capability_update", "value": {"max_phone_numbers_per_business": 2},
    }  # fmt: skip
    before = int(meta.clock.now().timestamp()) - 3600
    meta.engine.ingest({"entry": [{"id": WABA, "time": before, "changes": [change]}]})
    (portfolio,) = meta.engine.slots.portfolios()
    assert (portfolio.bound.most, portfolio.bound.source) == (20, "told")


def test_a_word_without_a_number_changes_nothing(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=two_wabas())
    told(meta)
    told(meta, max_phone_numbers_per_waba="many")
    (portfolio,) = meta.engine.slots.portfolios()
    assert {portfolio.bound.source, *(each.bound.source for each in portfolio.wabas)} == {"setting"}


def test_the_bound_of_a_waba_counts_as_well(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=scenario(waba={"max_phone_numbers": 2}))
    told(meta, max_phone_numbers_per_waba=2)
    ask(meta, 3, WABA)
    meta.run(most=DAY)
    assert (in_state(meta, State.REGISTERED), len(queued(meta))) == (2, 1)
    require_none_refused(meta, 2)


def test_numbers_that_are_there_already_take_slots(rehearse: Rehearse) -> None:
    there = [{"phone_number": "+493098765431", "verified_name": "Lucky Shrub"}]
    meta = rehearse(
        scenario=scenario(waba={"numbers": there}, business={"max_phone_numbers": 2}),
        numbers_per_business=2,
    )
    meta.ask(NUMBERS[0])
    meta.run(most=HOUR)
    meta.ask(NUMBERS[1])
    meta.run(most=DAY)
    assert queued(meta) == [NUMBERS[1]]
    require_none_refused(meta, 2)


def test_more_numbers_than_the_setting_says_mean_that_it_is_not_the_bound(
    rehearse: Rehearse,
) -> None:
    there = [{"phone_number": f"+49309876543{n}", "verified_name": "Shrub"} for n in range(3)]
    meta = rehearse(scenario=scenario(waba={"numbers": there}), numbers_per_business=2)
    meta.ask(NUMBERS[0])
    meta.run(most=DAY)
    (portfolio,) = meta.engine.slots.portfolios()
    assert (portfolio.bound.source, portfolio.bound.left) == ("exceeded", None)
    assert meta.state(NUMBERS[0]) is State.REGISTERED


def test_a_setting_that_allows_more_is_noticed_at_the_next_start(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=scenario(), numbers_per_business=1)
    ask(meta, 2, WABA)
    meta.run(most=HOUR)
    assert len(queued(meta)) == 1
    meta.reopen(numbers_per_business=2)
    meta.run(most=HOUR)
    assert in_state(meta, State.REGISTERED) == 2


def test_a_person_says_what_meta_told_them(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=scenario(), numbers_per_business=1)
    ask(meta, 3, WABA)
    meta.run(most=HOUR)
    meta.engine.slots.set_bounds(WABA, per_business=2, reason="support wrote", actor="ada")
    meta.run(most=HOUR)
    assert (in_state(meta, State.REGISTERED), len(queued(meta))) == (2, 1)
    entry = meta.engine.account_history(WABA)[-1][1]
    assert (entry.actor, entry.reason) == ("ada", "at most 2 in the portfolio: support wrote")


def test_a_persons_word_about_a_waba_leaves_what_meta_told_of_the_portfolio(
    rehearse: Rehearse,
) -> None:
    meta = rehearse(scenario=two_wabas())
    told(meta, max_phone_numbers_per_business=2)
    meta.wait(HOUR)
    meta.engine.slots.set_bounds(OTHER_WABA, per_waba=10, reason="as in WhatsApp Manager")
    ask(meta, 5, WABA, OTHER_WABA)
    meta.run(most=DAY)
    assert (in_state(meta, State.REGISTERED), len(queued(meta))) == (2, 3)


def test_a_portfolio_that_takes_more_ends_what_metas_refusal_said_of_its_wabas(
    rehearse: Rehearse,
) -> None:
    meta = rehearse(scenario=two_wabas(max_phone_numbers=1))
    ask(meta, 1, WABA)
    meta.run(most=DAY)
    ask(meta, 2, WABA)
    meta.run(most=HOUR)
    assert queued(meta) == [NUMBERS[1]]
    meta.tell("/businesses/506914307656634", {"max_phone_numbers": 20})
    told(meta, OTHER_WABA, max_phone_numbers_per_business=20)
    meta.run(most=HOUR)
    assert (in_state(meta, State.REGISTERED), queued(meta)) == (2, [])


BY_RULE = {"numbers_per_business": None}


def test_a_new_portfolio_takes_two_by_metas_rule_until_it_is_verified(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=two_wabas(verified=False), **BY_RULE)
    ask(meta, 5, WABA, OTHER_WABA)
    meta.run(most=DAY)
    assert (in_state(meta, State.REGISTERED), len(queued(meta))) == (2, 3)
    (portfolio,) = meta.engine.slots.portfolios()
    assert (portfolio.bound.most, portfolio.bound.source) == (2, "rule")
    require_none_refused(meta, 2)
    meta.tell("/businesses/506914307656634", {"verified": True})
    meta.run(most=2 * DAY)
    assert (in_state(meta, State.REGISTERED), queued(meta)) == (5, [])
    require_none_refused(meta, 5)


def test_a_verified_portfolio_is_not_held_up_by_the_rule(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=two_wabas(), **BY_RULE)
    ask(meta, 6, WABA, OTHER_WABA)
    meta.run(most=HOUR)
    assert (in_state(meta, State.REGISTERED), queued(meta)) == (6, [])
    assert len(meta.calls("read_waba")) == 2
    entries = [entry for _, entry in meta.engine.account_history(WABA)]
    assert ("portfolio_read", "its portfolio takes 20 numbers") in [
        (entry.trigger, entry.reason) for entry in entries
    ]


def test_the_portfolio_of_an_account_is_read_where_nobody_said_it(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=two_wabas(verified=False), adds_accounts=[], **BY_RULE)
    for waba in (WABA, OTHER_WABA):
        meta.engine.add_account(waba, meta.simulator.token)
    ask(meta, 5, WABA, OTHER_WABA)
    meta.run(most=DAY)
    (portfolio,) = meta.engine.slots.portfolios()
    assert (portfolio.portfolio, portfolio.queued) == ("506914307656634", 3)
    require_none_refused(meta, 2)


def test_metas_webhook_of_a_raised_bound_moves_the_queue(rehearse: Rehearse) -> None:
    wabas = [{"id": waba, "subscribed": True} for waba in (WABA, OTHER_WABA)]
    meta = rehearse(scenario=two_wabas(max_phone_numbers=2, wabas=wabas), **BY_RULE)
    told(meta, max_phone_numbers_per_business=2)
    ask(meta, 5, WABA, OTHER_WABA)
    meta.run(most=DAY)
    assert len(queued(meta)) == 3
    meta.tell("/businesses/506914307656634", {"max_phone_numbers": 4})
    sent = meta.control.get("/webhooks").json()["webhooks"]
    raised = [
        each["payload"]
        for each in sent
        if each["payload"]["entry"][0]["changes"][0]["field"] == "business_capability_update"
    ]
    assert [each["entry"][0]["id"] for each in raised] == [WABA, OTHER_WABA]
    for payload in raised:
        meta.engine.ingest(payload)
    meta.run(most=HOUR)
    assert (in_state(meta, State.REGISTERED), len(queued(meta))) == (4, 1)
    require_none_refused(meta, 4)


def test_a_bound_that_is_none_is_refused(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=scenario())
    before = meta.engine.accounts()
    for most in (None, -1):
        with pytest.raises(InputError):
            meta.engine.slots.set_bounds(WABA, per_waba=most, reason="so")
    with pytest.raises(InputError, match="reason"):
        meta.engine.slots.set_bounds(WABA, per_waba=1, reason=" ")
    with pytest.raises(NotFoundError):
        meta.engine.slots.set_bounds("99999999", per_waba=1, reason="so")
    assert meta.engine.accounts() == before


def test_two_workers_never_take_one_slot_twice(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=two_wabas(max_phone_numbers=3), numbers_per_business=3, batch_size=1)
    ask(meta, 8, WABA, OTHER_WABA)
    engines = [meta.engine, meta.open_engine(numbers_per_business=3, batch_size=1)]
    begin = threading.Barrier(len(engines))

    def work(engine: Any) -> None:
        begin.wait()
        for _ in range(8):
            engine.advance()

    threads = [threading.Thread(target=work, args=[engine]) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engines[1].close()
    assert len(meta.calls("create_number")) == 3
    require_none_refused(meta, 3)


def test_a_look_ahead_knows_the_queue(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=scenario(), numbers_per_business=2)
    ask(meta, 5, WABA)
    outlook = meta.engine.plan()
    assert outlook.calls["create_number"] == 2
    waiting = [each for each in outlook.endings if each.waiting is Reason.SLOT]
    assert len(waiting) == 3


def test_no_bound_is_a_setting_too() -> None:
    policy = load_settings(numbers_per_business=0, numbers_per_waba=0).policy()
    assert (policy.numbers_per_business, policy.numbers_per_waba) == (0, 0)
