"""The parsers: lenient with what can be read, honest about what cannot."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.errors import GraphError
from onboarding.graph import loose, responses
from onboarding.graph.responses import NumberPage, SubscribedApp
from onboarding.model import PhoneNumber

ROW = {
    "verified_name": "Jasper's Market",
    "code_verification_status": "VERIFIED",
    "display_phone_number": "+1 631-555-5555",
    "quality_rating": "GREEN",
    "platform_type": "CLOUD_API",
    "throughput": {"level": "STANDARD"},
    "webhook_configuration": {"application": "https://example.com/webhook"},
    "last_onboarded_time": "2023-08-22T19:05:53+0000",
    "id": "1906385232743451",
}
ONBOARDED = datetime(2023, 8, 22, 19, 5, 53, tzinfo=UTC)


def test_a_page_as_the_guide_shows_it() -> None:
    page = responses.parse_number_list(
        {
            "data": [ROW],
            "paging": {
                "cursors": {"before": "QVFIB", "after": "QVFIA"},
                "next": "https://graph.facebook.com/v25.0/1/phone_numbers?after=QVFIA",
            },
        }
    )
    assert page == NumberPage(
        numbers=(
            PhoneNumber(
                id="1906385232743451",
                display_phone_number="+1 631-555-5555",
                verified_name="Jasper's Market",
                code_verification_status="VERIFIED",
                quality_rating="GREEN",
                platform_type="CLOUD_API",
                throughput_level="STANDARD",
                last_onboarded_time=ONBOARDED,
            ),
        ),
        after="QVFIA",
    )
    assert page.is_sound


@pytest.mark.parametrize(
    ("paging", "after", "cut_off"),
    [
        (None, None, False),
        ({}, None, False),
        ({"cursors": {"after": "A"}}, None, False),
        ({"cursors": {"after": "A"}, "next": "https://x/?after=B"}, "A", False),
        ({"next": "https://x/?limit=1&after=B%3D"}, "B=", False),
        ({"cursors": "odd", "next": "https://x/?after=B"}, "B", False),
        ({"next": "https://x/"}, None, True),
        ({"next": 7}, None, True),
        ({"next": "https://[x"}, None, True),
        ("odd", None, False),
    ],
)
def test_only_a_next_page_has_a_cursor(paging: object, after: str | None, cut_off: bool) -> None:  # noqa: FBT001  # a parameter of the table above
    page = responses.parse_number_list({"data": [], "paging": paging})
    assert (page.after, page.cut_off, page.is_sound) == (after, cut_off, not cut_off)


def test_an_empty_page_may_have_a_next_one() -> None:
    page = responses.parse_number_list(
        {"data": [], "paging": {"cursors": {"after": "A"}, "next": "https://x/?after=A"}}
    )
    assert (page.numbers, page.after) == ((), "A")


def test_the_total_is_read_where_it_is_told() -> None:
    assert responses.parse_number_list({"data": [], "summary": {"total_count": 7}}).total_count == 7
    assert responses.parse_number_list({"data": []}).total_count is None


def test_a_malformed_row_loses_no_other_and_is_counted() -> None:
    rows: list[object] = [
        None,
        7,
        "x",
        [],
        {},
        {"id": ""},
        {"id": None},
        {"id": True},
        {"id": "1"},
        {"id": 2},
    ]
    page = responses.parse_number_list({"data": rows})
    assert [number.id for number in page.numbers] == ["1", "2"]
    assert page.skipped == 8
    assert not page.is_sound


def test_what_can_be_read_of_a_row_is_kept() -> None:
    page = responses.parse_number_list(
        {"data": [{"id": "1", "status": {"a": 1}, "throughput": [], "verified_name": "Shrub"}]}
    )
    assert page.numbers == (PhoneNumber(id="1", verified_name="Shrub"),)


@pytest.mark.parametrize("payload", [None, [], 3, "x", {}, {"data": None}, {"data": {"id": "1"}}])
def test_what_is_no_list_never_looks_like_an_empty_one(payload: object) -> None:
    with pytest.raises(GraphError):
        responses.parse_number_list(payload)
    with pytest.raises(GraphError):
        responses.parse_subscribed_apps(payload)


@pytest.mark.parametrize(
    ("field", "said", "kept"),
    [
        ("status", "LINKED", "CONNECTED"),
        ("status", "UNLINKED", "DISCONNECTED"),
        ("status", "UNKNOWN", None),
        ("status", "UNVERIFIED", "UNVERIFIED"),
        ("status", "HIBERNATING", "HIBERNATING"),
        ("code_verification_status", "UNVERIFIED", "NOT_VERIFIED"),
        ("code_verification_status", "EXPIRED", "EXPIRED"),
        ("code_verification_status", "DOUBTED", "DOUBTED"),
        ("name_status", "NON_EXISTS", "NONE"),
        ("new_name_status", "NON_EXISTS", "NONE"),
        ("name_status", "AVAILABLE_WITHOUT_REVIEW", "AVAILABLE_WITHOUT_REVIEW"),
        ("platform_type", "NOT_APPLICABLE", "NOT_APPLICABLE"),
        ("quality_rating", "UNKNOWN", "UNKNOWN"),
        ("messaging_limit_tier", "TIER_2K", "TIER_2K"),
        ("country_dial_code", 55, "55"),
        ("username", "", None),
        ("username", None, None),
        ("is_on_biz_app", True, True),
        ("is_on_biz_app", "true", True),
        ("is_on_biz_app", "False", False),
        ("is_on_biz_app", 0, False),
        ("is_on_biz_app", "maybe", None),
        ("is_pin_enabled", 1, True),
        ("is_official_business_account", None, None),
    ],
)
def test_enums_stay_open_and_twins_become_one(field: str, said: object, kept: object) -> None:
    assert getattr(responses.parse_number({"id": "1", field: said}), field) == kept


@pytest.mark.parametrize("said", [{"level": "STANDARD"}, "STANDARD"])
def test_the_throughput_in_both_shapes(said: object) -> None:
    assert responses.parse_number({"id": 1, "throughput": said}).throughput_level == "STANDARD"


@pytest.mark.parametrize(
    ("said", "instant"),
    [
        ("2023-08-22T19:05:53+0000", ONBOARDED),
        ("2023-08-22T21:05:53+02:00", ONBOARDED),
        ("2023-08-22T19:05:53Z", ONBOARDED),
        ("2023-08-22T19:05:53", ONBOARDED),
        (1692731153, ONBOARDED),
        ("1692731153", ONBOARDED),
        (1692731153000, ONBOARDED),
        ("soon", None),
        ("", None),
        (True, None),
        (float("nan"), None),
        (10**30, None),
        ("0001-01-01T00:00:00+1400", None),
        (None, None),
    ],
)
def test_instants_in_every_form(said: object, instant: datetime | None) -> None:
    row = {"id": "1", "last_onboarded_time": said}
    assert responses.parse_number(row).last_onboarded_time == instant


def test_texts_that_no_database_takes_are_made_harmless() -> None:
    row = json.loads('{"id": "1", "verified_name": "a\\u0000b\\ud800c"}')
    assert responses.parse_number(row).verified_name == "a?b?c"


@pytest.mark.parametrize("payload", [None, [], {}, {"id": ""}, {"id": []}, {"success": True}])
def test_without_an_id_there_is_no_object(payload: object) -> None:
    for parse in (responses.parse_number, responses.parse_created_id, responses.parse_waba):
        with pytest.raises(GraphError):
            parse(payload)


def test_a_created_id_stays_text() -> None:
    assert responses.parse_created_id({"id": "106540352242922"}) == "106540352242922"
    assert responses.parse_created_id({"id": 90071992547409931}) == "90071992547409931"


@pytest.mark.parametrize(
    ("payload", "confirmed"),
    [
        ({"success": True}, True),
        ({"success": "true"}, True),
        ({"success": 1}, True),
        ({"success": "True", "id": "1"}, True),
        ({"success": False}, False),
        ({"success": "false"}, False),
        ({"success": None}, False),
        ({}, False),
        ([], False),
        (None, False),
        (True, False),
    ],
)
def test_only_a_confirmation_is_one(payload: object, confirmed: bool) -> None:  # noqa: FBT001  # a parameter of the table above
    assert responses.parse_success(payload) is confirmed


def test_subscribed_apps_in_both_shapes() -> None:
    nested = {
        "whatsapp_business_api_data": {"id": "670843887433847", "name": "Lucky Shrub", "link": "x"},
        "override_callback_uri": "https://example.com/hook",
    }
    apps = responses.parse_subscribed_apps({"data": [nested, {"id": "2", "name": "Flat"}, {}, 3]})
    assert apps == (
        SubscribedApp(
            id="670843887433847",
            name="Lucky Shrub",
            override_callback_uri="https://example.com/hook",
        ),
        SubscribedApp(id="2", name="Flat"),
    )


def test_a_waba_in_any_spelling() -> None:
    waba = responses.parse_waba(
        {
            "id": "102290129340398",
            "name": "Lucky Shrub",
            "business_verification_status": "pending_need_more_info",
            "account_review_status": "APPROVED",
            "ownership_type": "Self",
            "timezone_id": 1,
            "owner_business_info": {"id": "5069", "name": "Shrub Ltd"},
            "health_status": {"can_send_message": "LIMITED"},
            "whatsapp_business_manager_messaging_limit": "TIER_2K",
        }
    )
    assert waba.business_verification_status == "PENDING_NEED_MORE_INFO"
    assert (waba.ownership_type, waba.timezone_id, waba.status) == ("SELF", "1", None)
    assert (waba.owner_business_id, waba.owner_business_name) == ("5069", "Shrub Ltd")
    assert (waba.can_send_message, waba.messaging_limit) == ("LIMITED", "TIER_2K")


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["true", "UNKNOWN", "https://x/?after=A", "2023-08-22T19:05:53+0000"])
)
KEYS = st.sampled_from(
    [
        *("data", "id", "paging", "cursors", "after", "next", "summary", "total_count", "status"),
        *("throughput", "level", "last_onboarded_time", "success", "whatsapp_business_api_data"),
        *("owner_business_info", "health_status", "is_on_biz_app", "verified_name"),
    ]
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(), inner),
    max_leaves=30,
)


@settings(deadline=None)
@given(payload=JSON)
def test_no_json_at_all_makes_a_parser_fail_otherwise(payload: object) -> None:
    assert responses.parse_success(payload) in {True, False}
    for parse in (
        responses.parse_number_list,
        responses.parse_number,
        responses.parse_created_id,
        responses.parse_subscribed_apps,
        responses.parse_waba,
    ):
        with contextlib.suppress(GraphError):
            parse(payload)


@settings(deadline=None)
@given(rows=st.lists(JSON))
def test_every_row_is_read_or_counted(rows: list[object]) -> None:
    page = responses.parse_number_list({"data": rows})
    assert len(page.numbers) + page.skipped == len(rows)


@settings(deadline=None)
@given(content=st.binary())
def test_no_bytes_make_the_decoder_fail(content: bytes) -> None:
    loose.parse_json(content)


def test_absurdly_deep_json_is_not_json() -> None:
    assert loose.parse_json(b"[" * 100_000) is None
    assert loose.parse_json(b"9" * 10_000) is None
