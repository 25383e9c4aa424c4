"""GET /{waba}/phone_numbers: fields, filters, order and pages."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.simulator.conftest import RigMaker
from tests.simulator.harness import WABA, Refused, Rig, business, refusal

ROOMY = {"numbers_per_verified_business": 1000, "numbers_per_waba": 1000}


def fill(rig: Rig, count: int) -> list[str]:
    """Add numbers a second apart; the last one is the newest."""
    ids = []
    for index in range(count):
        ids.append(rig.create(f"1419555{index:04d}"))
        rig.advance(1)
    return ids


def ids_of(page: dict[str, Any]) -> list[str]:
    return [one["id"] for one in page["data"]]


def follow(rig: Rig, page: dict[str, Any], link: str) -> dict[str, Any]:
    answer: dict[str, Any] = rig.http.get(page["paging"][link]).json()
    return answer


def walk(rig: Rig, **params: Any) -> list[list[str]]:
    page = rig.listed(**params)
    pages = [ids_of(page)]
    while "next" in page.get("paging", {}):
        page = follow(rig, page, "next")
        pages.append(ids_of(page))
    return pages


def refused(rig: Rig, **params: Any) -> Refused:
    return refusal(rig.graph("GET", f"{WABA}/phone_numbers", params))


def test_default_fields_of_the_live_list(rig: Rig) -> None:
    rig.create()
    assert set(rig.listed()["data"][0]) == {
        "verified_name",
        "code_verification_status",
        "display_phone_number",
        "quality_rating",
        "platform_type",
        "throughput",
        "webhook_configuration",
        "id",
    }


def test_default_fields_of_the_specified_list(start: RigMaker) -> None:
    rig = start(profile="documented")
    rig.create()
    shown = rig.listed()["data"][0]
    assert {"id", "display_phone_number", "status"} <= set(shown)
    assert shown["country_code"] == "US"
    assert shown["code_verification_status"] == "UNVERIFIED"
    assert shown["quality_rating"] == "NA"
    assert "name_status" not in shown


def test_only_the_fields_asked_for_and_the_id(rig: Rig) -> None:
    number_id = rig.create()
    page = rig.listed(fields="status, throughput{level},new_name_status")
    assert page["data"] == [
        {"status": "PENDING", "throughput": {"level": "NOT_APPLICABLE"}, "id": number_id}
    ]


def test_unknown_field_fails_the_whole_call(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile)
    rig.create()
    expected = (400, 100, None) if profile == "observed" else (422, 100, None)
    assert refused(rig, fields="id,no_such_field") == expected


def test_unknown_field_is_named(rig: Rig) -> None:
    response = rig.graph("GET", f"{WABA}/phone_numbers", {"fields": "id,shoe_size"})
    message = response.json()["error"]["message"]
    assert message == (
        "(#100) Tried accessing nonexisting field (shoe_size) on node type "
        "(WhatsAppBusinessPhoneNumber)"
    )


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 7, 100])
def test_pages_hold_every_number_once(start: RigMaker, limit: int) -> None:
    rig = start(limits=ROOMY)
    ids = fill(rig, 7)
    pages = walk(rig, limit=limit, fields="id")
    assert [one for page in pages for one in page] == list(reversed(ids))
    assert all(len(page) == limit for page in pages[:-1])


def test_a_page_holds_25_unless_told_otherwise(start: RigMaker) -> None:
    rig = start(limits=ROOMY)
    fill(rig, 27)
    assert [len(page) for page in walk(rig)] == [25, 2]


def test_previous_leads_back(start: RigMaker) -> None:
    rig = start(limits=ROOMY)
    fill(rig, 5)
    first = rig.listed(limit=2)
    second = follow(rig, first, "next")
    third = follow(rig, second, "next")
    assert "previous" not in first["paging"]
    assert "next" not in third["paging"]
    assert ids_of(follow(rig, third, "previous")) == ids_of(second)
    back = follow(rig, second, "previous")
    assert ids_of(back) == ids_of(first)
    assert "previous" not in back["paging"]
    assert "next" in back["paging"]


def test_cursors_work_as_parameters(start: RigMaker) -> None:
    rig = start(limits=ROOMY)
    fill(rig, 4)
    first = rig.listed(limit=2)
    second = rig.listed(limit=2, after=first["paging"]["cursors"]["after"])
    assert ids_of(follow(rig, first, "next")) == ids_of(second)
    before = second["paging"]["cursors"]["before"]
    assert ids_of(rig.listed(limit=2, before=before)) == ids_of(first)


def test_numbers_that_come_and_go_do_not_disturb_the_pages(start: RigMaker) -> None:
    rig = start(limits=ROOMY)
    ids = fill(rig, 6)
    first = rig.listed(limit=2)
    rig.create("14195559999")
    rig.control("POST", f"numbers/{ids[4]}", {"deleted": True})
    second = follow(rig, first, "next")
    assert ids_of(second) == [ids[3], ids[2]]


def test_cursor_beyond_the_last_number_gives_an_empty_page(rig: Rig) -> None:
    rig.create()
    after = rig.listed()["paging"]["cursors"]["after"]
    assert rig.listed(after=after) == {"data": []}


def test_empty_list_has_no_paging(rig: Rig) -> None:
    assert rig.listed() == {"data": []}


def test_next_link_holds_the_token_as_metas_does(start: RigMaker) -> None:
    rig = start(limits=ROOMY)
    fill(rig, 2)
    link = httpx.URL(rig.listed(limit=1, fields="id")["paging"]["next"])
    assert link.params["access_token"] == rig.simulator.token
    assert link.params["fields"] == "id"


@pytest.mark.parametrize(
    ("sort", "newest_first"),
    [
        (None, True),
        ("creation_time.asc", False),
        ("creation_time.desc", True),
        ("last_onboarded_time.asc", False),
        ("last_onboarded_time.desc", True),
        ("['last_onboarded_time_ascending']", False),
        ('["creation_time_descending"]', True),
        ("creation_time_ascending", False),
    ],
)
def test_both_ways_to_write_an_order(
    *, start: RigMaker, sort: str | None, newest_first: bool
) -> None:
    rig = start(limits=ROOMY)
    ids = fill(rig, 3)
    params = {"limit": 2} | ({} if sort is None else {"sort": sort})
    found = [one for page in walk(rig, **params) for one in page]
    assert found == (list(reversed(ids)) if newest_first else ids)


def test_repeated_signup_moves_a_number_to_the_front_but_not_by_creation(rig: Rig) -> None:
    first = rig.signed_up("14195550001")
    rig.advance(1)
    second = rig.signed_up("14195550002")
    rig.advance(1)
    assert rig.signed_up("14195550001") == first
    assert ids_of(rig.listed()) == [first, second]
    assert ids_of(rig.listed(sort="creation_time.desc")) == [second, first]


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 0},
        {"limit": 101},
        {"limit": "many"},
        {"sort": "name.asc"},
        {"filtering": "{"},
        {"filtering": '{"field":"account_mode"}'},
        {"filtering": '[{"field":"status","operator":"EQUAL","value":"PENDING"}]'},
        {"filtering": '[{"field":"account_mode","operator":"LIKE","value":"LIVE"}]'},
    ],
)
def test_malformed_parameters_are_refused(
    start: RigMaker, profile: str, params: dict[str, Any]
) -> None:
    assert refused(start(profile=profile), **params) == (400, 100, None)


@pytest.mark.parametrize(
    ("profile", "version", "code"),
    [("observed", "v25.0", 131059), ("observed", "v23.0", 100), ("documented", "v25.0", 100)],
)
@pytest.mark.parametrize("cursor", ["nonsense", "bmFtZXwxfDF8", "é"])
def test_bad_cursor_is_refused(
    start: RigMaker, profile: str, version: str, code: int, cursor: str
) -> None:
    rig = start(profile=profile)
    response = rig.graph("GET", f"{WABA}/phone_numbers", {"after": cursor}, version=version)
    assert refusal(response) == (400, code, None)


def test_cursor_of_another_order_is_refused(rig: Rig) -> None:
    rig.create()
    after = rig.listed()["paging"]["cursors"]["after"]
    assert refused(rig, after=after, sort="creation_time.asc")[1] == 131059


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("account_mode", "SANDBOX", ["14195550002"]),
        ("account_mode", "LIVE", ["14195550001", "14195550003"]),
        ("messaging_limit_tier", "TIER_1K", ["14195550003"]),
        ("is_official_business_account", True, ["14195550001"]),
        ("is_official_business_account", "true", ["14195550001"]),
    ],
)
def test_filters(start: RigMaker, field: str, value: object, found: list[str]) -> None:
    more: list[dict[str, object]] = [
        {"is_official_business_account": True},
        {"account_mode": "SANDBOX"},
        {"messaging_limit_tier": "TIER_1K"},
    ]
    numbers = [
        {"phone_number": f"+1419555000{index}", "verified_name": "Lucky", **one}
        for index, one in enumerate(more, 1)
    ]
    rig = start(businesses=[business(numbers=numbers)])
    filtering = json.dumps([{"field": field, "operator": "EQUAL", "value": value}])
    page = rig.listed(filtering=filtering, summary="total_count", sort="creation_time.asc")
    digits = [rig.number(one)["digits"] for one in ids_of(page)]
    assert digits == found
    assert page["summary"] == {"total_count": len(found)}


def test_summary_counts_beyond_the_page(start: RigMaker) -> None:
    rig = start(limits=ROOMY)
    fill(rig, 3)
    page = rig.listed(limit=1, summary="total_count")
    assert (len(page["data"]), page["summary"]["total_count"]) == (1, 3)


def test_exact_filter_finds_one_number_on_this_waba_only(rig: Rig) -> None:
    number_id = rig.create()
    rig.create("14195551519")
    assert ids_of(rig.listed(display_phone_number="14195551518")) == [number_id]
    assert ids_of(rig.listed(display_phone_number="+1 419-555-1518")) == [number_id]
    assert ids_of(rig.listed(display_phone_number="4195551518")) == []


def test_unknown_waba(start: RigMaker, profile: str) -> None:
    rig = start(profile=profile)
    expected = (400, 100, 33) if profile == "observed" else (404, 803, None)
    assert refusal(rig.graph("GET", "1/phone_numbers")) == expected
