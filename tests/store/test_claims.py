"""Claims: what is due, earliest first, to one worker only, for the length of a lease."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from onboarding.model import Onboarding, Operation, Reason, State
from onboarding.store import journal, leases, onboardings
from onboarding.store.database import open_database
from onboarding.store.leases import Claimed
from onboarding.store.purses import load_counts
from tests.store.making import (
    DAY,
    HOUR,
    OTHER_WABA,
    REAL,
    SECOND,
    START,
    WABA,
    a_row,
    an_operation,
    claim,
    load,
    read,
    rows,
    store,
    write,
)

LATER = REAL + DAY


def test_what_is_due_is_claimed_and_nothing_else(database: Engine) -> None:
    due = [a_row(0, next_due_at=START), a_row(1, next_due_at=START - DAY)]
    resting = [a_row(2, next_due_at=START + SECOND), a_row(3, next_due_at=None)]
    store(database, [*due, *resting])
    claimed = claim(database)
    assert {row.id for row in claimed} == {row.id for row in due}
    for row in claimed:
        assert (row.lease_owner, row.lease_until) == ("one", REAL + 90 * SECOND)
        assert (row.next_due_at, row.version, row.reclaims) == (START + 90 * SECOND, 2, 0)
        assert load(database, row.id) == row
    for row in resting:
        assert load(database, row.id) == row


def test_the_earliest_are_claimed_first(database: Engine) -> None:
    places = list(range(30))
    random.Random(7).shuffle(places)  # noqa: S311 - an order, not a secret
    store(database, [a_row(place, next_due_at=START - place * SECOND) for place in places])
    for expected in ([29, 28, 27, 26, 25], [24, 23, 22, 21, 20]):
        claimed = {row.id for row in claim(database, limit=5)}
        assert claimed == {f"row-{place:06}" for place in expected}


def test_the_nearest_deadlines_are_claimed_before_those_that_wait_longer(
    database: Engine,
) -> None:
    near, far, passed = START + 12 * HOUR, START + 5 * DAY, START - HOUR
    store(
        database,
        [
            a_row(0, next_due_at=START - DAY, register_by=far),
            a_row(1, next_due_at=START - DAY + SECOND, register_by=passed),
            a_row(2, next_due_at=START - DAY + 2 * SECOND, register_by=None),
            a_row(3, next_due_at=START, register_by=near),
            a_row(4, next_due_at=START, register_by=near - HOUR),
            a_row(5, next_due_at=START + SECOND, register_by=near),
        ],
    )
    order = [[row.id[-1] for row in claim(database, limit=1)] for _ in range(6)]
    assert order == [["4"], ["3"], ["0"], ["1"], ["2"], []]


def test_a_claim_takes_both_kinds_and_none_twice(database: Engine) -> None:
    near = [a_row(n, next_due_at=START, register_by=START + DAY) for n in range(3)]
    far = [a_row(n, next_due_at=START - DAY, register_by=None) for n in range(3, 9)]
    store(database, [*near, *far])
    first = [row.id for row in claim(database, limit=5)]
    assert len(set(first)) == 5
    assert {row.id for row in near} <= set(first)
    rest = [row.id for row in claim(database, limit=5)]
    assert sorted(first + rest) == sorted(row.id for row in [*near, *far])


def test_a_lease_keeps_others_away_until_it_ends(database: Engine) -> None:
    store(database, [a_row()])
    (first,) = claim(database)
    later = START + DAY
    assert claim(database, "two", later) == []
    (second,) = claim(database, "two", later, real_now=REAL + 90 * SECOND)
    assert (second.lease_owner, second.version) == ("two", first.version + 1)


def test_an_ended_lease_is_not_due_before_its_business_time(database: Engine) -> None:
    store(database, [a_row()])
    claim(database)
    assert claim(database, "two", START + 89 * SECOND, real_now=LATER) == []


def test_leases_that_run_out_in_a_row_are_counted(database: Engine) -> None:
    store(database, [a_row()])
    found = [claim(database, now=START + n * DAY, real_now=LATER + n * DAY) for n in range(4)]
    assert [row.reclaims for (row,) in found] == [0, 1, 2, 3]
    ((row,),) = [found[-1]]
    freed = replace(row, lease_owner=None, lease_until=None, next_due_at=START)
    write(database, lambda conn: onboardings.write_step(conn, [freed]))
    (again,) = claim(database, now=START + 9 * DAY)
    assert again.reclaims == 0


def test_a_row_of_a_newer_release_is_left_to_newer_workers(database: Engine) -> None:
    store(database, [a_row(0, definition=1), a_row(1, definition=2), a_row(2, definition=3)])
    assert [row.id for row in claim(database, definition=1)] == ["row-000000"]
    assert [row.id for row in claim(database, "two", definition=2)] == ["row-000001"]


def test_certain_machines_are_claimed_due_or_not(database: Engine) -> None:
    store(database, [a_row(0, next_due_at=None), a_row(1), a_row(2, definition=2)])

    def these(worker: str, *ids: str) -> list[str]:
        return write(
            database,
            lambda conn: [
                row.id
                for row in leases.claim_these(
                    conn, ids, worker=worker, real_now=REAL, lease_until=REAL + SECOND,
                    wake_at=START + SECOND, definition=1,
                )
            ],
        )  # fmt: skip

    assert these("one", "row-000000", "row-000002", "nobody") == ["row-000000"]
    assert these("two", "row-000000") == []
    assert these("two") == []


def test_two_connections_that_race_never_get_the_same_row(url: str, database: Engine) -> None:
    store(database, rows(200))
    taken: list[list[str]] = []
    barrier = threading.Barrier(4)

    def race(worker: str) -> None:
        own = open_database(url)
        barrier.wait()
        mine: list[str] = []
        while batch := claim(own, worker, limit=7):
            mine += [row.id for row in batch]
        taken.append(mine)
        own.dispose()

    threads = [threading.Thread(target=race, args=(f"worker {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything = [id_ for mine in taken for id_ in mine]
    assert len(everything) == len(set(everything)) == 200


def test_a_step_is_written_only_by_who_read_the_latest_version(database: Engine) -> None:
    store(database, [a_row(0), a_row(1)])
    first, second = load(database), load(database, "row-000001")
    moved = replace(first, state=State.CREATED, phone_number_id="1")
    stale = replace(second, version=7, state=State.CREATED)
    written = write(database, lambda conn: onboardings.write_step(conn, [moved, stale]))
    assert written == {first.id: replace(moved, version=2)}
    assert load(database) == replace(moved, version=2)
    assert load(database, second.id) == second
    assert write(database, lambda conn: onboardings.write_step(conn, [moved])) == {}
    assert write(database, lambda conn: onboardings.write_step(conn, [])) == {}


def test_a_step_leaves_alone_what_others_write(database: Engine) -> None:
    (row,) = store(database, [a_row(seen_at=START, seen_present=True)])
    strange = replace(
        row, seen_at=START + DAY, seen_present=False, history_seq=9, head_hash="x", key="k",
        waba_id=OTHER_WABA, phone_number="+1", created_at=START + DAY, display_name="New",
    )  # fmt: skip
    write(database, lambda conn: onboardings.write_step(conn, [strange]))
    assert load(database) == replace(row, version=2, display_name="New")


def test_what_an_earlier_read_saw_does_not_overwrite_a_later_one(database: Engine) -> None:
    (row,) = store(database, [a_row(seen_at=START, seen_present=True)])

    def see(**changes: object) -> None:
        write(database, lambda conn: onboardings.write_seen(conn, [replace(row, **changes)]))  # type: ignore[arg-type] # fields of the row

    see(seen_at=START - SECOND, seen_present=False)
    see(seen_at=START, seen_present=False)
    assert load(database) == row
    see(seen_at=START + SECOND, seen_present=False, absent_since=START, state=State.LEFT)
    assert load(database) == replace(
        row, seen_at=START + SECOND, seen_present=False, absent_since=START
    )
    write(database, lambda conn: onboardings.write_seen(conn, []))


def test_waking_ends_only_the_own_lease(database: Engine) -> None:
    store(database, rows(2, next_due_at=None))

    def lease(worker: str, id_: str) -> Onboarding:
        fields: dict[str, Any] = {
            "worker": worker, "real_now": REAL, "lease_until": LATER, "wake_at": START + DAY,
            "definition": 1,
        }  # fmt: skip
        (claimed,) = write(database, lambda conn: leases.claim_these(conn, [id_], **fields))
        row = load(database, id_)
        assert claimed == Claimed(id_, row.version)
        return row

    own, other = lease("one", "row-000000"), lease("two", "row-000001")
    write(database, lambda c: leases.wake(c, [own.id, other.id], START, worker="one"))
    assert load(database, own.id) == replace(
        own, next_due_at=START, lease_owner=None, lease_until=None
    )
    assert load(database, other.id) == replace(other, next_due_at=START)
    write(database, lambda conn: leases.wake(conn, [], START, worker="one"))


@pytest.mark.parametrize(
    ("changes", "wakes"),
    [
        ({"waiting": Reason.ACCOUNT_HELD}, True),
        ({"waiting": Reason.SUBSCRIBING}, False),
        ({"waiting": Reason.ACCOUNT_HELD, "waba_id": OTHER_WABA}, False),
        ({"waiting": Reason.ACCOUNT_HELD, "lease_owner": "one"}, False),
        ({"waiting": Reason.ACCOUNT_HELD, "state": State.CANCELLED}, False),
    ],
)
def test_an_account_wakes_its_own_that_wait_for_it(
    database: Engine,
    changes: dict[str, Any],
    wakes: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    store(database, [a_row(next_due_at=None, **changes)])
    reasons = (Reason.ACCOUNT_HELD, Reason.DUE)
    write(database, lambda c: leases.wake_account(c, WABA, START, reasons))
    assert load(database).next_due_at == (START if wakes else None)


def test_the_next_due_instant_and_the_leases(database: Engine) -> None:
    assert read(database, lambda conn: leases.next_due(conn, 1)) is None
    store(database, [a_row(0, next_due_at=None), a_row(1, next_due_at=START + DAY), a_row(2)])
    assert read(database, lambda conn: leases.next_due(conn, 1)) == START
    assert read(database, leases.leased) == 0
    claim(database)
    assert read(database, leases.leased) == 1
    assert read(database, lambda conn: leases.next_due(conn, 1)) == START + 90 * SECOND


def test_codes_that_are_out_are_counted_by_account(database: Engine) -> None:
    out = {"state": State.OTP_PENDING, "code_sent_at": START}
    store(
        database,
        [
            a_row(0, **out), a_row(1, **out), a_row(2, **out, waba_id=OTHER_WABA),
            a_row(3, state=State.OTP_PENDING, code_sent_at=START - DAY),
            a_row(4, state=State.CREATED),
            a_row(5, state=State.REQUESTED),
            a_row(6, state=State.VERIFIED, code_sent_at=START),
        ],
    )  # fmt: skip
    asking = an_operation(a_row(4), name=Operation.REQUEST_CODE)
    creating = an_operation(a_row(5), name=Operation.CREATE_NUMBER)
    write(database, lambda c: journal.insert_intents(c, [asking, creating], "worker"))
    counts = read(
        database,
        lambda c: load_counts(c, [], now=START, codes_since=START - SECOND, before=START),
    )
    assert counts.codes_out == {WABA: 3, OTHER_WABA: 1}
