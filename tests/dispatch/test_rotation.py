"""Key and token are replaced while a worker is at work, and no number notices."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet

from onboarding import Engine, NumberRequest, State
from onboarding.dispatch.control import open_control
from onboarding.dispatch.worker import Worker
from onboarding.engine.vault import Vault
from onboarding.simulator import Simulator
from onboarding.store.database import reading
from onboarding.store.journal import count_open
from tests.dispatch.waiting import WABA, eventually

COUNT = 10
OLD_TOKEN, NEW_TOKEN = "EAAoldtokenABCDEF0123456789", "EAAnewtokenABCDEF0123456789"

#: Everything that has to wait at Meta is over at once; business time is real here.
PLAYED: dict[str, Any] = {
    "businesses": [{"id": "506914307656634", "wabas": [{"id": WABA, "max_phone_numbers": 99}]}],
    "tokens": [{"value": OLD_TOKEN}],
    "limits": {"numbers_per_verified_business": 99, "management_calls": 100_000},
    "registration": {"connected_after": "0s"},
    # Calls take a while, so that some are always on their way.
    "faults": [{"kind": "latency", "seconds": 0.2}],
}
EAGER: dict[str, Any] = {
    "poll_seconds": 0.05, "list_interval_seconds": 0.2, "waba_calls_per_hour": 5000,
    "send_within_seconds": 5, "call_timeout_seconds": 10, "settle_seconds": 20,
}  # fmt: skip


def number_of(place: int) -> str:
    return f"+4930123456{place:02}"


def registered(engine: Engine) -> int:
    return sum(1 for _ in engine.find_all(states=[State.REGISTERED]))


@pytest.mark.quick_on("postgresql")
def test_key_and_token_are_replaced_while_a_worker_is_at_work(database_url: str) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    with (
        Simulator(PLAYED) as simulator,
        open_control(simulator.control_url) as control,
    ):
        given = {"graph_base_url": simulator.base_url, **EAGER}
        with Engine.open(database_url, upgrade=True, secret_key=old, **given) as engine:
            engine.add_account(WABA, OLD_TOKEN)
            for place in range(COUNT):
                body = {"waba_id": WABA, "phone_number": number_of(place), "verified_name": "Shop"}
                control.post("/embedded_signup", json=body).raise_for_status()
        with Engine.open(database_url, secret_key=f"{new},{old}", **given) as engine:
            _replace_both(engine, control)
            made = control.get("/calls").json()["calls"]
            assert sum(call["endpoint"] == "register" for call in made) == COUNT
            assert not [call for call in made if call["code"] in (190, 133005)]
            assert engine.verify()[1] == []
    with Engine.open(database_url, secret_key=new) as engine:
        vault = Vault(new)
        assert all(vault.is_newest(row.pin_sealed or "") for row in engine.find_all())
        assert vault.open(engine.account(WABA).token_sealed) == NEW_TOKEN


def _replace_both(engine: Engine, control: httpx.Client) -> None:
    """Ask for all numbers, and replace token and key while they are being registered."""
    worker = Worker(engine)
    worker.start()
    try:
        half = COUNT // 2
        for places in (range(half), range(half, COUNT)):
            engine.request_many(
                [
                    NumberRequest(
                        waba_id=WABA, phone_number=number_of(place), display_name="Shop",
                        entry="embedded_signup",
                    )
                    for place in places
                ]
            )  # fmt: skip
            eventually(lambda: _is_registering(control), within_s=60)
            if places.start == 0:
                made = {"token": NEW_TOKEN, "dead": False, "wabas": "all"}
                control.post("/tokens", json=made).raise_for_status()
                engine.add_account(WABA, NEW_TOKEN)
                assert engine.secrets.rotate("in the middle").is_new
                eventually(lambda: not engine.account(WABA).has_next_token, within_s=60)
        eventually(lambda: registered(engine) == COUNT, within_s=100)
        eventually(lambda: _open(engine) == 0, within_s=60)
    finally:
        worker.stop()


def _is_registering(control: httpx.Client) -> bool:
    return any(call["endpoint"] == "register" for call in control.get("/calls").json()["calls"])


def _open(engine: Engine) -> int:
    with reading(engine.context.database) as conn:
        return count_open(conn)
