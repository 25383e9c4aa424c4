"""A declined name: what ``show``, ``history`` and ``name list`` say of it, and how it goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onboarding.model import Reason
from tests.cli.harness import NAME, NUMBER, WABA, Deployment, Meta, pass_until_idle


@pytest.fixture
def declined(meta: Meta) -> Meta:
    """A verified number whose name Meta declined; the webhook was not handed over yet."""
    id_ = meta.deployment.request(NUMBER, NAME, "--code-ready")
    with meta.engine(intakes=[]) as engine:
        pass_until_idle(engine)
        number = engine.get(id_).phone_number_id
        decision = {"decision": "DECLINED", "rejection_reason": "NAME_INDIVIDUAL_ISSUE"}
        meta.control.post(f"/names/{number}", json=decision).raise_for_status()
        meta.deployment.ok("code", id_, meta.last_code())
        meta.move(minutes=5)
        pass_until_idle(engine)
        meta.move(hours=1)
        pass_until_idle(engine)
        assert engine.get(id_).waiting is Reason.NAME_DECLINED
    return meta


def hand_over(deployment: Deployment, folder: Path) -> None:
    value = {
        "display_phone_number": NUMBER[1:], "decision": "REJECTED",
        "requested_verified_name": NAME, "rejection_reason": "NAME_INDIVIDUAL_ISSUE",
    }  # fmt: skip
    change = {"field": "phone_number_name_update", "value": value}
    path = folder / "payload.json"
    path.write_text(json.dumps({"entry": [{"id": WABA, "changes": [change]}]}))
    deployment.ok("webhook", "ingest", str(path))


def test_without_the_webhook_the_reason_is_not_given(declined: Meta) -> None:
    shown = declined.deployment.ok("show", NUMBER).out
    assert "Meta declined the display name: not given" in shown
    told = declined.deployment.ok("show", NUMBER, "--json").json
    assert told["rejection"]["reason"] is None
    assert (told["whose_turn"], told["name_status"]) == ("partner", "DECLINED")
    assert "onboarding rename" in told["remedy"]


def test_with_it_the_reason_is_told_in_plain_words(declined: Meta, tmp_path: Path) -> None:
    hand_over(declined.deployment, tmp_path)
    shown = declined.deployment.ok("show", NUMBER).out
    assert "the name is that of a person, not of a business (NAME_INDIVIDUAL_ISSUE)" in shown
    assert "add what the business is: Maria Gonzalez Bakery" in shown
    told = declined.deployment.ok("show", NUMBER, "--json").json["rejection"]
    assert told["reason"] == "NAME_INDIVIDUAL_ISSUE"
    assert told["text"]
    assert told["mend"]
    history = declined.deployment.ok("history", NUMBER).out
    assert "Meta's webhook says REJECTED: the name is that of a person" in history


def test_every_version_is_listed(declined: Meta, tmp_path: Path) -> None:
    hand_over(declined.deployment, tmp_path)
    declined.deployment.ok("--actor", "eve", "rename", NUMBER, "Lucky Shrub Garden")
    first, second = declined.deployment.ok("name", "list", NUMBER, "--json").json["items"]
    assert (first["version"], first["name"], first["decision"], first["rejection_reason"]) == (
        1, NAME, "DECLINED", "NAME_INDIVIDUAL_ISSUE",
    )  # fmt: skip
    assert first["submitted_at"] < first["decided_at"]
    assert (second["name"], second["given_by"], second["submitted_at"]) == (
        "Lucky Shrub Garden", "eve", None,
    )  # fmt: skip
    shown = declined.deployment.ok("name", "list", NUMBER).out.splitlines()
    assert len(shown) == 3
    assert "that of a person" in shown[1]
    assert "not yet" in shown[2]
    assert "declined for" not in declined.deployment.ok("show", NUMBER).out


def test_the_window_of_renames_is_shown(declined: Meta) -> None:
    told = declined.deployment.ok("show", NUMBER, "--json").json["budgets"]
    renames = next(each for each in told if each["operation"] == "set_display_name")
    assert (renames["left"], renames["limit"], renames["window"]) == (10, 10, "30 d")
    assert "set_display_name left" in declined.deployment.ok("show", NUMBER).out


def test_a_number_that_is_not_there_has_no_names(deployment: Deployment) -> None:
    assert deployment.run("name", "list", NUMBER).code == 4


def test_the_anchor_of_a_deadline_is_told_in_words(deployment: Deployment) -> None:
    deployment.request()
    shown = deployment.ok("show", NUMBER).out
    assert "the request (policy: requested)" in shown
    deadline = deployment.ok("show", NUMBER, "--json").json["deadline"]
    assert deadline["anchor_source"] == "requested"
    assert deadline["starts_at"].endswith("Z")
