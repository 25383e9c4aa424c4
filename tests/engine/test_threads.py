"""One engine, many threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from onboarding import NumberRequest
from onboarding.errors import OnboardingError
from onboarding.model import State
from tests.engine.rehearsing import DAY, NUMBER, WABA, Rehearse, Rehearsed, roomy

NUMBERS = [f"+4930123456{place:02}" for place in range(24)]


def together(count: int, work: Callable[[int], None]) -> None:
    """Do the work in so many threads that start at one moment."""
    barrier = threading.Barrier(count)

    def begin(place: int) -> None:
        barrier.wait()
        work(place)

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(begin, range(count)))


def test_eight_threads_advance_and_submit_codes_at_once(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=roomy(), batch_size=4)
    for number in NUMBERS:
        meta.ask(number)
    for _ in range(40):
        together(8, lambda place: _work(meta, place))
        due = meta._next_due_at()
        if due is None:
            break
        meta.move_to(due)
    assert {meta.state(number) for number in NUMBERS} == {State.REGISTERED}
    for endpoint in ("create_number", "request_code", "verify_code", "register"):
        assert len(meta.calls(endpoint)) == len(NUMBERS)


def _work(meta: Rehearsed, place: int) -> None:
    is_idle = False
    while not is_idle:
        for number in NUMBERS[place % 2 :: 2]:
            _hand_in(meta, number)
        is_idle = meta.engine.advance().is_idle


def _hand_in(meta: Rehearsed, number: str) -> None:
    """Hand in what lies on a phone, as often as anybody likes."""
    texts = meta.messages(number)
    if texts and not meta.row(number).has_code:
        with suppress(OnboardingError):
            meta.engine.submit_code(number, texts[-1])


def test_one_request_from_many_threads_is_one_onboarding(meta: Rehearsed) -> None:
    ids: list[str] = []
    asked = NumberRequest(waba_id=WABA, phone_number=NUMBER, display_name="Lucky Shrub", key="k")
    together(8, lambda _: ids.append(meta.engine.request(asked).onboarding.id))
    assert len(set(ids)) == 1
    meta.run_to(State.REGISTERED)


def test_batches_that_overlap_in_any_order_are_stored_once(meta: Rehearsed) -> None:
    """On PostgreSQL they meet in its unique indexes, and may even wait for each other."""
    asked = [
        NumberRequest(waba_id=WABA, phone_number=number, display_name="Lucky Shrub")
        for number in NUMBERS
    ]
    ids: list[frozenset[str]] = []

    def ask(place: int) -> None:
        mine = asked[place:] + asked[:place]
        ordered = mine if place % 2 else mine[::-1]
        receipts = meta.engine.request_many(ordered)
        ids.append(frozenset(receipt.onboarding.id for receipt in receipts))

    together(8, ask)
    assert len(set(ids)) == 1
    assert len(ids[0]) == len(list(meta.engine.find_all())) == len(NUMBERS)
    assert meta.engine.require_verified()


def test_a_number_is_restarted_or_asked_for_anew_and_never_both(meta: Rehearsed) -> None:
    id_ = meta.ask(entry="embedded_signup", onboarded_at=meta.clock.now() - 20 * DAY)
    meta.run_to(State.EXPIRED, id_)
    told: list[str] = []

    def act(place: int) -> None:
        try:
            if place % 2:
                meta.engine.restart(id_, "they came back")
            else:
                meta.ask(again=True)
        except OnboardingError as error:
            told.append(str(error))
        else:
            told.append("")

    together(4, act)
    living = [row for row in meta.engine.find_all() if row.state is State.REQUESTED]
    assert len(living) == 1
    assert "" in told
    assert meta.engine.require_verified()


def test_an_account_that_many_add_at_once_is_added_once(meta: Rehearsed) -> None:
    waba_id = "104490129340400"

    def add(place: int) -> None:
        meta.engine.add_account(waba_id, f"EAAtesttoken{place}")

    together(6, add)
    triggers = [entry.trigger for _, entry in meta.engine.account_history(waba_id)]
    assert triggers == ["account_added"] + ["token_added"] * 5  # each waits to be proven
    assert meta.engine.require_verified()


def test_people_and_passes_do_not_lose_each_others_changes(meta: Rehearsed) -> None:
    meta.reads_codes = False
    id_ = meta.ask()

    def act(place: int) -> None:
        for turn in range(5):
            meta.engine.hold(id_, f"{place}/{turn}", actor=f"thread {place}")
            meta.engine.advance(id_)

    together(6, act)
    held = [entry for _, entry in meta.engine.history(id_) if entry.trigger == "held"]
    assert len(held) == 30
    assert {entry.actor for entry in held} == {f"thread {place}" for place in range(6)}
    assert meta.engine.require_verified()
