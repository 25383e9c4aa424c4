"""Commands that read: what they show to people and to programs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from onboarding.cli.onboardings import remedy, why
from onboarding.model import Reason
from tests.cli.harness import NAME, NUMBER, WABA, Deployment, Meta, pass_until_idle

READS = (
    ("account", "list"),
    ("account", "check"),
    ("account", "show", WABA),
    ("business", "list"),
    ("signup", "list"),
    ("list",),
    ("list", "--all"),
    ("show", NUMBER),
    ("history", NUMBER),
    ("advance",),
    ("advance", NUMBER),
    ("db", "current"),
    ("db", "check"),
    ("audit", "verify"),
    ("doctor",),
)


@pytest.mark.parametrize("command", READS, ids=" ".join)
def test_reads_print_pure_json(meta: Meta, command: tuple[str, ...]) -> None:
    meta.deployment.request()
    outcome = meta.deployment.ok(*command, "--json")
    assert outcome.err == ""
    assert isinstance(outcome.json, dict | list)
    for text in _strings(outcome.json):
        assert "\x1b" not in text
        assert "[/" not in text


@pytest.mark.parametrize("command", READS, ids=" ".join)
def test_reads_print_plain_text_where_no_terminal_is(meta: Meta, command: tuple[str, ...]) -> None:
    meta.deployment.request()
    out = meta.deployment.ok(*command).out
    assert out
    assert "\x1b" not in out
    assert all(line == line.rstrip() for line in out.splitlines())


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for each in value.values() for text in _strings(each)]
    if isinstance(value, list):
        return [text for each in value for text in _strings(each)]
    return []


def test_instants_in_json_are_utc_with_z(deployment: Deployment) -> None:
    deployment.request()
    shown = deployment.ok("show", NUMBER, "--json").json
    for name in ("created_at", "state_since", "register_by"):
        assert shown[name].endswith("Z")
        assert datetime.fromisoformat(shown[name]).tzinfo == UTC
    assert shown["deadline"]["due_at"] == shown["register_by"]


def test_text_from_outside_is_text(deployment: Deployment) -> None:
    name = "[red]Shop[/red] :smile:"
    deployment.request(name=name)
    deployment.ok("hold", NUMBER, "--reason", "not \x1b[31msigned\nyet")
    assert deployment.ok("list", "--json").json["items"][0]["display_name"] == name
    for command in (("list",), ("show", NUMBER), ("history", NUMBER)):
        out = deployment.ok(*command).out
        assert name in out
        assert "\x1b" not in out


@pytest.mark.parametrize("command", [("list",), ("list", "--json"), ("history", NUMBER)], ids=str)
def test_a_poor_encoding_breaks_nothing(deployment: Deployment, command: tuple[str, ...]) -> None:
    deployment.request(name="Žluťoučký 鈴木")
    deployment.env["PYTHONIOENCODING"] = "ascii"
    outcome = deployment.spawn(*command)
    assert (outcome.code, outcome.err) == (0, "")
    assert "\\u017d" in outcome.out


# list


def _three(deployment: Deployment) -> list[str]:
    return [deployment.request(f"+1631555100{i}", f"Shop {i}") for i in range(3)]


def test_list_pages_by_cursor(deployment: Deployment) -> None:
    ids = _three(deployment)
    first = deployment.ok("list", "--limit", "2", "--json").json
    assert [each["id"] for each in first["items"]] == ids[:2]
    second = deployment.ok("list", "--limit", "2", "--cursor", first["next_cursor"], "--json").json
    assert [each["id"] for each in second["items"]] == ids[2:]
    assert second["next_cursor"] is None
    told = deployment.ok("list", "--limit", "2")
    assert first["next_cursor"] in told.err


def test_list_all_gives_every_page(deployment: Deployment) -> None:
    ids = _three(deployment)
    everything = deployment.ok("list", "--all", "--limit", "1", "--json").json
    assert [each["id"] for each in everything["items"]] == ids
    assert everything["next_cursor"] is None


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        (("--state", "requested"), 2),
        (("--state", "cancelled"), 1),
        (("--state", "cancelled", "--state", "requested"), 3),
        (("--waba", WABA), 3),
        (("--waba", "99999"), 0),
        (("--number", "+1 (631) 555-1001"), 1),
        (("--number", "+1 631 555 9999"), 0),
        (("--number", "abc"), 0),
        (("--number", ""), 0),
        (("--deadline-before", "15d"), 2),
        (("--deadline-before", "3d"), 0),
        (("--waiting-for", "engine"), 1),
        (("--waiting-for", "operator"), 1),
        (("--waiting-for", "operator", "--limit", "1"), 1),
        (("--waiting-for", "partner"), 0),
    ],
    ids=str,
)
def test_list_takes_conditions(
    deployment: Deployment, conditions: tuple[str, ...], found: int
) -> None:
    ids = _three(deployment)
    deployment.ok("cancel", ids[0], "--reason", "not wanted")
    deployment.ok("hold", ids[1], "--reason", "not signed")
    assert len(deployment.ok("list", *conditions, "--json").json["items"]) == found


def test_waiting_for_pages_too(deployment: Deployment) -> None:
    ids = _three(deployment)
    first = deployment.ok("list", "--waiting-for", "engine", "--limit", "1", "--json").json
    assert [each["id"] for each in first["items"]] == ids[:1]
    more = ("--limit", "5", "--cursor", first["next_cursor"], "--json")
    rest = deployment.ok("list", "--waiting-for", "engine", *more).json
    assert [each["id"] for each in rest["items"]] == ids[1:]


def test_list_says_so_if_nothing_fits(deployment: Deployment) -> None:
    outcome = deployment.ok("list")
    assert (outcome.out, outcome.err) == ("", "no onboarding fits\n")


def test_list_takes_an_instant(deployment: Deployment) -> None:
    deployment.request()
    late = (datetime.now(UTC) + timedelta(days=20)).isoformat()
    assert len(deployment.ok("list", "--deadline-before", late, "--json").json["items"]) == 1


@pytest.mark.parametrize(
    "given",
    [
        ("--deadline-before", "soon"),
        ("--deadline-before", "2026-03-02"),
        ("--deadline-before", "9999999999w"),
        ("--state", "asleep"),
        ("--waiting-for", "godot"),
        ("--limit", "0"),
        ("--limit", "1001"),
        ("--limit", "many"),
    ],
    ids=str,
)
def test_list_refuses_what_it_does_not_know(deployment: Deployment, given: tuple[str, ...]) -> None:
    outcome = deployment.run("list", *given)
    assert (outcome.code, outcome.out) == (2, "")
    assert len(outcome.error_lines) <= 2


# show


def test_show_says_whose_turn_it_is_and_what_to_run(meta: Meta) -> None:
    id_ = meta.deployment.request()
    with meta.engine(intakes=[]) as engine:
        pass_until_idle(engine)
        meta.move(hours=8)
        pass_until_idle(engine)
    shown = meta.deployment.ok("show", NUMBER).out
    for part in (
        NUMBER,
        NAME,
        id_,
        "created: Meta has a phone number id",
        "holder",
        "nobody is known to be ready",
        f"onboarding code {id_} --ready",
        "in 14.0 days",
        "policy: requested",
        "code_verification_status",
        "NOT_VERIFIED",
        "9 of 9 in 72 h",
        "8 of 8 in 72 h",
        "create_number",
        "succeeded",
    ):
        assert part in shown
    told = meta.deployment.ok("show", id_[:12], "--json").json
    assert (told["whose_turn"], told["state"]) == ("holder", "created")
    assert told["remedy"].startswith(f"onboarding code {id_} --ready")
    assert told["seen"]["status"] == "PENDING"
    assert [each["name"] for each in told["operations"]] == ["create_number"]


def test_show_tells_the_last_trouble_with_codes_and_trace(meta: Meta) -> None:
    meta.control.post(f"/elsewhere/{NUMBER}", json={"use": "banned"}).raise_for_status()
    meta.deployment.request()
    with meta.engine(intakes=[]) as engine:
        pass_until_idle(engine)
        row = engine.get(NUMBER)
    assert row.trouble is not None
    failure = row.trouble.failure
    shown = meta.deployment.ok("show", NUMBER).out
    for part in (failure.message, str(failure.code), failure.remedy, failure.fbtrace_id or "-"):
        assert " ".join(str(part).split()) in shown
    told = meta.deployment.ok("show", NUMBER, "--json").json
    assert told["trouble"]["failure"]["fbtrace_id"] == failure.fbtrace_id
    assert told["operations"][0]["code"] == failure.code


def test_show_counts_the_calls_of_the_number_not_of_the_onboarding(meta: Meta) -> None:
    first = meta.deployment.request(NUMBER, NAME, "--code-ready")
    with meta.engine(intakes=[]) as engine:
        pass_until_idle(engine)
        engine.cancel(first, "not wanted")
    meta.deployment.request(NUMBER, NAME, "--again")
    told = meta.deployment.ok("show", NUMBER, "--json").json
    assert told["id"] != first
    assert told["operations"] == []
    left = {each["operation"]: each["left"] for each in told["budgets"]}
    assert left == {"request_code": 8, "register": 8, "set_display_name": 10}


def test_show_tells_of_a_hold_before_a_worker_saw_it(deployment: Deployment) -> None:
    id_ = deployment.request()
    deployment.ok("hold", id_, "--reason", "contract not signed", "--until", "2d")
    shown = deployment.ok("show", id_).out
    assert "on hold: contract not signed" in shown
    assert f"onboarding release {id_}" in shown
    assert "by osuser since" in shown
    told = deployment.ok("show", id_, "--json").json
    assert (told["hold"], told["whose_turn"]) == ("held", "operator")


def test_show_has_no_deadline_once_it_is_over(deployment: Deployment) -> None:
    id_ = deployment.request()
    deployment.ok("cancel", id_, "--reason", "not wanted")
    told = deployment.ok("show", id_, "--json").json
    assert (told["deadline"], told["whose_turn"]) == (None, None)
    assert "register by" not in deployment.ok("show", id_).out


def test_show_tells_of_escalations(deployment: Deployment) -> None:
    deployment.request()
    deployment.clock.move(days=10)
    with deployment.engine() as engine:
        engine.advance()
    assert deployment.ok("show", NUMBER, "--json").json["deadline"]["rungs_raised"] == [
        "inform",
        "urge",
    ]
    assert "inform, urge" in deployment.ok("show", NUMBER).out


@pytest.mark.parametrize("reason", Reason)
def test_every_remedy_is_filled_in(deployment: Deployment, reason: Reason) -> None:
    deployment.request()
    with deployment.engine() as engine:
        row = replace(engine.get(NUMBER), waiting=reason)
    assert "{" not in remedy(row)
    assert why(row)


# history


def test_history_names_actor_and_reason(deployment: Deployment) -> None:
    id_ = deployment.request()
    deployment.ok("--actor", "ada", "hold", id_, "--reason", "not signed")
    out = deployment.ok("history", NUMBER).out
    assert "ada" in out
    assert "not signed" in out
    told = deployment.ok("history", id_, "--json").json
    assert [each["seq"] for each in told["entries"]] == [1, 2]
    assert [each["trigger"] for each in told["entries"]] == ["requested", "held"]
    assert json.dumps(told)
