"""Our durable step on an empty PostgreSQL database: ``python -m benchmarks.our_step HOW URL``.

It is the engine's own code from the claim to the last commit. Only Graph is played by a stand-in
in this process, which answers at once: what is measured is the database step, and no network.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count, cycle
from queue import SimpleQueue
from typing import Any

from cryptography.fernet import Fernet
from sqlalchemy import func, select, text

from benchmarks.measure import seconds_of, tell_rate
from onboarding import Engine, NumberRequest
from onboarding.dispatch.worker import collect_rarely
from onboarding.engine.advance import advance_due
from onboarding.engine.context import Context
from onboarding.engine.observe import ask_for_list, observe_due
from onboarding.graph.calls import GraphCall, GraphResult
from onboarding.graph.client import GraphClient
from onboarding.graph.results import Results
from onboarding.graph.usage import Usage
from onboarding.graph.wire import Wire
from onboarding.store import accounts
from onboarding.store.database import reading, writing
from onboarding.store.tables import onboarding as t
from onboarding.testing import FrozenClock

WABA = "102290129340398"
_PAGE, _LISTS, _FIRST_LISTS = 100, 60, 4
_ONBOARDINGS, _FIRST_ONBOARDINGS = 400, 40

#: That Meta shows the name otherwise than before is noted, and then the state moves.
ENTRIES_OF_A_MOVE = 2
_BUDGETS: dict[str, Any] = {
    "waba_calls_per_hour": 1_000_000,
    "active_waba_calls_per_hour": 1_000_000,
    "app_calls_per_hour": 1_000_000,
    "numbers_per_business": 0,
    "numbers_per_waba": 0,
}
BETWEEN_LISTS = timedelta(seconds=61)

Answer = Callable[[GraphCall], dict[str, Any]]


class Timing:
    """Times the pieces of work of a step."""

    def opened(self, ctx: Context) -> None:
        """Hear that everything is set up."""

    def seconds_of(self, work: Callable[[], object]) -> float:
        """Do a piece of work, and return how long it took."""
        return seconds_of(work)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was done: so many steps, in so many pieces of work, which took so long."""

    steps: int
    pieces: int
    seconds: float


class StandIn(GraphClient):
    """Answers every call at once and with success; nothing leaves this process.

    Args:
        answer: makes the decoded body of the answer to a call.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(Wire(base_url="https://graph.facebook.com", version="v25.0"))
        self._answer = answer

    def send(
        self, calls: Iterable[GraphCall], into: SimpleQueue[GraphResult] | None = None
    ) -> Results:
        """Answer the calls, with the usage that Meta's headers tell."""
        arrived: SimpleQueue[GraphResult] = SimpleQueue() if into is None else into
        answered = 0
        for call in calls:
            usage = Usage(by_id={call.request.waba_id: (1.0, 0.0)})
            body = self._answer(call)
            arrived.put(GraphResult(call=call, http_status=200, payload=body, usage=usage))
            answered += 1
        return Results(arrived, answered)


def observe(url: str, timing: Timing) -> Done:
    """Let 100 numbers change with every list: each is one step of each of them.

    Timed is the whole pass of a worker: it claims the account, spends the budget, parses the page,
    and applies it in one transaction (100 rows updated, 200 entries hashed onto their chains,
    100 turns and 100 events written).
    What is not: that the list was made due, and the network.
    """
    pages, clock = lists(), FrozenClock()
    with _opened(url, clock, _PAGE, lambda _: next(pages)) as ctx:
        timing.opened(ctx)

        def look() -> float:
            clock.advance(BETWEEN_LISTS)
            ask_for_list(ctx, WABA)
            return timing.seconds_of(lambda: observe_due(ctx, 1))

        for _ in range(_FIRST_LISTS):
            look()
        before = _entries(ctx)
        taken = sum(look() for _ in range(_LISTS))
        assert _entries(ctx) - before == _PAGE * _LISTS * ENTRIES_OF_A_MOVE
    return Done(steps=_PAGE * _LISTS, pieces=_LISTS, seconds=taken)


def onboard(url: str, timing: Timing) -> Done:
    """Take one onboarding at a time through its first call: claim, intent, outcome.

    Three transactions each: the machine is claimed; the call is journaled and its budget spent;
    the answer, the new state and its entry are written.
    """
    ids = count(106540352242922)
    asked = _ONBOARDINGS + _FIRST_ONBOARDINGS
    with _opened(url, FrozenClock(), asked, lambda _: {"id": str(next(ids))}) as ctx:
        timing.opened(ctx)

        def work() -> None:
            assert advance_due(ctx, 1) == 1

        def step() -> float:
            return timing.seconds_of(work)

        for _ in range(_FIRST_ONBOARDINGS):
            step()
        before = _entries(ctx)
        taken = sum(step() for _ in range(_ONBOARDINGS))
        assert _entries(ctx) - before == _ONBOARDINGS
    return Done(steps=_ONBOARDINGS, pieces=_ONBOARDINGS, seconds=taken)


@contextmanager
def _opened(url: str, clock: FrozenClock, numbers: int, answer: Answer) -> Iterator[Context]:
    """Open a deployment with so many requested numbers on one WABA, and a stand-in for Graph."""
    key = Fernet.generate_key().decode()
    with Engine.open(url, upgrade=True, clock=clock, secret_key=key, **_BUDGETS) as engine:
        engine.add_account(WABA, "EAAbenchmark")
        engine.request_many([_request(n) for n in range(numbers)])
        ctx = replace(engine.context, graph=StandIn(answer))
        with writing(ctx.database) as conn:
            # As after the check of the app's subscription, which a WABA needs once a day.
            accounts.update_account(conn, WABA, subscribed_at=clock.now(), check_due_at=None)
        with ctx.database.connect() as conn:
            conn.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
        yield ctx


def _request(number: int) -> NumberRequest:
    return NumberRequest(
        waba_id=WABA, phone_number=f"+4915{110_000_000 + number}", display_name="Lucky Shrub"
    )


def lists() -> Iterator[dict[str, Any]]:
    """Yield lists as Meta answers them: names go to review and come out of it, without end.

    So every list moves every number, to and fro.
    """
    return cycle([{"data": _page(status)} for status in ("PENDING_REVIEW", "APPROVED")])


def _page(name_status: str) -> list[dict[str, Any]]:
    """Return a page of a list as Meta answers it; all names on it stand alike."""
    return [
        {
            "id": str(106540352242922 + number),
            "display_phone_number": f"+49 15{110_000_000 + number}",
            "verified_name": "Lucky Shrub",
            "status": "DISCONNECTED",
            "code_verification_status": "VERIFIED",
            "platform_type": "NOT_APPLICABLE",
            "throughput": {"level": "NOT_APPLICABLE"},
            "account_mode": "LIVE",
            "is_on_biz_app": False,
            "is_official_business_account": False,
            "quality_rating": "UNKNOWN",
            "name_status": name_status,
        }
        for number in range(_PAGE)
    ]


def _entries(ctx: Context) -> int:
    """Return how many entries the histories of all onboardings have."""
    with reading(ctx.database) as conn:
        entries: int = conn.execute(select(func.sum(t.c.history_seq))).scalar_one()
    return entries


if __name__ == "__main__":
    collect_rarely()
    done = {"observe": observe, "onboard": onboard}[sys.argv[1]](sys.argv[2], Timing())
    tell_rate(done.steps, done.seconds)
