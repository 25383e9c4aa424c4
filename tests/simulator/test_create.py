"""POST /{waba}/phone_numbers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.conftest import RigMaker
from tests.simulator.harness import BUSINESS, WABA, Refused, Rig, business, refusal

OTHER_WABA = "202290129340398"


def post(rig: Rig, **params: Any) -> Refused:
    return refusal(rig.graph("POST", f"{WABA}/phone_numbers", params))


def test_created_number_is_readable_at_once_and_unverified(rig: Rig) -> None:
    number_id = rig.create()
    shown = rig.read(number_id, "status", "code_verification_status", "platform_type", "throughput")
    assert shown == {
        "status": "PENDING",
        "code_verification_status": "NOT_VERIFIED",
        "platform_type": "NOT_APPLICABLE",
        "throughput": {"level": "NOT_APPLICABLE"},
        "id": number_id,
    }


@pytest.mark.parametrize(
    ("cc", "phone_number", "digits"),
    [
        ("1", "4195551518", "14195551518"),
        ("1", "14195551518", "14195551518"),
        ("", "14195551518", "14195551518"),
        ("1", "+1 (419) 555-1518", "14195551518"),
        ("49", "15123456789", "4915123456789"),
        ("49", "4961123456", "494961123456"),
        ("55", "31984271278", "5531984271278"),
        ("52", "15512345678", "5215512345678"),
    ],
)
def test_number_is_taken_with_and_without_country_code(
    rig: Rig, cc: str, phone_number: str, digits: str
) -> None:
    params = {"cc": cc, "phone_number": phone_number, "verified_name": "Lucky Shrub"}
    response = rig.graph("POST", f"{WABA}/phone_numbers", params)
    assert rig.number(response.json()["id"])["digits"] == digits


@pytest.mark.parametrize(
    ("created", "shown"),
    [
        ("5531984271278", "+55 31 8427-1278"),
        ("5215512345678", "+52 55 1234 5678"),
        ("14195551518", "+1 419-555-1518"),
    ],
)
def test_brazilian_and_mexican_numbers_are_shown_without_their_extra_digit(
    rig: Rig, created: str, shown: str
) -> None:
    assert rig.read(rig.create(created), "display_phone_number")["display_phone_number"] == shown


def test_filter_for_the_created_digits_of_a_brazilian_number_finds_nothing(rig: Rig) -> None:
    number_id = rig.create("5531984271278")
    assert rig.listed(display_phone_number="5531984271278")["data"] == []
    found = rig.listed(display_phone_number="553184271278")["data"]
    assert [one["id"] for one in found] == [number_id]


@pytest.mark.parametrize("again", ["5531984271278", "553184271278"])
def test_both_shapes_of_a_brazilian_number_are_the_same_number(rig: Rig, again: str) -> None:
    rig.create("5531984271278")
    assert post(rig, phone_number=again, verified_name="Other")[1:] == (100, 2388012)


@pytest.mark.parametrize("encoding", ["json", "form", "multipart", "query"])
def test_parameters_are_accepted_in_every_encoding(rig: Rig, encoding: str) -> None:
    params = {"cc": "1", "phone_number": "4195551518", "verified_name": "Lucky Shrub"}
    headers = {"Authorization": f"Bearer {rig.simulator.token}"}
    ways: dict[str, dict[str, Any]] = {
        "json": {"json": params},
        "form": {"data": params},
        "multipart": {"files": {name: (None, value) for name, value in params.items()}},
        "query": {"params": params},
    }
    response = rig.http.post(f"/v23.0/{WABA}/phone_numbers", headers=headers, **ways[encoding])
    assert rig.number(response.json()["id"])["verified_name"] == "Lucky Shrub"


def test_broken_json_is_refused(rig: Rig) -> None:
    headers = {
        "Authorization": f"Bearer {rig.simulator.token}",
        "Content-Type": "application/json",
    }
    url = f"/v25.0/{WABA}/phone_numbers"
    assert refusal(rig.http.post(url, headers=headers, content=b'{"cc":')) == (400, 100, None)
    assert refusal(rig.http.post(url, headers=headers, content=b"[1]")) == (400, 100, None)


@pytest.mark.parametrize(
    ("params", "observed", "documented"),
    [
        ({"verified_name": "Lucky"}, (400, 100, None), (400, 100, None)),
        ({"phone_number": "14195551518"}, (400, 100, None), (400, 100, None)),
        ({"phone_number": "abc", "verified_name": "Lucky"}, (400, 100, None), (400, 100, None)),
        ({"phone_number": "1419", "verified_name": "Lucky"}, (400, 100, None), (422, 100, None)),
        (
            {"cc": "x", "phone_number": "4195551518", "verified_name": "Lucky"},
            (400, 100, None),
            (400, 100, None),
        ),
        (
            {"cc": "999", "phone_number": "4195551518", "verified_name": "Lucky"},
            (400, 100, None),
            (422, 100, None),
        ),
        (
            {"phone_number": "14195551518", "verified_name": "L"},
            (400, 100, None),
            (400, 100, None),
        ),
        (
            {"phone_number": "14195551518", "verified_name": "L" * 76},
            (400, 100, None),
            (400, 100, None),
        ),
    ],
)
def test_malformed_parameters_are_refused(
    start: RigMaker, profile: str, params: dict[str, str], observed: Refused, documented: Refused
) -> None:
    rig = start(profile=profile)
    assert post(rig, **params) == (observed if profile == "observed" else documented)
    assert rig.listed()["data"] == []


def test_strict_format_refuses_anything_but_digits(start: RigMaker) -> None:
    rig = start(strict_phone_numbers=True)
    assert post(rig, phone_number="+14195551518", verified_name="Lucky")[1] == 100
    assert rig.create("14195551518")


@pytest.mark.parametrize(
    ("profile", "expected"), [("observed", (400, 100, 2388012)), ("documented", (409, 100, None))]
)
def test_duplicate_is_refused(start: RigMaker, profile: str, expected: Refused) -> None:
    rig = start(profile=profile)
    rig.create()
    assert post(rig, phone_number="14195551518", verified_name="Again") == expected


@pytest.mark.parametrize(
    ("profile", "in_use", "banned"),
    [
        ("observed", (400, 200000, None), (400, 200000, None)),
        ("documented", (409, 100, None), (422, 100, None)),
    ],
)
def test_number_that_is_used_elsewhere_is_refused_until_it_is_free(
    start: RigMaker, profile: str, in_use: Refused, banned: Refused
) -> None:
    elsewhere = {"in_use": ["+14195551518"], "banned": ["+14195551519"]}
    wabas = [
        {"id": WABA},
        {"id": OTHER_WABA, "numbers": [{"phone_number": "+14195551520", "verified_name": "There"}]},
    ]
    rig = start(profile=profile, elsewhere=elsewhere, businesses=[{"id": BUSINESS, "wabas": wabas}])
    assert post(rig, phone_number="14195551518", verified_name="Lucky") == in_use
    assert post(rig, phone_number="14195551519", verified_name="Lucky") == banned
    assert post(rig, phone_number="14195551520", verified_name="Lucky") == in_use
    rig.control("POST", "elsewhere/14195551518", {"use": "free"})
    assert rig.create("14195551518")


@pytest.mark.parametrize(
    ("profile", "expected"),
    [("observed", (400, 200000, 3095008)), ("documented", (403, 200, 1349174))],
)
def test_app_that_is_no_solution_partner_adds_no_number(
    start: RigMaker, profile: str, expected: Refused
) -> None:
    rig = start(profile=profile, app={"solution_partner": False})
    assert post(rig, phone_number="14195551518", verified_name="Lucky") == expected


def test_restricted_waba_takes_no_number(start: RigMaker) -> None:
    rig = start(businesses=[business(account_review_status="RESTRICTED")])
    assert post(rig, phone_number="14195551518", verified_name="Lucky") == (403, 368, None)


@pytest.mark.parametrize(
    ("verified", "limits", "waba_cap", "cap"),
    [
        (False, {}, None, 2),
        (True, {}, None, 20),
        (True, {"numbers_per_verified_business": 100}, None, 25),
        (True, {}, 3, 3),
        (True, {"numbers_per_waba": 4}, None, 4),
    ],
)
def test_caps_of_business_and_waba(
    *,
    start: RigMaker,
    profile: str,
    verified: bool,
    limits: dict[str, int],
    waba_cap: int | None,
    cap: int,
) -> None:
    waba = {"id": WABA, "max_phone_numbers": waba_cap}
    rig = start(
        profile=profile,
        businesses=[{"id": BUSINESS, "verified": verified, "wabas": [waba]}],
        limits=limits,
    )
    for index in range(cap):
        rig.create(f"1419555{index:04d}")
    status = 400 if profile == "observed" else 403
    assert post(rig, phone_number="14195559999", verified_name="Lucky") == (status, 200, 1349175)
    assert len(rig.control("GET", "state")["numbers"]) == cap


def test_business_cap_counts_all_its_wabas(start: RigMaker) -> None:
    wabas = [{"id": WABA}, {"id": OTHER_WABA}]
    rig = start(businesses=[{"id": BUSINESS, "max_phone_numbers": 2, "wabas": wabas}])
    rig.create("14195550001")
    rig.create("14195550002", waba=OTHER_WABA)
    assert post(rig, phone_number="14195550003", verified_name="Lucky")[1:] == (200, 1349175)


def test_deleted_number_frees_its_slot_and_comes_back_with_another_id(start: RigMaker) -> None:
    rig = start(businesses=[business(max_phone_numbers=1)])
    first = rig.create()
    rig.control("POST", f"numbers/{first}", {"deleted": True})
    assert rig.listed()["data"] == []
    assert rig.create() != first


@pytest.mark.parametrize(("node", "edge"), [("1", "phone_numbers"), (BUSINESS, "phone_numbers")])
def test_unknown_waba_is_refused(start: RigMaker, profile: str, node: str, edge: str) -> None:
    rig = start(profile=profile)
    expected = (400, 100, 33) if profile == "observed" else (404, 803, None)
    assert refusal(rig.graph("POST", f"{node}/{edge}", {})) == expected
