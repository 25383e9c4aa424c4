"""A process dies in the middle of a call about an account: a code is exchanged, a callback is set.

The code of Embedded Signup works once. Whoever exchanges it may die at any point; it is never
exchanged again, and a person is told what to do where its token was lost.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from onboarding.engine.crash_points import (
    ANSWERED,
    APPLIED,
    CLAIMED,
    INTENDED,
    INTENT_WRITTEN,
    OUTCOME_WRITTEN,
)
from onboarding.model import Operation, Reason, State
from tests.engine.conftest import Deployments
from tests.kills.deployed import WABA, WORLD, Deployed, deployed, eventually
from tests.kills.program import Program
from tests.kills.test_kills import EVERY_POINT, PATIENCE_S, SENT

CUSTOMER, NUMBER = "204400000000001", "+493012345671"
CALLBACK = "https://hooks.example/lucky"
APP: dict[str, Any] = {"app_id": "634974688087057", "app_secret": "app-secret-of-the-tests"}

#: A code that is not sent in time is not sent again: the machine may be busy that starts the
#: programs, and a person would have to hand it over again, which is another test.
PATIENT: dict[str, Any] = {"send_within_seconds": 4, "settle_seconds": 5}

#: The customer's WABA is not known to the engine before it is handed over.
_BUSINESSES = [*WORLD["businesses"], {"id": "700000000000001", "wabas": [{"id": CUSTOMER}]}]
_WORLD = {**WORLD, "businesses": _BUSINESSES, "app": {"secret": APP["app_secret"]}}

#: Deaths by which a code is used up, or may be, and its token is nowhere.
_LOST = (INTENDED, SENT, ANSWERED, OUTCOME_WRITTEN)


@pytest.fixture
def deployment(deployments: Deployments, tmp_path: Path) -> Iterator[Deployed]:
    with ExitStack() as stack:
        folder = tmp_path / "deployment"
        settings = stack.enter_context(deployments.copy(folder))
        yield stack.enter_context(deployed(folder, {**settings, **APP, **PATIENT}, _WORLD))


def story(meta: Deployed) -> str:
    told = [
        f"{e.at:%d %H:%M:%S} {e.trigger}: {e.reason}"
        for account in meta.engine.accounts()
        for _, e in meta.engine.account_history(account.waba_id)
    ]
    return "\n".join([*told, *(f"--- {p.status}\n{p.told[-3000:]}" for p in meta.programs)])


def until(meta: Deployed, holds: Any) -> None:
    eventually(holds, lambda: story(meta), PATIENCE_S)


def be_killed(meta: Deployed, program: Program, point: str, endpoint: str, calls: int = 1) -> None:
    """Wait until a program died at its point, or kill it while its call is with Meta."""
    if point == SENT:
        until(meta, lambda: len(meta.calls(endpoint)) == calls)
        program.send(signal.SIGKILL)
    until(meta, lambda: not program.is_alive)
    assert program.status == -signal.SIGKILL, program.told
    meta.bury(program)


def hand_over(meta: Deployed, crash_at: str | None = None) -> Program:
    """Let the customer finish Embedded Signup, and hand over what the browser got."""
    body = {"waba_id": CUSTOMER, "phone_number": NUMBER, "verified_name": "Lucky Shrub"}
    file = meta.folder / "handover.json"
    file.write_text(json.dumps(meta.tell("/embedded_signup/session", body)))
    return meta.start("request", "--signup-event", str(file), crash_at=crash_at)


def slow(meta: Deployed, endpoint: str, **given: Any) -> None:
    meta.tell("/faults", {"kind": "latency", "endpoint": endpoint, "seconds": "600ms", **given})


@pytest.mark.parametrize("operation", [Operation.EXCHANGE_CODE])
@pytest.mark.parametrize("point", [point for point in EVERY_POINT if point != CLAIMED])
def test_a_code_is_never_exchanged_twice_and_a_person_is_told_of_a_lost_token(
    deployment: Deployed, point: str, operation: Operation
) -> None:
    meta = deployment
    if point == SENT:
        slow(meta, operation.value, times=1)
    for _ in range(2):
        meta.start_worker()
    dying = hand_over(meta, None if point == SENT else f"{point}/{operation}")
    be_killed(meta, dying, point, operation.value)
    if point in _LOST:
        until(meta, lambda: meta.engine.account(CUSTOMER).hold is Reason.ACCOUNT_HELD)
        assert "run Embedded Signup again" in (meta.engine.account(CUSTOMER).hold_text or "")
        again = meta.start("request", "--signup-event", str(meta.folder / "handover.json"))
        until(meta, lambda: not again.is_alive)
        assert "handed over before" in again.told
    if point in (*_LOST, INTENT_WRITTEN):
        again = hand_over(meta)
        until(meta, lambda: not again.is_alive)
        assert again.status == 0, again.told
    until(meta, lambda: is_registered(meta))
    until(meta, lambda: meta.engine.overview().open_calls == 0)
    meta.end_programs()
    check_exchanges(meta, most=1 if point in (INTENDED, INTENT_WRITTEN, APPLIED) else 2)
    assert meta.faults() == [], story(meta)
    told = [entry.trigger for _, entry in meta.engine.account_history(CUSTOMER)]
    assert told.count("account_held") == (point in _LOST)


def is_registered(meta: Deployed) -> bool:
    found = meta.engine.find(phone_number=NUMBER).items
    return [row.state for row in found] == [State.REGISTERED]


def check_exchanges(meta: Deployed, most: int) -> None:
    """Ask the simulator's log: no code twice, and one for each session that got that far."""
    sent = [call["params"]["code_digest"] for call in meta.calls("exchange_code")]
    assert len(set(sent)) == len(sent) == most, story(meta)


@pytest.mark.parametrize("operation", [Operation.SET_CALLBACK])
@pytest.mark.parametrize("point", EVERY_POINT)
def test_a_callback_is_set_whoever_dies_while_it_is(
    deployment: Deployed, point: str, operation: Operation
) -> None:
    meta = deployment
    if point == SENT:
        slow(meta, "subscribe_app", attempts=[2])
    meta.engine.tokens.set_callback(WABA, CALLBACK, verify_token="shown first")
    dying = meta.start_worker(None if point == SENT else f"{point}/{operation}")
    be_killed(meta, dying, point, "subscribe_app", calls=2)
    for _ in range(2):
        meta.start_worker()
    until(meta, lambda: callback_at_meta(meta) == CALLBACK)
    until(meta, lambda: meta.engine.overview().open_calls == 0)
    meta.end_programs()
    made = meta.calls("subscribe_app")
    assert "override_callback_uri" not in made[0]["params"]
    assert sum(call["effect"] for call in made) == 2, story(meta)
    assert meta.engine.account(WABA).hold is None
    assert meta.faults() == [], story(meta)


def callback_at_meta(meta: Deployed) -> str | None:
    wabas = meta.control.get("/state").json()["wabas"]
    found: str | None = next(w["override_callback_uri"] for w in wabas if w["id"] == WABA)
    return found
