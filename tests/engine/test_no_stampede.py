"""After an outage: budgets hold, the nearest deadlines go first, and nothing is claimed twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from onboarding import Engine, NumberRequest
from onboarding.engine.advance import claim_due
from onboarding.graph.calls import GraphCall
from onboarding.model import Onboarding, Reason
from tests.engine.rehearsing import DAY, HOUR, MINUTE, START, Rehearse, Rehearsed, Seam

WABAS = [f"1022901293403{place:02}" for place in range(50)]


def world() -> dict[str, object]:
    """Return a scenario in which Meta itself would take any number of calls."""
    wabas = [{"id": waba_id, "name": "Lucky Shrub"} for waba_id in WABAS]
    room = dict.fromkeys(
        ("numbers_per_waba", "numbers_per_verified_business", "management_calls"), 1_000_000
    )
    return {
        "businesses": [{"id": "506914307656634", "wabas": wabas}],
        "limits": {**room, "app_calls": None, "usage_headers_after": 1_000_000},
    }


def requests(count: int, first: int) -> Iterator[NumberRequest]:
    for place in range(first, first + count):
        yield NumberRequest(
            waba_id=WABAS[place % len(WABAS)],
            phone_number=f"+4930{place:08}",
            display_name="Lucky Shrub",
        )


def overdue(meta: Rehearsed, count: int) -> None:
    """Ask for numbers on ten days while no worker runs, the most urgent first; then go on."""
    for day in range(10):
        meta.engine.request_many(list(requests(count // 10, day * (count // 10))))
        meta.move_to(START + (day + 1) * DAY)
    meta.move_to(START + 13 * DAY + HOUR)  # the first tenth has less than a day left


def outage(rehearse: Rehearse, count: int, *, per_waba: int, app: int) -> Rehearsed:
    meta = rehearse(
        scenario=world(), reads_codes=False, batch_size=max(10, count // 100),
        waba_calls_per_hour=per_waba, app_calls_per_hour=app,
    )  # fmt: skip
    overdue(meta, count)
    return meta


def called_in_an_hour(meta: Rehearsed) -> list[dict[str, object]]:
    """Let two workers take all that is due at once; return the calls that this led to."""
    sent: list[str] = []
    lock = threading.Lock()
    other = meta.open_engine()

    def note(engine: Engine) -> None:
        seam = Seam(engine)
        send = seam.send

        def noting(calls: list[GraphCall], **given: object) -> object:
            wanted = list(calls)
            with lock:
                sent.extend(call.tag for call in wanted)
            return send(wanted, **given)

        engine.context.graph.send = noting  # type: ignore[method-assign,assignment]  # the seam's

    def work(engine: Engine) -> None:
        while engine.advance().advanced:
            pass

    for engine in (meta.engine, other):
        note(engine)
    threads = [threading.Thread(target=work, args=(engine,)) for engine in (meta.engine, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert [tag for tag, times in Counter(sent).items() if times > 1 and tag not in WABAS] == []
    return meta.calls()


def check_first_hour(meta: Rehearsed, count: int, *, per_waba: int, app: int) -> None:
    calls = called_in_an_hour(meta)
    assert len(calls) <= app
    assert max(Counter(str(call["waba_id"]) for call in calls).values()) <= per_waba
    rows = sorted(meta.engine.find_all(), key=lambda row: row.id)
    creates = [call for call in calls if call["endpoint"] == "create_number"]
    assert len(creates) == len([row for row in rows if row.phone_number_id])
    check_order(rows[: count // 10], rows[count // 10 :])


def check_order(urgent: list[Onboarding], others: list[Onboarding]) -> None:
    """Those of the last day had their call; of the others some wait for the budget."""
    assert {row.register_by < START + 15 * DAY for row in urgent if row.register_by} == {True}
    made = [row for row in urgent if row.phone_number_id]
    assert len(made) == len(urgent)
    waiting = [row for row in others if row.waiting is Reason.BUDGET]
    assert waiting
    assert all(row.next_due_at for row in waiting)


def test_a_thousand_overdue_machines_are_no_stampede(rehearse: Rehearse) -> None:
    meta = outage(rehearse, 1000, per_waba=6, app=200)
    check_first_hour(meta, 1000, per_waba=6, app=200)
    calls = len(meta.calls())
    meta.move_to(meta.clock.now() + HOUR + 5 * MINUTE)
    assert len(called_in_an_hour(meta)) - calls <= 200


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_thousand_overdue_machines_are_no_stampede(rehearse: Rehearse) -> None:
    room = {"per_waba": 60, "app": 2000}
    check_first_hour(outage(rehearse, 10_000, **room), 10_000, **room)


def test_what_is_near_its_deadline_is_claimed_first(rehearse: Rehearse) -> None:
    meta = outage(rehearse, 1000, per_waba=6, app=200)
    claimed = {each.id for each in claim_due(meta.engine.context, 100)}
    first = sorted(row.id for row in meta.engine.find_all())[:100]
    assert claimed == set(first)
