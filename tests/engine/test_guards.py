"""What keeps a call from being sent at the last moment, whatever was decided before."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from onboarding.engine import context
from onboarding.engine.advance import claim_due
from onboarding.engine.intents import write_intents
from onboarding.engine.pool_adding import PoolRequest
from onboarding.graph import loop
from onboarding.model import Effect, JournaledOperation, Operation, OperationStatus, State
from onboarding.store import journal
from onboarding.store.database import reading, writing
from tests.engine.rehearsing import MINUTE, NUMBER, WABA, Rehearse, Rehearsed
from tests.engine.test_signups import PARTNER, finish, handing_over


def test_a_call_whose_intent_an_index_refuses_is_not_sent(meta: Rehearsed) -> None:
    """The create of the number is open already, journaled where no rule looks for it."""
    id_, other = meta.ask(), meta.ask("+493012345672")
    meta.engine.hold(other, "not this one")
    now = meta.clock.now()
    elsewhere = JournaledOperation(
        id="f" * 22,
        onboarding_id=other,
        waba_id=WABA,
        number_key="elsewhere",
        cycle=1,
        name=Operation.CREATE_NUMBER,
        natural_key=f"{WABA}/{meta.row(id_).number_key}/1",
        attempt=1,
        status=OperationStatus.PENDING,
        intent_at=now,
        settle_at=now + MINUTE,
    )
    with writing(meta.engine.context.database) as conn:
        assert journal.insert_intents(conn, [elsewhere], "somebody") == {elsewhere.id}
    meta.engine.advance()
    assert meta.calls("create_number") == []
    assert meta.engine.operations(id_) == []


def test_what_is_sent_is_journaled_before(meta: Rehearsed) -> None:
    meta.ask()
    (sent,) = write_intents(meta.engine.context, claim_due(meta.engine.context, 10))
    assert (
        [op.id for op in meta.engine.operations(NUMBER)] == [sent.operation.id] == [sent.call.tag]
    )
    assert meta.calls() == []


def test_a_worker_that_slept_looks_at_its_own_attempt_and_not_at_the_machines(
    meta: Rehearsed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It wakes while another worker's attempt may still be sent, and sends nothing itself."""
    meta.ask()
    (slept,) = write_intents(meta.engine.context, claim_due(meta.engine.context, 10))
    meta.end_leases()
    with meta.open_engine() as second:
        meta.engine, sleeping = second, meta.engine
        meta.run(most=5 * MINUTE, until=lambda: meta.state() is State.CREATED)
        assert len(meta.calls("create_number")) == 1
        later = SimpleNamespace(monotonic=lambda: time.monotonic() + 300)
        monkeypatch.setattr(loop, "time", later)
        (result,) = sleeping.context.graph.send([slept.call])
        monkeypatch.undo()
        assert result.failure is not None
        assert result.failure.effect is Effect.UNSENT
        meta.engine = sleeping
    assert len(meta.calls("create_number")) == 1


def ask_for_a_number(meta: Rehearsed) -> None:
    meta.ask()
    meta.settle()


def add_to_the_pool(meta: Rehearsed) -> None:
    meta.engine.pool.add(PARTNER, [PoolRequest(phone_number=NUMBER)])
    meta.settle()


def take_a_signup(meta: Rehearsed) -> None:
    done = finish(meta)
    meta.engine.signups.take(done["event"], code=done["code"])


@pytest.mark.parametrize(
    ("begin", "endpoint"),
    [
        (ask_for_a_number, "create_number"),
        (add_to_the_pool, "add_preverified"),
        (take_a_signup, "exchange_code"),
    ],
)
def test_what_would_leave_too_late_is_not_sent(
    rehearse: Rehearse,
    monkeypatch: pytest.MonkeyPatch,
    begin: Callable[[Rehearsed], None],
    endpoint: str,
) -> None:
    meta = handing_over(rehearse)
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + 300)
    monkeypatch.setattr(loop, "time", later)
    begin(meta)
    assert meta.calls(endpoint) == []
    monkeypatch.undo()
    with reading(meta.engine.context.database) as conn:
        query = text("SELECT status FROM operation WHERE name = :name")
        statuses = conn.execute(query, {"name": endpoint}).scalars().all()
    assert statuses == [OperationStatus.UNSENT]


def test_a_slow_start_takes_nothing_of_the_time_to_send(
    meta: Rehearsed, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx, hands = meta.engine.context, [0.0]
    monkeypatch.setattr(context, "time", SimpleNamespace(monotonic=lambda: hands[0]))
    monkeypatch.setattr(ctx.graph, "start", lambda: hands.__setitem__(0, 100.0))
    assert ctx.send_before() == 100.0 + ctx.policy.send_within.total_seconds()
