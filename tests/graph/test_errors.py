"""Meta's error object, the waits in it, the usage headers and the unknown fields."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.graph import requests
from onboarding.graph.answers import read_answer
from onboarding.graph.errors import (
    GraphErrorBody,
    parse_error,
    scrub,
)
from onboarding.graph.fields import drop_fields, find_unknown_field, split_fields
from onboarding.graph.loose import parse_json
from onboarding.graph.usage import NO_USAGE, Usage, lengthen_wait, parse_usage
from onboarding.graph.waits import parse_wait
from onboarding.model import Effect, Failure, Operation, Read, RecoveryClass

TOKEN = "EAAJB0123456789abcdef"  # not a real one
PROOF = "a" * 64
BODY = {
    "error": {
        "message": "(#133005) Two step verification PIN Mismatch",
        "type": "OAuthException",
        "code": 133005,
        "error_subcode": 2388001,
        "is_transient": False,
        "error_user_title": "Falsche PIN",
        "error_user_msg": "Bitte warten",
        "error_data": {"messaging_product": "whatsapp", "details": "Wait 1 hour."},
        "fbtrace_id": "Az8or2yhqkZfEZ-_4Qn_Bam",
    }
}
NOW = datetime(2026, 11, 1, 10, tzinfo=UTC)


def test_an_error_in_full() -> None:
    assert parse_error(BODY) == GraphErrorBody(
        code=133005,
        subcode=2388001,
        type="OAuthException",
        message="(#133005) Two step verification PIN Mismatch",
        is_transient=False,
        user_title="Falsche PIN",
        user_msg="Bitte warten",
        details="Wait 1 hour.",
        fbtrace_id="Az8or2yhqkZfEZ-_4Qn_Bam",
    )


@pytest.mark.parametrize(
    ("error", "parsed"),
    [
        ({}, GraphErrorBody()),
        ({"code": "190"}, GraphErrorBody(code=190)),
        ({"code": 190.0, "is_transient": "true"}, GraphErrorBody(code=190, is_transient=True)),
        ({"code": None, "message": 7}, GraphErrorBody(message="7")),
        ({"error_data": "Wait."}, GraphErrorBody(details="Wait.")),
        ({"error_data": ["Wait."]}, GraphErrorBody()),
        ({"error_data": {"details": {"x": 1}}}, GraphErrorBody()),
        ({"code": True, "error_subcode": [1]}, GraphErrorBody()),
    ],
)
def test_an_error_with_anything_missing(error: object, parsed: GraphErrorBody) -> None:
    assert parse_error({"error": error}) == parsed


@pytest.mark.parametrize(
    "content", [b"", b"<html>502</html>", b"[]", b"null", b'{"error":"x"}', b'{"success":true}']
)
def test_what_holds_no_error_object(content: bytes) -> None:
    assert parse_error(parse_json(content)) is None


def test_what_an_error_echoes_is_hidden() -> None:
    said = f"Malformed access token {TOKEN}; pin 271828; appsecret_proof={PROOF} {PROOF} Bearer xyz"
    error = parse_error(
        {"error": {"message": said, "error_user_msg": said, "error_data": {"details": said}}},
        secrets=("271828", ""),
    )
    assert TOKEN not in repr(error)
    assert "271828" not in repr(error)
    assert PROOF not in repr(error)
    assert "xyz" not in repr(error)
    assert error is not None
    assert error.message.startswith("Malformed access token [hidden]; pin [hidden];")


def test_a_token_in_an_address_is_hidden() -> None:
    assert (
        scrub("https://x/?access_token=abc.def&limit=1")
        == "https://x/?access_token=[hidden]&limit=1"
    )


def test_long_texts_are_cut() -> None:
    error = parse_error({"error": {"message": "x" * 10_000}})
    assert error is not None
    assert len(error.message) == 500


@pytest.mark.parametrize(
    ("details", "wait_s"),
    [
        (None, None),
        ("", None),
        ("Please wait.", None),
        ("Espere 2 horas", None),
        ("0 minutes", None),
        ("30 s", 30),
        ("5m", 300),
        ("1.5 hours", 5400),
        ("2 days", 172800),
        ("1 day 2 hrs 3 min 4 secs", 93784),
        ("30 days", None),
        ("code 133008 then 10 minutes", 600),
        ("PT10M", 600),
        ("P1DT1H", 90000),
        ("P", None),
        ("until 2026-11-01T11:00:00Z", 3600),
        ("until 2026-11-01T11:00:00+0100", None),
        ("until 2026-11-01 10:30", 1800),
        ("until 2036-01-01T00:00:00Z", None),
        ("until 2026-13-01T11:00:00Z", None),
    ],
)
def test_waits_in_details(details: str | None, wait_s: float | None) -> None:
    assert parse_wait(details, now=NOW) == wait_s


def test_an_instant_says_nothing_without_a_clock() -> None:
    assert parse_wait("until 2026-11-01T11:00:00Z") is None


def test_usage_of_the_app_and_of_several_ids() -> None:
    business = (
        '{"1022":[{"type":"whatsapp_business_management","call_count":1,"total_cputime":85,'
        '"total_time":2,"estimated_time_to_regain_access":0},'
        '{"type":"whatsapp","call_count":"7","estimated_time_to_regain_access":12}],'
        '"77":[{"call_count":100}],"78":[{}],"79":"odd","80":[]}'
    )
    headers = {
        "X-App-USAGE": '{"call_count":28,"total_time":25,"total_cputime":31.5}',
        "x-business-use-case-usage": business,
    }
    assert parse_usage(headers) == Usage(
        app_percent=31.5, by_id={"1022": (85.0, 12.0), "77": (100.0, 0.0)}
    )


@pytest.mark.parametrize("value", ["", "x", "[]", "{", "7", '{"call_count":"many"}', "{}"])
def test_usage_that_cannot_be_read_is_left_out(value: str) -> None:
    usage = parse_usage({"x-app-usage": value, "X-Business-Use-Case-Usage": value})
    assert usage.app_percent in {None, 0.0}
    assert usage.by_id == {}


def test_without_headers_there_is_no_usage() -> None:
    assert parse_usage({"content-type": "x"}) is NO_USAGE


def throttled(recovery: RecoveryClass = RecoveryClass.THROTTLE_WABA) -> Failure:
    return Failure(effect=Effect.REFUSED, recovery=recovery, wait_s=3600)


def test_the_headers_name_the_wait_of_a_throttled_call() -> None:
    usage = Usage(by_id={"1": (100.0, 12.0), "2": (100.0, 30.0)})
    assert lengthen_wait(throttled(), usage, "1").wait_s == 720
    assert lengthen_wait(throttled(), usage, "9").wait_s == 1800
    assert lengthen_wait(throttled(), NO_USAGE, "1").wait_s == 3600
    assert lengthen_wait(throttled(), Usage(by_id={"1": (1.0, 0.0)}), "1").wait_s == 3600


def test_a_proxy_may_lengthen_a_wait_but_not_shorten_it() -> None:
    assert lengthen_wait(throttled(), NO_USAGE, "1", retry_after="7200").wait_s == 7200
    assert lengthen_wait(throttled(), NO_USAGE, "1", retry_after="5").wait_s == 3600
    assert lengthen_wait(throttled(), NO_USAGE, "1", retry_after="tomorrow").wait_s == 3600
    assert lengthen_wait(throttled(), NO_USAGE, "1", retry_after="9" * 12).wait_s == 604800
    human = throttled(RecoveryClass.HUMAN)
    assert lengthen_wait(human, Usage(by_id={"1": (100.0, 1.0)}), "1", retry_after="9999") == human


def test_the_unknown_field_is_found_in_that_refusal_only() -> None:
    text = "(#100) Tried accessing nonexisting field (is_on_biz_app) on node type (X)"
    assert find_unknown_field(GraphErrorBody(code=100, message=text)) == "is_on_biz_app"
    assert find_unknown_field(GraphErrorBody(code=190, message=text)) is None
    assert find_unknown_field(GraphErrorBody(code=100, message="(#100) Invalid")) is None
    assert find_unknown_field(None) is None


def test_fields_are_dropped_by_name() -> None:
    request = requests.list_numbers("1", fields=("id", "owner{id,name}", "throughput", "status"))
    lesser, dropped = drop_fields(request, {"owner", "status", "never_asked"})
    assert lesser.params["fields"] == "id,throughput"
    assert dropped == ["owner", "status"]
    assert lesser.params["limit"] == "100"
    assert drop_fields(request, {"never_asked"}) == (request, [])
    assert drop_fields(requests.read_number("1", "2", fields=("a",)), {"a"})[0].params == {
        "fields": "id"
    }


def test_fields_are_split_at_the_top_level_only() -> None:
    assert split_fields("a, b{c,d{e,f}},g") == ["a", "b{c,d{e,f}}", "g"]
    assert split_fields("") == []


@pytest.mark.parametrize(
    ("endpoint", "content"),
    [
        (Operation.REGISTER, b'{"success":false}'),
        (Operation.REGISTER, b"{}"),
        (Operation.REGISTER, b"[]"),
        (Operation.VERIFY_CODE, b'{"id":"1"}'),
        (Operation.CREATE_NUMBER, b'{"success":true}'),
    ],
)
def test_a_2xx_that_confirms_nothing_is_not_a_success(endpoint: Operation, content: bytes) -> None:
    answer = read_answer(endpoint, 200, content)
    assert answer.payload is None
    assert answer.failure is not None
    assert (answer.failure.effect, answer.failure.recovery) == ("unknown", "reconcile")


@pytest.mark.parametrize(
    ("endpoint", "content"),
    [
        (Read.LIST_NUMBERS, b"{}"),
        (Read.READ_NUMBER, b"{}"),
        (Read.READ_WABA, b'{"name":"x"}'),
        (Read.LIST_SUBSCRIBED_APPS, b'{"data":{}}'),
        (Read.LIST_NUMBERS, b"<html>"),
    ],
)
def test_a_read_that_cannot_be_read_is_tried_again(endpoint: Read, content: bytes) -> None:
    answer = read_answer(endpoint, 200, content)
    assert answer.failure is not None
    assert answer.failure.recovery == "transient"


def test_an_error_object_counts_even_under_a_200() -> None:
    answer = read_answer(Operation.REGISTER, 200, b'{"error":{"code":133005}}')
    assert answer.failure is not None
    assert answer.failure.recovery == "human"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "code", "message", "error_data", "details", "is_transient"])
            | st.text(),
            inner,
        )
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(payload=JSON | st.builds(lambda error: {"error": error}, JSON))
def test_no_json_makes_the_error_parser_fail(payload: object) -> None:
    error = parse_error(payload, secrets=("x",))
    assert error is None or isinstance(error.message, str)


@settings(deadline=None)
@given(
    endpoint=st.sampled_from([*Operation, *Read]),
    status=st.integers(100, 599),
    content=st.binary() | st.sampled_from([b'{"data":[]}', b'{"id":"1"}', b'{"success":true}']),
)
def test_every_answer_is_a_success_or_a_failure(
    endpoint: Operation | Read, status: int, content: bytes
) -> None:
    answer = read_answer(endpoint, status, content)
    assert (answer.payload is None) != (answer.failure is None)


@settings(deadline=None)
@given(text=st.text())
def test_no_text_makes_the_other_readers_fail(text: str) -> None:
    parse_wait(text, now=NOW)
    parse_usage({"X-App-Usage": text, "X-Business-Use-Case-Usage": text})
    split_fields(text)
    lengthen_wait(throttled(), NO_USAGE, "1", retry_after=text)
