"""The ledger of codes, the way each one went, and what happens when an SMS does not arrive."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from onboarding.core.timing import parse_iso
from onboarding.engine.intakes import HostedNumbers
from onboarding.errors import ConfigurationError, InputError, NotFoundError
from onboarding.model import CodeMethod, Reason, State
from tests.engine.rehearsing import DAY, HOUR, MINUTE, SECOND, START, WABA, Rehearse, Rehearsed

MOBILE, LANDLINE, PAGER = "+4915112345678", "+493012345671", "+447640123456"


def deaf(meta: Rehearsed) -> Rehearsed:
    """Let the intake answer, and lose every code."""
    meta._read = 10**6
    return meta


def ways(meta: Rehearsed) -> list[str]:
    return [call["params"]["code_method"] for call in meta.calls("request_code")]


def test_a_landline_is_called_and_the_history_says_why(meta: Rehearsed) -> None:
    meta.register(LANDLINE)
    assert ways(meta) == ["VOICE"]
    _, first = meta.engine.history(LANDLINE)[0]
    assert (
        first.detail["code_choice"] == "VOICE: a landline takes no SMS; de_DE: the language of DE"
    )
    (request,) = meta.calls("request_code")
    assert request["params"]["language"] == "de_DE"


def test_what_is_asked_for_wins(meta: Rehearsed) -> None:
    row = meta.request(LANDLINE, code_method="sms", code_language="tr")
    assert (row.code_method, row.code_language) == (CodeMethod.SMS, "tr")
    meta.settle()
    (request,) = meta.calls("request_code")
    assert (request["params"]["code_method"], request["params"]["language"]) == ("SMS", "tr")


def test_a_number_that_gets_no_code_is_refused_at_once(meta: Rehearsed) -> None:
    with pytest.raises(InputError, match="Meta sends no codes to pagers") as refused:
        meta.ask(PAGER)
    assert refused.value.field == "phone_number"
    assert meta.request(PAGER, code_method="VOICE").code_method is CodeMethod.VOICE


def test_a_code_that_does_not_come_by_sms_is_asked_for_by_voice(meta: Rehearsed) -> None:
    deaf(meta)
    meta.ask(MOBILE)
    meta.run(most=3 * HOUR)
    assert ways(meta)[:2] == ["SMS", "VOICE"]
    first, second = (parse_iso(call["at"]) for call in meta.calls("request_code")[:2])
    assert 10 * MINUTE <= second - first <= 12 * MINUTE
    reasons = [entry.reason for _, entry in meta.engine.history(MOBILE)]
    assert "Meta sends a code by VOICE, as no code came by SMS" in reasons


def test_the_call_is_answered_and_the_number_goes_on(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask(MOBILE, code_ready=True)
    meta.run(most=11 * MINUTE)
    meta.engine.code_ready(MOBILE)
    meta.wait(MINUTE)
    assert ways(meta) == ["SMS", "VOICE"]
    meta.engine.submit_code(MOBILE, meta.messages(MOBILE)[-1])
    meta.run_to(State.REGISTERED, MOBILE)


def test_the_fallback_may_be_switched_off(rehearse: Rehearse) -> None:
    meta = deaf(rehearse(code_fallback_minutes=0))
    meta.ask(MOBILE)
    meta.run(most=3 * DAY)
    assert set(ways(meta)) == {"SMS"}


def test_a_fallback_within_the_ten_minutes_of_a_code_is_refused(rehearse: Rehearse) -> None:
    with pytest.raises(ConfigurationError, match="CODE_FALLBACK_MINUTES is below 10"):
        rehearse(code_fallback_minutes=9)


def test_an_intake_of_people_is_left_in_peace_at_night(rehearse: Rehearse) -> None:
    meta = rehearse(start=START + 12 * HOUR)  # 22:00 in Berlin
    meta.reads_at_any_hour = False
    meta.ask(MOBILE)
    meta.settle()
    assert meta.row(MOBILE).waiting is Reason.CODE_WINDOW
    assert meta.row(MOBILE).next_due_at == START + 22 * HOUR
    meta.run_to(State.REGISTERED, MOBILE)
    (request,) = meta.calls("request_code")
    assert parse_iso(request["at"]) >= START + 22 * HOUR


def test_the_quiet_hours_are_a_setting(rehearse: Rehearse) -> None:
    meta = rehearse(start=START + 12 * HOUR, quiet_hours="none")
    meta.reads_at_any_hour = False
    meta.ask(MOBILE)
    meta.settle()
    assert len(meta.calls("request_code")) == 1
    with pytest.raises(ConfigurationError, match="QUIET_HOURS"):
        rehearse(quiet_hours="at night")


def test_every_code_is_in_the_ledger_with_what_came_of_it(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask(MOBILE)
    meta.settle()
    empty = meta.engine.code_ledger(MOBILE)
    assert (empty.attempts, empty.left, empty.next_at) == ((), 9, None)
    meta.engine.code_ready(MOBILE)
    meta.wait(5 * SECOND)
    (attempt,) = meta.engine.code_ledger(MOBILE).attempts
    assert (attempt.method, attempt.result) == (CodeMethod.SMS, "sent; waiting for the code")
    code = int(meta.last_code(MOBILE))
    meta.engine.submit_code(MOBILE, f"{(code + 1) % 10**6:06d}")
    meta.settle()
    ledger = meta.engine.code_ledger(MOBILE)
    assert ledger.attempts[0].result == "sent; 1 wrong code was given"
    assert (ledger.left, ledger.next_why) == (8, "a code counts as on its way")
    assert ledger.next_at is not None
    assert timedelta() < ledger.next_at - meta.clock.now() <= 10 * MINUTE
    meta.wait(11 * MINUTE)
    meta.engine.code_ready(MOBILE)
    meta.wait(5 * SECOND)
    meta.engine.submit_code(MOBILE, meta.last_code(MOBILE))
    meta.run_to(State.REGISTERED, MOBILE)
    ledger = meta.engine.code_ledger(MOBILE)
    assert [a.result for a in ledger.attempts][1] == "sent; the code was accepted"
    assert (ledger.next_at, ledger.next_why) == (None, "no code is needed")


def test_the_ledger_tells_what_meta_refused_and_when_the_next_may_be(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.fail("refuse", "request_code", code=136024, subcode=2388367, times=1)
    meta.ask(MOBILE, code_ready=True)
    meta.settle()
    ledger = meta.engine.code_ledger(MOBILE)
    (attempt,) = ledger.attempts
    assert (attempt.code, attempt.subcode, attempt.counts) == (136024, 2388367, True)
    assert attempt.result.startswith("refused: ")
    assert attempt.fbtrace_id
    assert ledger.next_why == "Meta named a wait for codes of this number"
    assert ledger.next_at is not None
    assert ledger.next_at >= START + DAY


def test_the_ledger_and_the_desk_agree_on_when_the_next_code_may_be_asked_for(
    meta: Rehearsed,
) -> None:
    meta.reads_codes = False
    meta.ask(MOBILE)
    meta.settle()
    for _ in range(9):
        meta.engine.code_ready(MOBILE)
        meta.settle()
        before = len(meta.calls("request_code"))
        next_at = meta.engine.code_ledger(MOBILE).next_at
        assert next_at is not None
        meta.engine.code_ready(MOBILE)
        meta.run(most=next_at - meta.clock.now() - SECOND)
        assert len(meta.calls("request_code")) == before
        if before == 9:
            break
        meta.wait(SECOND)
        assert len(meta.calls("request_code")) == before + 1
    ledger = meta.engine.code_ledger(MOBILE)
    assert (ledger.left, ledger.next_why) == (0, "the codes of 72 hours are used up")
    assert ledger.next_at == START + 72 * HOUR


def test_the_ledger_names_the_way_that_the_next_code_really_goes(rehearse: Rehearse) -> None:
    """A gateway that reads SMS alone is sent no call, so the ledger announces none."""
    meta = rehearse()
    meta.reads_codes = False
    intakes = (HostedNumbers(("+49*",), takes_calls=False),)
    meta.engine.context = replace(meta.engine.context, intakes=intakes)
    meta.ask(MOBILE)
    meta.wait(11 * MINUTE)
    announced = meta.engine.code_ledger(MOBILE).next_method
    meta.wait(2 * HOUR)
    assert ways(meta)[1] == announced == CodeMethod.SMS


def test_all_numbers_that_need_a_code_are_listed_at_once(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask(MOBILE, code_ready=True)
    meta.ask(LANDLINE)
    meta.sign_up("+493012345672")
    meta.ask("+493012345672", entry="embedded_signup", waba_id=WABA)
    meta.wait(5 * SECOND)
    found = {row.phone_number: ledger for row, ledger in meta.engine.code_ledgers()}
    assert {number: len(ledger.attempts) for number, ledger in found.items()} == {
        MOBILE: 1, LANDLINE: 0,
    }  # fmt: skip
    with pytest.raises(NotFoundError):
        meta.engine.code_ledger("+493012345699")
