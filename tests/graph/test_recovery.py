"""The recovery table against a list of its own, written from Meta's rules and not from the code."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docs.generating.errors import recovery_table
from onboarding.graph.errors import GraphErrorBody
from onboarding.graph.recovery import classify, find_rule
from onboarding.graph.rules import FAMILIES, RULES, Rule
from onboarding.model import Effect, Endpoint, Operation, Read, RecoveryClass
from tests.graph.refusals import CASES, Case

LIST, CREATE, ASK = Read.LIST_NUMBERS, Operation.CREATE_NUMBER, Operation.REQUEST_CODE
VERIFY, REGISTER, DEREGISTER = Operation.VERIFY_CODE, Operation.REGISTER, Operation.DEREGISTER

WAITS_S = [
    (REGISTER, 133004, None, "", 60),
    (REGISTER, 133008, None, "", 86400),
    (REGISTER, 133009, None, "", 3600),
    (REGISTER, 133015, None, "", 300),
    (REGISTER, 133016, None, "", 259200),
    (DEREGISTER, 133016, None, "", 259200),
    (REGISTER, 4, 2446079, "Registration rate limit exceeded", 259200),
    (VERIFY, 4, 2446079, "Too many verification attempts.", 43200),
    (REGISTER, 2494100, None, "", 300),
    (ASK, 136024, 2388091, "", 3600),
    (ASK, 136024, 2388367, "", 86400),
    (REGISTER, 100, 2388001, "", 900),
    (LIST, 4, None, "", 3600),
    (LIST, 613, None, "", 3600),
    (LIST, 80007, None, "", 3600),
    (LIST, 80008, None, "", 3600),
    (LIST, 80004, None, "", 3600),
    (LIST, 2, None, "", None),
]


def error_of(
    code: int, subcode: int | None = None, message: str = "", **more: Any
) -> GraphErrorBody:
    return GraphErrorBody(code=code, subcode=subcode, message=message, fbtrace_id="Az8", **more)


def name_of(case: Case) -> str:
    return f"{case.endpoint}-{case.code}-{case.subcode}-{case.message[:30]}"


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_every_refusal_has_its_class_and_its_effect(case: Case) -> None:
    failure = classify(case.endpoint, case.status, error_of(case.code, case.subcode, case.message))
    assert (failure.recovery, failure.effect) == (case.recovery, case.effect)
    assert (failure.code, failure.subcode, failure.http_status) == case[1:4]
    assert failure.fbtrace_id == "Az8"
    assert failure.message
    assert failure.remedy.endswith(".")


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_listed_code_means_the_same_under_any_status(case: Case) -> None:
    error = error_of(case.code, case.subcode, case.message)
    if find_rule(case.endpoint, error) is None:
        assert any(family.first <= case.code <= family.last for family in FAMILIES)
        return
    for status in (400, 401, 403, 404, 409, 422, 429, 500, 503):
        failure = classify(case.endpoint, status, error)
        assert (failure.recovery, failure.effect) == (case.recovery, case.effect)


def test_the_list_reaches_every_row() -> None:
    reached = {
        find_rule(case.endpoint, error_of(case.code, case.subcode, case.message)) for case in CASES
    }
    assert [rule for rule in RULES if rule not in reached] == []


@pytest.mark.parametrize(("endpoint", "code", "subcode", "message", "wait_s"), WAITS_S)
def test_the_waits(
    endpoint: Endpoint, code: int, subcode: int | None, message: str, wait_s: float | None
) -> None:
    assert classify(endpoint, 400, error_of(code, subcode, message)).wait_s == wait_s


@pytest.mark.parametrize("code", [133008, 133009])
@pytest.mark.parametrize(
    ("details", "wait_s"),
    [
        ("Please wait 1 hour before trying again.", 3600),
        ("Try again in 45 minutes", 2700),
        ("wait 90 seconds", 90),
        ("Wait 2 hours and 30 minutes.", 9000),
        ("retry after PT1H30M", 5400),
        ("retry after 2026-11-01T10:20:00+0000", 1200),
    ],
)
def test_a_wait_in_the_details_wins_for_pins(code: int, details: str, wait_s: float) -> None:
    now = datetime(2026, 11, 1, 10, tzinfo=UTC)
    error = error_of(code, details=details)
    assert classify(REGISTER, 400, error, now=now).wait_s == wait_s


def test_the_details_of_a_block_shorten_nothing() -> None:
    error = error_of(133016, details="wait 1 minute")
    assert classify(REGISTER, 400, error).wait_s == 259200


def test_localised_texts_decide_nothing() -> None:
    error = error_of(136024, 2388091, user_msg="already verified", user_title="already verified")
    assert classify(ASK, 400, error).recovery == "wait"


def test_developer_details_count_as_text() -> None:
    error = error_of(100, 2388103, details="There is no Payment account on the destination.")
    rule = find_rule(CREATE, error)
    assert rule is not None
    assert rule.text == "payment"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 418, 422])
@pytest.mark.parametrize("code", [7, 99999, 131999, 9999999, None])
def test_an_unknown_4xx_is_never_tried_again_by_itself(status: int, code: int | None) -> None:
    failure = classify(REGISTER, status, GraphErrorBody(code=code, message="New."))
    assert (failure.recovery, failure.effect) == ("human", "refused")


def test_an_unknown_5xx_may_have_done_it() -> None:
    failure = classify(REGISTER, 500, error_of(99999))
    assert (failure.recovery, failure.effect) == ("transient", "unknown")


def test_an_unknown_code_with_429_throttles() -> None:
    failure = classify(REGISTER, 429, error_of(99999))
    assert (failure.recovery, failure.effect) == ("throttle_app", "refused")
    assert failure.wait_s == 3600


def test_what_meta_calls_transient_is_looked_up_first() -> None:
    error = GraphErrorBody(code=99999, is_transient=True)
    failure = classify(REGISTER, 400, error)
    assert (failure.recovery, failure.effect) == ("transient", "unknown")


def test_a_row_outweighs_the_transient_mark() -> None:
    error = GraphErrorBody(code=133005, is_transient=True)
    assert classify(REGISTER, 400, error).recovery == "human"


@pytest.mark.parametrize(
    ("status", "recovery", "effect"),
    [
        (200, "transient", "unknown"),
        (302, "transient", "unknown"),
        (400, "human", "unknown"),
        (404, "human", "unknown"),
        (429, "throttle_app", "refused"),
        (500, "transient", "unknown"),
        (502, "transient", "unknown"),
    ],
)
def test_an_answer_that_is_not_graphs(status: int, recovery: str, effect: str) -> None:
    failure = classify(REGISTER, status, None)
    assert (failure.recovery, failure.effect) == (recovery, effect)
    assert failure.code is None
    assert str(status) in failure.message


def test_no_two_rows_answer_for_the_same() -> None:
    keys = [(rule.endpoints, rule.code, rule.subcode, rule.text) for rule in RULES]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.code}-{rule.subcode}-{rule.text}")
def test_every_row_speaks_to_people(rule: Rule) -> None:
    assert rule.meaning.endswith(".")
    assert rule.remedy.endswith(".")
    assert rule.text is None or rule.text == rule.text.casefold()
    assert (rule.wait_s is not None) or rule.recovery != RecoveryClass.WAIT


def test_the_table_can_be_shown() -> None:
    lines = recovery_table().splitlines()
    assert len(lines) == len(RULES) + 2
    assert lines[0].startswith("| calls | code | subcode |")
    assert all(line.count("|") == 10 for line in lines)
    block = next(line for line in lines if "| 133016 |" in line)
    assert block.startswith("| any | 133016 | any | any | refused | wait | 72 h | The number was")


@settings(deadline=None)
@given(
    endpoint=st.sampled_from([*Operation, *Read]),
    status=st.integers(100, 599),
    code=st.none() | st.integers() | st.sampled_from([rule.code for rule in RULES]),
    subcode=st.none() | st.integers() | st.sampled_from([rule.subcode for rule in RULES]),
    text=st.text(),
)
def test_there_is_an_answer_for_everything(
    endpoint: Endpoint, status: int, code: int | None, subcode: int | None, text: str
) -> None:
    error = GraphErrorBody(code=code, subcode=subcode, message=text, details=text)
    failure = classify(endpoint, status, error)
    assert failure.effect in {Effect.REFUSED, Effect.UNKNOWN, Effect.DONE}
    assert failure.remedy
