"""The purse of a pass: no call beyond Meta's hour, reads stop before writes do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.core.budgets import APP, BUCKET, Breaker, Purse, bucket_of, waba_key
from onboarding.core.policy import Policy
from onboarding.model import Operation
from tests.core.making import HOUR, MINUTE, SECOND, START, WABA, an_account

POLICY = Policy(waba_calls_per_hour=20, active_waba_calls_per_hour=40, app_calls_per_hour=100)
ACCOUNT, KEY = an_account(), waba_key(WABA)
NEXT_BUCKET = START + BUCKET


def a_purse(used: dict[str, int] | None = None, *breakers: Breaker) -> Purse:
    return Purse(used or {}, {breaker.key: breaker for breaker in breakers}, POLICY, START)


def taken(purse: Purse, times: int = 200, *, active: bool = False, read: bool = False) -> int:
    account = an_account(active=active)
    return sum(purse.take(account, read=read) is None for _ in range(times))


def test_a_call_is_taken_from_the_app_and_from_its_waba() -> None:
    purse = a_purse()
    assert purse.take(ACCOUNT) is None
    assert purse.spent == {APP: 1, KEY: 1}


@pytest.mark.parametrize(
    ("how", "calls"),
    [({}, 20), ({"read": True}, 17), ({"active": True}, 40), ({"active": True, "read": True}, 34)],
)
def test_a_new_waba_has_fewer_calls_and_reads_leave_some_for_writes(
    how: dict[str, bool], calls: int
) -> None:
    assert taken(a_purse(), **how) == calls


def test_what_was_used_in_the_hour_counts() -> None:
    assert taken(a_purse({KEY: 15})) == 5
    assert taken(a_purse({APP: 97})) == 3


def test_a_refused_call_is_not_spent_and_may_come_again_with_the_next_bucket() -> None:
    purse = a_purse({KEY: 20})
    assert purse.take(ACCOUNT) == NEXT_BUCKET
    assert purse.spent == {}


def test_one_waba_does_not_spend_the_budget_of_another() -> None:
    purse = a_purse({KEY: 20})
    assert purse.take(an_account(waba_id="55")) is None
    assert purse.take(ACCOUNT) == NEXT_BUCKET


@pytest.mark.parametrize("key", [APP, KEY])
def test_an_open_breaker_stops_every_call_until_its_end(key: str) -> None:
    purse = a_purse({}, Breaker(key=key, percent=100, read_at=START, open_until=START + HOUR))
    assert purse.take(ACCOUNT) == START + HOUR
    assert purse.take(ACCOUNT, read=True) == START + HOUR


def test_of_two_refusals_the_later_end_counts() -> None:
    purse = a_purse(
        {KEY: 20}, Breaker(key=APP, read_at=START, open_until=START + HOUR, percent=100)
    )
    assert purse.take(ACCOUNT) == START + HOUR


def test_a_breaker_that_is_over_stops_nothing() -> None:
    purse = a_purse({}, Breaker(key=APP, read_at=START - HOUR, open_until=START, percent=100))
    assert purse.take(ACCOUNT, read=True) is None


@pytest.mark.parametrize(
    ("percent", "age", "stopped"),
    [
        (84, timedelta(), False),
        (85, timedelta(), True),
        (85, 59 * MINUTE, True),
        (85, HOUR, False),
    ],
)
def test_reads_stop_early_while_meta_s_own_count_is_nearly_full(
    percent: int,
    age: timedelta,
    stopped: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    purse = a_purse({}, Breaker(key=KEY, percent=percent, read_at=START - age))
    assert (purse.take(ACCOUNT, read=True) is not None) == stopped
    assert purse.take(ACCOUNT) is None


@given(st.timedeltas(timedelta(), timedelta(days=900)))
def test_a_bucket_begins_every_five_minutes_and_holds_its_instants(since: timedelta) -> None:
    start = bucket_of(START + since)
    assert start <= START + since < start + BUCKET
    assert start == bucket_of(start) == bucket_of(start + BUCKET - SECOND)
    assert (start.minute % 5, start.second, start.microsecond) == (0, 0, 0)


@given(
    st.dictionaries(st.sampled_from([APP, KEY]), st.integers(0, 120)),
    st.lists(st.booleans(), max_size=150),
)
def test_no_pass_ever_goes_beyond_a_budget(used: dict[str, int], reads: list[bool]) -> None:
    purse = a_purse(used)
    for read in reads:
        again = purse.take(ACCOUNT, read=read)
        assert again is None or again > START
    assert used.get(KEY, 0) + purse.spent.get(KEY, 0) <= max(20, used.get(KEY, 0))
    assert used.get(APP, 0) + purse.spent.get(APP, 0) <= max(100, used.get(APP, 0))


#: Ten calls of the app an hour, while the WABA's own budget is no limit.
SCARCE = replace(POLICY, app_calls_per_hour=10, waba_calls_per_hour=100)


def scarce(*waiting: str, used: int = 0) -> Purse:
    return Purse({APP: used, KEY: used}, {}, SCARCE, START, waiting=waiting)


@pytest.mark.parametrize(
    ("waiting", "calls"),
    [((), 10), ((WABA,), 10), (("98",), 5), ((WABA, "98"), 5), (("97", "98", "99", "96"), 5)],
)
def test_while_others_wait_a_waba_takes_no_more_than_its_equal_part(
    waiting: tuple[str, ...], calls: int
) -> None:
    assert taken(scarce(*waiting)) == calls


def test_what_it_used_within_the_hour_counts_as_taken() -> None:
    assert taken(scarce("98", used=4)) == 1


def test_once_half_is_used_the_part_of_many_is_small() -> None:
    purse = Purse({APP: 5, KEY: 0}, {}, SCARCE, START, waiting=("96", "97", "98", "99"))
    assert taken(purse) == 2


@pytest.mark.parametrize(
    "how", [{"read": True}, {"urgent": True}, {"operation": Operation.VERIFY_CODE}], ids=str
)
def test_what_cannot_wait_is_not_held_to_the_part(how: dict[str, Any]) -> None:
    purse, account = scarce("98", used=5), an_account()
    assert purse.take(account, Operation.CREATE_NUMBER) == NEXT_BUCKET
    assert purse.take(account, **how) is None


def test_one_call_is_kept_back_for_each_urgent_number_that_waits() -> None:
    purse = Purse({KEY: 17}, {}, POLICY, START, urgent={KEY: 2, APP: 2})
    assert purse.take(ACCOUNT) is None
    assert purse.take(ACCOUNT) == NEXT_BUCKET
    assert [purse.take(ACCOUNT, urgent=True) for _ in range(3)] == [None, None, NEXT_BUCKET]
