"""The skipping clock: it jumps when everybody is idle, to the next instant, and never back."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from onboarding.dispatch.control import open_control
from onboarding.dispatch.skipping import Follower, SkippingClock, Standing
from onboarding.errors import ConfigurationError, GraphError, OnboardingError, StoreError
from onboarding.simulator import Simulator
from tests.dispatch.waiting import SKIPPING, eventually

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
SLACK = timedelta(seconds=30)


def test_it_runs_in_real_time_while_anybody_is_busy(skipping: Simulator) -> None:
    clock, other = SkippingClock(skipping.control_url), SkippingClock(skipping.control_url)
    assert clock.mode == "skipping"
    assert START <= clock.now() < START + SLACK
    other.report("busy", idle=False)
    clock.report("idle", idle=True, next_due_at=START + DAY)
    clock.report("idle", idle=True, next_due_at=START + DAY)
    assert clock.now() < START + SLACK
    clock.close()
    other.close()


def test_it_jumps_to_the_next_instant_once_all_are_idle(skipping: Simulator) -> None:
    one, two = SkippingClock(skipping.control_url), SkippingClock(skipping.control_url)
    one.report("one", idle=True, next_due_at=START + 2 * DAY)
    assert START + 2 * DAY <= one.now() < START + 2 * DAY + SLACK
    epoch = one.epoch
    two.report("two", idle=True, next_due_at=START + 3 * DAY)  # judged at an older epoch
    assert two.now() < START + 3 * DAY
    assert two.epoch == epoch
    one.report("one", idle=True, next_due_at=START + 5 * DAY)
    two.report("two", idle=True, next_due_at=START + 3 * DAY)
    assert START + 3 * DAY <= two.now() < START + 3 * DAY + SLACK
    one.close()
    two.close()


def test_it_does_not_jump_past_what_somebody_has_not_seen(skipping: Simulator) -> None:
    """Whoever judged itself idle before a change must judge again."""
    one, two = SkippingClock(skipping.control_url), SkippingClock(skipping.control_url)
    two.report("two", idle=False, changed=True)
    one.report("one", idle=True, next_due_at=START + DAY)
    two.report("two", idle=True, changed=True)
    assert one.now() < START + SLACK
    for _ in range(2):  # each hears of the change, and judges again
        one.report("one", idle=True, next_due_at=START + DAY)
        two.report("two", idle=True)
    assert two.now() >= START + DAY
    one.close()
    two.close()


def test_who_leaves_is_not_waited_for(skipping: Simulator) -> None:
    one, two = SkippingClock(skipping.control_url), SkippingClock(skipping.control_url)
    two.report("two", idle=False)
    two.leave("two")
    one.report("one", idle=True, next_due_at=START + DAY)
    assert one.now() >= START + DAY
    one.close()
    two.close()


def test_it_never_goes_back(skipping: Simulator) -> None:
    clock = SkippingClock(skipping.control_url)
    seen = [clock.now()]
    for days in (1, 2, 3):
        clock.report("one", idle=True, next_due_at=START + days * DAY)
        seen.append(clock.now())
    clock._take({"now": "2026-03-02T09:00:00Z", "epoch": 9, "mode": "skipping"})
    seen.append(clock.now())
    assert seen == sorted(seen)
    assert clock.now() >= START + 3 * DAY
    clock.close()


def test_what_is_no_clock_is_told(skipping: Simulator) -> None:
    with pytest.raises(ConfigurationError, match="refused") as refused:
        SkippingClock(f"{skipping.base_url}/_sim/nothing")
    assert "control URL" in refused.value.hint
    with pytest.raises(GraphError, match="cannot be reached") as lost:
        SkippingClock("http://127.0.0.1:9/_sim")
    assert "onboarding simulator" in lost.value.hint


def test_a_follower_is_told_when_the_clock_is_lost() -> None:
    lost: list[OnboardingError] = []
    with Simulator(SKIPPING) as simulator:
        clock = SkippingClock(simulator.control_url)
        follower = Follower(clock, "one", lambda: Standing(is_idle=True), lost.append)
        follower.start()
        with open_control(simulator.control_url) as control:
            eventually(lambda: control.get("/clock").status_code == 200)
    eventually(lambda: lost)
    assert isinstance(lost[0], GraphError)
    follower.stop()
    clock.close()


def test_a_follower_whose_database_fails_counts_as_busy(skipping: Simulator) -> None:
    troubles = [StoreError("locked"), StoreError("locked")]
    stood = threading.Event()

    def standing() -> Standing:
        if troubles:
            raise troubles.pop()
        stood.set()
        return Standing(is_idle=True, next_due_at=START + DAY)

    clock = SkippingClock(skipping.control_url)
    follower = Follower(clock, "one", standing)
    follower.start()
    assert stood.wait(10)
    eventually(lambda: clock.now() >= START + DAY)
    follower.stop()
    clock.close()
