"""Tokens from elsewhere, of businesses, the hand-over of Embedded Signup, and the key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onboarding.engine.vault import Vault, new_key
from tests.cli.harness import NUMBER, PIN, TOKEN, WABA, Deployment, Meta, pass_until_idle

OTHER, BUSINESS = "103399999999999", "506914307656634"
NEW_TOKEN = "EAAnewtokenABCDEF0123456789"
APP = {"ONBOARDING_APP_ID": "634974688087057", "ONBOARDING_APP_SECRET": "secret-of-the-app"}


def place(folder: Path, token: str = TOKEN) -> str:
    (folder / "kept").write_text(token)
    return f"file:{folder / 'kept'}"


def test_the_place_of_a_token_is_stored_instead_of_it(deployment: Deployment) -> None:
    source = place(deployment.folder)
    deployment.ok("account", "add", OTHER, "--token-from", source, "--name", "Elsewhere")
    shown = deployment.ok("account", "show", OTHER, "--json")
    assert shown.json["credential"]["place"] == source
    assert source in deployment.ok("account", "show", OTHER).out
    assert TOKEN not in shown.out
    assert TOKEN.encode() not in deployment.database.read_bytes()


@pytest.mark.parametrize(
    ("given", "part"),
    [
        (("--token-from", "nowhere"), "no place that a token is read from"),
        (("--token-from", "env:A", "--token-of", BUSINESS), "given in one way"),
        (("--token-from", "env:A", "--token-file", "x"), "given in one way"),
    ],
)
def test_what_is_no_way_to_a_token_is_refused(
    deployment: Deployment, given: tuple[str, ...], part: str
) -> None:
    before = deployment.stored()
    outcome = deployment.run("account", "add", OTHER, *given)
    assert (outcome.code, part in outcome.error_lines[0]) == (2, True)
    assert deployment.stored() == before


def test_a_waba_takes_the_token_of_its_business(deployment: Deployment) -> None:
    assert deployment.run("account", "add", OTHER, "--token-of", BUSINESS).code == 4
    assert deployment.ok("business", "list").out.startswith("there are none")
    deployment.ok("business", "add", BUSINESS, "--name", "Lucky", stdin=TOKEN)
    deployment.ok("account", "add", OTHER, "--token-of", BUSINESS)
    (told,) = deployment.ok("business", "list", "--json").json
    assert (told["business_id"], told["source"], told["wabas"]) == (BUSINESS, "stored", [OTHER])
    assert "Lucky" in deployment.ok("business", "list").out
    assert f"of business {BUSINESS}" in deployment.ok("account", "show", OTHER).out
    with deployment.engine() as engine:
        assert engine.context.token_of(engine.account(OTHER)) == TOKEN


def test_a_new_token_waits_until_it_is_proven(meta: Meta) -> None:
    deployment = meta.deployment
    meta.control.post("/tokens", json={"token": NEW_TOKEN, "dead": False}).raise_for_status()
    deployment.ok("account", "add", WABA, stdin=NEW_TOKEN)
    assert "takes over once" in deployment.ok("account", "show", WABA).out
    assert deployment.ok("account", "show", WABA, "--json").json["credential"]["next"] == "stored"
    deployment.ok("account", "check", WABA)
    shown = deployment.ok("account", "show", WABA, "--json").json
    assert shown["credential"]["next"] is None
    assert shown["credential"]["missing_scopes"] == []
    assert "never" in deployment.ok("account", "show", WABA).out
    deployment.ok("account", "add", WABA, stdin="EAAworthless0123456789")
    refused = deployment.run("account", "check", WABA)
    assert refused.code == 8
    assert "the one before goes on" in refused.error_lines[0]


def test_a_callback_is_asked_for_with_its_verify_token(deployment: Deployment) -> None:
    uri = "https://hooks.example/lucky"
    assert deployment.run("account", "callback", WABA, uri, stdin="").code == 2
    deployment.ok("account", "callback", WABA, uri, stdin="shown first")
    shown = deployment.ok("account", "show", WABA, "--json")
    assert shown.json["override_callback_uri"] == uri
    deployment.ok("account", "callback", WABA)
    assert deployment.ok("account", "show", WABA, "--json").json["override_callback_uri"] is None
    assert deployment.run("account", "callback", OTHER).code == 4
    assert "shown first" not in str(deployment.stored())


def test_a_hand_over_is_taken_from_a_file_or_standard_input(meta: Meta) -> None:
    deployment = meta.deployment
    body = {"waba_id": WABA, "phone_number": NUMBER, "verified_name": "Lucky Shrub"}
    done = meta.control.post("/embedded_signup/session", json=body).raise_for_status().json()
    event = deployment.folder / "event.json"
    event.write_text(json.dumps(done["event"]))
    taken = deployment.ok(
        "request", "--signup-event", str(event), "--key", "order-1", "--json"
    ).json
    assert taken["signup"]["event"] == "FINISH"
    with meta.engine() as engine:
        pass_until_idle(engine)
        assert engine.get(NUMBER).key == "order-1"
    (listed,) = deployment.ok("signup", "list", "--json").json
    assert listed["id"] == taken["signup"]["id"]
    assert NUMBER in deployment.ok("signup", "list").out
    assert deployment.ok("signup", "list", "--pending").out == "there are none\n"
    without = deployment.run("request", "--signup-event", "-", stdin=json.dumps(done))
    assert without.code == 3
    assert "ONBOARDING_APP_SECRET" in without.error_lines[0]
    assert done["code"] not in without.out + without.err
    assert [call["endpoint"] for call in meta.control.get("/calls").json()["calls"]].count(
        "exchange_code"
    ) == 0


def test_a_code_that_gives_no_token_is_told(meta: Meta) -> None:
    deployment = meta.deployment
    handover = {"event": {"event": "FINISH_ONLY_WABA", "data": {"waba_id": OTHER}}, "code": "AQx"}
    told = deployment.run("request", "--signup-event", "-", stdin=json.dumps(handover), env=APP)
    assert told.code == 0
    assert "warning: " in told.err
    assert f"Next: onboarding account add {OTHER}" in told.out
    assert "AQx" not in told.out + told.err
    assert "on hold" in deployment.ok("account", "list").out


@pytest.mark.parametrize(
    ("args", "stdin", "part"),
    [
        (("--signup-event", "-"), '{"event": "CANCEL", "data": {}}', "left Embedded Signup"),
        (("--signup-event", "-"), "no json", "not JSON"),
        ((WABA, "--signup-event", "-"), "{}", "waba_id does not go with --signup-event"),
        (("--signup-event", "-", "--from-pool", "BR"), "{}", "--from-pool does not go with"),
        (("--signup-event", "-", "--entry", "new"), "{}", "--entry does not go with"),
        ((WABA, NUMBER), None, "--signup-event"),
        ((), None, "--signup-event"),
    ],
)
def test_what_is_no_hand_over_is_refused(
    deployment: Deployment, args: tuple[str, ...], stdin: str | None, part: str
) -> None:
    before = deployment.stored()
    outcome = deployment.run("request", *args, stdin=stdin)
    assert outcome.code == 2
    assert part in outcome.err
    assert deployment.stored() == before


def test_the_key_is_replaced(deployment: Deployment) -> None:
    old, new = deployment.key_file.read_text().strip(), new_key()
    id_ = deployment.request()
    deployment.ok("secrets", "set-pin", id_, stdin=PIN)
    refused = deployment.run("secrets", "rotate", "--reason", "yearly")
    assert refused.code == 5
    assert "there is no new key" in refused.error_lines[0]
    deployment.key_file.write_text(f"{new}\n{old}\n")
    told = deployment.ok("secrets", "rotate", "--reason", "yearly")
    assert Vault(new).key_ids[0] in told.out
    assert not [key for key in (old, new) if key in told.out + told.err]
    deployment.key_file.write_text(new)
    assert deployment.ok("secrets", "reveal-pin", id_, "--reason", "a look").out == f"{PIN}\n"
    deployment.key_file.write_text(old)
    assert deployment.run("list").code == 3
    deployment.key_file.write_text(new)
    history = deployment.ok("account", "history", WABA, "--json").json["entries"]
    assert [(e["trigger"], e["reason"]) for e in history][-1] == ("key_rotated", "yearly")
