"""``migrate``, ``offboard`` and ``approval``: what they print, ask for and refuse."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from onboarding.simulator import Simulator
from tests.cli.harness import NAME, NUMBER, WABA, Deployment, Meta, pass_until_idle, scenario

OTHER = "103390129340399"
REASON = ("--reason", "the customer has left")


@pytest.fixture
def meta(deployment: Deployment) -> Iterator[Meta]:
    """Two WABAs of ours; the number is registered on the first."""
    played = scenario(start=deployment.clock.now())
    number = {
        "phone_number": NUMBER, "verified_name": NAME, "registered": True,
        "name_status": "APPROVED",
    }  # fmt: skip
    played["businesses"][0]["wabas"] = [
        {"id": WABA, "subscribed": True, "numbers": [number]}, {"id": OTHER, "subscribed": True},
    ]  # fmt: skip
    with Simulator(played) as simulator:
        made = Meta(simulator, deployment)
        with made.control:
            deployment.ok("account", "add", OTHER, "--name", "Other", stdin=simulator.token)
            deployment.request(NUMBER, NAME, "--entry", "embedded_signup")
            with made.engine() as engine:
                pass_until_idle(engine)
            yield made


@pytest.fixture
def shop(meta: Meta) -> Deployment:
    """The deployment of such a number."""
    return meta.deployment


def state(deployment: Deployment, reference: str = NUMBER) -> str:
    found: str = deployment.ok("show", reference, "--json").json["state"]
    return found


def id_of(deployment: Deployment) -> str:
    found: str = deployment.ok("show", NUMBER, "--json").json["id"]
    return found


def test_a_check_tells_each_condition(shop: Deployment) -> None:
    told = shop.ok("migrate", "check", NUMBER, "--to", OTHER)
    assert f"{NUMBER}: from WABA {WABA} to WABA {OTHER}" in told.out
    facts = shop.ok("migrate", "check", NUMBER, "--to", OTHER, "--json").json
    assert facts["is_possible"] is True
    standing = {each["condition"]: each["standing"] for each in facts["conditions"]}
    assert (standing["two_step_off"], standing["messaging_for"]) == ("met", "unknown")


def test_a_check_that_finds_something_fails_after_telling_it(meta: Meta, shop: Deployment) -> None:
    id_ = shop.ok("show", NUMBER, "--json").json["phone_number_id"]
    meta.control.post(f"/numbers/{id_}", json={"pin": "314159"}).raise_for_status()
    told = shop.run("migrate", "check", NUMBER, "--to", OTHER)
    assert told.code == 5
    assert "not_met" in told.out
    assert told.error_lines == [
        "error: Meta would refuse the migration: 1 of its conditions are not met",
        "hint: the owner of the source WABA switches it off in WhatsApp Manager",
    ]
    assert shop.run("migrate", "start", NUMBER, "--to", OTHER).code == 5
    assert state(shop) == "registered"


def test_a_migration_is_started_shown_and_undone(shop: Deployment) -> None:
    source = id_of(shop)
    started = shop.ok("migrate", "start", NUMBER, "--to", OTHER)
    assert f"migrates to WABA {OTHER}" in started.out
    assert started.out.endswith("Next: onboarding worker\n")
    there = id_of(shop)
    assert f"WABA {OTHER} as {there}" in shop.ok("show", source).out
    assert "where it was, until it is registered here" in shop.ok("show", NUMBER).out
    assert (state(shop, source), state(shop)) == ("migrating", "requested")
    (listed,) = shop.ok("migrate", "list", "--json").json["items"]
    assert (listed["source_id"], listed["destination_waba_id"]) == (source, OTHER)
    undone = shop.ok("migrate", "undo", source, "--reason", "the customer stays")
    assert undone.out == f"{NUMBER}: not migrated; {source} on WABA {WABA} is 'registered'\n"
    assert shop.ok("migrate", "list").out == "no number migrates\n"
    assert "cancelled" in shop.ok("migrate", "list", "--all").out


def test_a_source_says_in_sentences_what_it_waits_for(shop: Deployment) -> None:
    source = id_of(shop)
    shop.ok("migrate", "start", NUMBER, "--to", OTHER)
    shown = shop.ok("show", source).out
    assert "works here until it is registered on the WABA that it migrates to" in shown
    assert shop.ok("why", source).code == 0
    assert shop.run("rename", source, "Another Name").code == 5


def test_a_migration_ends_by_itself(meta: Meta, shop: Deployment) -> None:
    source = id_of(shop)
    row = shop.ok("migrate", "start", NUMBER, "--to", OTHER, "--code-ready", "--json").json
    work(meta)
    shop.ok("code", row["id"], meta.last_code())
    work(meta)
    assert (state(shop, source), state(shop)) == ("left", "registered")


def work(meta: Meta) -> None:
    """Let time pass in steps that are longer than what a list may lag behind."""
    with meta.engine() as engine:
        for minutes in (2, 6, 1):
            meta.move(minutes=minutes)
            pass_until_idle(engine)


def test_a_number_is_taken_off_only_if_that_is_confirmed(meta: Meta, shop: Deployment) -> None:
    refused = shop.run("offboard", NUMBER, *REASON)
    assert refused.code == 2
    assert refused.error_lines[1] == "hint: give --yes"
    assert shop.ok("show", NUMBER, "--json").json["offboard_at"] is None
    done = shop.ok("offboard", NUMBER, *REASON, "--yes")
    assert "is deregistered next" in done.out
    assert "deregister left" in shop.ok("show", NUMBER).out
    with meta.engine() as engine:
        meta.move(minutes=2)
        pass_until_idle(engine)
    assert state(shop) == "left"


@pytest.mark.parametrize(("typed", "code"), [(NUMBER, 0), ("1 (631) 555-1000", 0), ("yes", 2)])
def test_at_a_terminal_the_number_is_typed(
    shop: Deployment, monkeypatch: pytest.MonkeyPatch, typed: str, code: int
) -> None:
    monkeypatch.setattr("onboarding.cli.offboard.typer.prompt", lambda *_, **__: typed)
    monkeypatch.setattr("onboarding.cli.offboard._is_terminal", lambda: True)
    told = shop.run("offboard", NUMBER, *REASON)
    assert told.code == code
    wanted = shop.ok("show", NUMBER, "--json").json["offboard_at"]
    assert (wanted is not None) == (code == 0)


def test_what_is_still_to_be_taken_off_can_be_kept(shop: Deployment) -> None:
    shop.ok("offboard", NUMBER, *REASON, "--yes")
    kept = shop.ok("offboard", NUMBER, "--reason", "it stays", "--withdraw")
    assert kept.out.endswith("stays registered\n")
    assert shop.ok("show", NUMBER, "--json").json["offboard_at"] is None


def test_a_second_person_approves(shop: Deployment) -> None:
    shop.env["ONBOARDING_APPROVALS"] = "offboard"
    asked = shop.ok("--actor", "ada", "offboard", NUMBER, *REASON, "--yes")
    assert "a second person has to approve it" in asked.out
    (item,) = shop.ok("approval", "list", "--json").json["items"]
    assert (item["asked_by"], item["status"]) == ("ada", "pending")
    assert asked.out.endswith(f"approval approve {item['id']}\n")
    assert "asked for by ada" in shop.ok("show", NUMBER).out
    same = shop.run("--actor", "ada", "approval", "approve", item["id"])
    assert same.code == 5
    assert same.error_lines[0] == (
        "error: ada asked for it, so another person has to approve it"
    )  # fmt: skip
    assert shop.ok("show", NUMBER, "--json").json["offboard_at"] is None
    shop.ok("--actor", "bea", "approval", "approve", item["id"], "--reason", "agreed")
    assert shop.ok("show", NUMBER, "--json").json["offboard_at"] is not None
    assert shop.ok("approval", "list").out == "nothing waits for a second person\n"
    (done,) = shop.ok("approval", "list", "--all", "--json").json["items"]
    assert (done["status"], done["decided_by"]) == ("approved", "bea")
    history = shop.ok("history", NUMBER).out
    assert "approval_given" in history
    assert "bea" in history


def test_a_second_person_refuses(shop: Deployment) -> None:
    shop.env["ONBOARDING_APPROVALS"] = "offboard"
    shop.ok("--actor", "ada", "offboard", NUMBER, *REASON, "--yes")
    (item,) = shop.ok("approval", "list", "--json").json["items"]
    told = shop.ok("--actor", "bea", "approval", "refuse", item["id"], "--reason", "not yet")
    assert "it stays as it is" in told.out
    assert shop.ok("approval", "list", "--json").json["items"] == []


def test_a_wrong_word_in_the_setting_is_told(shop: Deployment) -> None:
    shop.env["ONBOARDING_APPROVALS"] = "everything"
    told = shop.run("approval", "list")
    assert told.code == 3
    assert "ONBOARDING_APPROVALS" in told.error_lines[0]
