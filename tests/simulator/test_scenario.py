"""Scenario files: what they may hold, and what is told of mistakes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from onboarding.simulator import Scenario, ScenarioError, Simulator, load_scenario, make_scenario
from onboarding.simulator.durations import describe_duration, parse_duration, parse_span
from tests.simulator.conftest import RigMaker
from tests.simulator.harness import BUSINESS, DAY, START, WABA, business, scenario

YAML = """
seed: 7
profile: documented
clock: {mode: skipping, start: 2026-11-02T09:00:00Z, participants: 2}
app: {id: "1", secret: s, require_proof: true}
tokens: [{value: EAAx, wabas: ["200"], scopes: [whatsapp_business_management]}]
businesses:
  - id: "100"
    verified: false
    max_phone_numbers: 3
    wabas:
      - id: "200"
        account_review_status: PENDING
        numbers:
          - phone_number: "+14195551518"
            verified_name: Lucky
            embedded_signup: 2026-11-01T00:00:00
limits: {register_attempts: 3, window: 2d, lock: 90m}
codes: {validity: 15m, delivery: [5s, 40s]}
registration: {connected_after: 10s}
reviewer:
  default: {first: PENDING_REVIEW, after: 6h}
  rules: [{name: "Shop *", decision: never}]
faults: [{kind: latency, rate: 0.5, seconds: [100ms, 1s]}]
expect: {registered: 1}
demo: {anything: [1, 2]}
"""
TOML = """
seed = 7
[clock]
mode = "manual"
[[businesses]]
id = "100"
[[businesses.wabas]]
id = "200"
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_yaml(tmp_path: Path) -> None:
    loaded = load_scenario(write(tmp_path / "s.yaml", YAML))
    assert loaded.clock.start == START
    assert loaded.limits.lock == timedelta(minutes=90)
    assert loaded.codes.delivery == (timedelta(seconds=5), timedelta(seconds=40))
    assert loaded.registration.connected_after == (timedelta(seconds=10),) * 2
    number = loaded.businesses[0].wabas[0].numbers[0]
    assert number.embedded_signup == datetime(2026, 11, 1, tzinfo=UTC)
    assert loaded.demo == {"anything": [1, 2]}


def test_toml(tmp_path: Path) -> None:
    loaded = load_scenario(write(tmp_path / "s.toml", TOML))
    assert (loaded.seed, loaded.clock.mode) == (7, "manual")
    assert loaded.businesses[0].wabas[0].id == "200"


def test_empty_file_is_the_default_scenario(tmp_path: Path) -> None:
    assert load_scenario(write(tmp_path / "s.yaml", "")) == Scenario()


def test_default_scenario_has_one_empty_waba() -> None:
    wabas = [waba for business in Scenario().businesses for waba in business.wabas]
    assert [(waba.id, waba.numbers) for waba in wabas] == [(WABA, ())]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("s.yaml", "seed: [", ["s.yaml"]),
        ("s.toml", "seed = ", ["s.toml"]),
        ("s.yaml", "- 1", ["s.yaml", "mapping"]),
        ("s.yaml", "sed: 1", ["s.yaml: sed", "allowed: app, businesses, clock"]),
        ("s.yaml", "clock: {speed: 2}", ["clock.speed", "allowed: mode, participants, start"]),
        ("s.yaml", "clock: {mode: fast}", ["clock.mode", "'real', 'manual' or 'skipping'"]),
        (
            "s.yaml",
            "businesses: [{id: '1', wabas: [{id: '2', nmae: x}]}]",
            ["businesses[0].wabas[0].nmae", "account_review_status", "max_phone_numbers"],
        ),
        ("s.yaml", "reviewer: {rules: [{first: MAYBE}]}", ["reviewer.rules[0].first", "NONE"]),
        ("s.yaml", "codes: {validity: 10 minutes}", ["codes.validity", "90s, 15m, 6h or 2d"]),
        ("s.yaml", "codes: {delivery: [9s, 1s]}", ["codes.delivery", "shorter"]),
        ("s.yaml", "codes: {delivery: [1s]}", ["codes.delivery", "two ends"]),
        ("s.yaml", "faults: [{kind: html_502, rate: 3}]", ["faults[0].rate", "less than"]),
        (
            "s.yaml",
            "faults: [{kind: html_502, scope: app}]",
            ["faults[0]", "html_502 has no scope", "allowed: after_effect, attempts"],
        ),
        ("s.yaml", "app: {require_proof: true}", ["app", "needs a secret"]),
        (
            "s.yaml",
            (
                "businesses: [{id: '1', wabas: [{id: '2', numbers: [{phone_number: '+1', "
                "verified_name: Lucky, two_step_off: 2026-11-02}]}]}]"
            ),
            ["businesses[0].wabas[0].numbers[0]", "two_step_off needs a pin"],
        ),
        (
            "s.yaml",
            "businesses: [{id: '1', preverified_numbers: [{id: '2', number: x}]}]",
            ["preverified_numbers[0].number", "allowed: id, phone_number, verified, verified_at"],
        ),
        ("s.yaml", "businesses: [{id: '1'}, {id: '1'}]", ["given twice: 1"]),
        ("s.yaml", "tokens: [{wabas: ['9']}]", ["unknown WABAs: 9"]),
        ("s.yaml", "businesses: [{id: abc}]", ["businesses[0].id", "pattern"]),
    ],
)
def test_mistakes_are_told_with_file_key_and_what_is_allowed(
    tmp_path: Path, name: str, text: str, words: list[str]
) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(write(tmp_path / name, text))
    for word in words:
        assert word in str(caught.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ScenarioError) as caught:
        make_scenario({"sed": 1, "clock": {"mode": "fast"}}, source="demo")
    assert len(str(caught.value).splitlines()) == 2


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"nowhere\.yaml"):
        load_scenario(tmp_path / "nowhere.yaml")


def test_digits_need_no_quotes(tmp_path: Path) -> None:
    text = f"""
    businesses:
      - id: {BUSINESS}
        wabas:
          - id: {WABA}
            numbers: [{{phone_number: +14195551518, verified_name: 4711}}]
    faults: [{{kind: html_502, number: 14195551518}}]
    """
    loaded = load_scenario(write(tmp_path / "s.yaml", text))
    number = loaded.businesses[0].wabas[0].numbers[0]
    assert (number.phone_number, number.verified_name) == ("14195551518", "4711")
    assert loaded.faults[0].number == "14195551518"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("90s", 90), ("15m", 900), ("6h", 21600), ("1.5d", 129600), (3, 3)],
)
def test_durations(text: object, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)
    assert parse_span(text) == (timedelta(seconds=seconds),) * 2


@pytest.mark.parametrize("text", ["", "5", "-5s", "5 s", "s", None, True, -1])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.2, "1 seconds"),
        (59, "59 seconds"),
        (61, "2 minutes"),
        (3600, "1 hours"),
        (86400, "24 hours"),
    ],
)
def test_waits_are_rounded_up(seconds: float, told: str) -> None:
    assert describe_duration(timedelta(seconds=seconds)) == told


@pytest.mark.parametrize(
    "given",
    [
        {"businesses": [business(numbers=[{"phone_number": "12", "verified_name": "Lucky"}])]},
        {
            "businesses": [
                business(numbers=[{"phone_number": "+14195551518", "verified_name": "Lucky"}] * 2)
            ]
        },
        {"elsewhere": {"banned": ["x"]}},
    ],
)
def test_numbers_that_cannot_be_are_told_when_the_world_is_built(given: dict[str, Any]) -> None:
    with pytest.raises(ScenarioError, match=r"phone number|twice"), Simulator(scenario(given)):
        pass


def test_numbers_of_a_scenario_start_as_told(start: RigMaker) -> None:
    signed_up = (START - timedelta(days=13)).isoformat()
    later = (START + timedelta(days=5)).isoformat()
    numbers = [
        {"phone_number": "+14195550001", "verified_name": "Made"},
        {"phone_number": "+14195550002", "verified_name": "Signed", "embedded_signup": signed_up},
        {
            "phone_number": "+14195550003",
            "verified_name": "Done",
            "registered": True,
            "pin": "123456",
        },
        {"phone_number": "+14195550004", "verified_name": "Later", "embedded_signup": later},
        {
            "phone_number": "+14195550005",
            "verified_name": "Linked",
            "is_on_biz_app": True,
            "platform_type": "ON_PREMISE",
            "status": "DISCONNECTED",
            "name_status": "DECLINED",
        },
    ]
    rig = start(businesses=[business(numbers=numbers)])
    fields = "verified_name,status,code_verification_status,platform_type,name_status"
    shown = {
        one["verified_name"]: tuple(one[name] for name in fields.split(",")[1:])
        for one in rig.listed(fields=fields)["data"]
    }
    free = "AVAILABLE_WITHOUT_REVIEW"
    assert shown == {
        "Made": ("PENDING", "NOT_VERIFIED", "NOT_APPLICABLE", free),
        "Signed": ("PENDING", "VERIFIED", "NOT_APPLICABLE", free),
        "Done": ("CONNECTED", "VERIFIED", "CLOUD_API", free),
        "Linked": ("DISCONNECTED", "NOT_VERIFIED", "ON_PREMISE", "DECLINED"),
    }
    rig.advance(2 * DAY)
    signed = rig.listed(display_phone_number="14195550002")["data"][0]["id"]
    assert rig.register(signed).status_code == 400
    rig.advance(3 * DAY)
    arrived = rig.listed(display_phone_number="14195550004")["data"][0]["id"]
    assert rig.register(arrived).status_code == 200


def test_signup_of_the_future_needs_a_free_slot(start: RigMaker) -> None:
    later = (START + timedelta(days=5)).isoformat()
    numbers = [{"phone_number": "+14195550004", "verified_name": "Later", "embedded_signup": later}]
    rig = start(businesses=[business(numbers=numbers, max_phone_numbers=1)])
    rig.create()
    rig.advance(6 * DAY)
    assert len(rig.listed()["data"]) == 1


def test_same_seed_same_ids(start: RigMaker) -> None:
    ids = [start(seed=seed).create() for seed in (1, 1, 2)]
    assert ids[0] == ids[1] != ids[2]
    assert all(one.isdecimal() and one not in (WABA, BUSINESS) for one in ids)
