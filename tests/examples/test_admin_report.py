"""The report example, on a database that the command line reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from examples.admin_report import main
from onboarding import Engine, Entry, NumberRequest

WABA = "102290129340398"
DUE, HELD, LATER = "+16315551000", "+442079460018", "+4930901820"


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Three numbers: one is due in two days, one of the others is on hold."""
    url = f"sqlite:///{tmp_path / 'onboarding.db'}"
    monkeypatch.setenv("ONBOARDING_DATABASE_URL", url)
    signed_up = datetime.now(UTC) - timedelta(days=12)
    with Engine.open(url, upgrade=True, actor="tester") as engine:
        engine.add_account(WABA, "EAAtesttoken")
        engine.request_many(
            [
                NumberRequest(
                    waba_id=WABA,
                    phone_number=DUE,
                    display_name="Lucky Shrub",
                    entry=Entry.EMBEDDED_SIGNUP,
                    onboarded_at=signed_up,
                ),
                NumberRequest(waba_id=WABA, phone_number=HELD, display_name="Lucky Shrub London"),
                NumberRequest(waba_id=WABA, phone_number=LATER, display_name="Lucky Shrub Berlin"),
            ]
        )
        engine.hold(HELD, "contract not signed")
    return engine


@pytest.mark.usefixtures("fleet")
def test_who_is_due_and_what_waits(capfd: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == "Due within 7d: 1"
    assert DUE in lines[1]
    assert lines[2:4] == ["Waiting for a person: 1", "  operator: on hold: contract not signed"]
    assert HELD in lines[4]
    assert "onboarding release " in lines[4]
    assert len(lines) == 5


def test_an_error_of_the_program_is_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    told = capfd.readouterr()
    assert (ended.value.code, told.out) == (6, "")
    assert told.err.startswith("error: there is no database")
    assert "Traceback" not in told.err


def test_what_is_due_and_waits_for_a_person_is_an_alarm(
    fleet: Engine, capfd: pytest.CaptureFixture[str]
) -> None:
    with Engine.open(fleet.context.settings.database_url) as engine:
        engine.hold(DUE, "the customer is on holiday")
    assert main(["--within", "3d"]) == 1
    assert "Waiting for a person: 2" in capfd.readouterr().out
