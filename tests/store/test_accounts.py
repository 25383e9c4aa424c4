"""Accounts and budgets, as they are stored: reads only come forward, breakers only open longer."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from onboarding.core.budgets import BUCKET, HOUR, Breaker, bucket_of
from onboarding.model import Account, Reason
from onboarding.store import accounts, budgets
from onboarding.store.database import writing
from tests.store.making import DAY, MINUTE, OTHER_WABA, REAL, SECOND, START, WABA, read, write


def account(database: Engine, waba_id: str = WABA) -> Account:
    return read(database, lambda conn: accounts.load_accounts(conn, [waba_id]))[waba_id]


def change(database: Engine, waba_id: str = WABA, **changes: Any) -> None:
    write(database, lambda conn: accounts.update_account(conn, waba_id, **changes))


def want(database: Engine, observe: dict[str, datetime], **check: datetime) -> None:
    checks = {name.removeprefix("w"): at for name, at in check.items()}
    write(database, lambda conn: accounts.want(conn, observe, checks))


def claim(database: Engine, now: datetime = START, **changes: Any) -> list[str]:
    fields: dict[str, Any] = {
        "now": now, "read_before": now - MINUTE, "watched_before": now - DAY, "real_now": REAL,
        "lease_until": REAL + 90 * SECOND, "limit": 10,
    }  # fmt: skip
    found = write(database, lambda c: accounts.claim_accounts(c, **{**fields, **changes}))
    return [each.waba_id for each in found]


@pytest.mark.parametrize(
    ("stored", "wanted", "expected"),
    [
        (None, START, START),
        (START, START + DAY, START),
        (START + DAY, START, START),
        (START, START, START),
    ],
)
def test_a_read_is_brought_forward_and_never_pushed_back(
    database: Engine, stored: datetime | None, wanted: datetime, expected: datetime
) -> None:
    change(database, observe_due_at=stored, check_due_at=stored)
    want(database, {WABA: wanted}, **{f"w{WABA}": wanted})
    row = account(database)
    assert (row.observe_due_at, row.check_due_at) == (expected, expected)
    untouched = account(database, OTHER_WABA)
    assert (untouched.observe_due_at, untouched.check_due_at) == (None, None)


def test_wanting_one_kind_of_read_leaves_the_other(database: Engine) -> None:
    change(database, observe_due_at=START + DAY)
    want(database, {}, **{f"w{WABA}": START, f"w{OTHER_WABA}": START})
    assert account(database).observe_due_at == START + DAY
    assert account(database, OTHER_WABA).check_due_at == START
    want(database, {})
    want(database, {"999": START})


def test_accounts_that_are_due_are_claimed_longest_waiting_first(database: Engine) -> None:
    want(database, {WABA: START, OTHER_WABA: START - HOUR})
    assert claim(database, START - DAY) == []
    assert claim(database, limit=1) == [OTHER_WABA]
    assert claim(database) == [WABA]
    assert claim(database) == []
    assert sorted(claim(database, real_now=REAL + 91 * SECOND)) == [WABA, OTHER_WABA]


@pytest.mark.parametrize(
    ("changes", "claimed"),
    [
        ({"observe_due_at": START}, True),
        ({"observe_due_at": START + SECOND}, False),
        ({"observe_due_at": START, "hold": Reason.ACCOUNT_HELD}, False),
        ({"observe_due_at": START, "listed_at": START - 30 * SECOND}, False),
        ({"observe_due_at": START, "listed_at": START - 60 * SECOND}, True),
        ({"check_due_at": START, "listed_at": START}, True),
        ({}, False),
        ({"active": True, "listed_at": START - DAY}, True),
        ({"active": True, "listed_at": START - DAY + SECOND}, False),
        ({"active": False, "listed_at": START - DAY}, False),
        ({"active": True}, False),
        ({"active": True, "listed_at": START - DAY, "observe_due_at": START + MINUTE}, False),
        ({"active": True, "listed_at": START - DAY, "hold": Reason.ACCOUNT_HELD}, False),
    ],
)
def test_an_account_is_claimed_when_it_is_due_and_rested(
    database: Engine,
    changes: dict[str, Any],
    claimed: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    change(database, **changes)
    assert claim(database) == ([WABA] if claimed else [])


def test_lists_that_are_only_watched_come_last(database: Engine) -> None:
    change(database, active=True, listed_at=START - 9 * DAY)
    want(database, {OTHER_WABA: START})
    assert claim(database, limit=1) == [OTHER_WABA]
    assert claim(database, limit=1) == [WABA]


def test_the_next_instant_knows_the_daily_list_of_numbers_that_rest(database: Engine) -> None:
    def next_due(watch: timedelta | None) -> datetime | None:
        return read(database, lambda c: accounts.next_account_due(c, MINUTE, watch))

    change(database, active=True, listed_at=START)
    assert (next_due(None), next_due(DAY)) == (None, START + DAY)
    change(database, observe_due_at=START + HOUR)  # put off, or wished for
    assert next_due(DAY) == START + HOUR
    change(database, active=False, observe_due_at=None)
    assert next_due(DAY) is None


def test_the_next_instant_knows_the_least_interval(database: Engine) -> None:
    def next_due() -> datetime | None:
        return read(database, lambda c: accounts.next_account_due(c, timedelta(minutes=5)))

    assert next_due() is None
    change(database, observe_due_at=START, listed_at=START - MINUTE)
    assert next_due() == START + 4 * MINUTE
    change(database, OTHER_WABA, check_due_at=START + MINUTE)
    assert next_due() == START + MINUTE
    change(database, hold=Reason.ACCOUNT_HELD)
    change(database, OTHER_WABA, hold=Reason.ACCOUNT_HELD)
    assert next_due() is None


def test_accounts_are_loaded_by_id_or_all(database: Engine) -> None:
    everything = read(database, accounts.load_accounts)
    assert list(everything) == sorted([WABA, OTHER_WABA])
    assert read(database, lambda conn: accounts.load_accounts(conn, [])) == {}
    before = account(database)
    change(database, name="half a \ud83d")
    assert account(database) == replace(before, name="half a ?", version=2)


def test_calls_are_counted_for_an_hour(database: Engine) -> None:
    def used(now: datetime) -> dict[str, int]:
        return read(database, lambda conn: budgets.load_used(conn, ["app", "waba:1"], now))

    def spend(minutes: int, spent: dict[str, int]) -> None:
        write(database, lambda conn: budgets.spend(conn, spent, START + minutes * MINUTE))

    spend(0, {"app": 2, "waba:1": 1})
    spend(3, {"app": 1})
    spend(20, {"waba:1": 5})
    spend(20, {})
    assert used(START + 30 * MINUTE) == {"app": 3, "waba:1": 6}
    # A bucket counts in full until its last moment is an hour ago: never too few.
    assert used(START + HOUR + 4 * MINUTE) == {"app": 3, "waba:1": 6}
    assert used(START + HOUR + BUCKET) == {"waba:1": 5}
    assert used(START + DAY) == {}


def test_old_buckets_are_forgotten(database: Engine) -> None:
    write(database, lambda conn: budgets.spend(conn, {"app": 1}, START))
    write(database, lambda conn: budgets.spend(conn, {"app": 1}, START + 90 * MINUTE))
    write(database, lambda conn: budgets.forget_spent(conn, START + HOUR))
    assert read(database, lambda c: budgets.load_used(c, ["app"], START + MINUTE)) == {"app": 1}
    assert bucket_of(START + 3 * MINUTE) == START


@pytest.mark.on("postgresql")
def test_whoever_locks_a_budget_waits_for_whoever_has_it_and_no_other(database: Engine) -> None:
    """There is no bucket in it: clocks that differ lock the same."""
    with writing(database) as first, writing(database, script=True) as second:
        budgets.lock(first, ["app", "waba:1"])
        second.execute(text("SET LOCAL lock_timeout = '100ms'"))
        budgets.lock(second, ["waba:2"])
        with pytest.raises(OperationalError, match="lock timeout"), second.begin_nested():
            budgets.lock(second, ["app"])
    write(database, lambda conn: budgets.forget_spent(conn, START))
    kept = read(database, lambda conn: conn.execute(text("SELECT key FROM budget")).scalars().all())
    assert sorted(kept) == ["app", "waba:1", "waba:2"]
    assert read(database, lambda conn: budgets.load_used(conn, ["app"], START)) == {}


def tell(database: Engine, **told: Any) -> Breaker:
    fields = {"key": "waba:1", "percent": 50, "read_at": START, **told}
    write(database, lambda conn: budgets.write_breakers(conn, [Breaker(**fields)]))
    return read(database, lambda conn: budgets.load_breakers(conn, ["waba:1", "app"], START))[
        "waba:1"
    ]


def test_an_open_breaker_stays_open_until_its_own_time(database: Engine) -> None:
    opened = tell(database, percent=100, open_until=START + HOUR, why="too many")
    after = tell(database, percent=20, read_at=START + MINUTE)
    assert after == replace(opened, percent=20, read_at=START + MINUTE)
    shorter = tell(database, open_until=START + MINUTE, why="a header says less")
    assert (shorter.open_until, shorter.why) == (START + HOUR, "too many")
    longer = tell(database, open_until=START + DAY, why="again")
    assert (longer.open_until, longer.why) == (START + DAY, "again")


def test_breakers_of_different_budgets_do_not_mix(database: Engine) -> None:
    assert read(database, lambda conn: budgets.load_breakers(conn, ["app"], START)) == {}
    both = [Breaker(key=key, percent=n, read_at=START) for n, key in enumerate(["waba:1", "app"])]
    write(database, lambda conn: budgets.write_breakers(conn, both))
    write(database, lambda conn: budgets.write_breakers(conn, []))
    found = read(database, lambda conn: budgets.load_breakers(conn, ["app", "waba:2"], START))
    assert found == {"app": both[1]}


def test_an_open_breaker_of_a_token_is_told_whoever_asks(database: Engine) -> None:
    opened = Breaker(key="token:1", percent=100, read_at=START, open_until=START + HOUR)
    write(database, lambda conn: budgets.write_breakers(conn, [opened]))
    during, after = START + MINUTE, START + HOUR
    found = read(database, lambda conn: budgets.load_breakers(conn, ["app"], during))
    assert found == {"token:1": opened}
    assert read(database, lambda conn: budgets.load_breakers(conn, ["app"], after)) == {}
