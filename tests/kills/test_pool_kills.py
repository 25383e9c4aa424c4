"""A worker dies in the middle of a call for the pool, and another settles what it left."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from onboarding.core.pool.lifecycle import PoolState
from onboarding.core.pool.model import ShareState
from onboarding.engine.crash_points import INTENDED
from onboarding.engine.pool_adding import PoolRequest
from onboarding.model import POOL_OPERATIONS, Operation, OperationStatus
from tests.engine.conftest import Deployments
from tests.kills.deployed import BUSINESS, PARTNER, WABA, WORLD, Deployed, deployed, eventually
from tests.kills.program import Program
from tests.kills.test_kills import EVERY_POINT, PATIENCE_S, SENT, UNHEARD

SPARE = "+493012345680"

#: Of these a number has one before it is verified; the others are asked for afterwards.
_ON_THE_WAY = (
    Operation.ADD_PREVERIFIED, Operation.REQUEST_PREVERIFIED_CODE, Operation.VERIFY_PREVERIFIED,
)  # fmt: skip


@pytest.fixture
def deployment(deployments: Deployments, tmp_path: Path) -> Iterator[Deployed]:
    with ExitStack() as stack:
        folder = tmp_path / "deployment"
        settings = stack.enter_context(deployments.copy(folder))
        yield stack.enter_context(deployed(folder, settings, WORLD))


def story(meta: Deployed) -> str:
    told = [
        f"{e.at:%d %H:%M:%S} {e.trigger}: {e.source} -> {e.dest} ({e.reason})"
        for _, e in meta.engine.pool.history(SPARE)
    ]
    return "\n".join([*told, *(f"--- {p.status}\n{p.told[-3000:]}" for p in meta.programs)])


def is_done(meta: Deployed, operation: Operation) -> bool:
    row = meta.engine.pool.get(SPARE)
    shares = [share.state for share in meta.engine.pool.shares(row.id)]
    match operation:
        case Operation.SHARE_PREVERIFIED:
            return shares == [ShareState.SHARED]
        case Operation.UNSHARE_PREVERIFIED:
            return shares == [ShareState.ENDED]
        case Operation.DELETE_PREVERIFIED:
            return row.state is PoolState.REMOVED
        case _:
            return row.state is PoolState.VERIFIED


def go_on(meta: Deployed, operation: Operation) -> None:
    """Ask for what leads to this operation, once the number is verified."""
    if operation is Operation.SHARE_PREVERIFIED:
        meta.engine.pool.share(SPARE, PARTNER)
    elif operation is Operation.UNSHARE_PREVERIFIED:
        meta.engine.pool.share(SPARE, PARTNER)
        eventually(
            lambda: is_done(meta, Operation.SHARE_PREVERIFIED), lambda: story(meta), PATIENCE_S
        )
        meta.engine.pool.unshare(SPARE, PARTNER)
    elif operation is Operation.DELETE_PREVERIFIED:
        meta.engine.pool.remove(SPARE, "no longer ours")


@pytest.mark.parametrize("operation", POOL_OPERATIONS)
@pytest.mark.parametrize("point", EVERY_POINT)
def test_a_call_of_the_pool_whose_worker_dies_is_settled_and_has_one_effect(
    deployment: Deployed, point: str, operation: Operation
) -> None:
    meta = deployment
    if point == SENT:
        slow = {"kind": "latency", "endpoint": operation.value, "seconds": "600ms", "times": 1}
        meta.tell("/faults", slow)
    meta.engine.pool.add(BUSINESS, [PoolRequest(phone_number=SPARE)], waba_id=WABA)
    worker = meta.start_worker(None if point == SENT else f"{point}/{operation}")
    if operation not in _ON_THE_WAY:
        verified = Operation.VERIFY_PREVERIFIED
        eventually(lambda: is_done(meta, verified), lambda: story(meta), PATIENCE_S)
        go_on(meta, operation)
    die(meta, worker, point, operation)
    left = [(op.name, op.status) for op in meta.engine.pool.operations(SPARE) if op.is_open]
    is_left = point in (INTENDED, *UNHEARD)
    # Where the kill came late, the answer was heard.
    assert left == [(operation, OperationStatus.PENDING)] * is_left or (point, left) == (SENT, [])
    unheard = {call["seq"] for call in meta.calls(operation.value) if left and point in UNHEARD}
    for _ in range(2):
        meta.start_worker()
    eventually(lambda: is_done(meta, operation), lambda: story(meta), PATIENCE_S)
    eventually(lambda: meta.engine.overview().open_calls == 0, lambda: story(meta), PATIENCE_S)
    meta.end_programs()
    assert sum(call["effect"] for call in meta.calls(operation.value)) == 1, story(meta)
    assert meta.faults(unheard) == [], story(meta)


def die(meta: Deployed, worker: Program, point: str, operation: Operation) -> None:
    """Wait until the worker died at its point, or kill it while its call is with Meta."""
    if point == SENT:
        made = partial(meta.calls, operation.value)
        eventually(made, lambda: story(meta), PATIENCE_S)
        worker.send(signal.SIGKILL)
    eventually(lambda: not worker.is_alive, lambda: story(meta), PATIENCE_S)
    assert worker.status == -signal.SIGKILL, worker.told
    meta.bury(worker)
