"""One-time codes: asked for only when somebody reads them, and each sent to Meta once."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from onboarding.core.timing import parse_iso
from onboarding.errors import ConflictError, InputError, TransitionRefusedError
from onboarding.model import Owner, Reason, State
from tests.engine.rehearsing import DAY, HOUR, MINUTE, NUMBER, SECOND, START, Rehearsed


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


@pytest.fixture
def unread(meta: Rehearsed) -> Rehearsed:
    """A rehearsal in which one code was asked for and arrived, and nobody handed it in."""
    meta.reads_codes = False
    meta.ask()
    meta.engine.code_ready(NUMBER)
    meta.wait(5 * SECOND)
    assert (meta.state(), meta.row().waiting) == (State.OTP_PENDING, Reason.CODE)
    return meta


def test_no_code_is_asked_for_while_nobody_is_known_to_read_it(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask()
    meta.run(most=3 * DAY)
    row = meta.row()
    assert (row.state, row.waiting, row.waiting_for) == (
        State.CREATED, Reason.CODE_READY, Owner.HOLDER,
    )  # fmt: skip
    assert meta.calls("request_code") == []


def test_a_persons_word_has_one_code_sent(unread: Rehearsed) -> None:
    unread.run(most=3 * DAY)
    assert len(unread.calls("request_code")) == 1
    assert (unread.state(), unread.row().waiting) == (State.OTP_PENDING, Reason.CODE_READY)
    unread.engine.code_ready(NUMBER)
    unread.wait(5 * SECOND)
    assert len(unread.calls("request_code")) == 2
    unread.engine.submit_code(NUMBER, unread.last_code(NUMBER))
    unread.run_to(State.REGISTERED)


def test_the_word_may_come_with_the_request(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask(code_ready=True)
    meta.settle()
    assert len(meta.calls("request_code")) == 1


def test_a_code_is_asked_for_within_the_holders_window(meta: Rehearsed) -> None:
    meta.ask(code_window="11:00-12:00 Europe/Berlin")
    meta.run(most=HOUR - SECOND)
    assert (meta.row().waiting, meta.calls("request_code")) == (Reason.CODE_WINDOW, [])
    meta.run_to(State.REGISTERED)
    (request,) = meta.calls("request_code")
    assert parse_iso(request["at"]) == datetime(2026, 3, 2, 10, tzinfo=UTC)


def test_a_window_that_is_over_asks_the_holder(meta: Rehearsed) -> None:
    meta.ask(code_window="2026-03-01T09:00Z/2026-03-01T12:00Z")
    meta.run(most=DAY)
    assert meta.row().waiting is Reason.CODE_READY


def test_a_mistyped_code_is_corrected(unread: Rehearsed) -> None:
    code = unread.last_code(NUMBER)
    unread.engine.submit_code(NUMBER, wrong(code))
    unread.settle()
    row = unread.row()
    assert (row.state, row.waiting, row.code_tries) == (State.OTP_PENDING, Reason.CODE, 1)
    assert not row.has_code
    unread.engine.submit_code(NUMBER, code)
    unread.run_to(State.REGISTERED)
    assert len(unread.calls("request_code")) == 1


def test_a_code_is_never_sent_twice(unread: Rehearsed) -> None:
    mistyped = wrong(unread.last_code(NUMBER))
    unread.engine.submit_code(NUMBER, mistyped)
    unread.settle()
    with pytest.raises(ConflictError) as refused:
        unread.engine.submit_code(NUMBER, f"{mistyped[:3]}-{mistyped[3:]}")
    assert refused.value.field == "code"
    assert mistyped not in str(refused.value)
    unread.settle()
    assert len(unread.calls("verify_code")) == 1


def test_the_last_code_given_before_a_pass_is_the_one_that_is_sent(unread: Rehearsed) -> None:
    code = unread.last_code(NUMBER)
    unread.engine.submit_code(NUMBER, wrong(code))
    unread.engine.submit_code(NUMBER, code)
    unread.run_to(State.REGISTERED)
    assert len(unread.calls("verify_code")) == 1


def test_a_code_that_comes_too_late_is_not_sent(unread: Rehearsed) -> None:
    code = unread.last_code(NUMBER)
    unread.wait(11 * MINUTE)
    unread.engine.submit_code(NUMBER, code)
    unread.settle()
    assert unread.calls("verify_code") == []
    assert "code_lapsed" in unread.triggers()
    assert unread.row().code_sealed is None
    assert unread.row().waiting is Reason.CODE_READY


def test_wrong_codes_end_with_the_holder_and_not_in_a_lock(unread: Rehearsed) -> None:
    unread.reads_codes = True  # somebody answers, yet only wrong codes come
    unread._read = 10**6
    code = unread.last_code(NUMBER)
    for _ in range(3):
        code = wrong(code)
        unread.engine.submit_code(NUMBER, code)
        unread.settle()
    unread.run(most=3 * DAY)
    assert (unread.row().waiting, unread.row().waiting_for) == (Reason.CODE_READY, Owner.HOLDER)
    assert len(unread.calls("request_code")) == 1
    unread.engine.code_ready(NUMBER)
    unread.wait(5 * SECOND)
    unread.engine.submit_code(NUMBER, unread.last_code(NUMBER))
    unread.run_to(State.REGISTERED)


def test_codes_that_nobody_reads_are_asked_for_less_and_less(meta: Rehearsed) -> None:
    meta._read = 10**6  # the intake answers, and loses every code
    meta.ask()
    meta.run()
    times = [parse_iso(call["at"]) for call in meta.calls("request_code")]
    gaps = [b - a for a, b in pairwise(times)]
    assert len(times) == 3
    assert gaps == sorted(gaps)
    assert gaps[0] >= 10 * MINUTE
    assert (meta.row().waiting, meta.row().waiting_for) == (Reason.CODE_READY, Owner.HOLDER)


def test_metas_quota_of_codes_is_never_reached(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask()
    for _ in range(14):
        meta.engine.code_ready(NUMBER)
        meta.wait(11 * MINUTE)
    assert len(meta.calls("request_code")) == 9
    assert meta.row().waiting is Reason.BUDGET
    assert meta.row().next_due_at == START + 72 * HOUR
    assert not [call for call in meta.calls() if call["code"]]


def test_a_code_may_arrive_before_the_answer_that_it_was_sent(meta: Rehearsed) -> None:
    """The answer to request_code is lost; the phone rings all the same."""
    meta.fail("drop_after_effect", "request_code", times=1)
    meta.register()
    assert len(meta.calls("request_code")) == 1
    assert len(meta.calls("verify_code")) == 1


def test_a_code_is_refused_where_none_is_expected(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask()
    with pytest.raises(TransitionRefusedError, match="no code is expected"):
        meta.engine.submit_code(NUMBER, "123456")
    meta.settle()
    with pytest.raises(TransitionRefusedError) as refused:
        meta.engine.submit_code(NUMBER, "123456")
    assert "--ready" in refused.value.hint
    with pytest.raises(InputError, match="no six-digit code"):
        meta.engine.submit_code(NUMBER, "12345")
    meta.engine.code_ready(NUMBER)
    meta.wait(5 * SECOND)
    meta.engine.submit_code(NUMBER, meta.messages(NUMBER)[-1])
    meta.run_to(State.REGISTERED)
    with pytest.raises(TransitionRefusedError):
        meta.engine.submit_code(NUMBER, "123456")
    with pytest.raises(TransitionRefusedError):
        meta.engine.code_ready(NUMBER)


def test_a_used_code_is_wiped(unread: Rehearsed) -> None:
    unread.engine.submit_code(NUMBER, unread.last_code(NUMBER))
    assert unread.row().has_code
    unread.run_to(State.REGISTERED)
    assert (unread.row().code_sealed, unread.row().code_mac) == (None, None)


def test_too_many_wrong_codes_at_meta_wait_as_long_as_meta_says(unread: Rehearsed) -> None:
    unread.fail("refuse", "verify_code", code=136025, times=1)
    unread.engine.submit_code(NUMBER, unread.last_code(NUMBER))
    unread.settle()
    assert unread.state() is State.OTP_PENDING
    unread.run(most=HOUR)
    assert len(unread.calls("verify_code")) == 1
