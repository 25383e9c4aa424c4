"""The intake example: codes of hosted numbers are read, those of others are left to people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from examples.code_intake import Switchboard, serve_once
from onboarding import Engine, Onboarding, Reason, State
from onboarding.testing import Rehearsal

HOSTED, OTHER = "+16315551000", "+442079460018"


@contextmanager
def switchboard_engine(rehearsal: Rehearsal, switchboard: Switchboard) -> Iterator[Engine]:
    """Open an engine whose only intake is the switchboard, on the rehearsal's database."""
    url = rehearsal.engine.context.settings.database_url
    base_url = rehearsal.simulator.base_url
    with Engine.open(
        url, clock=rehearsal.clock, graph_base_url=base_url, intakes=[switchboard]
    ) as engine:
        yield engine


def serve(rehearsal: Rehearsal, engine: Engine, switchboard: Switchboard) -> None:
    """Serve for ten minutes of the rehearsal."""
    end = rehearsal.clock.now() + timedelta(minutes=10)
    while rehearsal.clock.now() < end:
        if not serve_once(engine, switchboard):
            rehearsal.move_to(rehearsal.clock.now() + timedelta(seconds=30))


def ask_for_both(rehearsal: Rehearsal) -> None:
    rehearsal.request(HOSTED, "Lucky Shrub")
    rehearsal.request(OTHER, "Lucky Shrub London")


def test_a_hosted_number_is_registered_and_another_waits_for_its_holder() -> None:
    with Rehearsal(reads_codes=False) as rehearsal:
        switchboard = Switchboard(rehearsal.simulator.control_url, [HOSTED])
        ask_for_both(rehearsal)
        with switchboard_engine(rehearsal, switchboard) as engine:
            serve(rehearsal, engine, switchboard)
            assert engine.get(HOSTED).state is State.REGISTERED
            other = engine.get(OTHER)
            actors = {entry.actor for _, entry in engine.history(HOSTED)}
        assert (other.state, other.waiting) == (State.CREATED, Reason.CODE_READY)
        assert "switchboard" in actors
        assert [call["number"] for call in rehearsal.calls("request_code")] == [HOSTED[1:]]


def test_while_the_line_is_down_no_code_is_asked_for() -> None:
    with Rehearsal(reads_codes=False) as rehearsal:
        switchboard = Switchboard("http://127.0.0.1:9", [HOSTED])
        rehearsal.request(HOSTED, "Lucky Shrub")
        with switchboard_engine(rehearsal, switchboard) as engine:
            serve(rehearsal, engine, switchboard)
            assert not switchboard.is_up
            assert engine.get(HOSTED).waiting is Reason.CODE_READY
        assert not rehearsal.calls("request_code")


def test_a_message_that_nobody_waits_for_stops_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Rehearsal(reads_codes=False) as rehearsal:
        switchboard = Switchboard(rehearsal.simulator.control_url, [HOSTED])
        asked: Onboarding = rehearsal.request(HOSTED, "Lucky Shrub")
        with switchboard_engine(rehearsal, switchboard) as engine:
            serve(rehearsal, engine, switchboard)
            switchboard._seen = 0
            serve_once(engine, switchboard)
            assert engine.get(asked.id).state is State.REGISTERED
    assert HOSTED in capsys.readouterr().out
