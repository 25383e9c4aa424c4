"""Alerts: who is told of what waits too long, who next, what an acknowledgement stops."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from onboarding.engine.adopting import adopt_rules
from onboarding.errors import InputError, NotFoundError, TransitionRefusedError
from onboarding.model import Reason, State
from tests.engine.rehearsing import (
    DAY,
    HOUR,
    MINUTE,
    NUMBER,
    START,
    WABA,
    Rehearse,
    Rehearsed,
    roomy,
)
from tests.engine.telling import Listening, file_of, listen, told

ROOMS = "".join(
    f'[channels.{name}]\nkind = "chat"\nurl = "http://127.0.0.1:9/{name}"\n'
    for name in ("ops", "oncall", "lead", "partners")
)
LADDER = """
[[ladder]]
name = "inform"
at = "1/2"
audience = "partner"
channels = ["partners"]

[[ladder]]
name = "soon"
left = "3d"
channels = ["ops"]
then = ["oncall"]
after = "4h"
"""
CODE = """
[[overdue]]
needs = ["code"]
longer_than = "24h"
channels = ["ops"]
then = ["oncall"]
after = "4h"
"""
TOKEN = '\n[[overdue]]\nneeds = ["token"]\nlonger_than = "1h"\nchannels = ["ops"]\n'

EVENTS_OF_ALERTS = ("overdue", "unacknowledged")


def opened(rehearse: Rehearse, folder: Path, *parts: str, **given: Any) -> Rehearsed:
    """Open a rehearsal by a file, in which nobody reads codes."""
    meta = rehearse(notify_file=file_of(folder, ROOMS, *parts), **given)
    meta.reads_codes = False
    return meta


def at(events: list[dict[str, Any]]) -> list[datetime]:
    return [datetime.fromisoformat(event["at"]) for event in events]


def types(rooms: dict[str, Listening]) -> dict[str, list[str]]:
    return {name: room.types for name, room in rooms.items()}


# Rungs


def test_rungs_by_share_and_by_time_left_reach_their_channels(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    meta = opened(rehearse, tmp_path, LADDER)
    rooms = listen(meta, "ops", "oncall", "partners", "log")
    meta.ask()
    meta.run(most=20 * DAY)
    raised = told(meta, "escalation")
    assert [event["data"]["rung"] for event in raised] == ["inform", "soon", "end"]
    assert at(raised) == [START + 7 * DAY, START + 11 * DAY, START + 14 * DAY]
    assert types(rooms) == {
        "partners": ["escalation"],
        "ops": ["escalation"],
        "oncall": ["unacknowledged"] * (9 * DAY // (4 * HOUR)),  # as long as nobody answers
        "log": ["overdue", "escalation"],  # the end, and what the file does not mention
    }
    (informed,), (paged, *_) = rooms["partners"].messages, rooms["oncall"].messages
    assert informed.event["audience"] == "partner"
    for part in (NUMBER, "holder", "2026-03-16 09:00 UTC", "7.0 days left", "--ready"):
        assert part in informed.text
    assert at(told(meta, "unacknowledged"))[0] == START + 11 * DAY + 4 * HOUR
    assert "onboarding ack" in paged.text


def test_a_window_that_closed_in_an_outage_is_told(rehearse: Rehearse, tmp_path: Path) -> None:
    meta = opened(rehearse, tmp_path)
    log = listen(meta, "log")["log"]
    meta.ask(entry="embedded_signup", onboarded_at=START)
    meta.wait(DAY)
    meta.move_to(START + 15 * DAY)
    meta.settle()
    assert meta.state() is State.EXPIRED
    (raised,) = told(meta, "escalation")
    assert (raised["data"]["rung"], raised["data"]["collapsed"]) == (
        "end", ["inform", "urge", "page"],
    )  # fmt: skip
    (heard,) = [m for m in log.messages if m.event["type"] == "escalation"]
    for part in (NUMBER, "over for 24.0 hours", "partner", "Embedded Signup", "onboarding restart"):
        assert part in heard.text
    meta.wait(10 * DAY)
    assert (len(told(meta, "escalation")), meta.triggers().count("escalated")) == (1, 1)
    assert meta.engine.verify()[1] == []


def test_an_acknowledgement_stops_the_next_person_until_it_ends(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    meta = opened(rehearse, tmp_path, LADDER)
    oncall = listen(meta, "ops", "oncall", "partners")["oncall"]
    meta.ask()
    meta.wait(11 * DAY + HOUR)
    until = meta.clock.now() + 12 * HOUR
    meta.engine.acknowledge(NUMBER, until=until, reason="calling", actor="ada")
    meta.wait(11 * HOUR)
    assert oncall.types == []
    entry = [e for _, e in meta.engine.history(NUMBER) if e.trigger == "acknowledged"][-1]
    assert (entry.actor, "calling" in entry.reason) == ("ada", True)
    assert told(meta, "acknowledged")[-1]["data"]["by"] == "ada"
    meta.wait(2 * HOUR)
    assert oncall.types == ["unacknowledged"]
    assert at(told(meta, "unacknowledged")) == [until]
    meta.wait(6 * HOUR)
    assert at(told(meta, "unacknowledged")) == [until, until + 4 * HOUR]
    meta.engine.acknowledge(NUMBER, until=meta.clock.now() + 2 * DAY, actor="ada")
    meta.wait(DAY)
    assert oncall.types == ["unacknowledged"] * 2


def test_those_next_are_told_in_turn_until_somebody_answers(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    in_turn = CODE.replace('["oncall"]', '["oncall", "lead"]')
    meta = opened(rehearse, tmp_path, in_turn)
    rooms = listen(meta, "ops", "oncall", "lead")
    meta.ask()
    meta.wait(DAY + 13 * HOUR)
    assert types(rooms) == {
        "ops": ["overdue"], "oncall": ["unacknowledged"] * 2, "lead": ["unacknowledged"],
    }  # fmt: skip
    events = told(meta, "unacknowledged")
    assert at(events) == [START + DAY + after * HOUR for after in (4, 8, 12)]
    assert [event["data"]["told"] for event in events] == [
        ["ops"], ["ops", "oncall"], ["ops", "oncall", "lead"],
    ]  # fmt: skip
    meta.move_to(START + 9 * DAY)  # an outage: no storm afterwards
    meta.settle()
    assert len(told(meta, "unacknowledged")) == 4
    meta.engine.code_ready(NUMBER)
    meta.reads_codes = True
    meta.run_to(State.REGISTERED)
    meta.wait(2 * DAY)
    assert len(told(meta, "unacknowledged")) == 4


def test_snoozing_puts_rungs_off_but_never_the_end(rehearse: Rehearse, tmp_path: Path) -> None:
    meta = opened(rehearse, tmp_path)
    meta.ask()
    deadline = meta.engine.snooze(NUMBER, until=START + 10 * DAY, reason="away", actor="ada")
    assert (deadline.next_rung_at, deadline.due_at) == (START + 10 * DAY, START + 14 * DAY)
    meta.wait(10 * DAY + MINUTE)
    (raised,) = told(meta, "escalation")
    assert (raised["data"]["rung"], raised["data"]["collapsed"]) == ("urge", ["inform"])
    meta.engine.snooze(NUMBER, until=START + 40 * DAY)
    assert meta.engine.deadlines(NUMBER)[0].due_at == START + 14 * DAY
    meta.run(most=20 * DAY)
    last = told(meta, "escalation")[-1]
    assert (last["data"]["rung"], last["data"]["collapsed"]) == ("end", ["page"])
    assert at([last]) == [START + 14 * DAY]
    assert meta.triggers().count("snoozed") == 2


def test_whoever_snoozes_in_their_own_zone_is_told_of_in_utc(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    meta = opened(rehearse, tmp_path)
    meta.ask()
    east = (START + 10 * DAY).astimezone(timezone(timedelta(hours=5, minutes=30)))
    meta.engine.snooze(NUMBER, until=east)
    last = meta.engine.history(NUMBER)[-1][1]
    assert last.reason == f"until {START + 10 * DAY:%Y-%m-%d %H:%M} UTC"


def test_what_cannot_be_taken_on_is_refused(rehearse: Rehearse, tmp_path: Path) -> None:
    meta = opened(rehearse, tmp_path)
    meta.ask()
    later = START + DAY
    with pytest.raises(InputError):
        meta.engine.acknowledge(NUMBER, until=START)
    with pytest.raises(InputError):
        meta.engine.snooze(NUMBER, until=later.replace(tzinfo=None))
    with pytest.raises(NotFoundError):
        meta.engine.acknowledge("000000000000", until=later)
    with pytest.raises(TransitionRefusedError, match="not on hold"):
        meta.engine.acknowledge(WABA, until=later)
    meta.engine.cancel(NUMBER, "not wanted")
    with pytest.raises(TransitionRefusedError):
        meta.engine.acknowledge(NUMBER, until=later)
    with pytest.raises(TransitionRefusedError):
        meta.engine.snooze(NUMBER, until=later)


# Requirements


def test_a_code_that_waits_too_long_is_told_and_then_to_the_next(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    meta = opened(rehearse, tmp_path, CODE)
    rooms = listen(meta, "ops", "oncall")
    meta.ask()
    meta.wait(3 * DAY)
    nobody_answered = ["unacknowledged"] * (2 * DAY // (4 * HOUR))
    assert types(rooms) == {"ops": ["overdue"], "oncall": nobody_answered}
    (overdue,) = told(meta, "overdue")
    assert at([overdue]) == [START + DAY]
    assert overdue["data"]["command"].endswith("(when the holder can read it)")
    notes = [e for _, e in meta.engine.history(NUMBER) if e.trigger in EVENTS_OF_ALERTS]
    assert [e.trigger for e in notes] == ["overdue", *nobody_answered]
    assert (notes[0].at, notes[0].actor, notes[0].source) == (START + DAY, "engine", "created")
    assert notes[0].detail == {"of": "requirement", "what": "code", "told": "ops"}
    assert "nobody took it on; told: oncall" in notes[1].reason
    assert meta.engine.verify()[1] == []


def test_a_code_that_is_sent_anew_is_still_the_code(rehearse: Rehearse, tmp_path: Path) -> None:
    meta = opened(rehearse, tmp_path, CODE)
    ops = listen(meta, "ops", "oncall")["ops"]
    meta.ask(code_ready=True)
    meta.run_to(State.OTP_PENDING)
    asked = meta.row().waiting_since
    meta.wait(DAY + MINUTE)
    needs = [event["data"]["what"] for event in told(meta, "requirement")]
    assert needs[-2:] == ["code", "code"]  # the one that ran out, and somebody to read another
    assert ops.types == ["overdue"]
    assert at(told(meta, "overdue")) == [asked + DAY]


def test_what_is_given_in_time_is_never_told(rehearse: Rehearse, tmp_path: Path) -> None:
    meta = opened(rehearse, tmp_path, CODE)
    rooms = listen(meta, "ops", "oncall", "log")
    meta.ask()
    meta.wait(23 * HOUR)
    meta.engine.code_ready(NUMBER)
    meta.reads_codes = True
    meta.run_to(State.REGISTERED)
    meta.wait(20 * DAY)
    assert types(rooms) == {"ops": [], "oncall": [], "log": []}


def test_what_waited_behind_an_account_on_hold_is_told_afterwards(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    meta = opened(rehearse, tmp_path, CODE, TOKEN)
    ops = listen(meta, "ops", "oncall")["ops"]
    meta.ask()
    other = meta.ask("+493012345672")
    meta.settle()
    meta.tell("/tokens", {"token": meta.simulator.token, "dead": True})
    meta.engine.code_ready(other)
    meta.settle()
    meta.engine.advance(NUMBER)
    assert meta.row().waiting is Reason.ACCOUNT_HELD
    meta.wait(DAY + HOUR)
    assert [m.event["account"] is not None for m in ops.messages] == [True]  # the account's alert
    meta.tell("/tokens", {"token": meta.simulator.token, "dead": False})
    meta.engine.check_account(WABA)
    meta.wait(2 * HOUR)
    assert meta.row().waiting is Reason.CODE_READY
    overdue = [e for e in told(meta, "overdue") if e["onboarding"]]
    assert [e["onboarding"]["phone_number"] for e in overdue] == [NUMBER]


def test_a_hold_by_a_person_is_told_until_it_ends(rehearse: Rehearse, tmp_path: Path) -> None:
    patience = CODE.replace('"code"', '"release"').replace("24h", "2d")
    meta = opened(rehearse, tmp_path, patience)
    rooms = listen(meta, "ops", "oncall")
    meta.reads_codes = True
    meta.ask()
    meta.engine.hold(NUMBER, "contract not signed")
    meta.wait(2 * DAY + HOUR)
    assert types(rooms) == {"ops": ["overdue"], "oncall": []}
    meta.engine.release(NUMBER, "signed")
    meta.run_to(State.REGISTERED)
    meta.wait(DAY)
    assert types(rooms) == {"ops": ["overdue"], "oncall": []}


def test_a_dead_token_is_one_alert_for_all_numbers(rehearse: Rehearse, tmp_path: Path) -> None:
    meta = opened(rehearse, tmp_path, TOKEN, scenario=roomy())
    rooms = listen(meta, "ops", "log")
    for place in range(5):
        meta.ask(f"+4930123456{place:02}")
    meta.settle()
    meta.tell("/tokens", {"token": meta.simulator.token, "dead": True})
    for row in meta.engine.find_all():
        meta.engine.code_ready(row.id)
    meta.settle()
    held = meta.clock.now()
    assert meta.engine.accounts()[0].hold is not None
    assert [e["data"]["what"] for e in told(meta, "account_held")] == ["token"]
    meta.wait(2 * HOUR)
    (overdue,) = told(meta, "overdue")
    assert at([overdue]) == [held + HOUR]
    assert (overdue["account"]["waba_id"], overdue["data"]["numbers"]) == (WABA, 5)
    assert types(rooms) == {"ops": ["overdue"], "log": []}
    assert f"onboarding account add {WABA}" in rooms["ops"].messages[0].text
    meta.engine.acknowledge(WABA, until=meta.clock.now() + DAY, actor="ada")
    entries = [entry for _, entry in meta.engine.account_history(WABA)]
    assert [entry.trigger for entry in entries][-2:] == ["overdue", "acknowledged"]
    assert (entries[-2].at, entries[-2].detail["told"]) == (held + HOUR, "ops")
    assert all("overdue" not in meta.triggers(row.id) for row in meta.engine.find_all())
    assert meta.engine.verify()[1] == []


# The digest, and changes of the rules

DIGEST = '\n[digest]\nchannels = ["ops"]\nweekday = "wednesday"\nat = 08:00:00\n'


def test_a_digest_is_made_once_a_week_whoever_makes_it(rehearse: Rehearse, tmp_path: Path) -> None:
    meta = opened(rehearse, tmp_path, DIGEST + 'timezone = "Europe/Berlin"\n')
    ops = listen(meta, "ops")["ops"]
    meta.ask()
    with meta.open_engine() as second:
        while meta.clock.now() < START + 10 * DAY:
            meta.engine.advance()
            second.advance()
            meta.move_to(meta.clock.now() + 6 * HOUR)
    digests = told(meta, "digest")
    assert [each.isoformat()[:10] for each in at(digests)] == ["2026-03-04", "2026-03-11"]
    data = digests[-1]["data"]
    assert (data["in_progress"], data["states"], data["due_soon"]) == (1, {"created": 1}, 1)
    assert data["due"][0]["phone_number"] == NUMBER
    meta.settle()
    assert NUMBER in [m for m in ops.messages if m.event["type"] == "digest"][-1].text


def test_after_an_outage_of_weeks_there_is_one_digest(rehearse: Rehearse, tmp_path: Path) -> None:
    meta = opened(rehearse, tmp_path, DIGEST)
    listen(meta, "ops")
    meta.ask()
    meta.settle()
    meta.move_to(START + timedelta(days=30))
    meta.settle()
    assert len(told(meta, "digest")) == 1
    meta.wait(8 * DAY)
    assert len(told(meta, "digest")) == 2


def test_rules_that_change_hold_for_what_is_there(rehearse: Rehearse, tmp_path: Path) -> None:
    meta = opened(rehearse, tmp_path)
    meta.ask()
    meta.wait(8 * DAY)
    assert [e["data"]["rung"] for e in told(meta, "escalation")] == ["inform"]
    file_of(tmp_path, ROOMS, LADDER.replace('"1/2"', '"1/4"').replace('"3d"', '"5d"'), DIGEST)
    with meta.open_engine() as changed:
        assert adopt_rules(changed.context)
        assert not adopt_rules(changed.context)
        (deadline,) = changed.deadlines(NUMBER)
        assert deadline.next_rung_at == START + 9 * DAY  # "soon"; "inform" is behind it for good
        meta.clock.move_to(START + 9 * DAY)
        changed.advance()
    raised = [e["data"]["rung"] for e in told(meta, "escalation")]
    assert raised == ["inform", "soon"]


def test_what_waited_before_there_were_alerts_is_told_too(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    meta = opened(rehearse, tmp_path, CODE.replace("24h", "20d"))
    meta.ask()
    meta.wait(DAY)
    file_of(tmp_path, ROOMS, CODE)
    with meta.open_engine() as changed:
        rooms = {"ops": Listening()}
        changed.context.channels.update(rooms)  # type: ignore[attr-defined] # in their place
        changed.advance()
        assert rooms["ops"].types == ["overdue"]
