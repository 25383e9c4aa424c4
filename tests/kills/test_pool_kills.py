"""A worker dies in the middle of a call for the pool, and another settles what it left."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from onboarding.core.pool.lifecycle import PoolState
from onboarding.core.pool.model import ShareState
from onboarding.engine.crash_points import ANSWERED, INTENDED, OUTCOME_WRITTEN
from onboarding.engine.pool_adding import PoolRequest
from onboarding.model import Operation, OperationStatus
from tests.engine.conftest import Deployments
from tests.kills.deployed import BUSINESS, PARTNER, WABA, WORLD, Deployed, deployed, eventually

SPARE = "+493012345680"
PATIENCE_S = 90.0

#: Where a worker dies: with a call that is journaled and was not sent, with one that Meta has
#: answered, and with an answer that is written and not committed.
CELLS = [
    (INTENDED, Operation.ADD_PREVERIFIED),
    (ANSWERED, Operation.ADD_PREVERIFIED),
    (OUTCOME_WRITTEN, Operation.REQUEST_PREVERIFIED_CODE),
    (ANSWERED, Operation.VERIFY_PREVERIFIED),
    (ANSWERED, Operation.SHARE_PREVERIFIED),
    (ANSWERED, Operation.UNSHARE_PREVERIFIED),
    (ANSWERED, Operation.DELETE_PREVERIFIED),
]


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


@pytest.mark.parametrize(("point", "operation"), CELLS)
def test_a_call_of_the_pool_whose_worker_dies_is_settled_and_has_one_effect(
    deployment: Deployed, point: str, operation: Operation
) -> None:
    meta = deployment
    requests = [PoolRequest(phone_number=SPARE)]
    meta.engine.pool.add(BUSINESS, requests, waba_id=WABA)
    worker = meta.start_worker(f"{point}/{operation}")
    if operation not in (
        Operation.ADD_PREVERIFIED, Operation.REQUEST_PREVERIFIED_CODE,
        Operation.VERIFY_PREVERIFIED,
    ):  # fmt: skip
        verified = Operation.VERIFY_PREVERIFIED
        eventually(lambda: is_done(meta, verified), lambda: story(meta), PATIENCE_S)
        go_on(meta, operation)
    eventually(lambda: not worker.is_alive, lambda: story(meta), PATIENCE_S)
    assert worker.status == -signal.SIGKILL, worker.told
    meta.bury(worker)
    (left,) = [op for op in meta.engine.pool.operations(SPARE) if op.is_open]
    assert (left.name, left.status) == (operation, OperationStatus.PENDING)
    meta.start_worker()
    eventually(lambda: is_done(meta, operation), lambda: story(meta), PATIENCE_S)
    meta.end_programs()
    assert not [op for op in meta.engine.pool.operations(SPARE) if op.is_open]
    assert sum(call["effect"] for call in meta.calls(operation.value)) == 1, story(meta)
    assert meta.engine.verify()[1] == []
