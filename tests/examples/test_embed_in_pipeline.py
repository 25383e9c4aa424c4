"""The pipeline example, against a simulator whose time its waits move on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from examples.embed_in_pipeline import WABA, Order, Pipeline, main
from onboarding import Owner, Reason, State
from onboarding.testing import Rehearsal

HALF_A_MINUTE = timedelta(seconds=30)
DECLINES_CASINOS = {
    "reviewer": {
        "rules": [
            {"name": "* Casino", "first": "PENDING_REVIEW", "after": "1m", "decision": "DECLINED"}
        ]
    }
}


def run(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch, folder: Path, *orders: Order
) -> Pipeline:
    """Run the example as its users would, but on the rehearsal's clock."""
    Path(".env").write_text(f"ONBOARDING_GRAPH_BASE_URL={rehearsal.simulator.base_url}\n")
    monkeypatch.setenv("ONBOARDING_TOKEN", rehearsal.simulator.token)
    wait = waiting(rehearsal)
    if orders:
        return main(orders, folder=folder, clock=rehearsal.clock, wait=wait)
    return main(folder=folder, clock=rehearsal.clock, wait=wait)


def waiting(rehearsal: Rehearsal) -> Callable[[float], None]:
    """Let the example's waits cost nothing: a second of it is half a minute of the rehearsal."""
    return lambda seconds: rehearsal.move_to(rehearsal.clock.now() + seconds * HALF_A_MINUTE)


def test_orders_become_registered_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Rehearsal() as rehearsal:
        pipeline = run(rehearsal, monkeypatch, tmp_path)
        registers = [call["number"] for call in rehearsal.calls("register")]
    assert set(pipeline.placed) == {"order-1", "order-2"}
    assert sorted(registers) == ["16315551000", "442079460018"]
    printed = capsys.readouterr().out.splitlines()
    assert printed[:2] == [
        "order-1: +16315551000 is registered",
        "order-2: +442079460018 is registered",
    ]
    assert printed[2].startswith("order-3: refused, '+44 12' ")


def test_run_again_it_does_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = Order("order-1", WABA, "+1 631 555 1000", "Lucky Shrub")
    with Rehearsal() as rehearsal:
        first = run(rehearsal, monkeypatch, tmp_path, order)
        calls = len(rehearsal.calls("create_number", "request_code", "verify_code", "register"))
        again = run(rehearsal, monkeypatch, tmp_path, order)
        assert len(rehearsal.calls("create_number")) == 1
        made = rehearsal.calls("create_number", "request_code", "verify_code", "register")
    assert again.placed == first.placed
    assert len(made) == calls == 4


def test_it_ends_when_only_a_person_can_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    order = Order("order-1", WABA, "+1 631 555 1000", "Lucky Casino")
    with Rehearsal(DECLINES_CASINOS) as rehearsal:
        run(rehearsal, monkeypatch, tmp_path, order)
    expected = f"waiting for {Owner.PARTNER} ({Reason.NAME_DECLINED})"
    assert capsys.readouterr().out == (
        f"order-1: +16315551000 is {State.NAME_REVIEW}, {expected}\n"
    )
