"""Faults: each kind, whom it hits, and that it hits the same ones again."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.simulator.conftest import RigMaker
from tests.simulator.harness import WABA, Rig, refusal

ROOMY = {
    "numbers_per_verified_business": 1000,
    "numbers_per_waba": 1000,
    "management_calls": 100000,
}


def arm(rig: Rig, kind: str, **given: Any) -> str:
    name: str = rig.control("POST", "faults", {"kind": kind, **given})["name"]
    return name


def post_create(rig: Rig, phone: str = "14195551518") -> httpx.Response:
    params = {"phone_number": phone, "verified_name": "Lucky"}
    return rig.graph("POST", f"{WABA}/phone_numbers", params)


def count(rig: Rig) -> int:
    return len(rig.control("GET", "state")["numbers"])


@pytest.mark.parametrize(
    ("kind", "given", "effect"),
    [
        ("drop_before_effect", {}, False),
        ("drop_after_effect", {}, True),
        ("half_body", {}, True),
        ("timeout_after_effect", {"seconds": "10ms"}, True),
    ],
)
def test_connection_that_breaks(
    *, rig: Rig, kind: str, given: dict[str, str], effect: bool
) -> None:
    arm(rig, kind, times=1, **given)
    with pytest.raises(httpx.RemoteProtocolError):
        post_create(rig)
    call = rig.calls("create_number")[0]
    assert (call["effect"], call["fault"]) == (effect, kind)
    assert (call["http_status"] is None) is (kind != "half_body")
    assert (call["phone_number_id"] is not None) is effect
    assert count(rig) == int(effect)
    again = post_create(rig)
    assert again.status_code == (400 if effect else 200)


def test_answer_that_does_not_come_though_the_effect_is_there(rig: Rig) -> None:
    arm(rig, "timeout_after_effect", times=1, seconds="60s")
    path = f"{WABA}/phone_numbers?phone_number=14195551518&verified_name=Lucky"
    with closing(rig.send_raw("POST", path)) as connection:
        rig.await_call("create_number")
        assert count(rig) == 1
        connection.setblocking(False)  # noqa: FBT003 - the standard library's signature
        with pytest.raises(BlockingIOError):
            connection.recv(1)


def test_latency_is_added_to_whatever_else_happens(rig: Rig) -> None:
    arm(rig, "latency", seconds=["1ms", "5ms"])
    arm(rig, "success_as_string", endpoint="request_code")
    arm(rig, "error_500_transient", endpoint="request_code")
    number_id = rig.create()
    assert rig.request_code(number_id).json() == {"success": "true"}
    assert rig.calls("request_code")[0]["fault"] == "latency+success_as_string"


@pytest.mark.parametrize("after_effect", [False, True])
def test_transient_server_error(*, start: RigMaker, profile: str, after_effect: bool) -> None:
    rig = start(profile=profile)
    arm(rig, "error_500_transient", times=1, after_effect=after_effect)
    response = post_create(rig)
    assert refusal(response) == (500, 2, None)
    assert response.json()["error"]["is_transient"] is True
    assert count(rig) == int(after_effect)
    assert rig.calls()[0]["effect"] is after_effect


@pytest.mark.parametrize("after_effect", [False, True])
def test_refusal_of_choice(*, start: RigMaker, profile: str, after_effect: bool) -> None:
    rig = start(profile=profile)
    given = {"code": 133004, "subcode": 7, "status": 503, "is_transient": True}
    arm(rig, "refuse", times=1, after_effect=after_effect, **given)
    response = post_create(rig)
    assert refusal(response) == (503, 133004, 7)
    assert response.json()["error"]["is_transient"] is True
    assert count(rig) == int(after_effect)


def test_page_instead_of_json(rig: Rig) -> None:
    arm(rig, "html_502", times=1)
    response = post_create(rig)
    assert response.status_code == 502
    assert response.headers["content-type"].startswith("text/html")
    assert "<html>" in response.text
    assert count(rig) == 0


def test_missing_paging(rig: Rig) -> None:
    rig.create()
    arm(rig, "missing_paging")
    assert set(rig.listed()) == {"data"}


@pytest.mark.parametrize("sort", ["creation_time.asc", "creation_time.desc"])
def test_empty_page_with_a_next_that_leads_to_the_rows(start: RigMaker, sort: str) -> None:
    rig = start(limits=ROOMY)
    ids = [rig.create(f"1419555{index:04d}") for index in range(5)]
    arm(rig, "empty_page_with_next")
    page = rig.listed(limit=2, sort=sort, fields="id")
    pages = [page]
    while "next" in page.get("paging", {}):
        page = rig.http.get(page["paging"]["next"]).json()
        pages.append(page)
    found = [one["id"] for each in pages for one in each["data"]]
    assert [len(each["data"]) for each in pages] == [0, 2, 0, 2, 0, 1]
    assert found == (ids if sort.endswith("asc") else ids[::-1])


def test_status_that_flaps_in_reads_only(rig: Rig) -> None:
    number_id = rig.registered()
    arm(rig, "flapping_status", attempts=[2])
    shown = [rig.read(number_id, "status")["status"] for _ in range(3)]
    assert shown == ["CONNECTED", "PENDING", "CONNECTED"]
    listed = [rig.listed(fields="status")["data"][0]["status"] for _ in range(3)]
    assert listed == ["CONNECTED", "PENDING", "CONNECTED"]


def test_unknown_enum_in_a_field_of_choice(rig: Rig) -> None:
    number_id = rig.create()
    other = rig.create("14195551519")
    arm(rig, "unknown_enum", field="name_status", value="MAYBE", number="14195551518")
    fields = ("name_status", "status")
    assert rig.read(number_id, *fields)["name_status"] == "MAYBE"
    assert rig.read(number_id, *fields)["status"] == "PENDING"
    assert rig.read(other, *fields)["name_status"] == "AVAILABLE_WITHOUT_REVIEW"
    assert "name_status" not in rig.read(number_id, "status")


def test_created_number_that_the_list_does_not_show_yet(rig: Rig) -> None:
    arm(rig, "lagging_list", seconds="90s")
    number_id = rig.create()
    assert rig.listed(summary="total_count")["summary"] == {"total_count": 0}
    assert rig.listed(display_phone_number="14195551518")["data"] == []
    assert rig.read(number_id, "status")["status"] == "PENDING"
    rig.advance(90)
    assert [one["id"] for one in rig.listed()["data"]] == [number_id]


@pytest.mark.parametrize("language", [None, "de"])
def test_localised_text(rig: Rig, language: str | None) -> None:
    number_id = rig.create()
    arm(rig, "localised_user_msg", **({} if language is None else {"language": language}))
    error = rig.verify_code(number_id, "123456").json()["error"]
    assert error["error_user_title"] == ("Erro" if language is None else "Fehler")
    assert (error["code"], error["message"]) == (136025, "Verify code error")


@pytest.mark.parametrize(("scope", "code", "list_code"), [("waba", 80007, 80008), ("app", 4, 4)])
def test_throttle(rig: Rig, scope: str, code: int, list_code: int) -> None:
    arm(rig, "throttle", scope=scope, seconds="7m")
    response = rig.graph("GET", WABA)
    assert refusal(response) == (400, code, 2446079)
    assert refusal(rig.graph("GET", f"{WABA}/phone_numbers"))[1] == list_code
    if scope == "app":
        assert json.loads(response.headers["X-App-Usage"])["call_count"] == 100
    else:
        entry = json.loads(response.headers["X-Business-Use-Case-Usage"])[WABA][0]
        assert (entry["call_count"], entry["estimated_time_to_regain_access"]) == (100, 7)


def test_attempts_count_per_endpoint_and_number(start: RigMaker) -> None:
    fault = {"kind": "error_500_transient", "endpoint": "request_code", "attempts": [1, 3]}
    rig = start(faults=[fault], limits={"request_code_gap": "0s"})
    first, second = rig.create("14195550001"), rig.create("14195550002")
    statuses = [rig.request_code(first).status_code for _ in range(4)]
    assert statuses == [500, 200, 500, 200]
    assert rig.request_code(second).status_code == 500
    assert [call["attempt"] for call in rig.calls("request_code")] == [1, 2, 3, 4, 1]


def test_times_count_from_when_the_fault_was_armed(rig: Rig) -> None:
    number_id = rig.create()
    rig.read(number_id, "id")
    arm(rig, "html_502", endpoint="read_number", times=2)
    statuses = [rig.graph("GET", number_id).status_code for _ in range(4)]
    assert statuses == [502, 502, 200, 200]


@pytest.mark.parametrize("pattern", ["14195550002", "+1 419-555-0002", "*0002", 14195550002])
def test_number_may_be_digits_or_a_pattern(rig: Rig, pattern: str | int) -> None:
    arm(rig, "html_502", endpoint="create_number", number=pattern)
    assert post_create(rig, "14195550001").status_code == 200
    assert post_create(rig, "14195550002").status_code == 502


def test_rate_hits_about_its_share_and_the_same_numbers_again(start: RigMaker) -> None:
    fault = {"kind": "error_500_transient", "endpoint": "create_number", "rate": 0.3}
    phones = [f"1419555{index:04d}" for index in range(200)]
    hit = []
    for order in (phones, phones[::-1]):
        rig = start(faults=[fault], limits=ROOMY)
        hit.append({phone for phone in order if post_create(rig, phone).status_code == 500})
    assert hit[0] == hit[1]
    assert 40 <= len(hit[0]) <= 80


def test_another_seed_hits_others(start: RigMaker) -> None:
    fault = {"kind": "error_500_transient", "endpoint": "create_number", "rate": 0.5}
    phones = [f"1419555{index:04d}" for index in range(40)]
    hit = []
    for seed in (1, 2):
        rig = start(seed=seed, faults=[fault], limits=ROOMY)
        hit.append([post_create(rig, phone).status_code for phone in phones])
    assert hit[0] != hit[1]


def test_faults_can_be_listed_and_dropped(rig: Rig) -> None:
    first = arm(rig, "html_502", endpoint="register")
    second = arm(rig, "html_502", endpoint="read_waba", after_effect=True)
    faults = rig.control("GET", "faults")["faults"]
    assert set(faults) == {first, second}
    assert faults[first] == {"kind": "html_502", "endpoint": "register"}
    assert set(rig.control("DELETE", f"faults/{first}")["faults"]) == {second}
    assert rig.graph("GET", WABA).status_code == 502
    assert rig.control("DELETE", "faults") == {"faults": {}}
    assert rig.graph("GET", WABA).status_code == 200
    assert rig.http.delete(f"/_sim/faults/{first}").status_code == 404


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "no_such_kind"},
        {"kind": "html_502", "rate": 2},
        {"kind": "localised_user_msg", "language": "xx"},
        {"kind": "latency", "seconds": ["2s", "1s"]},
        {"kind": "latency", "colour": "red"},
        {"kind": "html_502", "seconds": "1s"},
        {"kind": "refuse", "status": 200},
    ],
)
def test_fault_that_makes_no_sense_is_refused(rig: Rig, given: dict[str, Any]) -> None:
    response = rig.http.post("/_sim/faults", json=given)
    assert response.status_code == 400
    assert response.json()["error"]
