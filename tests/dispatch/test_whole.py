"""A small fleet on the skipping clock: weeks in seconds, and the same story on each database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from onboarding import Engine, NumberRequest, State
from onboarding.core.timing import iso
from onboarding.dispatch.control import open_control
from onboarding.dispatch.holder import Habit, Holder
from onboarding.dispatch.skipping import Follower, SkippingClock, Standing
from onboarding.dispatch.worker import Worker
from onboarding.model import Reason
from onboarding.simulator import Simulator
from tests.dispatch.waiting import SHORT, SKIPPING, WABA
from tests.postgres import create_database, drop_database

DAYS = timedelta(days=21)

SCENARIO: dict[str, Any] = {
    **SKIPPING,
    # Time does not jump before worker, holders and the test itself have said how they stand.
    "clock": {**SKIPPING["clock"], "participants": 3},
    "reviewer": {
        "rules": [
            {"name": "Slow*", "first": "PENDING_REVIEW", "after": "3d"},
            {"name": "Casino*", "first": "PENDING_REVIEW", "after": "1d", "decision": "DECLINED"},
            {"name": "Never*", "first": "PENDING_REVIEW", "decision": "never"},
        ]
    },
    "faults": [
        {"kind": "error_500_transient", "number": "493012345605", "endpoint": "register",
         "attempts": [1]},
        {"kind": "flapping_status", "number": "493012345606", "rate": 0.3},
        {"kind": "refuse", "number": "493012345607", "endpoint": "register", "code": 100,
         "subcode": 2388001, "attempts": [1, 2]},
    ],
}  # fmt: skip

HABITS = (
    Habit(name="Lost*", misses=9),
    Habit(name="Typo*", mistypes=1),
    Habit(name="Late*", misses=1),
)

#: However busy the machine is, no call is late: that would be another story.
PATIENT: dict[str, Any] = {
    **SHORT, "send_within_seconds": 2, "call_timeout_seconds": 2.5, "settle_seconds": 5,
    "lease_seconds": 6,
}  # fmt: skip

#: Name, entry, and where each number must be after three weeks.
FLEET = {
    "Lucky 1": ("new", State.REGISTERED, Reason.DONE),
    "Slow 2": ("new", State.REGISTERED, Reason.DONE),
    "Casino 3": ("new", State.NAME_REVIEW, Reason.NAME_DECLINED),
    "Lost 4": ("new", State.OTP_PENDING, Reason.CODE_READY),
    "Lucky 5": ("new", State.REGISTERED, Reason.DONE),
    "Lucky 6": ("new", State.REGISTERED, Reason.DONE),
    "Lucky 7": ("new", State.REGISTERED, Reason.DONE),
    "Typo 8": ("new", State.REGISTERED, Reason.DONE),
    "Late 9": ("new", State.REGISTERED, Reason.DONE),
    "Lucky 10": ("embedded_signup", State.REGISTERED, Reason.DONE),
    "Never 11": ("embedded_signup", State.EXPIRED, Reason.OVER),
    "Slow 12": ("embedded_signup", State.REGISTERED, Reason.DONE),
}

Story = list[tuple[str, str, str]]


def number_of(place: int) -> str:
    return f"+4930123456{place:02}"


class Fleet:
    """Twelve numbers, their holders and one worker, on a simulator's clock."""

    def __init__(self, url: str, simulator: Simulator) -> None:
        self.simulator = simulator
        self.clock = SkippingClock(simulator.control_url)
        self.holder = Holder(
            control_url=simulator.control_url,
            delay=(timedelta(seconds=40), timedelta(minutes=4)),
            habits=HABITS,
        )
        self.engine = Engine.open(
            url, upgrade=True, clock=self.clock,
            intakes=[self.holder], graph_base_url=simulator.base_url, **PATIENT,
        )  # fmt: skip
        self.engine.add_account(WABA, simulator.token)
        self._request()

    def _request(self) -> None:
        onboarded_at = self.clock.now() - timedelta(days=1)
        with open_control(self.simulator.control_url) as control:
            for place, (name, (entry, _, _)) in enumerate(FLEET.items(), start=1):
                if entry == "embedded_signup":
                    signup = {
                        "waba_id": WABA, "phone_number": number_of(place), "verified_name": name,
                        "at": iso(onboarded_at),
                    }  # fmt: skip
                    control.post("/embedded_signup", json=signup).raise_for_status()
        self.engine.request_many(
            [
                NumberRequest(
                    waba_id=WABA, phone_number=number_of(place), display_name=name, entry=entry,
                    onboarded_at=onboarded_at if entry == "embedded_signup" else None,
                )
                for place, (name, (entry, _, _)) in enumerate(FLEET.items(), start=1)
            ]
        )  # fmt: skip

    def live(self) -> None:
        """Let three weeks pass."""
        over, ends_at = threading.Event(), self.clock.now() + DAYS
        watching = SkippingClock(self.simulator.control_url)

        def stands() -> Standing:
            if watching.now() >= ends_at:
                over.set()
                return Standing(is_idle=False)
            return Standing(is_idle=True, next_due_at=ends_at)

        worker = Worker(self.engine)
        parts = [
            Follower(watching, "watch", stands),
            Follower(self.clock, "worker", worker.stands),
        ]
        with closing(watching), _running(worker, parts):
            self.holder.start(self.engine)
            assert over.wait(60), "three weeks take seconds"
            self.holder.stop()

    def stories(self) -> dict[str, Story]:
        """Return the transitions and notes of each number, without their instants."""
        return {
            name: [
                (entry.trigger, entry.source, entry.dest)
                for _, entry in self.engine.history(number_of(place))
            ]
            for place, name in enumerate(FLEET, start=1)
        }

    def close(self) -> None:
        """Close everything."""
        self.engine.close()
        self.clock.close()


@contextmanager
def _running(worker: Worker, followers: list[Follower]) -> Iterator[None]:
    worker.start()
    for follower in followers:
        follower.start()
    try:
        yield
    finally:
        for follower in followers:
            follower.stop()
        worker.stop()


@pytest.fixture
def lives(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[dict[str, Any], dict[str, Story]]]:
    """One fleet, twice, on each database: where each number ended, and its story."""
    monkeypatch.setenv("ONBOARDING_SECRET_KEY", Fernet.generate_key().decode())
    urls = [f"sqlite:///{tmp_path}/life.db", create_database(postgres_url)]
    found = []
    for url in urls:
        with ExitStack() as stack:
            simulator = stack.enter_context(Simulator(SCENARIO))
            fleet = stack.enter_context(closing(Fleet(url, simulator)))
            fleet.live()
            rows = {row.display_name: (row.state, row.waiting) for row in fleet.engine.find_all()}
            assert fleet.engine.verify()[1] == []
            found.append((rows, fleet.stories()))
    drop_database(urls[-1])
    return found


def test_everybody_ends_where_they_must_and_has_the_same_story_on_each_database(
    lives: list[tuple[dict[str, Any], dict[str, Story]]],
) -> None:
    (_, told), *_ = lives
    for name, (_, state, waiting) in FLEET.items():
        for ends, stories in lives:
            assert ends[name] == (state, waiting), stories[name]
            assert stories[name] == told[name]
