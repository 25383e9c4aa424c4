"""The kill matrix: a worker dies at any point of any call, and two others settle what it left.

Every crash point, and the moment at which the request is with Meta, for every operation, on every
database. The oracle is the simulator's own log of calls.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from onboarding.engine.crash_points import ANSWERED, INTENDED, OUTCOME_WRITTEN, POINTS
from onboarding.model import POOL_OPERATIONS, Operation, OperationStatus, Reason, State
from tests.engine.conftest import Deployments
from tests.kills.deployed import OTHER_WABA, WABA, WORLD, Deployed, deployed, eventually

NUMBER, NAME = "+493012345671", "Luckier Shrub"
PATIENCE_S = 90.0

#: The request is with Meta and has no answer; nothing of the engine's is reached meanwhile.
SENT = "sent"
EVERY_POINT = (*POINTS, SENT)

#: Deaths by which a call that was made goes unheard.
UNHEARD = (SENT, ANSWERED, OUTCOME_WRITTEN)

#: Numbers that customers brought with Embedded Signup, and what is odd with them at Meta.
_ODD: dict[Operation, dict[str, Any]] = {
    Operation.DEREGISTER: {"has_unfinished_deregister": True},
    Operation.SET_PIN: {"pin": "314159"},
}

#: A number that is registered on the other WABA, and may leave it.
_ELSEWHERE = {
    "phone_number": NUMBER, "verified_name": "Lucky Shrub", "registered": True,
    "name_status": "APPROVED",
}  # fmt: skip

#: Calls of which at most one may ever have an effect, whoever dies when.
_ONCE = (
    Operation.CREATE_NUMBER, Operation.MIGRATE_NUMBER, Operation.VERIFY_CODE, Operation.DEREGISTER,
    Operation.SET_DISPLAY_NAME,
)  # fmt: skip


def endpoint_of(operation: Operation) -> str:
    """Return what the simulator calls it: a migration begins with a create call."""
    is_migration = operation is Operation.MIGRATE_NUMBER
    return Operation.CREATE_NUMBER.value if is_migration else operation.value


@pytest.fixture
def deployment(
    deployments: Deployments, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Deployed]:
    cell = getattr(request.node, "callspec", None)
    migrates = cell is not None and cell.params.get("operation") is Operation.MIGRATE_NUMBER
    with ExitStack() as stack:
        folder = tmp_path / "deployment"
        settings = stack.enter_context(deployments.copy(folder))
        yield stack.enter_context(deployed(folder, settings, migrating() if migrates else WORLD))


def migrating() -> dict[str, Any]:
    """Return a world in which the number is on the other WABA already."""
    business, *others = WORLD["businesses"]
    here, there = business["wabas"]
    there = {**there, "subscribed": True, "numbers": [_ELSEWHERE]}
    return {**WORLD, "businesses": [{**business, "wabas": [here, there]}, *others]}


def bring_about(meta: Deployed, operation: Operation) -> None:
    """Ask for what leads to this operation."""
    if operation is Operation.MIGRATE_NUMBER:
        meta.request(NUMBER, waba_id=OTHER_WABA, entry="embedded_signup")
        until(meta, lambda: has_settled(meta))
        meta.engine.migrations.start(NUMBER, WABA)
        return
    if operation not in _ODD:
        meta.request(NUMBER)
        return
    id_ = meta.sign_up(NUMBER)
    meta.tell(f"/numbers/{id_}", _ODD[operation])
    meta.request(NUMBER, entry="embedded_signup")


def has_settled(meta: Deployed) -> bool:
    """Do a pass without a worker; return whether the number is registered by then."""
    meta.engine.advance()
    return is_registered(meta)


def is_registered(meta: Deployed, name: str | None = None) -> bool:
    row = meta.engine.get(NUMBER)
    is_named = name is None or row.display_name == name
    return row.state is State.REGISTERED and row.waiting is Reason.DONE and is_named


def story(meta: Deployed) -> str:
    told = [
        f"{e.at:%d %H:%M:%S} {e.trigger}: {e.source} -> {e.dest} ({e.reason})"
        for _, e in meta.engine.history(NUMBER)
    ]
    return "\n".join([*told, *(f"--- {p.status}\n{p.told[-3000:]}" for p in meta.programs)])


def until(meta: Deployed, holds: Any) -> None:
    eventually(holds, lambda: story(meta), PATIENCE_S)


def let_one_die(meta: Deployed, point: str, operation: Operation) -> set[int]:
    """Let a worker work until it dies at the point; return the calls that went unheard by that."""
    if point == SENT:
        slow = {"kind": "latency", "endpoint": endpoint_of(operation), "seconds": "600ms"}
        meta.tell("/faults", {**slow, "times": 1})
    worker = meta.start_worker(None if point == SENT else f"{point}/{operation}")
    if operation is Operation.SET_DISPLAY_NAME:
        until(meta, lambda: is_registered(meta))
        meta.engine.rename(NUMBER, NAME)
    if point == SENT:
        until(meta, lambda: meta.calls(endpoint_of(operation)))
        worker.send(signal.SIGKILL)
    until(meta, lambda: not worker.is_alive)
    assert worker.status == -signal.SIGKILL, worker.told
    meta.bury(worker)
    made = [call["seq"] for call in meta.calls(endpoint_of(operation))]
    return set(made[-1:]) if point in UNHEARD else set()


#: Those of the pool, and those about an account alone, have tests of their own.
_APART = (*POOL_OPERATIONS, Operation.SET_CALLBACK, Operation.EXCHANGE_CODE)
OPERATIONS = [operation for operation in Operation if operation not in _APART]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("point", EVERY_POINT)
def test_a_call_whose_worker_dies_is_settled_and_never_made_twice(
    deployment: Deployed, point: str, operation: Operation
) -> None:
    meta = deployment
    bring_about(meta, operation)
    unheard = let_one_die(meta, point, operation)
    left = {op.status for op in meta.engine.operations(NUMBER) if op.name is operation}
    for _ in range(2):
        meta.start_worker()
    renamed = operation is Operation.SET_DISPLAY_NAME
    until(meta, lambda: is_registered(meta, NAME if renamed else None))
    until(meta, lambda: not [op for op in meta.engine.operations(NUMBER) if op.is_open])
    # Where the kill came late for a call that was with Meta, its answer was heard.
    if operation is not Operation.SUBSCRIBE_APP and point in (INTENDED, ANSWERED, OUTCOME_WRITTEN):
        assert OperationStatus.PENDING in left
    meta.end_programs()
    check(meta, operation, unheard)


def check(meta: Deployed, operation: Operation, unheard: set[int]) -> None:
    """Ask the oracle, and count the calls of the operation whose worker died."""
    assert meta.faults(unheard) == [], story(meta)
    made = meta.calls(endpoint_of(operation))
    assert meta.engine.overview().open_calls == 0
    effects = sum(call["effect"] for call in made)
    assert made, story(meta)
    if operation in _ONCE:
        assert effects == 1, (made, story(meta))


@pytest.mark.parametrize("operation", [Operation.DEREGISTER])
@pytest.mark.parametrize("point", EVERY_POINT)
def test_a_number_leaves_once_whoever_dies_while_it_is_taken_off(
    deployment: Deployed, point: str, operation: Operation
) -> None:
    meta = deployment
    meta.request(NUMBER)
    first = meta.start_worker()
    until(meta, lambda: is_registered(meta))
    first.kill()
    meta.bury(first)
    meta.engine.offboarding.ask(NUMBER, "the customer has left")
    unheard = let_one_die(meta, point, operation)
    for _ in range(2):
        meta.start_worker()
    until(meta, lambda: meta.engine.get(NUMBER).state is State.LEFT)
    until(meta, lambda: not [op for op in meta.engine.operations(NUMBER) if op.is_open])
    meta.end_programs()
    check(meta, operation, unheard)
