"""What users' own tests work with: ``onboarding.testing``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import httpx
import pytest

from onboarding import State
from onboarding.testing import START, FrozenClock, Rehearsal


def test_a_frozen_clock_moves_only_when_told_and_only_forward() -> None:
    clock = FrozenClock()
    assert clock.now() == clock.now() == START
    assert clock.advance(timedelta(hours=1)) == START + timedelta(hours=1)
    east = datetime(2026, 3, 2, 16, tzinfo=timezone(timedelta(hours=5)))
    assert clock.move_to(east) == datetime(2026, 3, 2, 11, tzinfo=UTC)
    assert clock.now().tzinfo is UTC
    with pytest.raises(ValueError, match="never goes back"):
        clock.advance(timedelta(seconds=-1))


def test_a_rehearsal_takes_a_number_to_its_registration() -> None:
    with Rehearsal() as rehearsal:
        rehearsal.request("+49 30 1234567")
        end = rehearsal.run()
        assert rehearsal.engine.get("+49 30 1234567").state is State.REGISTERED
        assert rehearsal.clock.now() == end
        assert rehearsal.calls("register")
        base_url = rehearsal.simulator.base_url
    with pytest.raises(httpx.TransportError):
        httpx.get(base_url, trust_env=False)


def test_a_rehearsal_keeps_its_folder(tmp_path: Path) -> None:
    for _ in range(2):
        with Rehearsal(folder=tmp_path, actor="ada") as rehearsal:
            receipt = rehearsal.request("+49 30 1234567")
            assert receipt.requested_by == "ada"
    assert (tmp_path / "onboarding.db").exists()


def test_a_rehearsal_lets_time_pass_as_long_as_it_is_told() -> None:
    with Rehearsal({"codes": {"delivery": "20s"}}, reads_codes=False) as rehearsal:
        rehearsal.request("+49 30 1234567")
        rehearsal.engine.code_ready("+49 30 1234567")
        start = rehearsal.clock.now()
        assert rehearsal.run(most=timedelta(seconds=10)) == start + timedelta(seconds=10)
        assert rehearsal.messages("+49 30 1234567") == []
        arrived = rehearsal.run(until=lambda: bool(rehearsal.messages("+49 30 1234567")))
        assert arrived == start + timedelta(seconds=20)
        assert len(rehearsal.last_code("+49 30 1234567")) == 6


def test_a_rehearsal_fails_to_open_without_leaving_anything_behind(tmp_path: Path) -> None:
    with (
        pytest.raises(Exception, match="SETTLE"),
        Rehearsal(folder=tmp_path, settle_seconds=1),
    ):
        pass
    with Rehearsal(folder=tmp_path) as rehearsal:
        assert rehearsal.engine.accounts()
