"""Snapshots and runs that end the same way."""

from __future__ import annotations

import json
import random
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from onboarding.simulator import Simulator, SnapshotError
from tests.simulator.conftest import RigMaker
from tests.simulator.harness import DAY, HOUR, Rig, business, refusal, scenario

FAULTS = [
    {"kind": "error_500_transient", "endpoint": "create_number", "rate": 0.2, "after_effect": True},
    {"kind": "drop_after_effect", "endpoint": "request_code", "rate": 0.2},
    {"kind": "drop_before_effect", "endpoint": "register", "attempts": [1]},
    {"kind": "lagging_list", "rate": 0.5, "seconds": "30s"},
]
ROOMY = {
    "numbers_per_verified_business": 1000,
    "numbers_per_waba": 1000,
    "management_calls": 100_000,
    "request_code_gap": "0s",
}


def test_snapshot_brings_everything_back(start: RigMaker) -> None:
    given: dict[str, Any] = {
        "businesses": [business(subscribed=True)],
        "reviewer": {"default": {"first": "PENDING_REVIEW", "after": "2d"}},
        "faults": [{"kind": "html_502", "endpoint": "read_waba", "times": 1}],
    }
    first = start(**given)
    number_id = first.verified()
    other = first.create("5531984271278")
    first.request_code(other)
    first.control("POST", f"numbers/{number_id}", {"deleted": True})
    first.advance(HOUR)
    snapshot = first.control("GET", "snapshot")

    second = start(**given)
    second.control("POST", "snapshot", json.loads(json.dumps(snapshot)))
    for path in ("state", "calls", "webhooks", "inbox", "faults"):
        assert second.control("GET", path) == first.control("GET", path)
    clocks = [rig.control("GET", "clock") for rig in (first, second)]
    assert [clock["now"] for clock in clocks] == ["2026-11-02T10:00:00.000000Z"] * 2
    assert clocks[0]["next_event_at"] == clocks[1]["next_event_at"]
    assert second.listed() == first.listed() | {"paging": second.listed()["paging"]}
    for rig in (first, second):
        rig.advance(2 * DAY)
    assert second.control("GET", "webhooks") == first.control("GET", "webhooks")
    assert refusal(second.verify_code(other, second.last_code("553184271278"))) == (
        400,
        136025,
        2388093,
    )


def test_snapshot_of_a_release_without_migration_and_pool_can_be_read(rig: Rig) -> None:
    number_id = rig.registered()
    snapshot = rig.control("GET", "snapshot")
    del snapshot["state"]["preverified"]
    for name in ("migrates_from", "migrated_to", "migrated_at", "is_preverified", "register_by"):
        del snapshot["state"]["numbers"][number_id][name]
    for waba in snapshot["state"]["wabas"].values():
        del waba["has_payment_method"], waba["is_messaging_for_approved"]
    known = rig.control("GET", "state")
    rig.control("POST", "snapshot", snapshot)
    assert rig.control("GET", "state") == known


@pytest.mark.parametrize(
    "given", [{}, [], {"format": 99}, {"format": 1, "clock": {}}, {"format": 1, "clock": 7}]
)
def test_what_is_no_snapshot_is_refused_and_changes_nothing(rig: Rig, given: object) -> None:
    number_id = rig.create()
    response = rig.http.post("/_sim/snapshot", json=given)
    assert response.status_code == 400
    assert response.json()["error"]
    assert rig.read(number_id, "status")["status"] == "PENDING"


def test_file_is_read_at_the_start_and_written_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    for attempt in range(3):
        with Simulator(scenario({}), snapshot=path) as simulator:
            rig = Rig(simulator)
            assert len(rig.listed()["data"]) == attempt
            rig.create(f"1419555000{attempt}")
            rig.advance(60)
            rig.http.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    saved = json.loads(path.read_text(encoding="utf-8"))
    assert saved["clock"]["now"].startswith("2026-11-02T09:03:00")
    assert list(tmp_path.iterdir()) == [path]


def test_file_that_is_no_snapshot_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(SnapshotError, match=r"snapshot\.json"), Simulator(snapshot=path):
        pass
    assert path.read_text(encoding="utf-8") == "{"


def test_real_clock_keeps_its_offset_over_a_snapshot(start: RigMaker) -> None:
    first = start(clock={"mode": "real"})
    first.advance(30 * DAY)
    snapshot = first.control("GET", "snapshot")
    second = start(clock={"mode": "manual"})
    status = second.control("POST", "snapshot", snapshot)
    assert status["mode"] == "real"
    assert status["now"] >= snapshot["clock"]["now"].replace("+00:00", "Z")


class Journey:
    """What one number goes through, over a connection of its own."""

    def __init__(self, rig: Rig, phone: str) -> None:
        self.rig = rig
        self.phone = phone
        self.seen: list[str] = []

    def run(self) -> tuple[str, ...]:
        params = {"phone_number": self.phone, "verified_name": f"Shop {self.phone[-2:]}"}
        self.call("102290129340398/phone_numbers", params)
        number_id = next(
            one["id"]
            for one in self.rig.control("GET", "state")["numbers"]
            if one["digits"] == self.phone
        )
        self.seen.append(number_id)
        self.call(f"{number_id}/request_code", {"code_method": "SMS", "language": "en_US"})
        self.call(f"{number_id}/verify_code", {"code": self.rig.last_code(self.phone)})
        for _ in range(3):
            self.call(f"{number_id}/register", {"messaging_product": "whatsapp", "pin": "123456"})
        return tuple(self.seen)

    def call(self, path: str, params: dict[str, str]) -> None:
        try:
            response = self.rig.graph("POST", path, params)
        except httpx.RemoteProtocolError:
            self.seen.append("dropped")
        else:
            body = response.json()
            self.seen.append(f"{response.status_code} {body.get('error', {}).get('code')}")


def run_all(rig: Rig, phones: list[str]) -> dict[str, tuple[str, ...]]:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda phone: Journey(rig, phone).run(), phones))
    ends = {
        one["digits"]: (one["status"], one["registered_at"], one["listed_from"])
        for one in rig.control("GET", "state")["numbers"]
    }
    log: dict[str, list[Any]] = {phone: [] for phone in phones}
    for call in rig.calls():
        log[call["number"]].append(
            (call["endpoint"], call["attempt"], call["fault"], call["effect"])
        )
    return {
        phone: (*seen, str(ends[phone]), str(log[phone]))
        for phone, seen in zip(phones, results, strict=True)
    }


def test_each_number_fares_the_same_in_any_order_and_concurrency(start: RigMaker) -> None:
    phones = [f"1419555{index:04d}" for index in range(40)]
    outcomes = []
    for shuffle in (1, 2):
        rules = [{"name": "Shop ?7", "first": "PENDING_REVIEW"}]
        rig = start(seed=11, faults=FAULTS, limits=ROOMY, reviewer={"rules": rules})
        order = phones[:]
        random.Random(shuffle).shuffle(order)  # noqa: S311 - an order, not a secret
        outcomes.append(run_all(rig, order))
    assert outcomes[0] == outcomes[1]
    assert len({outcome[:1] for outcome in outcomes[0].values()}) > 1
